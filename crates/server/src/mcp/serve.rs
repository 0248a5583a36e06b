//! One MCP connection.

use std::sync::Arc;
use std::time::Duration;

use api::{Caller, Door, Invoke, tool};
use base::Ctx;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig,
};
use rmcp::service::{RequestContext, RoleServer, ServerInitializeError, serve_server};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{answer, small, tools};
use crate::dispatch::time_of;

/// The time a call has unless it asks for another.
const CALL_LIMIT: Duration = Duration::from_secs(30);

/// Why an MCP connection could not be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The client did not begin as MCP says.
    #[error("the client did not begin an MCP connection")]
    Begin(#[source] Box<ServerInitializeError>),
    /// The connection's own task failed.
    #[error("the MCP connection failed")]
    Failed(#[source] tokio::task::JoinError),
}

/// Serves MCP on this process's standard streams until the client closes them.
///
/// What is over `largest_answer` bytes is kept by [`api::KeepResult`] and read on by
/// [`api::ReadResult`]; 0 lets every answer through whole.
///
/// # Errors
/// [`Error`]; a client that just goes away is none.
pub async fn serve_stdio(
    invoke: Arc<dyn Invoke>,
    version: &str,
    largest_answer: usize,
) -> Result<(), Error> {
    let (reader, writer) = rmcp::transport::stdio_pipes();
    serve(invoke, version, largest_answer, reader, writer).await
}

/// Serves MCP on a pair of streams until the client closes its end.
///
/// Calls that run then have a few seconds to be answered; the sessions they were about go on.
///
/// # Errors
/// As [`serve_stdio`].
pub async fn serve(
    invoke: Arc<dyn Invoke>,
    version: &str,
    largest_answer: usize,
    reader: impl AsyncRead + Send + Unpin + 'static,
    writer: impl AsyncWrite + Send + Unpin + 'static,
) -> Result<(), Error> {
    let front = Front {
        invoke,
        caller: Caller::local(Door::Mcp),
        version: version.to_owned(),
        largest_answer,
    };
    let running = match serve_server(front, (reader, writer)).await {
        Ok(running) => running,
        Err(ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(err) => return Err(Error::Begin(Box::new(err))),
    };
    running.waiting().await.map(drop).map_err(Error::Failed)
}

struct Front {
    invoke: Arc<dyn Invoke>,
    caller: Caller,
    version: String,
    largest_answer: usize,
}

impl ServerHandler for Front {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("browserd", self.version.clone()))
            .with_instructions(tool::INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, rmcp::ErrorData> {
        Ok(ListToolsResult::with_all_items(tools::listed()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, rmcp::ErrorData> {
        let arguments = request.arguments.map_or(Value::Null, Value::Object);
        let mut ctx = Ctx::within(time_of(&arguments, CALL_LIMIT));
        ctx.cancel = context.ct.clone();
        let asked = small::Asked::of(&request.name, &arguments);
        let call = async {
            let answer = self
                .invoke
                .invoke(&ctx, &self.caller, &request.name, arguments)
                .await?;
            let (invoke, caller) = (&self.invoke, &self.caller);
            let fitted = small::fit(
                invoke,
                caller,
                &context.ct,
                self.largest_answer,
                &asked,
                answer,
            );
            Ok(fitted.await)
        };
        let result = tokio::select! {
            biased;
            result = call => result,
            // Nobody reads the answer of a cancelled call; dropping the call hangs up on it.
            () = context.ct.cancelled() => Err(answer::cancelled()),
        };
        Ok(match result {
            Ok((value, cuts)) => answer::answer(&request.name, value, &cuts),
            Err(error) => answer::error(&error),
        }
        .into())
    }
}

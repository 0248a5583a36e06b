//! Rust client of browserd's HTTP API, over the unix socket of a home or over TCP.
//!
//! ```text
//!   call::<O>() ─▶ send() ─▶ pool ─▶ connect (unix socket | TCP + token) ─▶ POST /v1/operations/{name}
//!   Rejoin: an Invoke over it that starts or joins the daemon and looks up calls cut off
//! ```
//!
//! No task is spawned and no thread made: a connection is driven by the call that uses it,
//! so a one-shot command pays for one connect and one exchange. What matters most here is to
//! tell apart a call that never left ([`Error::is_unsent`]: repeat it) from one that was sent
//! and not answered ([`Error::OutcomeUnknown`]: look it up with `get_call`).

mod address;
mod error;
mod exchange;
mod pool;
mod rejoin;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use api::{ApiError, Caller, Invoke, Operation};
use base::Ctx;
use futures_util::future::BoxFuture;
use serde_json::Value;

use address::Address;
pub use error::{Cut, Error};
use exchange::Progress;
use pool::Pool;
pub use rejoin::{Rejoin, Start};

/// A client of one daemon. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    address: Address,
    pool: Pool,
}

impl Client {
    /// Returns a client of the daemon that holds `home`. Nothing is connected yet.
    #[must_use]
    pub fn unix(home: &Path) -> Self {
        Self::new(Address::Unix(home.to_owned()))
    }

    /// Returns a client of the daemon at `address`. Nothing is connected yet.
    #[must_use]
    pub fn tcp(address: SocketAddr, token: impl Into<String>) -> Self {
        Self::new(Address::Tcp {
            address,
            token: token.into(),
        })
    }

    fn new(address: Address) -> Self {
        Self(Arc::new(Inner {
            address,
            pool: Pool::default(),
        }))
    }

    /// Runs an operation.
    ///
    /// # Errors
    /// [`Error::Refused`] holds what the daemon answered; the others say how far the call came.
    ///
    /// # Cancel safety
    /// Dropping it hangs up, which cancels the call in the daemon; what it had sent to a page
    /// may still take effect.
    pub async fn call<O: Operation>(&self, ctx: &Ctx, input: &O) -> Result<O::Output, Error> {
        let arguments = serde_json::to_value(input).map_err(|source| Error::Encode { source })?;
        let answer = self.send(ctx, O::NAME, &arguments).await?;
        serde_json::from_value(answer).map_err(|source| Error::Decode { source })
    }

    /// Runs an operation by name.
    ///
    /// # Errors
    /// As [`Client::call`].
    ///
    /// # Cancel safety
    /// As [`Client::call`].
    pub async fn send(
        &self,
        ctx: &Ctx,
        operation: &str,
        arguments: &Value,
    ) -> Result<Value, Error> {
        let mut outgoing = exchange::Outgoing::of(ctx, &self.0.address, operation, arguments)?;
        loop {
            let (connection, reused) = match self.0.pool.take().await {
                Some(connection) => (connection, true),
                None => (self.0.address.connect(ctx).await?, false),
            };
            match connection.exchange(ctx, outgoing).await {
                Progress::Answered { answer, connection } => {
                    if let Some(connection) = connection {
                        self.0.pool.give_back(connection);
                    }
                    return answer;
                }
                // A kept connection may end at any moment; the request came back whole, so
                // it goes out again on a new one.
                Progress::Unsent {
                    outgoing: whole, ..
                } if reused => outgoing = whole,
                Progress::Unsent { source, .. } => return Err(Error::NotSent { source }),
                Progress::Cut(cut) => {
                    return Err(Error::OutcomeUnknown {
                        call: ctx.call,
                        cut,
                    });
                }
            }
        }
    }
}

impl Invoke for Client {
    fn invoke<'a>(
        &'a self,
        ctx: &'a Ctx,
        _caller: &'a Caller,
        operation: &'a str,
        arguments: Value,
    ) -> BoxFuture<'a, Result<Value, ApiError>> {
        // Who calls is for the daemon to find out, from the socket's peer or the token.
        Box::pin(async move {
            self.send(ctx, operation, &arguments)
                .await
                .map_err(ApiError::from)
        })
    }
}

//! The listeners and their connections.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use api::{Caller, Door};
use axum::Router;
use base::{TaskHandle, TaskKind, Tasks};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::Semaphore;

use super::guard::Access;
use super::routes::{Front, router};
use crate::Dispatch;

/// Connections a listener holds at one time; further ones wait in the backlog.
const CONNECTIONS: usize = 512;
/// How long a peer on TCP may take to send the head of a request, or be idle.
const HEAD_TIME: Duration = Duration::from_secs(75);
/// The pause after an accept that failed for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves the unix socket: no token, since the kernel says that the peer is our own user.
///
/// # Errors
/// Those of making the listener non-blocking.
pub fn serve_unix(
    listener: std::os::unix::net::UnixListener,
    dispatch: Arc<Dispatch>,
    tasks: &Tasks,
) -> io::Result<TaskHandle> {
    listener.set_nonblocking(true)?;
    let listener = UnixListener::from_std(listener)?;
    let routes = router(Front {
        dispatch,
        caller: Caller::local(Door::Socket),
        access: None,
    });
    let server = Server {
        routes,
        tasks: tasks.clone(),
        head_time: None,
    };
    Ok(tasks.spawn(TaskKind::Server, server.run(listener)))
}

/// Serves TCP with a token.
///
/// # Errors
/// Those of making the listener non-blocking.
pub fn serve_tcp(
    listener: std::net::TcpListener,
    access: Access,
    dispatch: Arc<Dispatch>,
    tasks: &Tasks,
) -> io::Result<TaskHandle> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let caller = Caller {
        door: Door::Http,
        name: "admin".to_owned(),
    };
    let routes = router(Front {
        dispatch,
        caller,
        access: Some(Arc::new(access)),
    });
    let server = Server {
        routes,
        tasks: tasks.clone(),
        head_time: Some(HEAD_TIME),
    };
    Ok(tasks.spawn(TaskKind::Server, server.run(listener)))
}

/// A listener that lets in only whom it may.
trait Accept: Send + 'static {
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    fn accept(&self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

impl Accept for UnixListener {
    type Stream = UnixStream;

    async fn accept(&self) -> io::Result<UnixStream> {
        loop {
            let (stream, _) = Self::accept(self).await?;
            let stream = stream.into_std()?;
            match base::socket::check_peer(&stream) {
                Ok(()) => return UnixStream::from_std(stream),
                Err(err) => {
                    tracing::warn!(error = %err, "a connection of another user was refused")
                }
            }
        }
    }
}

impl Accept for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<TcpStream> {
        let (stream, _) = Self::accept(self).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

struct Server {
    routes: Router,
    tasks: Tasks,
    head_time: Option<Duration>,
}

impl Server {
    async fn run<L: Accept>(self, listener: L) {
        let shutdown = self.tasks.shutdown().clone();
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let next = async {
                let permit = Arc::clone(&room).acquire_owned().await;
                (Accept::accept(&listener).await, permit)
            };
            let (stream, permit) = tokio::select! {
                () = shutdown.cancelled() => return,
                next = next => next,
            };
            match stream {
                Ok(stream) => {
                    let serve = self.connection(stream);
                    self.tasks.spawn(TaskKind::Server, async move {
                        serve.await;
                        drop(permit);
                    });
                }
                Err(err) => {
                    tracing::warn!(error = %err, "a connection was not accepted");
                    if base::Ctx::within(ACCEPT_PAUSE * 2)
                        .pause(ACCEPT_PAUSE)
                        .await
                        .is_err()
                    {
                        return;
                    }
                }
            }
        }
    }

    fn connection<S>(&self, stream: S) -> impl Future<Output = ()> + Send + use<S>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = http1::Builder::new();
        // The end of the peer's half ends the call: it has gone.
        builder
            .half_close(false)
            .timer(TokioTimer::new())
            .header_read_timeout(self.head_time);
        let service = TowerToHyperService::new(self.routes.clone());
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let shutdown = self.tasks.shutdown().clone();
        async move {
            let mut connection = std::pin::pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = shutdown.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(err) = ended {
                tracing::debug!(error = %err, "a connection ended early");
            }
        }
    }
}

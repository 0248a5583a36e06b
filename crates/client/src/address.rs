//! Where a daemon listens, and how it is reached.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use base::Ctx;
use tokio::net::{TcpStream, UnixStream};

use crate::error::{Cut, Error};
use crate::exchange::Connection;

/// The socket's name in a home.
const SOCKET: &str = "browserd.sock";

/// Where a daemon listens.
#[derive(Debug)]
pub(crate) enum Address {
    /// The unix socket of a home. No token: the kernel says who calls.
    Unix(PathBuf),
    /// TCP, with a token.
    Tcp { address: SocketAddr, token: String },
}

impl Address {
    /// Connects.
    pub(crate) async fn connect(&self, ctx: &Ctx) -> Result<Connection, Error> {
        let connected = ctx
            .race(self.dial())
            .await
            .map_err(|stopped| Error::NotSent {
                source: Cut::Stopped(stopped),
            })?;
        connected.map_err(|source| Error::Unavailable {
            address: self.to_string(),
            source,
        })
    }

    async fn dial(&self) -> io::Result<Connection> {
        match self {
            Self::Unix(home) => {
                let stream = base::socket::connect(home, SOCKET)?;
                // A socket somebody else put there would get what the page is told to type.
                base::socket::check_peer(&stream)?;
                stream.set_nonblocking(true)?;
                Connection::over(UnixStream::from_std(stream)?).await
            }
            Self::Tcp { address, .. } => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Connection::over(stream).await
            }
        }
    }

    /// Returns what stands in `Host`.
    pub(crate) fn host(&self) -> String {
        match self {
            Self::Unix(_) => "localhost".to_owned(),
            Self::Tcp { address, .. } => address.to_string(),
        }
    }

    /// Returns the token, where one is needed.
    pub(crate) fn token(&self) -> Option<&str> {
        match self {
            Self::Unix(_) => None,
            Self::Tcp { token, .. } => Some(token),
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(home) => write!(f, "{}", home.join(SOCKET).display()),
            Self::Tcp { address, .. } => write!(f, "http://{address}"),
        }
    }
}

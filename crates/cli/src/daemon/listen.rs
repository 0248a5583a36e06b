//! The daemon's listeners.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;

use base::Code;

use crate::config::Listen;
use crate::failure::{Failure, code_of};
use crate::home::Home;

/// Binds HTTP: where it was told to, else at the usual port or, if that is taken, another.
///
/// # Errors
/// `port_in_use` for an address that was asked for; `not_available` for one that others reach.
pub fn tcp(listen: Listen) -> Result<TcpListener, Failure> {
    let address = listen.address;
    if !address.ip().is_loopback() {
        let message = format!("This version serves HTTP on loopback only, not on {address}.");
        return Err(Failure::new(Code::NotAvailable, message)
            .hint("Listen on 127.0.0.1 and put a proxy with TLS before it."));
    }
    let bound = match TcpListener::bind(address) {
        Err(err) if err.kind() == io::ErrorKind::AddrInUse && !listen.forced => {
            TcpListener::bind(SocketAddr::new(address.ip(), 0))
        }
        bound => bound,
    };
    let listener = bound.map_err(|err| refused(address, &err))?;
    listener
        .set_nonblocking(true)
        .map_err(|err| refused(address, &err))?;
    Ok(listener)
}

fn refused(address: SocketAddr, err: &io::Error) -> Failure {
    if err.kind() == io::ErrorKind::AddrInUse {
        let message = format!("Another program listens on {address}.");
        return Failure::new(Code::PortInUse, message)
            .hint("Leave --listen out, and browserd takes a free port: browserd status");
    }
    Failure::new(
        code_of(err),
        format!("The daemon can't listen on {address}: {err}."),
    )
}

/// Binds the home's socket. The caller holds the home's lock, so nobody else listens there.
///
/// # Errors
/// Those of binding.
pub fn unix(home: &Home) -> Result<UnixListener, Failure> {
    let bound = base::socket::bind(home.folder(), Home::SOCKET)
        .and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
    bound.map_err(|err| {
        let message = format!(
            "The daemon can't listen on {}: {err}.",
            home.socket().display()
        );
        Failure::new(code_of(&err), message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_refused_only_if_it_was_asked_for() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        match tcp(Listen {
            address,
            forced: true,
        }) {
            Err(Failure::Coded(coded)) => assert_eq!(coded.code, Code::PortInUse),
            other => panic!("{other:?}"),
        }
        let other = tcp(Listen {
            address,
            forced: false,
        })
        .unwrap();
        assert_ne!(other.local_addr().unwrap().port(), address.port());
    }

    #[test]
    fn the_world_is_not_listened_to() {
        let address = "0.0.0.0:0".parse().unwrap();
        assert!(
            tcp(Listen {
                address,
                forced: true
            })
            .is_err()
        );
    }
}

//! A TCP link that can be cut, falls silent or leads elsewhere: it stands between browserd and
//! a browser that browserd is attached to.
//!
//! ```text
//! daemon ──▶ Link (127.0.0.1:PORT) ──▶ Chromium's debugging port
//! ```

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// What a link does with what comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    /// It passes everything on.
    Open,
    /// It ends every connection.
    Cut,
    /// It takes connections and passes nothing on; nothing of it is lost.
    Silent,
    /// The link itself is over.
    Over,
}

#[derive(Debug)]
struct State {
    mode: Mode,
    to: SocketAddr,
    taken: u64,
    next: u64,
    /// Both sockets of each connection.
    open: HashMap<u64, [TcpStream; 2]>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// A link. Dropping it cuts it for good.
#[derive(Debug)]
pub struct Link {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

impl Link {
    /// Starts to listen on a free loopback port, and leads to `to`.
    #[must_use]
    pub fn to(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("the port's address");
        let state = State {
            mode: Mode::Open,
            to,
            taken: 0,
            next: 0,
            open: HashMap::new(),
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
        });
        let accepting = {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || shared.accept(&listener))
        };
        Self {
            address,
            shared,
            accepting: Some(accepting),
        }
    }

    /// Returns where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every connection, and each that comes from now on.
    pub fn cut(&self) {
        self.shared.set(Mode::Cut);
        self.shared.end_all();
    }

    /// Passes nothing on any more; what comes is kept.
    pub fn silence(&self) {
        self.shared.set(Mode::Silent);
    }

    /// Passes everything on again.
    pub fn restore(&self) {
        self.shared.set(Mode::Open);
    }

    /// Leads new connections to another place.
    pub fn lead_to(&self, to: SocketAddr) {
        self.shared.lock().to = to;
    }

    /// Returns how many connections were led on so far.
    #[must_use]
    pub fn n_taken(&self) -> u64 {
        self.shared.lock().taken
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, mode: Mode) {
        self.lock().mode = mode;
        self.changed.notify_all();
    }

    fn end_all(&self) {
        for (_, sockets) in self.lock().open.drain() {
            for socket in sockets {
                // The other end may have been quicker.
                socket.shutdown(Shutdown::Both).ok();
            }
        }
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for near in listener.incoming() {
            let Ok(near) = near else { continue };
            let mut state = self.lock();
            match state.mode {
                Mode::Over => return,
                Mode::Cut => continue,
                Mode::Open | Mode::Silent => {}
            }
            let Ok(far) = TcpStream::connect(state.to) else {
                continue;
            };
            near.set_nodelay(true).ok();
            far.set_nodelay(true).ok();
            let copies = [&near, &far, &near, &far].map(TcpStream::try_clone);
            let [Ok(near_in), Ok(far_out), Ok(near_out), Ok(far_in)] = copies else {
                continue;
            };
            state.taken += 1;
            state.next += 1;
            let id = state.next;
            state.open.insert(id, [near, far]);
            drop(state);
            for (from, to) in [(near_in, far_out), (far_in, near_out)] {
                let shared = Arc::clone(self);
                std::thread::spawn(move || shared.copy(id, from, to));
            }
        }
    }

    /// Passes one direction on until one of its ends is over, which is the other's end, too.
    fn copy(&self, id: u64, mut from: TcpStream, mut to: TcpStream) {
        let mut bytes = vec![0; 64 * 1024];
        while let Ok(n @ 1..) = from.read(&mut bytes) {
            let silent = |state: &mut State| state.mode == Mode::Silent;
            let waited = self.changed.wait_while(self.lock(), silent);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
            if to.write_all(&bytes[..n]).is_err() {
                break;
            }
        }
        if let Some(sockets) = self.lock().open.remove(&id) {
            for socket in sockets {
                socket.shutdown(Shutdown::Both).ok();
            }
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.shared.set(Mode::Over);
        self.shared.end_all();
        // The one who accepts looks up when somebody comes.
        drop(TcpStream::connect(self.address));
        if let Some(accepting) = self.accepting.take() {
            accepting.join().expect("the link ends well");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_passes_on_until_it_is_cut_and_again_when_it_is_restored() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let link = Link::to(server.local_addr().unwrap());
        let mut near = TcpStream::connect(link.address()).unwrap();
        let (mut far, _) = server.accept().unwrap();
        near.write_all(b"there").unwrap();
        let mut five = [0; 5];
        far.read_exact(&mut five).unwrap();
        assert_eq!(&five, b"there");

        link.cut();
        assert_eq!(far.read(&mut five).unwrap_or(0), 0);
        let mut refused = TcpStream::connect(link.address()).unwrap();
        assert_eq!(refused.read(&mut five).unwrap_or(0), 0);

        link.restore();
        let mut near = TcpStream::connect(link.address()).unwrap();
        let (mut far, _) = server.accept().unwrap();
        far.write_all(b"again").unwrap();
        near.read_exact(&mut five).unwrap();
        assert_eq!(&five, b"again");
        assert_eq!(link.n_taken(), 2);
    }
}

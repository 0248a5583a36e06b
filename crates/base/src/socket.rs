//! Unix sockets named by folder and file, so that a long path is no obstacle.
//!
//! `sun_path` holds 108 bytes (unix(7)), and homes may lie deeper. On Linux the folder is
//! opened and the socket reached by `/proc/self/fd/N/name`, which is always short enough.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Binds a listener to `name` in `folder`, with mode 0600, over whatever stood there.
///
/// The caller makes sure, by a lock, that nobody else listens there.
///
/// # Errors
/// Those of opening the folder, unlinking and binding.
pub fn bind(folder: &Path, name: &str) -> io::Result<UnixListener> {
    use std::os::unix::fs::PermissionsExt as _;
    let (_held, path) = short(folder, name)?;
    match std::fs::remove_file(&path) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => return Err(err),
        _ => {}
    }
    // The folder is 0700, so the moment before the mode is set admits nobody.
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Connects to the socket `name` in `folder`.
///
/// # Errors
/// Those of opening the folder and connecting.
pub fn connect(folder: &Path, name: &str) -> io::Result<UnixStream> {
    let (_held, path) = short(folder, name)?;
    UnixStream::connect(path)
}

/// Checks that the other end belongs to the same user (`SO_PEERCRED`).
///
/// # Errors
/// `PermissionDenied` for another user's process.
pub fn check_peer(stream: &UnixStream) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        let peer = rustix::net::sockopt::socket_peercred(stream)?;
        if peer.uid != rustix::process::geteuid() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
    }
    // Elsewhere the socket's mode 0600 in a 0700 folder holds others off.
    #[cfg(not(target_os = "linux"))]
    let _unused: &UnixStream = stream;
    Ok(())
}

fn short(folder: &Path, name: &str) -> io::Result<(Option<File>, PathBuf)> {
    if cfg!(target_os = "linux") {
        let held = File::open(folder)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}/{name}", held.as_raw_fd()));
        Ok((Some(held), path))
    } else {
        Ok((None, folder.join(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deep_folder_can_hold_a_socket() {
        let folder = std::env::temp_dir()
            .join(format!("socket-{}", std::process::id()))
            .join("x".repeat(120));
        std::fs::create_dir_all(&folder).unwrap();
        let listener = bind(&folder, "s").unwrap();
        let near = connect(&folder, "s").unwrap();
        let (far, _) = listener.accept().unwrap();
        check_peer(&near).unwrap();
        check_peer(&far).unwrap();
        std::fs::remove_dir_all(folder.parent().unwrap()).unwrap();
    }
}

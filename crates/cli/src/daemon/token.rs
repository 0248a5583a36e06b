//! The local admin token: made on the first start, read by whoever may read the home.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use base::{Code, Private};
use rand::TryRngCore as _;

use crate::failure::{Failure, code_of};
use crate::home::Home;

const FILE: &str = "token";
/// Fewer characters than this can't be a secret.
const SHORTEST: usize = 16;

/// Returns the home's token; makes it if there is none. The caller holds the home's lock.
///
/// # Errors
/// When the file can't be read or made, or holds something that is no token.
pub fn load_or_make(home: &Home) -> Result<Private<String>, Failure> {
    let path = home.join(FILE);
    match fs::read_to_string(&path) {
        Ok(text) => loaded(text.trim(), &path),
        Err(err) if err.kind() == io::ErrorKind::NotFound => {
            make(&path).map_err(|err| told(&path, &err))
        }
        Err(err) => Err(told(&path, &err)),
    }
}

fn loaded(text: &str, path: &Path) -> Result<Private<String>, Failure> {
    let fits = |byte: u8| byte.is_ascii_graphic();
    if text.len() < SHORTEST || !text.bytes().all(fits) {
        let message = format!("{} holds no token.", path.display());
        return Err(Failure::new(Code::Corrupt, message).hint(format!(
            "Remove it, and the next start makes another: rm {}",
            path.display()
        )));
    }
    let mode = fs::metadata(path).map_err(|err| told(path, &err))?.mode();
    if mode & 0o077 != 0 {
        fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(|err| told(path, &err))?;
    }
    Ok(Private::new(text.to_owned()))
}

fn make(path: &Path) -> io::Result<Private<String>> {
    let mut bytes = [0; 32];
    rand::rngs::OsRng
        .try_fill_bytes(&mut bytes)
        .map_err(io::Error::other)?;
    let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    // Written beside and renamed: a crash leaves a whole token or none.
    let new = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(token.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    Ok(Private::new(token))
}

fn told(path: &Path, err: &io::Error) -> Failure {
    Failure::new(
        code_of(err),
        format!("The token {} can't be read or made: {err}.", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Environment;

    fn home() -> (tempfile::TempDir, Home) {
        let folder = tempfile::tempdir().unwrap();
        let place = Environment::from([("BROWSERD_HOME", folder.path().to_str().unwrap())]);
        let home = Home::of(&place).unwrap();
        (folder, home)
    }

    #[test]
    fn a_token_is_made_once_and_for_the_user_alone() {
        let (_folder, home) = home();
        let first = load_or_make(&home).unwrap();
        assert_eq!(first.expose().len(), 64);
        assert_eq!(fs::metadata(home.join(FILE)).unwrap().mode() & 0o777, 0o600);
        fs::set_permissions(home.join(FILE), Permissions::from_mode(0o644)).unwrap();
        assert_eq!(load_or_make(&home).unwrap().expose(), first.expose());
        assert_eq!(fs::metadata(home.join(FILE)).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn an_empty_token_admits_nobody() {
        let (_folder, home) = home();
        fs::write(home.join(FILE), "\n").unwrap();
        assert!(load_or_make(&home).is_err());
        assert_eq!(fs::read_to_string(home.join(FILE)).unwrap(), "\n");
    }
}

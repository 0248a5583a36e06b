//! Where the home's key comes from, and the key or passphrase that the environment holds.
//!
//! A secret stands in the environment or in a file of its own, never in `config.toml`: that one
//! is copied and shown.

use std::path::{Path, PathBuf};

use base::Code;
use serde::Deserialize;
use store::MasterKey;
use store::key::Source;
use zeroize::Zeroizing;

use crate::environment::Environment;
use crate::failure::{Failure, code_of};

/// A file longer than this holds no key and no passphrase.
const LARGEST: u64 = 4096;

/// Where a home's key comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum KeySource {
    /// The file `key` of the home
    File,
    /// BROWSERD_KEY or BROWSERD_KEY_FILE
    Environment,
    /// BROWSERD_PASSPHRASE or BROWSERD_PASSPHRASE_FILE
    Passphrase,
    /// The keychain of the operating system
    Keychain,
}

impl std::str::FromStr for KeySource {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "file" => Ok(Self::File),
            "environment" => Ok(Self::Environment),
            "passphrase" => Ok(Self::Passphrase),
            "keychain" => Ok(Self::Keychain),
            _ => Err("it is `file`, `environment`, `passphrase` or `keychain`"),
        }
    }
}

/// The variables that hold a key or a passphrase.
#[derive(Clone, Copy, Debug)]
pub struct Variables {
    key: [&'static str; 2],
    passphrase: [&'static str; 2],
}

/// Those of the key in force.
pub const CURRENT: Variables = Variables {
    key: ["BROWSERD_KEY", "BROWSERD_KEY_FILE"],
    passphrase: ["BROWSERD_PASSPHRASE", "BROWSERD_PASSPHRASE_FILE"],
};

/// Those of the key that takes its place.
pub const NEW: Variables = Variables {
    key: ["BROWSERD_NEW_KEY", "BROWSERD_NEW_KEY_FILE"],
    passphrase: ["BROWSERD_NEW_PASSPHRASE", "BROWSERD_NEW_PASSPHRASE_FILE"],
};

/// Returns the source of the key: the one that is named, else what the variables say, else the
/// file.
///
/// # Errors
/// `invalid_argument`, naming the variable.
pub fn source(
    environment: &Environment,
    named: Option<KeySource>,
    variables: Variables,
) -> Result<Source, Failure> {
    let is_set = |names: [&str; 2]| names.iter().any(|name| environment.raw(name).is_some());
    let given = (is_set(variables.key), is_set(variables.passphrase));
    let source = match (named, given) {
        (Some(named), _) => named,
        (None, (false, false)) => KeySource::File,
        (None, (true, false)) => KeySource::Environment,
        (None, (false, true)) => KeySource::Passphrase,
        (None, (true, true)) => {
            let [key, passphrase] = [variables.key[0], variables.passphrase[0]];
            let message = format!("Both a key ({key}) and a passphrase ({passphrase}) are given.");
            return Err(Failure::new(Code::InvalidArgument, message).hint(format!("unset {key}")));
        }
    };
    match source {
        KeySource::File => Ok(Source::File),
        KeySource::Keychain => Ok(Source::Keychain),
        KeySource::Environment => {
            let (name, text) = secret(environment, variables.key)?;
            let key = MasterKey::parse(&text).map_err(|reason| wrong(name, reason))?;
            Ok(Source::Given(key))
        }
        KeySource::Passphrase => {
            let (name, words) = secret(environment, variables.passphrase)?;
            if words.is_empty() {
                return Err(wrong(name, "it is empty"));
            }
            Ok(Source::passphrase(words))
        }
    }
}

/// Returns a secret from a variable, or from the file that the other one names, without the end
/// of its last line.
fn secret(
    environment: &Environment,
    [name, file]: [&'static str; 2],
) -> Result<(&'static str, Zeroizing<String>), Failure> {
    let text = |name| {
        let text = environment.text(name);
        text.map_err(|_| wrong(name, "it is no UTF-8"))
    };
    if let Some(value) = text(name)? {
        return Ok((name, Zeroizing::new(value.to_owned())));
    }
    let Some(path) = environment.raw(file).map(PathBuf::from) else {
        let message =
            format!("The home's key is to come from {name} or {file}, and neither is set.");
        return Err(Failure::new(Code::InvalidArgument, message)
            .hint("Set one of them, or choose another source: BROWSERD_KEY_SOURCE=file"));
    };
    if path.is_relative() {
        // A daemon that a command starts has the home as its folder.
        return Err(wrong(file, "its path isn't absolute"));
    }
    let text = read(&path).map_err(|err| {
        let message = format!("{}, named by {file}, can't be read: {err}.", path.display());
        Failure::new(code_of(&err), message)
    })?;
    let cut = text.strip_suffix('\n').unwrap_or(&text);
    let cut = cut.strip_suffix('\r').unwrap_or(cut);
    Ok((file, Zeroizing::new(cut.to_owned())))
}

fn read(path: &Path) -> std::io::Result<Zeroizing<String>> {
    use std::io::Read as _;
    let mut text = Zeroizing::new(String::with_capacity(LARGEST as usize));
    let file = std::fs::File::open(path)?;
    if file.take(LARGEST + 1).read_to_string(&mut text)? as u64 > LARGEST {
        return Err(std::io::Error::other("it is too long for a secret"));
    }
    Ok(text)
}

/// The value itself is told nobody.
fn wrong(name: &str, reason: &str) -> Failure {
    let message = format!("The variable {name} is wrong: {reason}.");
    Failure::new(Code::InvalidArgument, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    fn told(result: Result<Source, Failure>) -> String {
        match result {
            Err(Failure::Coded(error)) => error.message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_set_says_where_the_key_comes_from() {
        let check = |environment: Environment, named, expect: &str| {
            let source = source(&environment, named, CURRENT).unwrap();
            assert_eq!(source.name(), expect);
        };
        check(Environment::default(), None, "file");
        check(
            Environment::from([("BROWSERD_KEY", KEY)]),
            None,
            "environment",
        );
        check(
            Environment::from([("BROWSERD_PASSPHRASE", "words")]),
            None,
            "passphrase",
        );
        check(
            Environment::from([("BROWSERD_KEY", KEY)]),
            Some(KeySource::File),
            "file",
        );
    }

    #[test]
    fn a_wrong_secret_is_refused_by_its_name_and_never_shown() {
        let odd = "0011zz";
        for (name, value) in [
            ("BROWSERD_KEY", odd),
            ("BROWSERD_KEY_FILE", "relative/path"),
        ] {
            let message = told(source(&Environment::from([(name, value)]), None, CURRENT));
            assert!(
                message.contains(name) && !message.contains(odd),
                "{message}"
            );
        }
        let both = [("BROWSERD_KEY", KEY), ("BROWSERD_PASSPHRASE", "words")];
        let message = told(source(&Environment::from(both), None, CURRENT));
        assert!(
            message.contains("Both") && !message.contains("words"),
            "{message}"
        );
        let none = source(
            &Environment::default(),
            Some(KeySource::Passphrase),
            CURRENT,
        );
        assert!(told(none).contains("BROWSERD_PASSPHRASE_FILE"));
    }

    #[test]
    fn a_secret_in_a_file_ends_before_its_line_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let fingerprint = |environment: Environment| match source(&environment, None, CURRENT) {
            Ok(Source::Given(key)) => key.fingerprint(),
            other => panic!("{other:?}"),
        };
        std::fs::write(&path, format!("{KEY}\r\n")).unwrap();
        let file = Environment::from([("BROWSERD_KEY_FILE", path.to_str().unwrap())]);
        let plain = Environment::from([("BROWSERD_KEY", KEY)]);
        assert_eq!(fingerprint(file.clone()), fingerprint(plain));
        std::fs::write(&path, "x".repeat(5000)).unwrap();
        assert!(told(source(&file, None, CURRENT)).contains("too long"));
    }
}

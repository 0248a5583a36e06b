//! The environment and the arguments: read here and nowhere else.
//!
//! A name of browserd's own wins over a name known from elsewhere (`BROWSERD_MAX_SESSIONS`
//! over `MAX_SESSIONS`). An empty variable counts as unset, as scripts write `NAME=` to unset.

#![allow(
    clippy::disallowed_methods,
    reason = "this module is the one reader of both"
)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// Returns the program's arguments, its own name first.
pub fn arguments() -> std::env::ArgsOs {
    std::env::args_os()
}

/// Returns the path of the running program, for the keepers and the daemon it starts.
pub fn program() -> std::io::Result<PathBuf> {
    let path = std::env::current_exe()?;
    // After an upgrade in place the kernel names the old file so; the new one is meant.
    match path
        .to_str()
        .and_then(|text| text.strip_suffix(" (deleted)"))
    {
        Some(text) => Ok(PathBuf::from(text)),
        None => Ok(path),
    }
}

/// The variables browserd may look at, taken once.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, OsString>,
}

impl Environment {
    /// Returns the process's environment.
    pub fn of_process() -> Self {
        let named = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value));
        Self {
            variables: std::env::vars_os().filter_map(named).collect(),
        }
    }

    /// Returns the variable, unless it is unset or empty.
    pub fn raw(&self, name: &str) -> Option<&OsString> {
        self.variables.get(name).filter(|value| !value.is_empty())
    }

    /// Returns the variable as text.
    ///
    /// # Errors
    /// [`NotText`] if its bytes aren't UTF-8.
    pub fn text(&self, name: &'static str) -> Result<Option<&str>, NotText> {
        self.raw(name)
            .map(|value| value.to_str().ok_or(NotText { name }))
            .transpose()
    }

    /// Returns the first of the variables that is set, with its name.
    ///
    /// # Errors
    /// [`NotText`] if that one isn't UTF-8.
    pub fn first(&self, names: &[&'static str]) -> Result<Option<(&'static str, &str)>, NotText> {
        for &name in names {
            if let Some(value) = self.text(name)? {
                return Ok(Some((name, value)));
            }
        }
        Ok(None)
    }

    /// Returns the folder for temporary files.
    pub fn temporary_folder(&self) -> PathBuf {
        self.raw("TMPDIR")
            .map_or_else(|| PathBuf::from("/tmp"), PathBuf::from)
    }

    /// Tells whether a switch is on: set, and neither `0`, `false`, `no` nor `off`.
    pub fn is_on(&self, name: &str) -> bool {
        self.raw(name).is_some_and(|value| {
            let value = value.to_string_lossy().to_ascii_lowercase();
            !matches!(value.as_str(), "0" | "false" | "no" | "off")
        })
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        let owned = variables.map(|(name, value)| (name.to_owned(), OsString::from(value)));
        Self {
            variables: owned.into(),
        }
    }
}

/// A variable whose bytes are no UTF-8.
#[derive(Debug)]
pub struct NotText {
    /// The variable.
    pub name: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_name_wins_and_an_empty_variable_is_unset() {
        let names = &["BROWSERD_MAX_SESSIONS", "MAX_SESSIONS"];
        let both = Environment::from([("MAX_SESSIONS", "3"), ("BROWSERD_MAX_SESSIONS", "4")]);
        assert_eq!(
            both.first(names).unwrap(),
            Some(("BROWSERD_MAX_SESSIONS", "4"))
        );
        let own_empty = Environment::from([("MAX_SESSIONS", "3"), ("BROWSERD_MAX_SESSIONS", "")]);
        assert_eq!(own_empty.first(names).unwrap(), Some(("MAX_SESSIONS", "3")));
    }

    #[test]
    fn a_switch_can_be_off() {
        assert!(Environment::from([("X", "1")]).is_on("X"));
        assert!(Environment::from([("X", "true")]).is_on("X"));
        assert!(!Environment::from([("X", "0")]).is_on("X"));
        assert!(!Environment::from([("X", "off")]).is_on("X"));
        assert!(!Environment::default().is_on("X"));
    }
}

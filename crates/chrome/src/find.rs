//! Where Chromium is.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::Error;

/// Names on the path, the most open first.
const NAMES: [&str; 9] = [
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
    "chrome",
    "microsoft-edge-stable",
    "microsoft-edge",
    "brave-browser",
    "brave",
];

/// Where packages put it.
const PLACES: [&str; 12] = [
    "/usr/bin/chromium",
    "/usr/lib/chromium/chromium",
    "/usr/lib64/chromium-browser/chromium-browser",
    "/snap/bin/chromium",
    "/opt/google/chrome/chrome",
    "/opt/microsoft/msedge/msedge",
    "/opt/brave.com/brave/brave",
    "/usr/local/bin/chromium",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "/Applications/Brave Browser.app/Contents/MacOS/Brave Browser",
];

/// Finds the browser's program: the one given, else by name on the path, else in the usual
/// places.
///
/// A program that was given and isn't there is an error; nothing else is taken in its place.
///
/// # Errors
/// [`Error::BrowserMissing`] names what was looked for.
pub fn find(explicit: Option<&Path>, path_var: &OsStr) -> Result<PathBuf, Error> {
    if let Some(given) = explicit {
        return found(given).ok_or_else(|| Error::BrowserMissing {
            looked_at: vec![given.display().to_string()],
        });
    }
    let on_path = NAMES.iter().flat_map(|name| {
        // A relative entry would mean another program in another folder.
        std::env::split_paths(path_var)
            .filter(|folder| folder.is_absolute())
            .map(move |folder| folder.join(name))
    });
    let places = PLACES.iter().map(PathBuf::from);
    on_path
        .chain(places)
        .find_map(|path| found(&path))
        .ok_or_else(|| {
            let names = NAMES.iter().map(|name| format!("{name} on the path"));
            let places = PLACES.iter().map(|place| (*place).to_owned());
            Error::BrowserMissing {
                looked_at: names.chain(places).collect(),
            }
        })
}

/// Returns the path, absolute, if a program is there.
fn found(path: &Path) -> Option<PathBuf> {
    let meta = std::fs::metadata(path).ok()?;
    let runs = meta.is_file() && meta.permissions().mode() & 0o111 != 0;
    // Links stay as they are: a wrapper looks at the name it is called by.
    if runs {
        std::path::absolute(path).ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(folder: &Path, name: &str, mode: u32) -> PathBuf {
        let path = folder.join(name);
        std::fs::write(&path, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn the_one_given_is_taken_or_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let there = program(folder.path(), "mine", 0o755);
        assert_eq!(find(Some(&there), OsStr::new("")).unwrap(), there);
        let missing = folder.path().join("missing");
        let err = find(Some(&missing), OsStr::new("/usr/bin")).unwrap_err();
        assert_eq!(err.code(), base::Code::BrowserMissing);
        assert!(
            err.to_string().contains("missing") && err.hint().is_some(),
            "{err}"
        );
    }

    #[test]
    fn the_path_is_searched_for_programs_only() {
        let folder = tempfile::tempdir().unwrap();
        program(folder.path(), "chromium", 0o644);
        let there = program(folder.path(), "google-chrome", 0o755);
        assert_eq!(find(None, folder.path().as_os_str()).unwrap(), there);
    }
}

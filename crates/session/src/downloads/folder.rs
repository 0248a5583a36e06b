//! The files of downloads. Everything here waits for the disk: call it where that may block.

use std::fs::{self, File, Permissions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base::{BrowserId, SessionId};
use sha2::{Digest as _, Sha256};

use super::row::Download;

/// Where browsers write, below a session's folder: no download's name begins with a dot.
const INCOMING: &str = ".incoming";
/// What Chromium calls a file that isn't whole yet.
const PARTIAL: &str = ".crdownload";
/// How much is hashed at a time.
const CHUNK: usize = 1 << 16;

/// A file that is in its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Moved {
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
}

/// Why a file didn't get its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum NotMoved {
    /// Another file has the name.
    Taken,
    /// There is no whole file.
    Gone,
    /// The disk failed.
    Failed(String),
}

/// What is seen of a download that is under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Found {
    /// Its file is whole.
    Whole,
    /// So much of it is there.
    Partial(u64),
    /// Nothing of it.
    Nothing,
}

/// Returns where a session's downloads are.
pub(crate) fn of_session(home: &Path, session: SessionId) -> PathBuf {
    home.join("downloads").join(session.to_string())
}

/// Returns where a browser of the session writes.
pub(crate) fn incoming(home: &Path, session: SessionId, browser: BrowserId) -> PathBuf {
    let folder = of_session(home, session).join(INCOMING);
    folder.join(browser.to_string())
}

/// Returns where the browser of a stored id writes.
pub(super) fn incoming_of(folder: &Path, browser: &str) -> Option<PathBuf> {
    let browser: BrowserId = browser.parse().ok()?;
    Some(folder.join(INCOMING).join(browser.to_string()))
}

/// Makes a folder that is nobody else's, and those above it.
pub(super) fn make(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder)
}

/// Tells whether an id of Chromium's is one that may be a file's name.
pub(super) fn is_plain(guid: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=64).contains(&guid.len()) && guid.bytes().all(plain)
}

/// Gives a whole file its name in the session's folder; nothing is written over.
///
/// One that has it already is taken as it is: a crash came before that was stored.
pub(crate) fn move_into_place(folder: &Path, download: &Download) -> Result<Moved, NotMoved> {
    let incoming = incoming_of(folder, &download.browser).filter(|_| is_plain(&download.guid));
    let from = incoming.ok_or(NotMoved::Gone)?.join(&download.guid);
    let to = folder.join(&download.name);
    let failed = |err: io::Error| NotMoved::Failed(err.to_string());
    match fs::symlink_metadata(&from) {
        Ok(file) if file.is_file() => {
            fs::set_permissions(&from, Permissions::from_mode(0o600)).map_err(failed)?;
            let moved = hashed(&from).map_err(failed)?;
            link(&from, &to)?;
            // So that power loss takes no file that was told of.
            let synced = || File::open(folder).and_then(|folder| folder.sync_all());
            if let Err(err) = remove(&from).and_then(|()| synced()) {
                // A file of this name that is told of by nobody would pass for the next one's.
                drop(remove(&to));
                return Err(failed(err));
            }
            Ok(moved)
        }
        Ok(_) => Err(NotMoved::Gone),
        Err(err) if err.kind() == io::ErrorKind::NotFound => match fs::symlink_metadata(&to) {
            Ok(file) if file.is_file() => hashed(&to).map_err(failed),
            _ => Err(NotMoved::Gone),
        },
        Err(err) => Err(failed(err)),
    }
}

/// Makes a file's second name, unless another file has it.
fn link(from: &Path, to: &Path) -> Result<(), NotMoved> {
    let Err(err) = fs::hard_link(from, to) else {
        return Ok(());
    };
    let file = |path| fs::symlink_metadata(path).map(|file| (file.dev(), file.ino()));
    match (file(from), file(to)) {
        // A crash came between its second name and the end of its first.
        (Ok(one), Ok(other)) if one == other => Ok(()),
        (_, Ok(_)) => Err(NotMoved::Taken),
        // A file system without second names; nobody else writes here.
        (Ok(_), Err(missing)) if missing.kind() == io::ErrorKind::NotFound => {
            let renamed = fs::rename(from, to);
            renamed.map_err(|again| NotMoved::Failed(format!("{err}; {again}")))
        }
        _ => Err(NotMoved::Failed(err.to_string())),
    }
}

fn hashed(path: &Path) -> io::Result<Moved> {
    let mut file = File::open(path)?;
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            break;
        }
        hash.update(&chunk[..read]);
        bytes += read as u64;
    }
    file.sync_all()?;
    let sha256 = hash.finalize();
    let sha256 = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Moved { bytes, sha256 })
}

/// Saves what a browser that has ended left whole, and removes the rest of what it left.
pub(crate) fn rescue(
    folder: &Path,
    browser: &str,
    under_way: &[Download],
) -> Vec<(u32, Result<Moved, NotMoved>)> {
    let saved: Vec<_> = under_way
        .iter()
        .map(|download| (download.number, move_into_place(folder, download)))
        .collect();
    let kept = |(_, saved): &(u32, Result<Moved, NotMoved>)| {
        matches!(saved, Err(NotMoved::Taken | NotMoved::Failed(_)))
    };
    if !saved.iter().any(kept)
        && let Some(incoming) = incoming_of(folder, browser)
    {
        gone(fs::remove_dir_all(incoming));
    }
    saved
}

/// Looks at what a browser that runs has written of what is under way; returns, too, the whole
/// files nobody knows of.
pub(crate) fn look(
    folder: &Path,
    browser: &str,
    under_way: &[Download],
) -> (Vec<(u32, Found)>, Vec<String>) {
    let Some(incoming) = incoming_of(folder, browser) else {
        return Default::default();
    };
    let mut found = vec![];
    for download in under_way.iter().filter(|it| is_plain(&it.guid)) {
        let whole = incoming.join(&download.guid).is_file();
        let partial = incoming.join(format!("{}{PARTIAL}", download.guid));
        let seen = match fs::symlink_metadata(partial) {
            _ if whole => Found::Whole,
            Ok(file) => Found::Partial(file.len()),
            Err(_) if folder.join(&download.name).is_file() => Found::Whole,
            Err(_) => Found::Nothing,
        };
        found.push((download.number, seen));
    }
    let names = fs::read_dir(&incoming).into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let known = |name: &String| under_way.iter().any(|it| it.guid == *name);
    let strange = names.filter(|name| is_plain(name) && !known(name));
    (found, strange.take(100).collect())
}

/// Removes what is left of a download that has no file.
pub(crate) fn discard(folder: &Path, browser: &str, guid: &str) {
    if let Some(incoming) = incoming_of(folder, browser).filter(|_| is_plain(guid)) {
        gone(fs::remove_file(incoming.join(guid)));
        gone(fs::remove_file(incoming.join(format!("{guid}{PARTIAL}"))));
    }
}

/// Removes a file, if it is there.
pub(crate) fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => Err(err),
        _ => Ok(()),
    }
}

/// Removes all of a session's downloads.
pub(crate) fn remove_all(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => Err(err),
        _ => Ok(()),
    }
}

/// Reads a part of a download's file.
///
/// # Errors
/// `InvalidData` if the file isn't the one that was downloaded.
pub(crate) fn read(path: &Path, bytes: u64, offset: u64, limit: u64) -> io::Result<Vec<u8>> {
    let there = fs::symlink_metadata(path)?;
    if !there.is_file() || there.len() != bytes {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut data = vec![];
    file.take(limit).read_to_end(&mut data)?;
    Ok(data)
}

fn gone(removed: io::Result<()>) {
    match removed {
        Err(err) if err.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%err, "what is left of a download could not be removed");
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> (tempfile::TempDir, Download, PathBuf) {
        let home = tempfile::tempdir().unwrap();
        let browser = BrowserId::new();
        let download = Download {
            number: 1,
            guid: "a-1".to_owned(),
            browser: browser.to_string(),
            name: "a.txt".to_owned(),
            ..Download::default()
        };
        let incoming = incoming_of(home.path(), &download.browser).unwrap();
        make(&incoming).unwrap();
        (home, download, incoming)
    }

    #[test]
    fn a_whole_file_gets_its_name_once_and_over_nothing() {
        let (home, download, incoming) = place();
        assert_eq!(move_into_place(home.path(), &download), Err(NotMoved::Gone));
        fs::write(incoming.join("a-1.crdownload"), "half").unwrap();
        assert_eq!(move_into_place(home.path(), &download), Err(NotMoved::Gone));
        fs::write(incoming.join("a-1"), "abc").unwrap();
        let moved = move_into_place(home.path(), &download).unwrap();
        assert_eq!(moved.bytes, 3);
        assert!(moved.sha256.starts_with("ba7816bf8f01cfea"), "{moved:?}");
        let file = fs::metadata(home.path().join("a.txt")).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
        // As after a crash: it is in its place, and nothing says so.
        assert_eq!(move_into_place(home.path(), &download), Ok(moved.clone()));
        fs::hard_link(home.path().join("a.txt"), incoming.join("a-1")).unwrap();
        assert_eq!(move_into_place(home.path(), &download), Ok(moved));
        fs::write(incoming.join("a-1"), "other").unwrap();
        assert_eq!(
            move_into_place(home.path(), &download),
            Err(NotMoved::Taken)
        );
        assert_eq!(fs::read(home.path().join("a.txt")).unwrap(), b"abc");
    }

    #[test]
    fn what_an_ended_browser_left_is_saved_if_whole_and_removed_if_not() {
        let (home, download, incoming) = place();
        let half = Download {
            number: 2,
            guid: "b-2".to_owned(),
            name: "b.txt".to_owned(),
            ..download.clone()
        };
        fs::write(incoming.join("a-1"), "abc").unwrap();
        fs::write(incoming.join("b-2.crdownload"), "half").unwrap();
        let seen = look(home.path(), &download.browser, std::slice::from_ref(&half));
        assert_eq!(seen, (vec![(2, Found::Partial(4))], vec!["a-1".to_owned()]));
        let both = [download.clone(), half];
        let saved = rescue(home.path(), &download.browser, &both);
        assert!(saved[0].1.is_ok(), "{saved:?}");
        assert_eq!(saved[1].1, Err(NotMoved::Gone));
        assert!(!incoming.exists());
        assert!(home.path().join("a.txt").is_file());
    }

    #[test]
    fn a_part_of_a_file_is_read_and_a_file_that_changed_is_not() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a");
        fs::write(&path, "abcdef").unwrap();
        assert_eq!(read(&path, 6, 2, 3).unwrap(), b"cde");
        assert_eq!(read(&path, 6, 9, 3).unwrap(), b"");
        assert!(read(&path, 5, 0, 3).is_err());
        std::os::unix::fs::symlink(&path, home.path().join("link")).unwrap();
        assert!(read(&home.path().join("link"), 6, 0, 3).is_err());
    }

    #[test]
    fn no_id_leads_out_of_the_folder() {
        for guid in ["../evil", "", "a/b", "a.b", "."] {
            assert!(!is_plain(guid), "{guid}");
        }
        assert!(is_plain("c5c2657f-36c6-4934-8150-f51ec72ca072"));
        assert_eq!(incoming_of(Path::new("/x"), "../y"), None);
    }
}

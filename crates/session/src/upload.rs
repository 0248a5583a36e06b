//! Uploads: which files of this machine may be given to a page.
//!
//! Whoever may call browserd may name any path, and the page gets what is there. So only plain
//! files go, that this process may read itself, of bounded size; and nothing of browserd's own
//! home, where its key and everybody's logins are.

use std::path::{Path, PathBuf};

use base::Ctx;
use page::Action;

use crate::{Act, Error};

/// How many files go in one call.
const MOST_FILES: usize = 100;
/// How large they may be together. The page gets them from the disk, but may read them whole.
const MOST_BYTES: u64 = 1 << 30;

/// Returns the act with whole paths of files that may be given away, or refuses it.
///
/// Links are followed here and not again: what is given away is what was looked at, as long as
/// nobody puts another file in its place.
///
/// # Cancel safety
/// Yes: nothing is changed.
pub(crate) async fn checked(ctx: &Ctx, home: &Path, act: Act) -> Result<Act, Error> {
    let Act::Interact(Action::Upload { target, files }) = act else {
        return Ok(act);
    };
    if MOST_FILES < files.len() {
        return Err(refusal(format!("more than {MOST_FILES} files")));
    }
    let files = ctx.race(look_at(home, &files)).await;
    let files = files.map_err(Error::NotSent)??;
    Ok(Act::Interact(Action::Upload { target, files }))
}

async fn look_at(home: &Path, files: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let home = tokio::fs::canonicalize(home).await;
    let home = home.map_err(|err| refusal(format!("browserd's home can't be looked at: {err}")))?;
    let mut whole = Vec::with_capacity(files.len());
    let mut bytes = 0_u64;
    for (index, path) in files.iter().enumerate() {
        // The path is the caller's own words; what is told is which of them it was.
        let wrong = |what: &str| refusal(format!("file {}: {what}", index + 1));
        if !path.is_absolute() {
            return Err(wrong("not a whole path, such as /home/ada/invoice.pdf"));
        }
        let path = tokio::fs::canonicalize(path).await;
        let path = path.map_err(|err| wrong(&err.to_string()))?;
        if path.starts_with(&home) {
            return Err(wrong("it lies in browserd's own home"));
        }
        let about = tokio::fs::metadata(&path).await;
        let about = about.map_err(|err| wrong(&err.to_string()))?;
        // Opening anything else may wait for ever, or do something.
        if !about.is_file() {
            return Err(wrong("not a plain file"));
        }
        let opened = tokio::fs::File::open(&path).await;
        opened.map_err(|err| wrong(&err.to_string()))?;
        bytes = bytes.saturating_add(about.len());
        if MOST_BYTES < bytes {
            return Err(refusal(format!(
                "more than {} MiB in all",
                MOST_BYTES >> 20
            )));
        }
        whole.push(path);
    }
    Ok(whole)
}

fn refusal(reason: String) -> Error {
    Error::InvalidArgument {
        argument: "files",
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(home: &Path, files: &[&Path]) -> Result<Vec<PathBuf>, String> {
        let files = files.iter().map(|file| file.to_path_buf()).collect();
        let act = Act::Interact(Action::Upload {
            target: page::Locator::Ref(1),
            files,
        });
        match checked(&Ctx::within(std::time::Duration::from_secs(5)), home, act).await {
            Ok(Act::Interact(Action::Upload { files, .. })) => Ok(files),
            Ok(other) => panic!("{other:?}"),
            Err(err) => Err(err.to_string()),
        }
    }

    #[tokio::test]
    async fn only_plain_files_outside_of_the_home_are_given_away() {
        let folder = tempfile::tempdir().unwrap();
        let all = folder.path().canonicalize().unwrap();
        let home = all.join("home");
        std::fs::create_dir(&home).unwrap();
        let (file, key) = (all.join("invoice.pdf"), home.join("key"));
        std::fs::write(&file, "42").unwrap();
        std::fs::write(&key, "secret").unwrap();
        let link = all.join("link");
        std::os::unix::fs::symlink(&key, &link).unwrap();
        let other = all.join("other");
        std::os::unix::fs::symlink(&file, &other).unwrap();
        let large = all.join("large");
        std::fs::File::create(&large)
            .unwrap()
            .set_len(MOST_BYTES)
            .unwrap();

        let given = vec![file.clone()];
        assert_eq!(check(&home, &[&file]).await.unwrap(), given);
        assert_eq!(check(&home, &[&other]).await.unwrap(), given);
        assert!(check(&home, &[]).await.unwrap().is_empty());
        for (wrong, told) in [
            (&key, "own home"),
            (&link, "own home"),
            (&all.join("home/../home/key"), "own home"),
            (&all, "not a plain file"),
            (&PathBuf::from("/dev/zero"), "not a plain file"),
            (&PathBuf::from("invoice.pdf"), "not a whole path"),
            (&all.join("none"), "No such file"),
        ] {
            let refused = check(&home, &[&file, wrong]).await.unwrap_err();
            assert!(refused.contains(told), "{wrong:?}: {refused}");
            assert!(refused.contains("file 2"), "{refused}");
        }
        let refused = check(&home, &[&file, &large]).await.unwrap_err();
        assert!(refused.contains("in all"), "{refused}");
        let many = vec![file.as_path(); MOST_FILES + 1];
        assert!(check(&home, &many).await.is_err());
    }
}

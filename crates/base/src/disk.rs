//! Room on a disk.

use std::path::Path;

use crate::ByteSize;

/// Returns how much may be written where `path` is, or `None` if the system doesn't tell.
#[must_use]
pub fn free_space(path: &Path) -> Option<ByteSize> {
    let stat = rustix::fs::statvfs(path).ok()?;
    Some(ByteSize(stat.f_bavail.saturating_mul(stat.f_frsize)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_not_there_tells_nothing() {
        assert!(free_space(Path::new("/")).is_some());
        assert_eq!(free_space(Path::new("/no/such/place")), None);
    }
}

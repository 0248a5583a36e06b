//! When an entry may be changed, and which one is claimed next.

use base::Timestamp;

use super::rows::Head;
use crate::Error;

/// Tells whether a caller may change an entry.
///
/// A claimed entry is its holder's: others wait. Who names a claim must hold the last one; that
/// its time is over doesn't matter as long as nobody has claimed the entry since.
pub(super) fn may_change(
    found: Option<&Head>,
    if_version: Option<u64>,
    epoch: Option<u64>,
    now: Timestamp,
) -> Result<(), Error> {
    let lease = found.and_then(|head| head.lease);
    match (epoch, lease) {
        (Some(epoch), Some((last, _))) if last == epoch => {}
        (Some(epoch), _) => return Err(Error::LeaseLost { epoch }),
        (None, Some((_, until))) if now.as_millisecond() < until => {
            let until = Timestamp::from_millisecond(until).unwrap_or(Timestamp::MAX);
            return Err(Error::Leased { until });
        }
        (None, _) => {}
    }
    let version = found.map_or(0, |head| head.version);
    match if_version {
        Some(wanted) if wanted != version => Err(Error::Conflict {
            found: version,
            wanted,
        }),
        _ => Ok(()),
    }
}

/// Returns the first entry that nobody holds, else when the first claim ends.
pub(super) fn first_free(
    heads: impl IntoIterator<Item = Head>,
    now: Timestamp,
) -> (Option<Head>, Option<i64>) {
    let mut next: Option<i64> = None;
    for head in heads {
        if head.is_over(now) {
            continue;
        }
        match head.lease {
            Some((_, until)) if now.as_millisecond() < until => {
                next = Some(next.map_or(until, |next| next.min(until)));
            }
            _ => return (Some(head), None),
        }
    }
    (None, next)
}

//! What a browser says of its downloads, until the session's task has time for it.
//!
//! It doesn't go the way of the other news: a page that begins a thousand would hold up what a
//! caller has to say.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cdp::RawEvent;
use cdp::protocol::browser as wire;
use tokio::sync::Notify;

/// How much may wait; what is lost then is seen by its files.
const MOST: usize = 1024;
/// The longest name of a site's that is taken.
const LONGEST_NAME: usize = 1024;

/// Something a browser said of a download.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// It begins.
    Begins {
        /// Its id.
        guid: String,
        /// Where it comes from, without secrets.
        url: String,
        /// What the site calls it.
        name: String,
        /// The frame that began it.
        frame: String,
    },
    /// It goes on, or ended.
    Goes {
        /// Its id.
        guid: String,
        /// How much is there.
        bytes: u64,
        /// How much it will be.
        total: Option<u64>,
        /// How it ended, if it did: whole, or not.
        ended: Option<bool>,
    },
}

#[derive(Default)]
struct Heard {
    said: VecDeque<Said>,
    missed: bool,
}

/// Where a browser's words wait. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Inbox {
    heard: Arc<Mutex<Heard>>,
    raised: Arc<Notify>,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an event if it is one of a download.
    pub(crate) fn hear(&self, event: &RawEvent) {
        if let Some(Ok(begins)) = event.decode::<wire::DownloadWillBeginEvent>() {
            let name: String = begins.suggested_filename;
            self.push(Said::Begins {
                guid: begins.guid,
                url: page::without_secrets(&begins.url),
                name: name.chars().take(LONGEST_NAME).collect(),
                frame: begins.frame_id,
            });
        } else if let Some(Ok(goes)) = event.decode::<wire::DownloadProgressEvent>() {
            use wire::DownloadProgressEventState as State;
            let total = whole(goes.total_bytes);
            self.push(Said::Goes {
                guid: goes.guid,
                bytes: whole(goes.received_bytes),
                total: Some(total).filter(|total| *total != 0),
                ended: match goes.state {
                    State::Completed => Some(true),
                    State::Canceled => Some(false),
                    State::InProgress | State::Unrecognized(_) => None,
                },
            });
        }
    }

    /// Says that something was missed.
    pub(crate) fn miss(&self) {
        self.lock().missed = true;
        self.raised.notify_one();
    }

    fn push(&self, said: Said) {
        let mut heard = self.lock();
        if let (Some(last), Said::Goes { guid, .. }) = (heard.said.back_mut(), &said)
            && matches!(last, Said::Goes { guid: of, ended: None, .. } if of == guid)
        {
            *last = said;
        } else if heard.said.len() < MOST {
            heard.said.push_back(said);
        } else {
            heard.missed = true;
        }
        drop(heard);
        self.raised.notify_one();
    }

    /// Takes all that was said, and whether something was missed.
    pub(crate) fn take(&self) -> (VecDeque<Said>, bool) {
        let mut heard = self.lock();
        (
            std::mem::take(&mut heard.said),
            std::mem::take(&mut heard.missed),
        )
    }

    /// Waits until something was said.
    ///
    /// # Cancel safety
    /// Yes.
    pub(crate) async fn raised(&self) {
        self.raised.notified().await;
    }
}

/// Returns a number of bytes as JavaScript tells it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast of a float saturates"
)]
fn whole(bytes: f64) -> u64 {
    bytes as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goes(guid: &str, bytes: u64, ended: Option<bool>) -> Said {
        Said::Goes {
            guid: guid.to_owned(),
            bytes,
            total: None,
            ended,
        }
    }

    #[tokio::test]
    async fn what_goes_on_is_told_once_and_an_end_is_never_written_over() {
        let inbox = Inbox::default();
        for said in [
            goes("a", 1, None),
            goes("a", 2, None),
            goes("a", 3, Some(true)),
            goes("a", 4, None),
            goes("b", 1, None),
        ] {
            inbox.push(said);
        }
        inbox.raised().await;
        let (said, missed) = inbox.take();
        assert_eq!((said.len(), missed), (3, false));
        assert!(said[0] == goes("a", 3, Some(true)));
    }

    #[test]
    fn no_more_than_so_much_waits() {
        let inbox = Inbox::default();
        for n in 0..=MOST {
            inbox.push(goes(&n.to_string(), 1, None));
        }
        let (said, missed) = inbox.take();
        assert_eq!((said.len(), missed), (MOST, true));
        assert!(!inbox.take().1);
    }
}

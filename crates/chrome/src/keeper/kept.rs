//! The keeper's memory: messages on their way to the daemon, or waiting for the next one.
//!
//! ```text
//! push ─▶ precious ┐ by number                 acknowledged
//!      ─▶ droppable┘──────────▶ handed over ─────────────────▶ forgotten
//!            │ over budget: oldest first ▲  │ daemon lost
//!            ▼                           └──┘ back to the front, in order
//!          dropped (gap)
//! ```
//! A message is forgotten when the daemon says it has consumed it, not when it was written:
//! a daemon that is killed takes along what lies unread in its socket.
//!
//! A dialog that is open is told to each daemon anew: it holds its page until it is answered, and
//! the daemon that was told may have died before it left a note of it.

use std::collections::VecDeque;

use super::class::{self, Class, Dialog};
use super::splitter::Framed;
use crate::wire::{SLACK, WINDOW};

/// What droppable messages may take.
pub(super) const DROPPABLE_LIMIT: usize = 16 << 20;
/// What precious messages may take, beside the largest and the one that came last: one alone
/// may be as large as this, and is no sign that nobody reads.
pub(super) const PRECIOUS_LIMIT: usize = 256 << 20;
/// How many open dialogs are remembered, and how long one's message may be.
const MOST_DIALOGS: usize = 64;
const LONGEST_DIALOG: usize = 256 << 10;
/// Added to each message's length, so that a flood of empty messages is bounded too.
const OVERHEAD: usize = 64;

/// What precious messages may take was spent. Nothing was dropped.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

struct Entry {
    number: u64,
    class: Class,
    frame: Framed,
}

impl Entry {
    fn cost(&self) -> usize {
        self.frame.0.len() + OVERHEAD
    }
}

/// See the head of this file.
#[derive(Default)]
pub(super) struct Kept {
    next_number: u64,
    precious: VecDeque<Entry>,
    droppable: VecDeque<Entry>,
    /// Handed over to the present daemon and not acknowledged, oldest first.
    handed: VecDeque<Entry>,
    /// The news of dialogs that are open, acknowledged all the same.
    dialogs: VecDeque<Entry>,
    precious_bytes: usize,
    /// The largest precious message since there was none.
    largest: usize,
    droppable_bytes: usize,
    handed_bytes: usize,
    dropped: u64,
    /// How many of the dropped ones a daemon knows of.
    dropped_known: u64,
}

impl Kept {
    /// Keeps a message. Drops the oldest droppable ones that the budget no longer holds.
    pub(super) fn push(&mut self, frame: Framed) -> Result<(), Full> {
        if PRECIOUS_LIMIT < self.precious_bytes - self.largest {
            return Err(Full);
        }
        let class = class::of(frame.message());
        let entry = Entry {
            number: self.next_number,
            class,
            frame,
        };
        self.next_number += 1;
        match class {
            Class::Precious => {
                self.precious_bytes += entry.cost();
                self.largest = self.largest.max(entry.cost());
                self.precious.push_back(entry);
            }
            Class::Droppable => {
                self.droppable_bytes += entry.cost();
                self.droppable.push_back(entry);
                self.drop_oldest();
            }
        }
        Ok(())
    }

    fn drop_oldest(&mut self) {
        // One message larger than the budget passes through whole if a daemon takes it.
        while DROPPABLE_LIMIT < self.droppable_bytes && 1 < self.droppable.len() {
            if let Some(entry) = self.droppable.pop_front() {
                self.droppable_bytes -= entry.cost();
                self.dropped += 1;
            }
        }
    }

    /// Hands the next message over, if there is one and the daemon's window has room for it.
    /// It stays here until it is acknowledged.
    pub(super) fn hand_over(&mut self) -> bool {
        self.try_hand_over().is_some()
    }

    fn try_hand_over(&mut self) -> Option<()> {
        let next = match (self.precious.front(), self.droppable.front()) {
            (Some(a), Some(b)) if b.number < a.number => Class::Droppable,
            (Some(_), _) => Class::Precious,
            (None, _) => Class::Droppable,
        };
        let queue = match next {
            Class::Precious => &mut self.precious,
            Class::Droppable => &mut self.droppable,
        };
        let cost = queue.front()?.cost();
        if SLACK <= self.handed_bytes && WINDOW < self.handed_bytes + cost {
            return None;
        }
        let entry = queue.pop_front()?;
        if next == Class::Droppable {
            self.droppable_bytes -= cost;
        }
        self.handed_bytes += cost;
        self.handed.push_back(entry);
        Some(())
    }

    /// Returns how many messages are handed over and not acknowledged.
    pub(super) fn n_handed(&self) -> usize {
        self.handed.len()
    }

    /// Returns the frame of a message handed over; 0 is the oldest not acknowledged.
    pub(super) fn handed_frame(&self, index: usize) -> Option<&[u8]> {
        Some(&self.handed.get(index)?.frame.0)
    }

    /// Forgets the oldest `n_messages` that were handed over. Returns how many there were.
    pub(super) fn acknowledge(&mut self, n_messages: usize) -> usize {
        let n_messages = n_messages.min(self.handed.len());
        for entry in self.handed.drain(..n_messages) {
            self.handed_bytes -= entry.cost();
            if entry.class == Class::Precious {
                self.precious_bytes -= entry.cost();
                remember(&mut self.dialogs, entry);
            }
        }
        // One that has gone allows no more than what is left.
        self.largest = self.largest.min(self.precious_bytes);
        self.give_memory_back();
        n_messages
    }

    /// Takes back what the lost daemon didn't acknowledge, in front of everything else.
    pub(super) fn take_back(&mut self) {
        while let Some(entry) = self.handed.pop_back() {
            match entry.class {
                Class::Precious => self.precious.push_front(entry),
                Class::Droppable => {
                    self.droppable_bytes += entry.cost();
                    self.droppable.push_front(entry);
                }
            }
        }
        self.handed_bytes = 0;
        // They came before all of it.
        while let Some(entry) = self.dialogs.pop_back() {
            self.precious_bytes += entry.cost();
            self.precious.push_front(entry);
        }
        self.drop_oldest();
    }

    /// Returns how many messages wait.
    pub(super) fn waiting(&self) -> u32 {
        u32::try_from(self.precious.len() + self.droppable.len()).unwrap_or(u32::MAX)
    }

    /// Tells whether messages were dropped that no daemon knows of.
    pub(super) fn gap(&self) -> bool {
        self.dropped_known < self.dropped
    }

    /// Takes note that a daemon knows of the first `dropped` messages that were dropped.
    pub(super) fn gap_known(&mut self, dropped: u64) {
        self.dropped_known = self.dropped_known.max(dropped);
    }

    /// Returns how many messages were dropped in all.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Tells whether a reply waits that nobody has read.
    pub(super) fn holds_reply(&self) -> bool {
        self.precious
            .iter()
            .any(|entry| class::is_reply(entry.frame.message()))
    }

    /// The queues' own arrays grow with a flood; an idle keeper gives them back.
    fn give_memory_back(&mut self) {
        for queue in [&mut self.precious, &mut self.droppable, &mut self.handed] {
            if queue.is_empty() && 256 < queue.capacity() {
                queue.shrink_to_fit();
            }
        }
    }
}

/// Takes note of what a message that is done with says of a dialog.
fn remember(dialogs: &mut VecDeque<Entry>, entry: Entry) {
    let said = class::dialog(entry.frame.message());
    let (Some(Dialog::Opened(session)) | Some(Dialog::Ended(session))) = said else {
        return;
    };
    dialogs.retain(|open| class::dialog(open.frame.message()) != Some(Dialog::Opened(session)));
    let is_open = matches!(said, Some(Dialog::Opened(_)));
    if is_open && entry.cost() <= LONGEST_DIALOG {
        if MOST_DIALOGS <= dialogs.len() {
            dialogs.pop_front();
        }
        dialogs.push_back(entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::splitter::Splitter;
    use crate::wire::MAX_MESSAGE;

    fn push(kept: &mut Kept, message: &str) -> Result<(), Full> {
        let mut out = Ok(());
        let mut bytes = message.as_bytes().to_vec();
        bytes.push(0);
        Splitter::default()
            .feed(&bytes, |frame| out = kept.push(frame))
            .unwrap();
        out
    }

    fn event(number: usize, length: usize) -> String {
        format!(
            r#"{{"method":"Runtime.x","n":{number},"pad":"{}"}}"#,
            "x".repeat(length)
        )
    }

    fn reply(number: usize, length: usize) -> String {
        format!(r#"{{"id":{number},"pad":"{}"}}"#, "x".repeat(length))
    }

    /// Plays a daemon that consumes all that it is given; returns the messages' starts.
    fn consume(kept: &mut Kept) -> Vec<String> {
        let mut seen = Vec::new();
        while kept.hand_over() {
            let frame = kept.handed_frame(0).unwrap();
            seen.push(String::from_utf8_lossy(&frame[5..frame.len().min(40)]).into_owned());
            kept.acknowledge(1);
        }
        seen
    }

    #[test]
    fn messages_come_in_the_order_the_browser_said_them() {
        let mut kept = Kept::default();
        for number in 0..6 {
            let say = if number % 2 == 0 {
                event(number, 0)
            } else {
                reply(number, 0)
            };
            push(&mut kept, &say).unwrap();
        }
        let seen = consume(&mut kept);
        assert_eq!(seen.len(), 6);
        assert!(
            seen[0].contains("\"n\":0") && seen[1].contains("\"id\":1"),
            "{seen:?}"
        );
        assert!(!kept.gap());
    }

    #[test]
    fn the_oldest_droppable_go_and_the_precious_stay() {
        let mut kept = Kept::default();
        push(&mut kept, &reply(1, 0)).unwrap();
        for number in 0..40 {
            push(&mut kept, &event(number, 1 << 20)).unwrap();
        }
        push(&mut kept, &reply(2, 0)).unwrap();
        assert!(kept.droppable_bytes <= DROPPABLE_LIMIT);
        assert!(kept.gap());
        kept.gap_known(kept.dropped());
        assert!(!kept.gap());
        let seen = consume(&mut kept);
        assert!(seen[0].contains("\"id\":1"));
        assert!(seen[1].contains("\"n\":25"), "{}", seen[1]);
        assert!(seen[seen.len() - 1].contains("\"id\":2"));
        assert_eq!(kept.dropped(), 25);
        assert_eq!(
            (kept.precious_bytes, kept.droppable_bytes, kept.handed_bytes),
            (0, 0, 0)
        );
    }

    #[test]
    fn a_flood_of_precious_ones_is_refused_and_none_is_lost() {
        let mut kept = Kept::default();
        let mut n_kept = 0;
        while push(&mut kept, &reply(n_kept, 32 << 20)).is_ok() {
            n_kept += 1;
        }
        // Eight fill the budget beside one of them, the tenth passes as the one that came last.
        assert!((9..=10).contains(&n_kept), "{n_kept}");
        assert_eq!(kept.waiting() as usize, n_kept);
    }

    #[test]
    fn the_largest_reply_there_may_be_leaves_room_for_the_next() {
        let mut kept = Kept::default();
        push(&mut kept, &reply(0, MAX_MESSAGE - 64)).unwrap();
        for number in 1..100 {
            push(&mut kept, &reply(number, 1 << 20)).unwrap();
            push(&mut kept, &event(number, 0)).unwrap();
        }
        consume(&mut kept);
        assert_eq!((kept.precious_bytes, kept.largest), (0, 0));
    }

    #[test]
    fn what_a_lost_daemon_did_not_acknowledge_comes_again_first() {
        let mut kept = Kept::default();
        for number in 0..4 {
            push(&mut kept, &reply(number, 0)).unwrap();
        }
        for _ in 0..3 {
            assert!(kept.hand_over());
        }
        assert_eq!(kept.acknowledge(1), 1);
        push(&mut kept, &event(9, 0)).unwrap();
        kept.take_back();
        let seen = consume(&mut kept);
        assert_eq!(seen.len(), 4);
        assert!(
            seen[0].contains("\"id\":1") && seen[3].contains("\"n\":9"),
            "{seen:?}"
        );
    }

    #[test]
    fn a_dialog_that_is_open_is_told_to_each_daemon() {
        let opening = r#"{"method":"Page.javascriptDialogOpening","params":{},"sessionId":"A"}"#;
        let closed = r#"{"method":"Page.javascriptDialogClosed","params":{},"sessionId":"A"}"#;
        let mut kept = Kept::default();
        push(&mut kept, opening).unwrap();
        for _ in 0..2 {
            push(&mut kept, &event(9, 0)).unwrap();
            assert_eq!(consume(&mut kept).len(), 2, "it and what came after");
            kept.take_back();
            assert!(!kept.holds_reply() && kept.waiting() == 1);
        }
        // The next one is told of both if it was closed, and of neither once that is known.
        push(&mut kept, closed).unwrap();
        let seen = consume(&mut kept);
        assert!(
            seen[0].contains("DialogOpe") && seen[1].contains("DialogClo"),
            "{seen:?}"
        );
        kept.take_back();
        assert_eq!((kept.waiting(), kept.precious_bytes), (0, 0));
    }

    #[test]
    fn the_window_holds_messages_back_and_lets_a_large_one_pass() {
        let mut kept = Kept::default();
        push(&mut kept, &reply(0, 32 << 20)).unwrap();
        push(&mut kept, &reply(1, 0)).unwrap();
        assert!(kept.hand_over());
        assert!(!kept.hand_over(), "the window is spent");
        kept.acknowledge(1);
        assert!(kept.hand_over());
    }

    #[test]
    fn an_acknowledgement_of_more_than_there_was_is_harmless() {
        let mut kept = Kept::default();
        push(&mut kept, &reply(0, 0)).unwrap();
        assert!(kept.hand_over());
        assert_eq!(kept.acknowledge(9), 1);
    }
}

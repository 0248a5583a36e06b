//! What pages said and asked for: the console and the network, for those who look back.
//!
//! Both are kept in memory, bounded by number, bytes and age, for all tabs of a session
//! together; the oldest go first. They begin anew with each daemon. What could let somebody in
//! (cookies, authorization, tokens in URLs) is taken out before anything is kept.

mod console;
mod network;
mod redact;

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::{Clock, Instant};

pub use console::ConsoleEntry;
pub use network::{NetworkEntry, RecordedBody};

/// How old anything may become.
const LONGEST: Duration = Duration::from_secs(3600);

/// What the pages of a session said and asked for.
#[derive(Debug)]
pub struct Records {
    clock: Clock,
    console: Mutex<Bounded<console::Said>>,
    network: Mutex<network::Log>,
}

impl Records {
    /// Begins to keep records.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            console: Mutex::new(Bounded::new(1000, 4 << 20)),
            network: Mutex::default(),
        }
    }

    /// Returns what the pages said, oldest first, and how much of it is gone.
    #[must_use]
    pub fn console(&self) -> (Vec<ConsoleEntry>, u64) {
        let (said, dropped) = {
            let mut console = lock(&self.console);
            console.age(self.clock.instant());
            let said: Vec<_> = console.items.iter().map(|it| it.value.clone()).collect();
            (said, console.dropped)
        };
        let said = said.iter().filter_map(console::Said::entry);
        (said.collect(), dropped)
    }

    /// Returns what the pages asked for, oldest first, and how much of it is gone.
    #[must_use]
    pub fn network(&self) -> (Vec<NetworkEntry>, u64) {
        lock(&self.network).all(self.clock.instant())
    }

    /// Returns what the server said that a URL, as it is recorded, leads to.
    #[must_use]
    pub fn mime_type_of(&self, url: &str) -> Option<String> {
        lock(&self.network).mime_type_of(url)
    }
}

/// Returns a URL without what could let somebody in, cut to a length to be shown.
#[must_use]
pub fn without_secrets(url: &str) -> String {
    redact::url(url)
}

/// The newest of a kind: so many, so many bytes, so old.
#[derive(Debug)]
struct Bounded<T> {
    items: VecDeque<Kept<T>>,
    most: usize,
    bytes: usize,
    most_bytes: usize,
    dropped: u64,
}

#[derive(Debug)]
struct Kept<T> {
    value: T,
    bytes: usize,
    at: Instant,
}

impl<T> Bounded<T> {
    const fn new(most: usize, most_bytes: usize) -> Self {
        Self {
            items: VecDeque::new(),
            most,
            bytes: 0,
            most_bytes,
            dropped: 0,
        }
    }

    fn push(&mut self, value: T, bytes: usize, at: Instant) {
        self.age(at);
        if self.most_bytes / 4 < bytes {
            // It would cost all the others their place.
            self.dropped += 1;
            return;
        }
        self.items.push_back(Kept { value, bytes, at });
        self.bytes += bytes;
        while self.most < self.items.len() || self.most_bytes < self.bytes {
            self.pop();
        }
    }

    fn age(&mut self, now: Instant) {
        let old = |it: &Kept<T>| LONGEST < now.saturating_duration_since(it.at);
        while self.items.front().is_some_and(old) {
            self.pop();
        }
    }

    fn pop(&mut self) {
        if let Some(gone) = self.items.pop_front() {
            self.bytes = self.bytes.saturating_sub(gone.bytes);
            self.dropped += 1;
        }
    }
}

fn lock<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Cuts a text to so many bytes, and says so.
fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}… ({} bytes)", &text[..end], text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go_first_by_number_bytes_and_age() {
        let start = Clock::system().instant();
        let mut kept = Bounded::new(3, 100);
        for n in 0..5 {
            kept.push(n, 10, start);
        }
        let values = |kept: &Bounded<i32>| kept.items.iter().map(|it| it.value).collect::<Vec<_>>();
        assert_eq!((values(&kept), kept.dropped), (vec![2, 3, 4], 2));
        kept.most = 9;
        for n in 5..8 {
            kept.push(n, 25, start);
        }
        assert_eq!((values(&kept), kept.bytes), (vec![3, 4, 5, 6, 7], 95));
        kept.push(8, 25, start);
        assert_eq!((values(&kept), kept.bytes), (vec![5, 6, 7, 8], 100));
        // What would cost the others their place isn't kept.
        kept.push(9, 26, start);
        assert_eq!((values(&kept), kept.dropped), (vec![5, 6, 7, 8], 6));
        kept.push(10, 10, start + LONGEST + Duration::from_secs(1));
        assert_eq!(
            (values(&kept), kept.bytes, kept.dropped),
            (vec![10], 10, 10)
        );
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("aé", 2), "a… (3 bytes)");
        assert_eq!(cut("aé", 3), "aé");
    }
}

//! Snapshots that were answered, as far as later ones may be compared with them.

use std::collections::VecDeque;
use std::sync::Arc;

use super::lines::Line;
use crate::{Locator, SnapshotOptions};

/// How many snapshots of a tab are kept, and how large they may be together.
const MOST: usize = 8;
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// The snapshots that are kept of a tab, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    all: VecDeque<Taken>,
    /// The number that the last one got.
    last: u64,
}

/// A snapshot as it was answered.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub number: u64,
    pub options: Wanted,
    pub lines: Arc<Vec<Line>>,
    pub truncated: bool,
}

/// What a snapshot was to show; only those that were to show the same can be compared.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Wanted {
    pub interactive_only: bool,
    pub max_depth: Option<u32>,
    pub scope: Option<Locator>,
    pub hidden: bool,
    pub urls: bool,
}

impl Wanted {
    pub fn of(options: &SnapshotOptions) -> Self {
        Self {
            interactive_only: options.interactive_only,
            max_depth: options.max_depth,
            scope: options.scope.clone(),
            hidden: options.hidden,
            urls: options.urls,
        }
    }
}

impl Kept {
    /// Keeps a snapshot and returns its number.
    pub(super) fn keep(&mut self, options: Wanted, lines: Arc<Vec<Line>>, truncated: bool) -> u64 {
        self.last += 1;
        self.all.push_back(Taken {
            number: self.last,
            options,
            lines,
            truncated,
        });
        while MOST < self.all.len() || (1 < self.all.len() && MOST_BYTES < self.bytes()) {
            self.all.pop_front();
        }
        self.last
    }

    /// Returns a snapshot by its number, or the last one.
    pub(super) fn find(&self, number: Option<u64>) -> Option<Taken> {
        match number {
            None => self.all.back().cloned(),
            Some(number) => self
                .all
                .iter()
                .find(|taken| taken.number == number)
                .cloned(),
        }
    }

    fn bytes(&self) -> usize {
        let all = self.all.iter();
        all.map(|taken| {
            taken
                .lines
                .iter()
                .map(|line| line.text.len())
                .sum::<usize>()
        })
        .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: usize) -> Arc<Vec<Line>> {
        let text = "x".repeat(bytes);
        Arc::new(vec![Line { text, fresh: false }])
    }

    #[test]
    fn the_oldest_go_first_by_number_and_by_size() {
        let mut kept = Kept::default();
        for _ in 0..10 {
            kept.keep(Wanted::default(), lines(1), false);
        }
        assert!(kept.find(Some(2)).is_none());
        assert_eq!(kept.find(Some(3)).map(|taken| taken.number), Some(3));
        assert_eq!(kept.find(None).map(|taken| taken.number), Some(10));
        kept.keep(Wanted::default(), lines(MOST_BYTES), false);
        assert_eq!(kept.all.len(), 1, "one is kept however large it is");
    }
}

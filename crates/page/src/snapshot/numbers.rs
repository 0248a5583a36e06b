//! The ref numbers of a tab: which were given out, and which are reserved.

/// Numbers are reserved in blocks of this size: one durable write for many snapshots.
const BLOCK: u64 = 1000;
/// How many new numbers one walk may give out.
pub(super) const MAX_NEW: u64 = 20_000;

/// The ref numbers of the tab.
#[derive(Debug)]
pub(crate) struct Numbers {
    /// The next number that was never handed to a walk.
    next: u64,
    /// Numbers below this one may leave in an answer.
    pub(crate) reserved: u64,
    /// A walk was handed `next` and nobody heard how far it came.
    unheard: bool,
}

impl Numbers {
    pub(crate) fn starting(first: u64) -> Self {
        let first = first.max(1);
        Self {
            next: first,
            reserved: first,
            unheard: false,
        }
    }

    /// Returns the number the next walk starts with.
    pub(crate) fn hand_out(&mut self) -> u64 {
        // The world of a document in the back/forward cache may know the numbers of a walk
        // that was cut off; they are left to it.
        if self.unheard {
            self.next += MAX_NEW;
        }
        self.unheard = true;
        self.next
    }

    /// Notes that the walk did not begin.
    pub(super) const fn take_back(&mut self) {
        self.unheard = false;
    }

    /// Notes how far the walk came.
    pub(crate) fn heard(&mut self, next: u64) {
        self.unheard = false;
        self.next = self.next.max(next);
    }

    /// Returns up to where numbers must be reserved before they are shown, if at all.
    pub(crate) fn wanted(&self) -> Option<u64> {
        (self.reserved < self.next).then(|| self.next.div_ceil(BLOCK) * BLOCK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(numbers: &mut Numbers, next: u64) -> Option<u64> {
        numbers.heard(next);
        numbers.wanted()
    }

    #[test]
    fn numbers_are_reserved_in_blocks_before_they_are_shown() {
        let mut numbers = Numbers::starting(1);
        assert_eq!(numbers.hand_out(), 1);
        assert_eq!(heard(&mut numbers, 1), None);
        assert_eq!(numbers.hand_out(), 1);
        assert_eq!(heard(&mut numbers, 2), Some(1000));
        numbers.reserved = 1000;
        assert_eq!(numbers.hand_out(), 2);
        assert_eq!(heard(&mut numbers, 1000), None);
        assert_eq!(heard(&mut numbers, 1001), Some(2000));
    }

    #[test]
    fn a_reservation_that_failed_is_asked_for_again() {
        let mut numbers = Numbers::starting(1001);
        numbers.hand_out();
        assert_eq!(heard(&mut numbers, 1005), Some(2000));
        numbers.hand_out();
        assert_eq!(heard(&mut numbers, 1005), Some(2000));
    }

    #[test]
    fn the_numbers_of_a_walk_that_was_cut_off_are_not_given_again() {
        let mut numbers = Numbers::starting(5);
        assert_eq!(numbers.hand_out(), 5);
        assert!(numbers.hand_out() >= 5 + MAX_NEW);
    }

    #[test]
    fn the_numbers_of_a_walk_that_never_began_are_given_again() {
        let mut numbers = Numbers::starting(5);
        numbers.hand_out();
        numbers.take_back();
        assert_eq!(numbers.hand_out(), 5);
    }
}

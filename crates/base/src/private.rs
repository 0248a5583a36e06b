//! A wrapper that keeps what came from a page out of logs.

use std::fmt;

/// A value that came from a page or a user: typed text, a cookie, a form field, a URL.
///
/// `Debug` shows its size only. To read it, call [`Private::expose`], which is easy to
/// search for in review.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Private<T>(T);

impl<T> Private<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Returns the value. Every caller answers for where it goes next.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// Returns the value, unwrapped.
    pub fn into_exposed(self) -> T {
        self.0
    }
}

impl<T> From<T> for Private<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T: AsRef<[u8]>> fmt::Debug for Private<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} private bytes>", self.0.as_ref().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_size_only() {
        assert_eq!(
            format!("{:?}", Private::new("hunter2")),
            "<7 private bytes>"
        );
    }
}

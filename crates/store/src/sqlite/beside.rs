//! What a sealed value is bound to beside its id: the columns in clear of its row.
//!
//! SQLite's pages have no checksum. A bit that turns over in a number or a name would be read as
//! a good value; bound to the row's seal, it makes the row damaged.

/// The id of a row and its columns in clear, as bytes that no other row gives.
pub(super) struct Beside(Vec<u8>);

const NOTHING: u8 = 0;
const NUMBER: u8 = 1;
const BYTES: u8 = 2;

impl Beside {
    /// Begins with the row's id.
    pub fn of(id: &str) -> Self {
        Self(Vec::with_capacity(256)).bytes(id.as_bytes())
    }

    /// Adds a number.
    pub fn number(mut self, value: i64) -> Self {
        self.0.push(NUMBER);
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// Adds a number that may be missing.
    pub fn maybe_number(self, value: Option<i64>) -> Self {
        match value {
            Some(value) => self.number(value),
            None => self.nothing(),
        }
    }

    /// Adds a text.
    pub fn text(self, value: &str) -> Self {
        self.bytes(value.as_bytes())
    }

    /// Adds a text that may be missing.
    pub fn maybe_text(self, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(value),
            None => self.nothing(),
        }
    }

    /// Adds bytes.
    pub fn bytes(mut self, value: &[u8]) -> Self {
        self.0.push(BYTES);
        self.0
            .extend_from_slice(&(value.len() as u64).to_le_bytes());
        self.0.extend_from_slice(value);
        self
    }

    fn nothing(mut self) -> Self {
        self.0.push(NOTHING);
        self
    }
}

impl AsRef<[u8]> for Beside {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_rows_give_the_same_bytes() {
        let rows = [
            Beside::of("ab").text("c"),
            Beside::of("a").text("bc"),
            Beside::of("ab").maybe_text(None).text("c"),
            Beside::of("ab").text("").text("c"),
            Beside::of("ab").text("c").number(0),
            Beside::of("ab").text("c").maybe_number(None),
            Beside::of("ab").number(1).number(0),
            Beside::of("ab").number(0).number(1),
        ];
        for (place, row) in rows.iter().enumerate() {
            for other in &rows[place + 1..] {
                assert_ne!(row.0, other.0);
            }
        }
    }
}

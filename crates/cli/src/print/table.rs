//! Tables: drawn on a terminal, plain columns elsewhere.

use std::fmt;
use std::io::IsTerminal as _;

use comfy_table::{ContentArrangement, presets};

use super::boundary::in_a_cell;
use crate::failure::Failure;
use crate::output;

/// A table of short texts.
pub struct Table {
    table: comfy_table::Table,
    whole: bool,
}

impl Table {
    /// Returns a table with these columns.
    pub fn new(columns: &[&str]) -> Self {
        let mut table = comfy_table::Table::new();
        table
            .load_style(presets::NOTHING)
            .set_header(columns.iter().copied());
        if std::io::stdout().is_terminal() {
            table.load_style(presets::UTF8_HORIZONTAL_ONLY);
            table.set_content_arrangement(ContentArrangement::Dynamic);
        }
        Self {
            table,
            whole: false,
        }
    }

    /// Returns a table whose cells are shown whole. They hold nothing from a page.
    pub fn wide(columns: &[&str]) -> Self {
        Self {
            whole: true,
            ..Self::new(columns)
        }
    }

    /// Adds a row.
    pub fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        let shown = |text: &str| {
            if self.whole {
                text.to_owned()
            } else {
                in_a_cell(text)
            }
        };
        let cells: Vec<String> = cells.into_iter().map(shown).collect();
        self.table.add_row(cells);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.table.trim_fmt())
    }
}

/// Prints a table that holds nothing from a page.
pub fn table(table: &Table) -> Result<(), Failure> {
    output::line(&table.to_string())
}

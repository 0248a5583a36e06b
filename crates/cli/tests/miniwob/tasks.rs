//! The tasks that are solved, with what each is for.

#[path = "clicks.rs"]
mod clicks;
#[path = "entries.rs"]
mod entries;
#[path = "moves.rs"]
mod moves;

use crate::hand::{Hand, Tried};

/// A task and how it is solved.
pub struct Task {
    pub name: &'static str,
    pub solve: fn(&mut Hand<'_>) -> Tried,
}

const fn task(name: &'static str, solve: fn(&mut Hand<'_>) -> Tried) -> Task {
    Task { name, solve }
}

/// The longest first: the sessions end together.
pub const TASKS: &[Task] = &[
    // drag, by an element and by a distance
    task("drag-sort-numbers", moves::sort),
    task("drag-items", moves::drag_item),
    task("drag-box", moves::drag_box),
    task("resize-textarea", moves::resize),
    // a slider by keys, a spinner by clicks in a row
    task("use-slider", moves::slide),
    task("use-spinner", moves::spin),
    // hover
    task("click-menu", moves::menu),
    // scroll
    task("scroll-text-2", moves::scroll),
    // text is marked by a triple click
    task("highlight-text-2", moves::mark_one),
    // copied and pasted by chords
    task("copy-paste", entries::copy),
    // a date picker of the page's own, a date and a time field of the browser's
    task("choose-date-easy", entries::pick_date),
    task("enter-date", entries::enter_date),
    task("enter-time", entries::enter_time),
    // type
    task("terminal", entries::terminal),
    // fill
    task("enter-text", entries::enter_text),
    task("enter-text-2", entries::enter_case),
    task("login-user", entries::log_in),
    task("find-word", entries::find_word),
    task("read-table", entries::read_table),
    task("simple-arithmetic", entries::arithmetic),
    task("multi-orderings", entries::search_movie),
    // focus
    task("focus-text-2", entries::focus),
    // select, one and several
    task("choose-list", clicks::choose),
    task("click-scroll-list", clicks::choose_several),
    // check
    task("click-checkboxes", clicks::check),
    task("click-option", clicks::option),
    // click
    task("click-button", clicks::button),
    task("click-button-sequence", clicks::sequence),
    task("click-link", clicks::link),
    task("click-dialog-2", clicks::dialog),
    task("click-tab-2", clicks::tabs),
    task("click-collapsible", clicks::collapsible),
    task("click-widget", clicks::widget),
    task("odd-or-even", clicks::odd_or_even),
];

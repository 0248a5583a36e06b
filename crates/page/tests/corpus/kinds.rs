//! The differences that are known, each with its reason; there may be as many, and no others.

use super::compare::Tally;

/// A kind of difference, how many there may be, and why. A star marks what can be acted on.
const KNOWN: &[(&str, usize, &str)] = &[
    (
        "* button theirs only",
        1,
        "what a canvas shows where it can't draw is not drawn: no mouse gets there",
    ),
    (
        "* link theirs only",
        4,
        "a link without an address that only a listener tells of, and the areas of an image map",
    ),
    (
        "* name of button",
        6,
        "an empty label around a field hides its title from the browser's tree (accname has it)",
    ),
    (
        "* name of link",
        46,
        "the browser's tree leaves out what is in a figure; and names are told as they are written, not in capitals by style",
    ),
    (
        "EmbeddedObject theirs only",
        1,
        "what a plug-in would draw is not looked into",
    ),
    (
        "PluginObject theirs only",
        1,
        "what a plug-in would draw is not looked into",
    ),
    (
        "a text",
        90,
        "text of rich editors beyond a value's length, and generated content outside of a name",
    ),
    (
        "canvas ours only",
        29,
        "a canvas without a name may be drawn on and clicked: a caller has its ref for a picture of it",
    ),
    (
        "cell ours only",
        3,
        "the browser takes small tables without headers to be layout",
    ),
    (
        "row ours only",
        2,
        "the browser takes small tables without headers to be layout",
    ),
    (
        "table ours only",
        2,
        "the browser takes small tables without headers to be layout",
    ),
    (
        "graphics-document theirs only",
        1,
        "roles of graphics and of digital publishing that ARIA 1.2 has not",
    ),
    (
        "section: region for doc-chapter",
        1,
        "roles of graphics and of digital publishing that ARIA 1.2 has not",
    ),
    (
        "group theirs only",
        12,
        "the groups of a list's options, and of a drawing, are not told",
    ),
    (
        "img ours only",
        1,
        "a picture with an empty alternative and a title has a name here",
    ),
    (
        "name of audio",
        1,
        "the browser says that it can't play it, where the page gave no name",
    ),
    (
        "name of video",
        10,
        "the browser says that it can't play it, and that before the page's own name",
    ),
    (
        "name of cell",
        5,
        "white space between floating boxes in a line",
    ),
    (
        "name of figure",
        42,
        "a figure's caption is its name (HTML-AAM)",
    ),
    (
        "name of heading",
        2,
        "a heading that can be edited is named by its text here",
    ),
    (
        "name of math",
        1,
        "a formula is named by its text: else nothing would be told of it",
    ),
    (
        "paragraph ours only",
        1,
        "an empty paragraph that generated content fills",
    ),
    (
        "separator theirs only",
        1,
        "lines between options are not told",
    ),
];

/// Tells the differences of a tally; returns those that are new or more than before.
pub fn check(tally: &Tally) -> Vec<String> {
    let mut new = Vec::new();
    for (kind, (count, examples)) in &tally.kinds {
        let known = KNOWN.iter().find(|(known, _, _)| known == kind);
        let reason = known.map_or("new", |(_, _, reason)| reason);
        println!("{count:5}  {kind}: {reason}");
        if known.is_none_or(|(_, most, _)| count > most) {
            new.push(format!("{count} × {kind}: {examples:#?}"));
        }
    }
    new
}

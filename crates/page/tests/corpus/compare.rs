//! What the two sides agree on, counted.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::AddAssign;

use super::Node;
use super::ours::{Found, Ours};
use super::theirs::Theirs;

/// What can be acted on, by role: what a caller needs most.
const INTERACTIVE: &[&str] = &[
    "button",
    "checkbox",
    "combobox",
    "gridcell",
    "link",
    "listbox",
    "menuitem",
    "menuitemcheckbox",
    "menuitemradio",
    "option",
    "radio",
    "scrollbar",
    "searchbox",
    "slider",
    "spinbutton",
    "switch",
    "tab",
    "textbox",
    "treeitem",
];
/// Roles that tell nothing of their element; neither side's are compared.
const UNTOLD: &[&str] = &["generic", "none", "document", "rowgroup"];

/// How many nodes were compared, and how many were told alike.
#[derive(Clone, Copy, Default, Debug)]
pub struct Share {
    pub alike: usize,
    pub all: usize,
}

impl Share {
    pub fn percent(self) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "counts of nodes are small")]
        let share = self.alike as f64 / self.all.max(1) as f64;
        100.0 * share
    }

    fn count(&mut self, alike: bool) {
        self.all += 1;
        self.alike += usize::from(alike);
    }
}

impl fmt::Display for Share {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:.2} % of {}", self.percent(), self.all)
    }
}

impl AddAssign for Share {
    fn add_assign(&mut self, other: Self) {
        self.alike += other.alike;
        self.all += other.all;
    }
}

/// How a page, or all of them, compared.
#[derive(Default, Debug)]
pub struct Tally {
    /// The walk's nodes that can be acted on.
    pub interactive: Share,
    /// All nodes of the walk.
    pub exposed: Share,
    /// What can be acted on in the text of the snapshot, in its order.
    pub told: Share,
    /// The letters of the page's text that are in the snapshot's.
    pub letters: Share,
    /// The kinds of differences, how many there are, and the first ones.
    pub kinds: BTreeMap<String, (usize, Vec<String>)>,
}

impl Tally {
    pub fn add(&mut self, other: Self) {
        self.interactive += other.interactive;
        self.exposed += other.exposed;
        self.told += other.told;
        self.letters += other.letters;
        for (kind, (count, examples)) in other.kinds {
            let known = self.kinds.entry(kind).or_default();
            known.0 += count;
            known.1.extend(examples);
            known.1.truncate(40);
        }
    }

    fn note(&mut self, kind: String, example: String) {
        let known = self.kinds.entry(kind).or_default();
        known.0 += 1;
        if known.1.len() < 12 {
            known.1.push(example);
        }
    }
}

/// Compares a page.
pub fn compare(page: &str, ours: &Ours, theirs: &Theirs, text: &[Node], whole: &str) -> Tally {
    let mut tally = Tally::default();
    // Else the numbers would mean other elements.
    assert_eq!(ours.tags, theirs.tags, "{page}");
    let walked: HashMap<usize, &Found> = ours.found.iter().map(|it| (it.element, it)).collect();
    let mut in_order = Vec::new();
    let mut met = HashMap::new();
    for exposed in &theirs.nodes {
        // What the browser draws into a control is not the page's.
        let Some(element) = exposed.element else {
            continue;
        };
        let at = walked.get(&element);
        if at.is_some_and(|found| found.within) {
            continue;
        }
        let node = in_our_words(&exposed.node, at.is_some_and(|found| found.editing));
        if at.is_some_and(|found| found.empty && found.node.role == node.role)
            && node.name.is_empty()
        {
            continue;
        }
        met.insert(element, node.clone());
        if is_interactive(&node) {
            in_order.push(node);
        }
    }
    let mut elements: Vec<usize> = walked.keys().chain(met.keys()).copied().collect();
    elements.sort_unstable();
    elements.dedup();
    for element in elements {
        // Nor does a picture without a name.
        let told = |node: &&Node| {
            let unnamed = node.role == "img" && node.name.is_empty();
            !UNTOLD.contains(&&*node.role) && !unnamed
        };
        let mine = walked.get(&element);
        if mine.is_some_and(|found| found.within) {
            continue;
        }
        let mine = mine
            .filter(|found| !found.empty)
            .map(|found| &found.node)
            .filter(told);
        let other = met.get(&element).filter(told);
        let tag = &theirs.tags[element];
        let acts = mine.is_some_and(is_interactive) || other.is_some_and(is_interactive);
        let star = if acts { "* " } else { "" };
        let alike = match (mine, other) {
            (None, None) => continue,
            (Some(mine), Some(other)) => {
                let alike = is_alike(mine, other);
                if !alike {
                    let kind = if mine.role == other.role {
                        format!("{star}name of {}", mine.role)
                    } else {
                        format!("{star}{tag}: {} for {}", mine.role, other.role)
                    };
                    tally.note(kind, format!("{page} <{tag}>: {mine:?} for {other:?}"));
                }
                alike
            }
            (Some(node), None) => {
                tally.note(
                    format!("{star}{} ours only", node.role),
                    format!("{page} <{tag}>: {node:?}"),
                );
                false
            }
            (None, Some(node)) => {
                tally.note(
                    format!("{star}{} theirs only", node.role),
                    format!("{page} <{tag}>: {node:?}"),
                );
                false
            }
        };
        tally.exposed.count(alike);
        if acts {
            tally.interactive.count(alike);
        }
    }
    let text: Vec<Node> = text
        .iter()
        .filter(|node| is_interactive(node))
        .cloned()
        .collect();
    tally.told = aligned(&text, &in_order);
    tally.letters = letters_in(&theirs.text, whole, |text| {
        tally.note("a text".to_owned(), format!("{page}: {text}"));
    });
    tally
}

fn is_interactive(node: &Node) -> bool {
    INTERACTIVE.contains(&&*node.role)
}

fn is_alike(mine: &Node, other: &Node) -> bool {
    // The browser names a row by its cells only where it may get the focus, to be faster.
    let unnamed_row = mine.role == "row" && other.name.is_empty();
    mine.role == other.role && (unnamed_row || is_same(&mine.name, &other.name))
}

/// A long name is cut.
fn is_same(ours: &str, theirs: &str) -> bool {
    match ours.strip_suffix('…') {
        Some(start) if ours.chars().count() >= 400 => theirs.starts_with(start.trim_end()),
        _ => ours == theirs,
    }
}

/// The browser has names for more than ARIA does, and other names for some of it.
fn in_our_words(node: &Node, editing: bool) -> Node {
    let role = match &*node.role {
        "image" => "img",
        "Iframe" => "iframe",
        "Canvas" => "canvas",
        "Video" => "video",
        "Audio" => "audio",
        "DisclosureTriangle" | "DisclosureTriangleGrouped" | "ColorWell" => "button",
        "Date" | "DateTime" | "InputTime" => "textbox",
        "Details" => "group",
        "MathMLMath" => "math",
        "doc-backlink" | "doc-biblioref" | "doc-glossref" | "doc-noteref" => "link",
        "SvgRoot" if node.name.is_empty() => "generic",
        "SvgRoot" => "img",
        "DescriptionListTerm" => "term",
        "DescriptionListDetail" => "definition",
        // What no role of ARIA tells.
        "LabelText" | "Legend" | "Figcaption" | "Pre" | "Abbr" | "Ruby" | "RubyAnnotation"
        | "LineBreak" | "ListMarker" | "RootWebArea" | "DescriptionList" | "LayoutTable"
        | "LayoutTableRow" | "LayoutTableCell" => "generic",
        // A draft of ARIA 1.3 has them for a header or footer that is none of the page.
        "sectionheader" | "sectionfooter" => "generic",
        // Without a name a form tells nothing (HTML-AAM).
        "form" if node.name.is_empty() => "generic",
        "generic" if editing => "textbox",
        role => role,
    };
    // ARIA forbids to name a term; what it says is told as text.
    let name = if role == "term" { "" } else { &node.name };
    Node {
        role: role.to_owned(),
        name: name.to_owned(),
    }
}

/// The nodes of two lists that can be paired in order, and all; what has no partner on either
/// side counts.
fn aligned(ours: &[Node], theirs: &[Node]) -> Share {
    let mut above: Vec<(usize, usize)> = (0..=theirs.len()).map(|edits| (edits, 0)).collect();
    for (row, mine) in ours.iter().enumerate() {
        let mut line = vec![(row + 1, 0)];
        for (column, other) in theirs.iter().enumerate() {
            let alike = is_alike(mine, other);
            let (edits, pairs) = above[column];
            let paired = (edits + usize::from(!alike), pairs + usize::from(alike));
            let skipped = |(edits, pairs): (usize, usize)| (edits + 1, pairs);
            let best = [paired, skipped(above[column + 1]), skipped(line[column])];
            line.push(
                best.into_iter()
                    .min_by_key(|(edits, pairs)| (*edits, usize::MAX - pairs))
                    .unwrap(),
            );
        }
        above = line;
    }
    let (edits, pairs) = above[theirs.len()];
    Share {
        alike: pairs,
        all: pairs + edits,
    }
}

/// The letters of `texts` that are told, however they are put together.
fn letters_in(texts: &[String], told: &str, mut missing: impl FnMut(&str)) -> Share {
    let joined = |text: &str| -> String {
        text.chars()
            .filter(|it| it.is_alphanumeric())
            .flat_map(char::to_lowercase)
            .collect()
    };
    let told = joined(told);
    let mut share = Share::default();
    for text in texts {
        let wanted = joined(text);
        let found = told.contains(&wanted);
        share.all += wanted.len();
        share.alike += if found { wanted.len() } else { 0 };
        if !found {
            missing(text);
        }
    }
    share
}

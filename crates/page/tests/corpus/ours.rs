//! Our side: the walk with nothing folded, and the text that a model reads.

use browserd_page::Page;
use cdp::protocol::{page, runtime};
use serde::Deserialize;

use super::{Node, ctx, tidy};

/// The product's own scripts, and one that walks with them.
const SCRIPT: &str = concat!(
    "(()=>{'use strict';\n",
    include_str!("../../js/dom.js"),
    include_str!("../../js/refs.js"),
    include_str!("../../js/frames.js"),
    include_str!("../../js/role.js"),
    include_str!("../../js/name.js"),
    include_str!("../../js/snapshot.js"),
    include_str!("walk.js"),
    "})()",
);

/// What the walk says of a page.
#[derive(Deserialize)]
pub struct Ours {
    /// The tags of all elements by number.
    pub tags: Vec<String>,
    pub found: Vec<Found>,
}

/// An element that the walk came to.
#[derive(Deserialize)]
pub struct Found {
    pub element: usize,
    #[serde(flatten)]
    pub node: Node,
    /// Whether it is in an element that is told as one line.
    pub within: bool,
    /// Whether it is an editing host.
    pub editing: bool,
    /// Whether it is a piece of text or a list with nothing in it.
    pub empty: bool,
}

/// Walks the page.
pub async fn ours(page: &Page) -> Ours {
    let session = page.session();
    let frames = session.call(&ctx(), &page::GetFrameTree::default()).await;
    let make = page::CreateIsolatedWorld {
        frame_id: frames.unwrap().frame_tree.frame.id,
        world_name: Some("corpus".to_owned()),
        ..Default::default()
    };
    let world = session.call(&ctx(), &make).await.unwrap();
    let walk = runtime::Evaluate {
        expression: SCRIPT.to_owned(),
        context_id: Some(world.execution_context_id),
        return_by_value: Some(true),
        ..Default::default()
    };
    let answer = session.call(&ctx(), &walk).await.unwrap();
    assert!(answer.exception_details.is_none(), "{answer:?}");
    let told = answer.result.value.unwrap();
    serde_json::from_str(told.as_str().unwrap()).unwrap()
}

/// Reads the lines of a snapshot.
pub fn lines(text: &str) -> Vec<Node> {
    text.lines().filter_map(line).collect()
}

fn line(line: &str) -> Option<Node> {
    let line = line.trim_start();
    let (role, rest) = line.split_once(' ').unwrap_or((line, ""));
    let mut name = String::new();
    if let Some(quoted) = rest.strip_prefix('"') {
        let mut letters = quoted.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '"' => break,
                '\\' => name.extend(letters.next()),
                letter => name.push(letter),
            }
        }
    }
    (!role.ends_with(':')).then(|| Node {
        role: role.to_owned(),
        name: tidy(&name),
    })
}

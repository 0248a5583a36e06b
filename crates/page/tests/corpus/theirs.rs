//! The browser's side: its accessibility tree, with the elements its nodes are of.

use std::collections::HashMap;

use browserd_page::Page;
use cdp::protocol::accessibility::{self, AXNode, AXValue};
use serde::Deserialize;
use serde_json::json;

use super::{Node, call, ctx, tidy};

/// An exposed node.
#[derive(Debug)]
pub struct Exposed {
    pub node: Node,
    /// The number of its element; none for what the browser adds by itself.
    pub element: Option<usize>,
}

/// What the browser says of a page.
pub struct Theirs {
    /// Every exposed node in the order of the tree, through frames.
    pub nodes: Vec<Exposed>,
    /// The tags of the elements by number.
    pub tags: Vec<String>,
    /// The text of the page, as the tree has it.
    pub text: Vec<String>,
}

#[derive(Deserialize)]
struct Captured {
    documents: Vec<Document>,
    strings: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    frame_id: usize,
    nodes: Nodes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Nodes {
    parent_index: Vec<i64>,
    node_type: Vec<i64>,
    node_name: Vec<i64>,
    backend_node_id: Vec<i64>,
    shadow_root_type: Rare,
    content_document_index: Rare,
    pseudo_type: Rare,
}

#[derive(Deserialize, Default)]
struct Rare {
    index: Vec<usize>,
    value: Vec<usize>,
}

impl Rare {
    fn of(&self, at: usize) -> Option<usize> {
        let found = self.index.iter().position(|index| *index == at)?;
        self.value.get(found).copied()
    }
}

/// The elements of a page by the browser's own numbers.
#[derive(Default)]
struct Elements {
    numbers: HashMap<i64, usize>,
    tags: Vec<String>,
    /// The frame that is shown in an element.
    frames: HashMap<i64, String>,
}

impl Elements {
    fn of(captured: &Captured) -> Self {
        let mut elements = Self::default();
        let children: Vec<_> = captured.documents.iter().map(children).collect();
        elements.add(captured, &children, 0, 0);
        elements
    }

    /// Adds a node and what is in it, in the order in which `walk.js` numbers elements.
    fn add(&mut self, all: &Captured, children: &[Vec<Vec<usize>>], document: usize, node: usize) {
        let nodes = &all.documents[document].nodes;
        if nodes.pseudo_type.of(node).is_some() {
            return;
        }
        if nodes.node_type[node] == 1 {
            let id = nodes.backend_node_id[node];
            self.numbers.insert(id, self.tags.len());
            let name = usize::try_from(nodes.node_name[node]).unwrap();
            let tag = all.strings[name].to_lowercase();
            // What is in an `object` or `embed` is no frame to a snapshot.
            let frame = matches!(&*tag, "iframe" | "frame");
            self.tags.push(tag);
            let inner = nodes.content_document_index.of(node);
            if let Some(inner) = inner.filter(|_| frame) {
                let frame = all.documents[inner].frame_id;
                self.frames.insert(id, all.strings[frame].clone());
                self.add(all, children, inner, 0);
            }
        }
        let (roots, inside): (Vec<usize>, Vec<usize>) = children[document][node]
            .iter()
            .partition(|child| nodes.node_type[**child] == 11);
        for root in roots {
            let kind = nodes.shadow_root_type.of(root).map(|at| &*all.strings[at]);
            if kind == Some("open") {
                self.add(all, children, document, root);
            }
        }
        for child in inside {
            self.add(all, children, document, child);
        }
    }
}

fn children(document: &Document) -> Vec<Vec<usize>> {
    let nodes = &document.nodes;
    let mut children = vec![Vec::new(); nodes.parent_index.len()];
    for (at, parent) in nodes.parent_index.iter().enumerate() {
        if let Ok(parent) = usize::try_from(*parent) {
            children[parent].push(at);
        }
    }
    children
}

/// Asks the browser.
pub async fn theirs(page: &Page) -> Theirs {
    let asked = json!({ "computedStyles": [] });
    let captured = call(page, "DOMSnapshot.captureSnapshot", &asked).await;
    let captured: Captured = serde_json::from_str(captured.get()).unwrap();
    let elements = Elements::of(&captured);
    let mut theirs = Theirs {
        nodes: Vec::new(),
        tags: Vec::new(),
        text: Vec::new(),
    };
    let main = captured.documents[0].frame_id;
    add(page, &mut theirs, &elements, &captured.strings[main]).await;
    theirs.tags = elements.tags;
    theirs
}

/// Adds the nodes of a frame, and of those in it.
async fn add(page: &Page, theirs: &mut Theirs, elements: &Elements, frame: &str) {
    let asked = accessibility::GetFullAXTree {
        frame_id: Some(frame.to_owned()),
        ..Default::default()
    };
    let tree = page.session().call(&ctx(), &asked).await.unwrap().nodes;
    let by_id: HashMap<&str, &AXNode> = tree.iter().map(|node| (&*node.node_id, node)).collect();
    let root = tree.iter().find(|node| node.parent_id.is_none());
    let mut stack: Vec<&AXNode> = root.into_iter().collect();
    while let Some(node) = stack.pop() {
        let id = node.backend_dom_node_id;
        let role = text(node.role.as_ref());
        let name = tidy(&text(node.name.as_ref()));
        if !node.ignored && role == "StaticText" {
            theirs.text.push(name);
        } else if !node.ignored {
            let node = Node { role, name };
            let element = id.and_then(|id| elements.numbers.get(&id).copied());
            theirs.nodes.push(Exposed { node, element });
        }
        let inside = node.child_ids.iter().flatten();
        let inside: Vec<&AXNode> = inside.filter_map(|id| by_id.get(&**id).copied()).collect();
        stack.extend(inside.into_iter().rev());
        if let Some(inner) = id.and_then(|id| elements.frames.get(&id))
            && !node.ignored
        {
            Box::pin(add(page, theirs, elements, inner)).await;
        }
    }
}

fn text(value: Option<&AXValue>) -> String {
    let value = value.and_then(|value| value.value.as_ref());
    value
        .and_then(|value| value.as_str())
        .unwrap_or_default()
        .to_owned()
}

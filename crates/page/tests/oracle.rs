//! Roles and names against Chromium's own accessibility tree, and the cost of both.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test may fail loudly, print what it measured, spawn and read clocks"
)]

mod support;

use std::time::{Duration, Instant};

use browserd_page::{Locator, SnapshotOptions};
use cdp::protocol::accessibility;
use support::{Stage, ctx};

/// The roles that both name alike, for what can be acted on. (An editing host without a role is
/// `generic` to Chromium; we say `textbox`, since that is what can be done with it.)
const COMPARED: &[&str] = &[
    "button",
    "checkbox",
    "combobox",
    "heading",
    "link",
    "listbox",
    "menuitem",
    "option",
    "radio",
    "searchbox",
    "slider",
    "spinbutton",
    "switch",
    "tab",
    "textbox",
    "treeitem",
];

const PAGES: &[&str] = &[
    // Names from labels.
    "<label>First <input></label><label for=b>Second</label><input id=b>
     <input aria-label=Third><span id=x>Four</span><span id=y>th</span><input aria-labelledby='x y'>
     <input placeholder=Fifth><input title=Sixth><input title=T placeholder=P>
     <label>Rate <input type=range value=3> of <input type=number value=7> stars</label>
     <input type=checkbox id=c1><label for=c1>Agree <a href=#>terms</a></label>
     <label><input type=radio name=r> One</label><label><input type=radio name=r> Two</label>
     <label for=s>Size</label><select id=s><option>Small<option>Large</select>
     <select multiple aria-label=Many><option>a<option label=bee>b</select>
     <textarea aria-label=Notes></textarea><input type=search aria-label=Find><input type=email aria-label=Mail>
     <input type=password aria-label=Secret><input list=l aria-label=Pick><datalist id=l><option>x</datalist>",
    // Names from content.
    "<button>Plain</button><button><b>Bold</b> word</button><button><img src='data:,' alt=Pic></button>
     <button aria-label=Over>Under</button><button title=Tip></button><button>x<span hidden>no</span></button>
     <button><span aria-hidden=true>×</span> Close</button><button><svg><title>Draw</title></svg></button>
     <style>.q::before{content:'« '}.q::after{content:' »'}</style><button class=q>quoted</button>
     <a href=#>Link <em>text</em></a><a href=#><div>Block</div><div>two</div></a><a href=#><span>In</span><span>line</span></a>
     <a href=#>br<br>oken</a><a href=#><img src='data:,' alt=''>after</a><a href=# aria-labelledby=none>fallback</a>
     <input type=submit><input type=reset><input type=button value=Go><input type=submit value=Send><input type=image alt=Im>
     <h1>One</h1><h2>Two <a href=#>in</a></h2><h3 aria-label=Named>Other</h3>
     <div role=heading aria-level=4>Four</div>",
    // Roles given by the author.
    "<div role=button tabindex=0>Div</div><div role=link tabindex=0>L</div><div role='foo tab'>T</div>
     <div role=switch aria-checked=true>S</div><div role=checkbox aria-checked=mixed aria-label=C></div>
     <div role=menu><div role=menuitem>M</div></div><ul role=tree><li role=treeitem>Leaf</ul>
     <div role=slider aria-label=V aria-valuenow=3 tabindex=0></div><div role=textbox aria-label=E contenteditable>e</div>
     <button role=presentation>still</button><a href=# role=button>as button</a>
     <div role=combobox aria-label=Co tabindex=0></div><div role=searchbox aria-label=Se></div>
     <div role=listbox aria-label=LB><div role=option>o1</div><div role=option aria-selected=true>o2</div></div>
     <div role=radiogroup><div role=radio>r</div></div><div role=spinbutton aria-label=Sp tabindex=0></div>
     <h2 role=none>not a heading</h2>",
    // Hidden and shown.
    "<div style='display:none'><button>no</button></div><div aria-hidden=true><a href=# tabindex=-1>no</a></div>
     <div style='visibility:hidden'><button>no</button><button style='visibility:visible'>yes</button></div>
     <div style='display:contents'><button>contents</button></div><div hidden><a href=#>no</a></div>
     <details><summary>closed</summary><button>no</button></details><details open><summary>open</summary><button>in</button></details>
     <div inert><button>no</button></div><div style='opacity:0'><button>clear</button></div>
     <div id=h></div><script>h.attachShadow({mode:'open'}).innerHTML='<button>shadow <slot></slot></button>';h.append('slot')</script>",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_and_names_are_those_of_the_accessibility_tree() {
    let stage = Stage::start().await;
    let mut wrong = Vec::new();
    for page in PAGES {
        let open = stage.show(page).await;
        let tree = accessibility::GetFullAXTree::default();
        let tree = open.page.session().call(&ctx(), &tree).await.unwrap();
        let mut theirs: Vec<String> = tree
            .nodes
            .iter()
            .filter(|node| !node.ignored)
            .filter_map(|node| {
                let text = |value: &Option<accessibility::AXValue>| {
                    let value = value.as_ref()?.value.as_ref()?;
                    Some(
                        value
                            .as_str()?
                            .split_whitespace()
                            .collect::<Vec<_>>()
                            .join(" "),
                    )
                };
                let role = match text(&node.role)?.as_str() {
                    "DisclosureTriangle" => "button".to_owned(),
                    "listBoxOption" | "MenuListOption" => "option".to_owned(),
                    role => role.to_owned(),
                };
                COMPARED
                    .contains(&role.as_str())
                    .then(|| format!("{role} {:?}", text(&node.name).unwrap_or_default()))
            })
            .collect();
        let mut ours: Vec<String> = open
            .snapshot()
            .await
            .lines()
            .filter_map(|line| {
                let line = line.trim();
                let role = line.split(' ').next()?;
                let name = line.strip_prefix(role)?.trim_start();
                let name = match name.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
                    Some((name, _)) => format!("{name:?}"),
                    None => "\"\"".to_owned(),
                };
                COMPARED.contains(&role).then(|| format!("{role} {name}"))
            })
            .collect();
        theirs.sort();
        ours.sort();
        let mut rest = theirs.clone();
        for line in &ours {
            match rest.iter().position(|other| other == line) {
                Some(at) => drop(rest.remove(at)),
                None => wrong.push(format!("ours only: {line}")),
            }
        }
        wrong.extend(rest.iter().map(|line| format!("theirs only: {line}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_costs_less_than_a_third_of_the_accessibility_tree() {
    let stage = Stage::start().await;
    let open = stage
        .show(
            "<title>400</title><body><script>let h='';for(let i=0;i<200;i++)h+=`<p><a href=\"/l${i}\">Link number ${i}</a> <button>Button ${i}</button></p>`;
             document.body.innerHTML=h</script>",
        )
        .await;
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    let (mut our_bytes, mut their_bytes) = (0, 0);
    let params = serde_json::value::RawValue::from_string("{}".to_owned()).unwrap();
    for _ in 0..25 {
        let start = Instant::now();
        let shot = open
            .page
            .snapshot(&ctx(), &SnapshotOptions::default())
            .await
            .unwrap();
        ours.push(start.elapsed());
        our_bytes = shot.text.expose().len();
        let start = Instant::now();
        let method = "Accessibility.getFullAXTree";
        let tree = open
            .page
            .session()
            .call_raw(&ctx(), method, &params)
            .await
            .unwrap();
        their_bytes = tree.get().len();
        theirs.push(start.elapsed());
    }
    let (ours, theirs) = (median(ours), median(theirs));
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    println!(
        "snapshot p50 {ours:?}, {our_bytes} bytes; getFullAXTree p50 {theirs:?}, {their_bytes} bytes; ratio {ratio:.3}"
    );
    assert!(ratio <= 0.3, "ratio {ratio}");
    let last = open.find("Button 199").await;
    assert_eq!(last, Locator::Ref(400));
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

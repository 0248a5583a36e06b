//! Storage of frames: of other sites, whose storage is the page's site's too, and of other
//! origins of the same site.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]

use serde_json::{Value, json};
use testkit::harness::{Agent, Do, Door, Harness};
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");

/// A page of 127.0.0.1 with three frames: one of localhost, in that one of 127.0.0.1 again, and
/// one of another origin of 127.0.0.1.
fn page(site: &Site, neighbour: &Site) -> String {
    let with = |base: &str, name: &str, frames: &[String]| {
        let mut url = format!("{base}?name={name}");
        for frame in frames {
            // The frame's own frames are for itself.
            let frame = frame.replace('%', "%25").replace('&', "%26");
            url.push_str(&format!("&frame={frame}"));
        }
        url
    };
    let back = with(&site.url("/embeds"), "back", &[]);
    let far = with(&site.other_origin("/embeds"), "far", &[back]);
    let near = with(&neighbour.url("/embeds"), "near", &[]);
    with(&site.url("/embeds"), "page", &[far, near])
}

/// Returns what each frame found stored when it was loaded.
fn found(agent: &mut Agent<impl Door>) -> Value {
    let all = json!({ "function": "Object.keys(seen).length === 3" });
    agent.call("wait_for", all);
    agent.evaluate("seen")
}

fn store(agent: &mut Agent<impl Door>, frame: &str, value: &str) {
    agent.evaluate(&format!("await tell({frame}, \"store('{value}')\")"));
}

fn lost(recovered: &Value) -> Vec<&str> {
    let lost = recovered["lost"].as_array().expect("a list");
    lost.iter().filter_map(Value::as_str).collect()
}

#[test]
fn what_frames_of_other_sites_store_is_there_before_they_load_again() {
    let (site, neighbour) = (Site::start(), Site::start());
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let mut agent = Agent::open(test.http(), None, &page(&site, &neighbour));
    let nothing = json!([null, null, null]);
    let empty = json!({ "far": nothing, "back": nothing, "near": nothing });
    assert_eq!(found(&mut agent), empty);
    agent.evaluate("await store('page')");
    store(&mut agent, "frames[0]", "far");
    store(&mut agent, "frames[0].frames[0]", "back");
    store(&mut agent, "frames[1]", "near");
    // The same origin as a page of its own has storage of its own.
    let own = agent.call("new_tab", json!({ "url": site.other_origin("/embeds") }));
    agent.evaluate("await store('own')");
    agent.call("activate_tab", json!({ "tab_id": "t1" }));
    agent.settle();
    let (asked, neighbour_asked) = (site.counts().total(), neighbour.counts().total());

    test.fault(Do::KillBrowser);

    let recovered = agent.notice()["recovered"].clone();
    for word in ["local_storage", "session_storage", "indexed_db"] {
        assert!(!lost(&recovered).contains(&word), "{recovered}");
    }
    let all = json!({
        "far": ["far", "far", "far"],
        "back": ["back", "back", "back"],
        "near": ["near", "near", "near"],
    });
    assert_eq!(found(&mut agent), all);
    assert_eq!(
        agent.evaluate("await stored()"),
        json!(["page", "page", "page"])
    );
    assert_eq!(site.counts().total(), asked + 4, "a stub asked the site");
    assert_eq!(neighbour.counts().total(), neighbour_asked + 1);
    agent.call("activate_tab", json!({ "tab_id": own["tab_id"] }));
    assert_eq!(
        agent.evaluate("await stored()"),
        json!(["own", "own", "own"])
    );
    agent.call("activate_tab", json!({ "tab_id": "t1" }));

    // The next daemon goes on listening to the frames of a page that it only takes over.
    test.fault(Do::KillDaemon);
    agent.door = test.http();
    store(&mut agent, "frames[0]", "later");
    agent.settle();
    test.fault(Do::KillBrowser);
    agent.notice();
    let later = json!({
        "far": ["later", "later", "later"],
        "back": ["back", "back", "back"],
        "near": ["near", "near", "near"],
    });
    assert_eq!(found(&mut agent), later);
    test.finish();
}

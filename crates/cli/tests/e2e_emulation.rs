//! What a browser is made to look like: at open and later, over the loss of browser and daemon.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]

use serde_json::{Value, json};
use testkit::harness::{Agent, Do, Door, Harness};
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");

/// What a page sees of it.
const LOOK: &str = "(async () => ({
    size: [innerWidth, innerHeight, devicePixelRatio],
    touch: navigator.maxTouchPoints > 0,
    agent: navigator.userAgent,
    language: [navigator.language, new Intl.NumberFormat().resolvedOptions().locale],
    zone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    dark: matchMedia('(prefers-color-scheme: dark)').matches,
    still: matchMedia('(prefers-reduced-motion: reduce)').matches,
    online: navigator.onLine,
    place: await new Promise(done => navigator.geolocation.getCurrentPosition(
        at => done([at.coords.latitude, at.coords.longitude, at.coords.accuracy]),
        err => done(err.code), { timeout: 5000 })),
    notify: (await navigator.permissions.query({ name: 'notifications' })).state,
}))()";

fn look(agent: &mut Agent<impl Door>) -> Value {
    let there = json!({ "function": "document.readyState === 'complete'" });
    agent.call("wait_for", there);
    agent.evaluate(&format!("await {LOOK}"))
}

#[test]
fn what_a_browser_looks_like_is_set_at_open_or_later_and_survives_browser_and_daemon() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let opened = json!({
        "url": site.url("/form"), "viewport": { "width": 700, "height": 500, "scale": 2.0 },
        "locale": "de-CH", "timezone": "Pacific/Auckland", "color_scheme": "dark",
        "permissions": ["notifications"],
    });
    let mut agent = Agent::open_with(test.http(), opened);
    let first = look(&mut agent);
    assert_eq!(first["size"], json!([700, 500, 2]), "{first}");
    assert_eq!(first["language"], json!(["de-CH", "de-CH"]), "{first}");
    assert_eq!(first["zone"], "Pacific/Auckland", "{first}");
    assert_eq!(first["notify"], "granted", "{first}");
    assert!(first["dark"] == true && first["still"] == false, "{first}");
    assert_eq!(first["place"], 1, "nobody may know where it is: {first}");

    // What isn't named stays.
    agent.call(
        "emulate",
        json!({ "user_agent": "Mine/1.0", "reduced_motion": "reduce" }),
    );
    let place = json!({ "latitude": 47.37, "longitude": 8.54, "accuracy": 5 });
    agent.call("set_geolocation", place);
    let shown = agent.call(
        "set_viewport",
        json!({ "width": 800, "height": 600, "touch": true }),
    );
    assert_eq!(
        shown["emulation"]["timezone"], "Pacific/Auckland",
        "{shown}"
    );
    let all = look(&mut agent);
    let expect = json!({
        "size": [800, 600, 1], "touch": true, "agent": "Mine/1.0", "language": ["de-CH", "de-CH"],
        "zone": "Pacific/Auckland", "dark": true, "still": true, "online": true,
        "place": [47.37, 8.54, 5], "notify": "granted",
    });
    assert_eq!(all, expect);
    agent.settle();

    test.fault(Do::KillBrowser);
    let recovered = agent.notice()["recovered"].clone();
    for word in ["emulation", "permissions"] {
        let restored = recovered["restored"].as_array().expect("a list");
        assert!(restored.contains(&json!(word)), "{recovered}");
    }
    assert_eq!(look(&mut agent), expect, "after the browser's death");
    test.fault(Do::KillDaemon);
    agent.door = test.http();
    assert_eq!(look(&mut agent), expect, "after the daemon's death");
    agent.call("new_tab", json!({ "url": site.url("/form") }));
    assert_eq!(look(&mut agent), expect, "in a new tab");

    // The next daemon can take back what the last one set.
    agent.call("emulate", json!({ "offline": true }));
    let failed = agent.evaluate("await fetch('/form').then(() => 'there', () => 'gone')");
    assert_eq!(failed, "gone");
    let own = agent.call("emulate", json!({ "reset": ["all"] }));
    assert_eq!(own["emulation"], json!({}), "{own}");
    agent.call("interact", json!({ "action": "reload" }));
    let bare = look(&mut agent);
    assert!(bare["online"] == true && bare["touch"] == false, "{bare}");
    assert_ne!(bare["zone"], "Pacific/Auckland", "{bare}");
    assert!(
        bare["agent"]
            .as_str()
            .is_some_and(|agent| agent.contains("Chrome")),
        "{bare}"
    );
    assert!(bare["place"] == 1 && bare["notify"] != "granted", "{bare}");

    // A device is a screen and a user agent; a frame of another site has them, too.
    let phone = agent.call(
        "emulate",
        json!({ "device": "pixel 8", "timezone": "Asia/Tokyo" }),
    );
    assert_eq!(phone["emulation"]["device"], "Pixel 8", "{phone}");
    let far = format!("{}?name=far", site.other_origin("/embeds"));
    let url = format!("{}?name=page&frame={far}", site.url("/embeds"));
    agent.call("navigate", json!({ "url": url }));
    agent.call(
        "wait_for",
        json!({ "function": "Object.keys(seen).length === 1" }),
    );
    let told = "[navigator.userAgent, Intl.DateTimeFormat().resolvedOptions().timeZone].join()";
    let own = agent.evaluate(told);
    assert!(
        own.as_str()
            .is_some_and(|own| own.contains("Pixel 8") && own.contains("Tokyo")),
        "{own}"
    );
    assert_eq!(
        agent.evaluate(&format!("await tell(frames[0], \"{told}\")")),
        own
    );
    assert_eq!(agent.evaluate("screen.width"), 412);

    // What can't be is told, and changes nothing.
    for (wrong, word) in [
        (json!({ "timezone": "Mars/Olympus" }), "timezone"),
        (json!({ "device": "toaster" }), "device"),
        (json!({ "color_scheme": "plaid" }), "color_scheme"),
        (json!({ "reset": ["everything"] }), "reset"),
    ] {
        let refused = agent.refused("emulate", wrong);
        assert_eq!(refused.code(), "invalid_argument");
        assert!(
            refused.0["message"]
                .as_str()
                .is_some_and(|text| text.contains(word)),
            "{refused:?}"
        );
    }
    let kept = agent.call("get_settings", json!({}));
    assert_eq!(kept["emulation"]["timezone"], "Asia/Tokyo", "{kept}");
    test.finish();
}

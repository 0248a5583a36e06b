//! Frames of other origins, and what else a page's own script can't look into.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test may fail loudly, print what it measured, spawn and read clocks"
)]

mod support;

use browserd_page::{Action, Error, ImageFormat, Locator, Screenshot, SnapshotOptions};
use serde_json::json;
use support::{Stage, css, ctx, fill, ref_in, type_in};

/// A page of this site with a frame of another site, in which is one of this site again.
async fn nested(stage: &Stage) -> support::Open {
    let site = &stage.site;
    site.put(
        "/inner",
        "200 OK",
        "content-type: text/html\r\n",
        b"<body style='margin:0'><button id=deep onclick=\"this.textContent='clicked'\">deep</button><input aria-label=Word>",
    );
    let inner = site.url("/inner");
    let middle = format!(
        "<h2>Middle</h2><div style='height:900px'>tall</div><button onclick=\"this.textContent='was hit'\">middle</button>
         <input type=checkbox aria-label=Box><select aria-label=Size><option>S<option>L</select>
         <iframe title=Inner src='{inner}' style='border:3px solid;width:300px;height:120px'></iframe>"
    );
    site.put(
        "/middle",
        "200 OK",
        "content-type: text/html\r\n",
        middle.as_bytes(),
    );
    let outer = format!(
        "<title>Outer</title><button>top</button><div style='height:1200px'></div>
         <iframe title=Other src='{}' style='width:500px;height:300px;border:5px solid;padding:4px'></iframe>
         <iframe title=Boxed sandbox=allow-scripts srcdoc='<button>boxed</button>'></iframe>",
        site.elsewhere("/middle")
    );
    stage.show(&outer).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_of_other_sites_are_part_of_a_snapshot_and_their_refs_lead_to_them() {
    let stage = Stage::start().await;
    let open = nested(&stage).await;
    let text = open.snapshot().await;
    println!("{text}");
    let find = |part: &str| text.lines().find(|line| line.contains(part)).unwrap();
    assert!(find("Other").starts_with("iframe \"Other\" @e"), "{text}");
    assert!(find("\"middle\"").starts_with("  button"), "{text}");
    assert!(find("Inner").starts_with("  iframe"), "{text}");
    assert!(find("\"deep\"").starts_with("    button"), "{text}");
    assert!(find("boxed").starts_with("  button"), "{text}");
    assert_eq!(open.snapshot().await, text, "numbers stay");

    // Each ref leads to its own frame, also where it must be scrolled to first.
    for (part, after) in [("\"middle\"", "was hit"), ("\"deep\"", "clicked")] {
        open.click(ref_in(&text, part)).await.unwrap();
        assert!(open.snapshot().await.contains(after));
    }
    open.act(fill(ref_in(&text, "Word"), "ada")).await.unwrap();
    open.act(type_in(ref_in(&text, "Word"), " l"))
        .await
        .unwrap();
    open.act(Action::Check {
        target: ref_in(&text, "Box"),
    })
    .await
    .unwrap();
    let size = Action::Select {
        target: ref_in(&text, "Size"),
        values: vec![browserd_page::Choice::Named("L".to_owned())],
    };
    open.act(size).await.unwrap();
    let after = open.snapshot().await;
    println!("{after}");
    assert!(after.contains("value=\"ada l\""), "{after}");
    let box_line = after.lines().find(|line| line.contains("Box\"")).unwrap();
    assert!(box_line.contains("checked"), "{after}");

    // Selectors find what is in them, too, and a picture is of the element.
    open.act(fill(css("input[aria-label=Word]"), "x"))
        .await
        .unwrap();
    let picture = Screenshot {
        locator: Some(css("#deep")),
        format: ImageFormat::Png,
        ..Default::default()
    };
    let picture = open.page.screenshot(&ctx(), &picture).await.unwrap();
    assert!((20..200).contains(&picture.width), "{picture:?}");
    let scope = SnapshotOptions {
        scope: Some(css("#deep")),
        ..Default::default()
    };
    let part = open.page.snapshot(&ctx(), &scope).await.unwrap();
    assert!(
        part.text.expose().starts_with("button \"clicked\""),
        "{part:?}"
    );

    // The next daemon knows nothing of the frames and finds them.
    let (session, target) = (open.session_id.clone(), open.page.target_id().to_owned());
    let deep = ref_in(&text, "Inner");
    drop(open);
    let again = stage
        .attach(
            &stage.connection,
            &session,
            &target,
            Default::default(),
            1001,
            true,
        )
        .await;
    again
        .act(fill(ref_in(&text, "Word"), "later"))
        .await
        .unwrap();
    assert!(again.snapshot().await.contains("value=\"later\""));

    // A frame that is gone leaves its refs stale.
    again
        .js("document.querySelector('iframe').remove();0")
        .await;
    let gone = again.click(deep).await.unwrap_err();
    assert!(matches!(gone, Error::RefStale { .. }), "{gone}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closed_shadow_trees_modal_dialogs_and_hidden_text_are_told() {
    let stage = Stage::start().await;
    let open = stage
        .show(
            "<x-card></x-card><div id=h></div><p style='display:none'>unseen</p><a href='/a/b?c=1#d'>L</a><a href='https://else.test/x'>M</a>
             <div role=grid aria-rowcount=500 aria-label=G><div role=row aria-rowindex=3><span role=gridcell>c</span></div></div>
             <ul><li aria-posinset=2 aria-setsize=90>item</ul><th>x</th>
             <button aria-haspopup=menu aria-busy=true>Menu</button>
             <input role=combobox aria-label=Co aria-activedescendant=o2><div role=listbox><div role=option id=o1>1</div><div role=option id=o2>2</div></div>
             <div id=s></div>
             <script>customElements.define('x-card', class extends HTMLElement { constructor() { super();
               this.attachShadow({mode:'closed'}).innerHTML='<button onclick=\"window.hit=1\">in closed</button>' } });
               h.attachShadow({mode:'closed'}).innerHTML='<b style=\"display:block\">also closed</b>';
               s.attachShadow({mode:'open'}).innerHTML='<dialog aria-label=Modal><button>only this</button></dialog>';
               document.querySelector('input').focus()</script>",
        )
        .await;
    let text = open.snapshot().await;
    println!("{text}");
    for part in [
        "also closed",
        "rows=500",
        "row=3",
        "pos=2/90",
        "popup=menu",
        "busy",
        "option \"2\" @e",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(
        text.lines()
            .any(|line| line.contains("option \"2\"") && line.contains("active")),
        "{text}"
    );
    assert!(!text.contains("unseen") && !text.contains("new]"), "{text}");
    open.click(ref_in(&text, "in closed")).await.unwrap();
    assert_eq!(open.js("hit").await, json!(1));

    let with = SnapshotOptions {
        hidden: true,
        urls: true,
        ..Default::default()
    };
    let shot = open.page.snapshot(&ctx(), &with).await.unwrap();
    let more = shot.text.expose();
    assert!(more.contains("text \"unseen\" [hidden]"), "{more}");
    assert!(
        more.contains("url=\"/a/b?c=1#d\"") && more.contains("url=\"https://else.test/x\""),
        "{more}"
    );

    open.js("s.shadowRoot.querySelector('dialog').showModal();0")
        .await;
    let modal = open.snapshot().await;
    println!("{modal}");
    assert!(modal.starts_with("note: a modal dialog is open"), "{modal}");
    assert!(
        modal.contains("only this") && modal.contains("modal") && !modal.contains("Menu"),
        "{modal}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_that_does_not_answer_costs_the_page_no_snapshot() {
    let stage = Stage::start().await;
    let site = &stage.site;
    site.put(
        "/spin",
        "200 OK",
        "content-type: text/html\r\n",
        b"<button>never</button><script>onmessage=()=>{for(;;);}</script>",
    );
    let open = stage
        .show(&format!(
            "<button id=b>here</button><iframe title=Spin src='{}'></iframe>",
            site.elsewhere("/spin")
        ))
        .await;
    assert!(open.snapshot().await.contains("never"));
    open.js("frames[0].postMessage(1,'*');0").await;
    let shot = open
        .page
        .snapshot(&ctx(), &SnapshotOptions::default())
        .await
        .unwrap();
    let text = shot.text.expose();
    assert!(
        shot.truncated && text.contains("[not read]") && text.contains("here"),
        "{text}"
    );
    open.click(ref_in(text, "here")).await.unwrap();
    assert!(matches!(
        open.act_soon(support::click(Locator::Ref(999))).await,
        Err(Error::RefStale { .. })
    ));
}

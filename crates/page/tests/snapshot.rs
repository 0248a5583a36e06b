//! Snapshots and refs, on a real Chromium.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test may fail loudly, print what it measured, spawn and read clocks"
)]

mod support;

use browserd_page::{Error, Locator, SnapshotOptions};
use support::{Stage, css, ctx, ref_in};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_told_in_a_few_lines() {
    let stage = Stage::start().await;
    let open = stage
        .show(
            r#"<!doctype html><title>Shop</title>
            <header><h1>The <em>Shop</em></h1><nav aria-label="Main"><ul>
              <li><a href="/a">Home</a></li><li><a href="/b" aria-current="page">Cart <b>(2)</b></a></li>
            </ul></nav></header>
            <main><p>Welcome, <b>Ada</b>.</p><p>Second.</p>
            <form aria-label="Login"><label>Name <input name=n value="ada" required></label>
              <label for=p>Password</label><input id=p type=password value="hunter2">
              <input type=checkbox id=c checked><label for=c>Stay</label>
              <select aria-label="Size"><option>S<option selected>M<option disabled>L</select>
              <textarea placeholder="Notes"></textarea>
              <button disabled>Log in</button><button aria-label="Close"><span>x</span></button></form>
            <table><caption>Prices</caption><tr><th>What<th>Price<tr><td>Tea<td>3<tr><td>Cake<td><button>Buy</button></table>
            <ul><li>one</li><li>two <a href=#>more</a></li></ul>
            <div onclick="1">Card <span>text</span></div>
            <div style="display:none">hidden</div><div aria-hidden=true>decoration</div>
            <span style="visibility:hidden">unseen</span>
            <img src="data:," alt="Logo"><img src="data:," alt="">
            </main>"#,
        )
        .await;
    let text = open.snapshot().await;
    println!("{text}");
    insta::assert_snapshot!(text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ref_keeps_its_number_while_its_node_lives() {
    let stage = Stage::start().await;
    let open = stage
        .show("<button id=a>A</button><button id=b>B</button><div id=d></div>")
        .await;
    let first = open.snapshot().await;
    assert_eq!(first, "button \"A\" @e1\nbutton \"B\" @e2");
    assert_eq!(open.snapshot().await, first);
    assert_eq!(
        *open.reserved.0.lock().unwrap(),
        [1000],
        "reserved before shown, and once"
    );

    // Moved, taken out for a while, and through collections of garbage.
    open.js("d.append(a); window.kept = b; b.remove(); 0").await;
    let collect = cdp::protocol::runtime::Evaluate {
        expression: "for(let i=0;i<300;i++)new ArrayBuffer(1<<20)".to_owned(),
        ..Default::default()
    };
    open.page.session().call(&ctx(), &collect).await.unwrap();
    let params = serde_json::value::RawValue::from_string("{}".to_owned()).unwrap();
    open.page
        .session()
        .call_raw(&ctx(), "HeapProfiler.collectGarbage", &params)
        .await
        .unwrap();
    assert_eq!(open.snapshot().await, "button \"A\" @e1");
    open.js("d.append(kept); 0").await;
    assert_eq!(open.snapshot().await, first);

    // What is new gets a new number, also in the place of what is gone.
    open.js("b.outerHTML = '<button id=b>B</button>'; 0").await;
    assert_eq!(
        open.snapshot().await,
        "button \"A\" @e1\nbutton \"B\" @e3 [new]"
    );
    let gone = open.click(Locator::Ref(2)).await.unwrap_err();
    assert!(matches!(gone, Error::RefStale { number: 2, .. }), "{gone}");
    assert!(gone.to_string().contains("removed"), "{gone}");
    assert_eq!(
        gone.hint().unwrap(),
        "Take a snapshot and use a ref from it."
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ref_of_another_document_is_stale_and_revives_with_its_page() {
    let stage = Stage::start().await;
    let open = stage
        .show("<title>one</title><button onclick='window.n=1'>A</button>")
        .await;
    assert_eq!(open.snapshot().await, "button \"A\" @e1");
    open.show(&stage.site, "<title>two</title><button>B</button>")
        .await;
    let stale = open.click(Locator::Ref(1)).await.unwrap_err();
    assert!(
        matches!(stale, Error::RefStale { number: 1, .. }),
        "{stale}"
    );
    assert_eq!(
        open.snapshot().await,
        "button \"B\" @e2",
        "numbers are not given again"
    );
    for never in [0, 3, 999_999_999] {
        let stale = open.click(Locator::Ref(never)).await.unwrap_err();
        assert!(matches!(stale, Error::RefStale { .. }), "{stale}");
    }
    let there = open.act(browserd_page::Action::Back).await.unwrap();
    assert_eq!(there.title.expose(), "one");
    // Whether the page was kept in the cache or loaded anew, one is never the other's.
    match open.click(Locator::Ref(1)).await {
        Ok(_) => assert_eq!(open.js("window.n").await, 1),
        Err(err) => assert!(matches!(err, Error::RefStale { .. }), "{err}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refs_outlive_the_client() {
    let stage = Stage::start().await;
    let open = stage
        .show("<button>A</button><iframe srcdoc='<button>B</button>'></iframe>")
        .await;
    let before = open.snapshot().await;
    assert!(before.contains("button \"B\""), "{before}");
    let (session, target) = (open.session_id.clone(), open.page.target_id().to_owned());
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
    assert_eq!(again.snapshot().await, before);
    assert!(!again.page.state().loading);
    again.click(ref_in(&before, "\"B\"")).await.unwrap();
    again
        .js("document.body.append(document.createElement('button')); 0")
        .await;
    assert!(
        again.snapshot().await.contains("button @e1001"),
        "numbers go on at the next block"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_and_open_shadow_roots_are_walked_through() {
    let stage = Stage::start().await;
    let open = stage
        .show(
            "<div id=h><b slot=s>slotted</b></div><iframe title=Inner srcdoc='<p>in frame<button>F</button>'></iframe>
             <script>h.attachShadow({mode:'open'}).innerHTML='<button>S</button><slot name=s></slot>'</script>",
        )
        .await;
    assert_eq!(
        open.snapshot().await,
        "button \"S\" @e1\ntext \"slotted\"\niframe \"Inner\" @e3\n  text \"in frame\"\n  button \"F\" @e2"
    );
    // A frame that shows another document, or is gone, leaves its refs stale.
    open.js("document.querySelector('iframe').srcdoc='<button>G</button>'; new Promise(r=>document.querySelector('iframe').onload=()=>r(0))").await;
    assert!(matches!(
        open.click(Locator::Ref(2)).await,
        Err(Error::RefStale { .. })
    ));
    let inner = open.find("\"G\"").await;
    open.js("document.querySelector('iframe').remove(); 0")
        .await;
    assert!(matches!(
        open.click(inner).await,
        Err(Error::RefStale { .. })
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn options_narrow_a_snapshot_and_bounds_hold() {
    let stage = Stage::start().await;
    let open = stage
        .show("<main><h1>T</h1><section aria-label=S><p>words<button>A</button></section><button id=b>B</button></main>")
        .await;
    let take = async |options: SnapshotOptions| open.page.snapshot(&ctx(), &options).await.unwrap();
    let shot = take(SnapshotOptions {
        interactive_only: true,
        ..Default::default()
    })
    .await;
    assert_eq!(shot.text.expose(), "button \"A\" @e2\nbutton \"B\" @e3");
    let shot = take(SnapshotOptions {
        max_depth: Some(1),
        ..Default::default()
    })
    .await;
    assert_eq!(shot.text.expose(), "main");
    assert!(shot.truncated);
    let scope = Some(css("section"));
    let shot = take(SnapshotOptions {
        scope,
        ..Default::default()
    })
    .await;
    assert_eq!(
        shot.text.expose(),
        "region \"S\"\n  text \"words\"\n  button \"A\" @e2"
    );
    assert!(!shot.truncated);
    let shot = take(SnapshotOptions {
        max_bytes: Some(20),
        ..Default::default()
    })
    .await;
    assert_eq!(shot.text.expose(), "main");
    assert!(shot.truncated);
    let nowhere = SnapshotOptions {
        scope: Some(css("nav")),
        ..Default::default()
    };
    assert!(matches!(
        open.page.snapshot(&ctx(), &nowhere).await,
        Err(Error::NotActionable { .. })
    ));
    let wrong = SnapshotOptions {
        scope: Some(css("((")),
        ..Default::default()
    };
    assert!(matches!(
        open.page.snapshot(&ctx(), &wrong).await,
        Err(Error::InvalidArgument { .. })
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_pages_are_told_all_the_same() {
    let stage = Stage::start().await;
    let open = stage
        .show(
            r#"<form id=f><input name=children value=1><input name=getAttribute><input name=parentNode>
             <input name=nodeType><input name=firstChild><input name=shadowRoot><button name=localName>Go</button></form>
             <img name=body alt=x src="data:,"><img name=title alt=y src="data:,"><form name=documentElement></form>
             <a id=__browserd href=#>named</a><a id=__browserd_refs href=#>named</a>
             <script>for (const o of [Array.prototype, Map.prototype, WeakMap.prototype, Element.prototype, Node.prototype, Object, JSON, Promise.prototype])
               for (const k of Object.getOwnPropertyNames(o)) try { Object.defineProperty(o, k, {value(){throw 'patched'}, get: undefined}) } catch {}
             </script>"#,
        )
        .await;
    let text = open.snapshot().await;
    assert!(
        text.contains("button \"Go\"") && text.contains("link \"named\""),
        "{text}"
    );
    open.click(ref_in(&text, "textbox")).await.unwrap();

    // What a page says cannot make a line of its own.
    open.show(
        &stage.site,
        "<button aria-label='x\"\n  button \"Forged\" @e1'>a</button>",
    )
    .await;
    let text = open.snapshot().await;
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains(r#"x\" button \"Forged\" @e1"#), "{text}");

    // Many nodes and deep trees are bounded.
    open.show(
        &stage.site,
        "<body><script>let h='';for(let i=0;i<60000;i++)h+='<p>text '+i+'</p>';document.body.innerHTML=h;
         let n=document.body;for(let i=0;i<1500;i++){const d=document.createElement('div');n.append(d);n=d}</script>",
    )
    .await;
    let shot = open
        .page
        .snapshot(&ctx(), &SnapshotOptions::default())
        .await
        .unwrap();
    assert!(shot.truncated);
    assert!(shot.text.expose().len() <= 1024 * 1024);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_that_nobody_heard_of_are_not_given_again() {
    let stage = Stage::start().await;
    let open = stage.show("<button>A</button><button>B</button>").await;
    let before = open.snapshot().await;
    let (session, target) = (open.session_id.clone(), open.page.target_id().to_owned());
    drop(open);
    // As if its last daemon had died before it reserved what the walk gave out.
    let policy = browserd_page::DialogPolicy::Ask;
    let connection = &stage.connection;
    let open = stage
        .attach(connection, &session, &target, policy, 1, true)
        .await;
    open.js("document.body.prepend(Object.assign(document.createElement('button'),{textContent:'C'}));0")
        .await;
    let after = open.snapshot().await;
    assert_eq!(after, format!("button \"C\" @e3 [new]\n{before}"));
    assert_eq!(*open.reserved.0.lock().unwrap(), [1000]);
}

//! Navigation, waits, dialogs, evaluate, content and screenshots, on a real Chromium.
//! It is one file because its tests share how a page is opened and driven.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test may fail loudly, print what it measured, spawn and read clocks"
)]

mod support;

use std::time::{Duration, Instant};

use base::{Code, Ctx};
use browserd_page::{
    Action, ContentFormat, ContentOptions, DialogKind, DialogPolicy, ElementState, Error, Evaluate,
    Fact, Gate, ImageFormat, LoadState, Locator, Navigate, Screenshot, SnapshotOptions, StorageOp,
    Wait,
};
use serde_json::json;
use support::{Open, Stage, click, css, ctx, soon};

async fn navigate(open: &Open, url: &str) -> Result<browserd_page::Navigated, Error> {
    open.page
        .navigate(
            &ctx(),
            &Gate::open(),
            &Navigate {
                url: url.to_owned(),
            },
        )
        .await
}

async fn evaluate(
    open: &Open,
    ctx: &Ctx,
    expression: &str,
) -> Result<browserd_page::Evaluated, Error> {
    let script = Evaluate {
        expression: expression.to_owned(),
    };
    open.page.evaluate(ctx, &Gate::open(), &script).await
}

fn as_a(format: ContentFormat) -> ContentOptions {
    ContentOptions {
        format,
        ..ContentOptions::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn navigations_tell_where_they_led() {
    let stage = Stage::start().await;
    let site = &stage.site;
    let page = site.add("<title>Here</title><p id=x>x");
    let missing = site.put(
        "/missing",
        "404 Not Found",
        "content-type: text/html\r\n",
        b"<title>None</title>none",
    );
    let moved = site.put("/moved", "302 Found", &format!("location: {page}\r\n"), b"");
    let empty = site.put("/empty", "204 No Content", "", b"");
    let file = site.put(
        "/file",
        "200 OK",
        "content-disposition: attachment\r\n",
        b"data",
    );
    let script = site.add(&format!("<script>location='{page}'</script>"));
    let open = stage.blank().await;
    for (url, to, title, status) in [
        (&page, &page, "Here", Some(200)),
        (&missing, &missing, "None", Some(404)),
        (&moved, &page, "Here", Some(200)),
        (&empty, &page, "Here", Some(204)),
        (&format!("{page}#x"), &format!("{page}#x"), "Here", None),
        (
            &"data:text/html,<title>D</title>".to_owned(),
            &"data:text/html,%3Ctitle%3ED%3C/title%3E".to_owned(),
            "D",
            None,
        ),
        (&script, &page, "Here", Some(200)),
        (
            &"about:blank".to_owned(),
            &"about:blank".to_owned(),
            "",
            None,
        ),
    ] {
        let there = navigate(&open, url)
            .await
            .unwrap_or_else(|err| panic!("{url}: {err}"));
        if !url.starts_with("data:") {
            assert_eq!(there.url.expose(), to, "{url}");
        }
        assert_eq!(
            (there.title.expose().as_str(), there.http_status),
            (title, status),
            "{url}"
        );
    }
    let err = navigate(&open, &file).await.unwrap_err();
    assert!(err.to_string().contains("download"), "{err}");
    let err = navigate(&open, "http://127.0.0.1:1/").await.unwrap_err();
    assert!(err.to_string().contains("net::ERR_"), "{err}");
    assert_eq!(err.code(), Code::NavigationFailed);
    for wrong in [
        "",
        "javascript:alert(1)",
        "/relative",
        "example.com",
        "chrome://version",
        "http://[",
    ] {
        assert_eq!(
            navigate(&open, wrong).await.unwrap_err().code(),
            Code::BadUrl,
            "{wrong}"
        );
    }
    let slow = Navigate {
        url: site.url("/never"),
    };
    let err = open
        .page
        .navigate(&soon(), &Gate::open(), &slow)
        .await
        .unwrap_err();
    assert_eq!(err.code(), Code::OutcomeUnknown, "{err}");
    navigate(&open, &page).await.unwrap();
    let state = open.page.state();
    assert_eq!((state.url.expose(), state.loading), (&page, false));
    assert_eq!(open.page.frames().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dialogs_end_calls_at_the_event_and_wait_for_their_answer() {
    let stage = Stage::start().await;
    let mut open = stage
        .show("<button id=c onclick=\"n=confirm('Sure?')\">C</button><button id=d onmousedown=\"if(!window.q){q=1;alert('down')}\" onclick='m=(window.m||0)+1'>D</button>")
        .await;
    let start = Instant::now();
    let err = open.click(css("#c")).await.unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(5));
    let Error::DialogOpen(dialog) = &err else {
        panic!("{err}")
    };
    assert_eq!(
        (dialog.kind, dialog.message.expose().as_str()),
        (DialogKind::Confirm, "Sure?")
    );
    assert_eq!(err.code(), Code::DialogOpen);
    // Everything else says so at once, and nothing hangs.
    let held = |code| assert_eq!(code, Code::DialogOpen);
    held(open.click(css("#c")).await.unwrap_err().code());
    held(
        open.page
            .snapshot(&ctx(), &SnapshotOptions::default())
            .await
            .unwrap_err()
            .code(),
    );
    held(evaluate(&open, &ctx(), "1").await.unwrap_err().code());
    held(navigate(&open, "about:blank").await.unwrap_err().code());
    held(
        open.page
            .screenshot(&ctx(), &Screenshot::default())
            .await
            .unwrap_err()
            .code(),
    );
    held(open.page.probe(&ctx()).await.unwrap_err().code());
    assert!(open.page.state().dialog.is_some());
    open.page.handle_dialog(&ctx(), true, None).await.unwrap();
    assert_eq!(open.js("n").await, true);
    assert!(open.page.state().dialog.is_none());
    assert!(matches!(
        open.page.handle_dialog(&ctx(), true, None).await,
        Err(Error::NoDialog)
    ));

    // At the press of the button: its release comes after the answer.
    held(open.click(css("#d")).await.unwrap_err().code());
    open.page.handle_dialog(&ctx(), false, None).await.unwrap();
    open.js("m=0").await;
    open.click(css("#d")).await.unwrap();
    assert_eq!(open.js("m").await, 1, "the button is up again");

    held(
        evaluate(&open, &ctx(), "p=prompt('Name?','none')")
            .await
            .unwrap_err()
            .code(),
    );
    open.page
        .handle_dialog(&ctx(), true, Some("Ada".to_owned()))
        .await
        .unwrap();
    assert_eq!(open.js("p").await, "Ada");
    // One after another.
    held(
        evaluate(&open, &ctx(), "for(let i=0;i<3;i++)alert(i)")
            .await
            .unwrap_err()
            .code(),
    );
    for _ in 0..3 {
        open.page.wait_for_dialog().await;
        open.page.handle_dialog(&ctx(), true, None).await.unwrap();
    }
    assert_eq!(open.js("1+1").await, 2);

    // Leaving: the question holds the navigation.
    open.js("onbeforeunload=e=>{e.preventDefault()};0").await;
    open.click(css("body")).await.unwrap();
    let err = navigate(&open, "about:blank").await.unwrap_err();
    assert!(
        matches!(&err, Error::DialogOpen(dialog) if dialog.kind == DialogKind::BeforeUnload),
        "{err}"
    );
    open.page.handle_dialog(&ctx(), false, None).await.unwrap();
    assert_eq!(open.js("p").await, "Ada", "the page stayed");
    held(navigate(&open, "about:blank").await.unwrap_err().code());
    open.page.handle_dialog(&ctx(), true, None).await.unwrap();
    open.page
        .wait_for(&ctx(), &Wait::Url("about:blank".to_owned()))
        .await
        .unwrap();

    let mut opened = 0;
    while let Ok((_, fact)) = open.facts.try_recv() {
        opened += usize::from(matches!(fact, Fact::DialogOpened(_)));
    }
    assert_eq!(opened, 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_with_an_open_dialog_is_adopted_and_answered() {
    let stage = Stage::start().await;
    let open = stage
        .show("<title>T</title><button onclick=\"n=confirm('?')\">B</button>")
        .await;
    let before = open.snapshot().await;
    let err = open.click(css("button")).await.unwrap_err();
    let Error::DialogOpen(dialog) = err else {
        panic!("{err}")
    };
    let (session, target) = (open.session_id.clone(), open.page.target_id().to_owned());
    drop(open);
    let open = stage.adopt_held(&session, &target, dialog).await;
    assert_eq!(
        evaluate(&open, &ctx(), "1").await.unwrap_err().code(),
        Code::DialogOpen
    );
    open.page.handle_dialog(&ctx(), true, None).await.unwrap();
    assert_eq!(open.js("n").await, true);
    let there = open
        .page
        .wait_for(&ctx(), &Wait::Load(LoadState::Load))
        .await
        .unwrap();
    assert_eq!(there.title.expose(), "T");
    assert_eq!(open.page.state().url, there.url);
    assert_eq!(open.snapshot().await.replace(" [focused]", ""), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_is_prepared_before_its_first_script_runs() {
    let stage = Stage::start().await;
    let url = stage
        .site
        .add("<script>alert('at once')</script><button>B</button>");
    let open = stage.paused(&url).await;
    open.page.wait_for_dialog().await;
    open.page.handle_dialog(&ctx(), true, None).await.unwrap();
    open.page
        .wait_for(&ctx(), &Wait::Load(LoadState::Load))
        .await
        .unwrap();
    assert_eq!(open.snapshot().await, "button \"B\" @e1");
    assert_eq!(open.page.state().url.expose(), &url);
    assert_eq!(open.js("document.hasFocus()").await, true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_answers_dialogs_by_itself() {
    let stage = Stage::start().await;
    for (policy, answer) in [(DialogPolicy::Accept, true), (DialogPolicy::Dismiss, false)] {
        let open = stage.blank_with(policy).await;
        assert_eq!(open.js("confirm('?')").await, answer);
    }
}

/// A fact that must come, by its name.
type Wanted = (&'static str, fn(&Fact) -> bool);

trait WaitForDialog {
    async fn wait_for_dialog(&self);
    async fn wait_for_title(&self, title: &str);
}

impl WaitForDialog for browserd_page::Page {
    async fn wait_for_dialog(&self) {
        let ctx = ctx();
        while self.state().dialog.is_none() {
            ctx.pause(Duration::from_millis(5)).await.unwrap();
        }
    }

    async fn wait_for_title(&self, title: &str) {
        let ctx = ctx();
        while self.state().title.expose() != title {
            ctx.pause(Duration::from_millis(5)).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_run_in_the_page_and_tell_what_they_wrote() {
    let stage = Stage::start().await;
    let open = stage
        .show("<script>var x=41; console.log('before')</script>")
        .await;
    let run = async |script: &str| evaluate(&open, &ctx(), script).await.unwrap();
    assert_eq!(run("x+1").await.value.expose(), &json!(42));
    assert_eq!(
        run("await Promise.resolve({a:[1,null,'ü']})")
            .await
            .value
            .expose(),
        &json!({"a": [1, null, "ü"]})
    );
    // A promise is waited for, however the script is written and whoever holds it.
    for script in [
        "fetch('/').then(() => ({a:[1,null,'ü']}))",
        "const it = fetch('/'); it.then(() => ({a:[1,null,'ü']}))",
        "await fetch('/'); ({a:[1,null,'ü']})",
    ] {
        let value = run(script).await.value;
        assert_eq!(value.expose(), &json!({"a": [1, null, "ü"]}), "{script}");
    }
    for script in [
        "Promise.reject('plain')",
        "const no = Promise.reject('plain'); no",
    ] {
        let thrown = run(script).await.exception.unwrap();
        assert_eq!(thrown.text.expose(), "plain", "{script}");
    }
    assert_eq!(run("let y=1;y").await.value.expose(), &json!(1));
    assert_eq!(
        run("let y=2;y").await.value.expose(),
        &json!(2),
        "a name may be declared again"
    );
    assert_eq!(run("undefined").await.value.expose(), &json!(null));
    assert_eq!(run("0/0").await.value.expose(), &json!("NaN"));
    let out = run(
        "console.log('one',{a:1},2);console.error('bad');console.warn(new Error('e').message);3",
    )
    .await;
    assert_eq!(out.value.expose(), &json!(3));
    let lines: Vec<_> = out
        .console
        .iter()
        .map(|line| (line.level.as_str(), line.text.expose().as_str()))
        .collect();
    assert_eq!(
        lines,
        [("log", "one Object 2"), ("error", "bad"), ("warning", "e")]
    );
    let out = run("function f(){throw new TypeError('no')};f()").await;
    assert!(
        out.exception
            .unwrap()
            .text
            .expose()
            .starts_with("TypeError: no")
    );
    let out = run("await Promise.reject('plain')").await;
    assert_eq!(out.exception.unwrap().text.expose(), "plain");
    assert!(
        run("1 +")
            .await
            .exception
            .unwrap()
            .text
            .expose()
            .contains("SyntaxError")
    );
    let err = evaluate(&open, &ctx(), "a={};a.a=a").await.unwrap_err();
    assert!(matches!(err, Error::NoJson { .. }), "{err}");
    let err = evaluate(&open, &soon(), "await new Promise(()=>{})")
        .await
        .unwrap_err();
    assert_eq!(err.code(), Code::OutcomeUnknown);
    // A page that is busy: nothing is sent after a probe that got no answer.
    open.page
        .session()
        .post(&cdp::protocol::runtime::Evaluate {
            expression: "setTimeout(()=>{const end=Date.now()+5000;while(Date.now()<end);},0)"
                .to_owned(),
            ..Default::default()
        })
        .unwrap();
    ctx().pause(Duration::from_millis(1100)).await.unwrap();
    let err = evaluate(&open, &soon(), "window.late=1").await.unwrap_err();
    assert_eq!(err.code(), Code::Deadline, "{err}");
    assert_eq!(open.js("typeof late").await, "undefined");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waits_end_when_the_page_is_as_wanted() {
    let stage = Stage::start().await;
    let next = stage.site.add("<title>Next</title><p>arrived</p>");
    let open = stage
        .show("<div id=d>x</div><p style='display:none' id=h>secret words</p>")
        .await;
    let wait = async |wait: Wait| open.page.wait_for(&ctx(), &wait).await;
    let wait_soon = async |wait: Wait| open.page.wait_for(&soon(), &wait).await;
    let selector = |css: &str, hidden| Wait::Element {
        target: Locator::Css(css.to_owned()),
        state: if hidden {
            ElementState::Hidden
        } else {
            ElementState::Visible
        },
    };
    wait(selector("#d", false)).await.unwrap();
    wait(selector("#h", true)).await.unwrap();
    open.js("setTimeout(()=>{h.style.display='';d.remove()},200);0")
        .await;
    wait(selector("#h", false)).await.unwrap();
    wait(selector("#d", true)).await.unwrap();
    wait(Wait::Text("Secret  WORDS".to_owned())).await.unwrap();
    open.js("setTimeout(()=>window.ok=1,200);0").await;
    wait(Wait::Function("window.ok".to_owned())).await.unwrap();
    wait(Wait::Function("()=>ok===1".to_owned())).await.unwrap();
    wait(Wait::Time(Duration::from_millis(10))).await.unwrap();
    for (what, last) in [
        (selector("#none", false), "no element matches"),
        (selector("#h", true), "still visible"),
        (Wait::Text("nowhere".to_owned()), "does not show"),
        (Wait::Url("/nowhere".to_owned()), "another"),
        (
            Wait::Function("nothing.at.all".to_owned()),
            "ReferenceError",
        ),
    ] {
        let err = wait_soon(what).await.unwrap_err();
        assert!(
            matches!(err, Error::NotMet { .. }) && err.to_string().contains(last),
            "{err}"
        );
        assert_eq!(err.code(), Code::Deadline);
    }
    for wrong in [
        selector("((", false),
        Wait::Text(" ".to_owned()),
        Wait::Function("1 +".to_owned()),
    ] {
        let err = wait_soon(wrong).await.unwrap_err();
        assert!(matches!(err, Error::InvalidArgument { .. }), "{err}");
    }
    // Over a navigation.
    open.js(&format!("setTimeout(()=>location='{next}',200);0"))
        .await;
    let there = wait(Wait::Text("arrived".to_owned())).await.unwrap();
    assert_eq!(there.title.expose(), "Next");
    wait(Wait::Url("http://*".to_owned())).await.unwrap();
    for state in [
        LoadState::DomContentLoaded,
        LoadState::Load,
        LoadState::NetworkIdle,
    ] {
        wait(Wait::Load(state)).await.unwrap();
    }
    open.js(&format!(
        "fetch('{}').catch(()=>{{}});0",
        stage.site.url("/never")
    ))
    .await;
    let err = wait_soon(Wait::Load(LoadState::NetworkIdle))
        .await
        .unwrap_err();
    assert!(err.to_string().contains("in flight"), "{err}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_is_what_is_shown() {
    let stage = Stage::start().await;
    let open = stage
        .show(
            "<!doctype html><title>T</title><h1>Head</h1><p>One <b>bold</b>\n word.</p><script>1</script><p hidden>no</p><ul><li>a<li>b</ul>
             <table><tr><td>x<td>y</table><pre>  keep\n  this</pre>a<br>b<div id=h></div><iframe srcdoc='<p>inside'></iframe>
             <span style='visibility:hidden'>unseen</span><script>h.attachShadow({mode:'open'}).innerHTML='<p>shadow</p>'</script>",
        )
        .await;
    let content = open
        .page
        .content(&ctx(), &as_a(ContentFormat::Text))
        .await
        .unwrap();
    let lines: Vec<_> = content
        .content
        .expose()
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    assert_eq!(
        lines,
        [
            "Head",
            "One bold word.",
            "a",
            "b",
            "x y",
            "  keep",
            "  this",
            "a",
            "b",
            "shadow",
            "inside"
        ]
    );
    let content = open
        .page
        .content(&ctx(), &as_a(ContentFormat::Html))
        .await
        .unwrap();
    assert!(
        content
            .content
            .expose()
            .starts_with("<!DOCTYPE html>\n<html>")
    );
    assert_eq!(content.title.expose(), "T");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_have_the_size_of_what_they_show() {
    let stage = Stage::start().await;
    let open = stage
        .show("<body style='margin:0'><div style='height:3000px;background:linear-gradient(red,blue)'></div><p id=p style='margin:0;width:120px;height:40px;background:lime'>x</p>")
        .await;
    let size = open.js("[innerWidth,innerHeight]").await;
    let size = (
        size[0].as_u64().unwrap() as u32,
        size[1].as_u64().unwrap() as u32,
    );
    for (format, magic) in [
        (ImageFormat::Png, &b"\x89PNG"[..]),
        (ImageFormat::Jpeg, &b"\xff\xd8\xff"[..]),
        (ImageFormat::Webp, &b"RIFF"[..]),
    ] {
        let take = async |full_page, locator| {
            let options = Screenshot {
                full_page,
                locator,
                format,
                quality: Some(50),
                ..Screenshot::default()
            };
            open.page.screenshot(&ctx(), &options).await.unwrap()
        };
        let view = take(false, None).await;
        assert!(view.data.starts_with(magic));
        assert_eq!((view.width, view.height), size, "{view:?}");
        let full = take(true, None).await;
        // The scroll bar is not in it.
        assert!(
            full.height == 3040 && size.0 - 20 <= full.width && full.width <= size.0,
            "{full:?}"
        );
        let element = take(false, Some(css("#p"))).await;
        assert_eq!((element.width, element.height), (120, 40), "{element:?}");
    }
    let wrong = Screenshot {
        quality: Some(101),
        ..Default::default()
    };
    assert!(matches!(
        open.page.screenshot(&ctx(), &wrong).await,
        Err(Error::InvalidArgument { .. })
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn facts_are_told_without_being_asked() {
    let stage = Stage::start().await;
    let set = stage.site.put(
        "/set",
        "200 OK",
        "set-cookie: a=1\r\ncontent-type: text/html\r\n",
        b"<title>S</title>",
    );
    let mut open = stage.blank().await;
    navigate(&open, &set).await.unwrap();
    open.js("localStorage.setItem('k','v');sessionStorage.setItem('s','1');localStorage.clear();history.pushState(0,'','#p');document.cookie='b=2';0").await;
    let mut wanted: Vec<Wanted> = vec![
        (
            "navigated",
            |fact| matches!(fact, Fact::Navigated { url } if url.expose().ends_with("/set")),
        ),
        (
            "within",
            |fact| matches!(fact, Fact::NavigatedWithin { url } if url.expose().ends_with("#p")),
        ),
        (
            "title",
            |fact| matches!(fact, Fact::TitleChanged { title } if title.expose() == "S"),
        ),
        (
            "local",
            |fact| matches!(fact, Fact::StorageChanged(change) if change.is_local && matches!(&change.op, StorageOp::Set { key, value } if key.expose() == "k" && value.expose() == "v")),
        ),
        (
            "session",
            |fact| matches!(fact, Fact::StorageChanged(change) if !change.is_local && matches!(change.op, StorageOp::Set { .. })),
        ),
        (
            "cleared",
            |fact| matches!(fact, Fact::StorageChanged(change) if matches!(change.op, StorageOp::Cleared)),
        ),
        ("activity", |fact| matches!(fact, Fact::Activity)),
        ("cookie of the response", |fact| {
            matches!(fact, Fact::CookieActivity)
        }),
        ("cookie of the script", |fact| {
            matches!(fact, Fact::CookieActivity)
        }),
    ];
    let deadline = ctx();
    while !wanted.is_empty() {
        let next = deadline.race(open.facts.recv()).await;
        let Ok(Some((_, fact))) = next else {
            panic!(
                "not told: {:?}",
                wanted.iter().map(|(name, _)| name).collect::<Vec<_>>()
            )
        };
        if let Some(at) = wanted.iter().position(|(_, is)| is(&fact)) {
            wanted.remove(at);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_that_never_ends_or_never_begins_holds_up_no_call() {
    let stage = Stage::start().await;
    let old = stage.site.add("<title>Old</title><button>Old</button>");
    let open = stage.blank().await;
    for (path, button) in [
        ("/never", "button \"Old\""),
        ("/endless", "button \"More\""),
    ] {
        navigate(&open, &old).await.unwrap();
        let to = Navigate {
            url: stage.site.url(path),
        };
        let err = open
            .page
            .navigate(&soon(), &Gate::open(), &to)
            .await
            .unwrap_err();
        assert_eq!(err.code(), Code::OutcomeUnknown, "{err}");
        let shown = open
            .page
            .snapshot(&soon(), &SnapshotOptions::default())
            .await;
        assert!(shown.unwrap().text.expose().contains(button), "{path}");
    }

    // The page itself goes where nobody answers.
    navigate(&open, &old).await.unwrap();
    let never = stage.site.url("/never");
    open.js(&format!("location='{never}';0")).await;
    assert_eq!(
        evaluate(&open, &soon(), "document.title")
            .await
            .unwrap()
            .value
            .expose(),
        "Old"
    );
    open.js(&format!("location='{never}';0")).await;
    let content = open.page.content(&soon(), &as_a(ContentFormat::Text)).await;
    assert_eq!(content.unwrap().title.expose(), "Old");
    open.js(&format!("location='{never}';0")).await;
    open.act(click(css("button"))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_whose_document_never_begins_is_attached() {
    let stage = Stage::start().await;
    let open = stage.show("<title>Old</title><button>Old</button>").await;
    open.js(&format!("location='{}';0", stage.site.url("/never")))
        .await;
    let (session, target) = (open.session_id.clone(), open.page.target_id().to_owned());
    drop(open);
    let policy = DialogPolicy::Ask;
    let connection = &stage.connection;
    let open = stage
        .attach(connection, &session, &target, policy, 1, true)
        .await;
    assert!(open.snapshot().await.contains("button \"Old\""));
    assert!(open.page.state().url.expose().contains("/page"));

    let open = stage.paused(&stage.site.url("/never")).await;
    assert_eq!(open.snapshot().await, "");
    assert_eq!(open.js("1+1").await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn titles_are_known_without_being_asked_for() {
    let stage = Stage::start().await;
    let url = stage.site.add("<title>First</title><p>x");
    let next = stage.site.add("<title>Next</title>");
    let open = stage.paused(&url).await;
    open.page.wait_for_title("First").await;
    open.js("document.title='Second';0").await;
    open.page.wait_for_title("Second").await;
    open.js("document.querySelector('title').firstChild.data='Third';0")
        .await;
    open.page.wait_for_title("Third").await;
    open.js(&format!("location='{next}';0")).await;
    open.page.wait_for_title("Next").await;
    open.js("history.back();0").await;
    // As it was left, or loaded again.
    let deadline = ctx();
    while !matches!(open.page.state().title.expose().as_str(), "Third" | "First") {
        deadline.pause(Duration::from_millis(5)).await.unwrap();
    }

    // A pop-up's first document is an empty one.
    let popped = stage.site.add("<title>Popped</title>");
    let pop = stage
        .paused_by(async || {
            // Its opener stands still until it is let go.
            let script = cdp::protocol::runtime::Evaluate {
                expression: format!("open('{popped}','_blank','width=300');0"),
                user_gesture: Some(true),
                ..Default::default()
            };
            open.page.session().post(&script).unwrap();
        })
        .await;
    pop.page.wait_for_title("Popped").await;

    // Of a page that is taken over it is known at once, and goes on to be told.
    open.page
        .wait_for(&ctx(), &Wait::Load(LoadState::Load))
        .await
        .unwrap();
    open.js("document.title='Kept';0").await;
    let (session, target) = (open.session_id.clone(), open.page.target_id().to_owned());
    drop(open);
    let policy = DialogPolicy::Ask;
    let connection = &stage.connection;
    let open = stage
        .attach(connection, &session, &target, policy, 1, true)
        .await;
    assert_eq!(open.page.state().title.expose(), "Kept");
    open.js("document.title='Changed';0").await;
    open.page.wait_for_title("Changed").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_url_of_a_page_that_did_not_load_is_the_one_asked_for() {
    let stage = Stage::start().await;
    let open = stage.blank().await;
    let url = "http://127.0.0.1:1/#there";
    navigate(&open, url).await.unwrap_err();
    open.page
        .wait_for(&ctx(), &Wait::Url("127.0.0.1:1/#there".to_owned()))
        .await
        .unwrap();
    assert_eq!(open.page.state().url.expose(), url);
    let shot = open
        .page
        .snapshot(&ctx(), &SnapshotOptions::default())
        .await;
    assert_eq!(shot.unwrap().url.expose(), url);
    let policy = DialogPolicy::Ask;
    let (session, target) = (open.session_id.clone(), open.page.target_id().to_owned());
    drop(open);
    let connection = &stage.connection;
    let open = stage
        .attach(connection, &session, &target, policy, 1, true)
        .await;
    assert_eq!(open.page.state().url.expose(), url);
}

/// Returns a gate that does `break_it` and waits until `page` is gone.
fn gate_that_breaks<F>(page: &browserd_page::Page, break_it: F) -> Gate
where
    F: Fn() -> futures_util::future::BoxFuture<'static, ()> + Send + Sync + 'static,
{
    let page = page.clone();
    Gate::new(std::sync::Arc::new(move |_| {
        let (page, broken) = (page.clone(), break_it());
        Box::pin(async move {
            broken.await;
            let deadline = ctx();
            while !page.state().gone {
                deadline.pause(Duration::from_millis(5)).await.unwrap();
            }
            Ok(())
        })
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_action_whose_last_input_was_not_sent_is_not_done() {
    let stage = Stage::start().await;
    let open = stage.show("<button>B</button>").await;
    let root = stage.connection.root();
    let target_id = open.page.target_id().to_owned();
    let gate = gate_that_breaks(&open.page, move || {
        let root = root.clone();
        let close = cdp::protocol::target::CloseTarget {
            target_id: target_id.clone(),
        };
        Box::pin(async move {
            root.call(&ctx(), &close).await.unwrap();
        })
    });
    let press = click(css("button"));
    let done = open.page.interact(&ctx(), &gate, &press).await;
    assert!(matches!(done, Err(Error::Gone)));

    // The same with a lost link, which says nothing of the page.
    let open = stage.show("<button>B</button>").await;
    let connection = stage.connection.clone();
    let gate = gate_that_breaks(&open.page, move || {
        connection.close();
        Box::pin(async {})
    });
    let done = open.page.interact(&ctx(), &gate, &press).await;
    let lost = |err: &Error| matches!(err, Error::Cdp(cdp::Error::Lost(_)));
    assert!(lost(&done.unwrap_err()));
    let shown = open
        .page
        .snapshot(&ctx(), &SnapshotOptions::default())
        .await;
    assert!(lost(&shown.unwrap_err()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_button_that_closes_its_page_was_pressed() {
    let stage = Stage::start().await;
    let open = stage
        .show("<button onclick='window.close()'>bye</button>")
        .await;
    open.click(css("button")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_moves_the_owners_life_is_told_once_there_is_room() {
    let stage = Stage::start().await;
    // Room for one fact.
    let mut open = stage.narrow(1).await;
    open.js("history.pushState(0,'','#a');setTimeout(()=>alert('!'),0);0")
        .await;
    open.page.wait_for_dialog().await;
    let close = cdp::protocol::target::CloseTarget {
        target_id: open.page.target_id().to_owned(),
    };
    stage.connection.root().call(&ctx(), &close).await.unwrap();
    let deadline = ctx();
    while !open.page.state().gone {
        deadline.pause(Duration::from_millis(5)).await.unwrap();
    }
    let mut told = vec![];
    while !matches!(told.last(), Some(Fact::Gone)) {
        let (_, fact) = deadline.race(open.facts.recv()).await.unwrap().unwrap();
        told.push(fact);
    }
    let has = |is: fn(&Fact) -> bool| told.iter().any(is);
    assert!(has(|fact| matches!(fact, Fact::Lagged)), "{told:?}");
    assert!(
        has(|fact| matches!(fact, Fact::DialogOpened(_))),
        "{told:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_page_ends_its_calls() {
    let stage = Stage::start().await;
    let open = stage.blank().await;
    let page = open.page.clone();
    let running = tokio::spawn(async move {
        let script = Evaluate {
            expression: "await new Promise(()=>{})".to_owned(),
        };
        page.evaluate(&ctx(), &Gate::open(), &script).await
    });
    open.js("1").await;
    let params = serde_json::value::RawValue::from_string("{}".to_owned()).unwrap();
    let crash = open
        .page
        .session()
        .call_raw(&soon(), "Page.crash", &params)
        .await;
    assert!(crash.is_err());
    assert!(matches!(running.await.unwrap(), Err(Error::Crashed)));
    // Its calls end at once; the picture follows with the events that came before.
    let deadline = ctx();
    while !open.page.state().crashed {
        deadline.pause(Duration::from_millis(5)).await.unwrap();
    }
    let start = Instant::now();
    assert!(matches!(open.click(css("a")).await, Err(Error::Crashed)));
    assert!(start.elapsed() < Duration::from_secs(1));

    let open = stage
        .show("<button onclick='window.close()'>bye</button>")
        .await;
    let close = cdp::protocol::target::CloseTarget {
        target_id: open.page.target_id().to_owned(),
    };
    stage.connection.root().call(&ctx(), &close).await.unwrap();
    let deadline = ctx();
    while !open.page.state().gone {
        deadline.pause(Duration::from_millis(5)).await.unwrap();
    }
    assert!(matches!(
        open.act(click(css("button"))).await,
        Err(Error::Gone)
    ));
    assert!(matches!(open.act(Action::Reload).await, Err(Error::Gone)));
}

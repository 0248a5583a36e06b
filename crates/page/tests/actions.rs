//! Actions by real input, on a real Chromium.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test may fail loudly, print what it measured, spawn and read clocks"
)]

mod support;

use std::sync::{Arc, Mutex};

use std::time::Duration;

use browserd_page::{Action, Attempt, Button, Choice, Error, Gate, Locator, Modifiers};
use serde_json::json;
use support::{Stage, click, css, ctx, fill, press, type_in};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clicks_are_those_of_a_hand() {
    let stage = Stage::start().await;
    let open = stage
        .show(
            "<button id=b>B</button><script>window.log=[];for(const t of ['mousedown','mouseup','click','dblclick','contextmenu','auxclick'])
             b.addEventListener(t,e=>{log.push(t+e.button+(e.shiftKey?'s':'')+(e.isTrusted?'':'!'))})</script>",
        )
        .await;
    let shift = Modifiers {
        shift: true,
        ..Modifiers::default()
    };
    let target = css("#b");
    open.act(click(target.clone())).await.unwrap();
    assert_eq!(
        open.js("log.splice(0)").await,
        json!(["mousedown0", "mouseup0", "click0"])
    );
    let twice = Action::Click {
        target: target.clone(),
        button: Button::Left,
        count: 2,
        modifiers: shift,
        at: None,
    };
    open.act(twice).await.unwrap();
    assert_eq!(open.js("log.splice(0).at(-1)").await, json!("dblclick0s"));
    let right = Action::Click {
        target: target.clone(),
        button: Button::Right,
        count: 1,
        modifiers: Modifiers::default(),
        at: None,
    };
    open.act(right).await.unwrap();
    assert!(
        open.js("log.splice(0).join()")
            .await
            .as_str()
            .unwrap()
            .contains("contextmenu2")
    );
    let none = Action::Click {
        target,
        button: Button::Left,
        count: 0,
        modifiers: Modifiers::default(),
        at: None,
    };
    assert!(matches!(
        open.act(none).await,
        Err(Error::InvalidArgument { .. })
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_ready_is_waited_for_and_then_named() {
    let stage = Stage::start().await;
    let open = stage
        .show(
            "<style>#over{position:fixed;inset:0;background:#fff8}#far{margin-top:5000px}
             @keyframes m{from{margin-left:0}to{margin-left:300px}}.moving{animation:m .4s linear}</style>
             <button id=b onclick='n=(window.n||0)+1'>B</button>
             <div id=over><p>Cookies?<b>Accept</b></div><button id=far onclick='far1=1'>far</button>",
        )
        .await;
    let last = |err: Error| match err {
        Error::NotActionable { last, tries } => {
            assert!(tries > 1);
            last
        }
        err => panic!("{err}"),
    };
    let covered = open.act_soon(click(css("#b"))).await.unwrap_err();
    assert!(
        covered
            .to_string()
            .contains(r#"<div id="over"> "Cookies?Accept" covers the element"#),
        "{covered}"
    );
    assert!(matches!(last(covered), Attempt::CoveredBy(_)));
    open.js("setTimeout(()=>over.remove(),300);0").await;
    open.click(css("#b")).await.unwrap();
    assert_eq!(open.js("n").await, 1);

    open.js("b.disabled=true;0").await;
    assert_eq!(
        last(open.act_soon(click(css("#b"))).await.unwrap_err()),
        Attempt::Disabled
    );
    open.act(Action::Hover {
        target: css("#b"),
        at: None,
    })
    .await
    .unwrap();
    open.js("setTimeout(()=>b.disabled=false,300);0").await;
    open.click(css("#b")).await.unwrap();

    open.js("b.style.display='none';0").await;
    assert_eq!(
        last(open.act_soon(click(css("#b"))).await.unwrap_err()),
        Attempt::NotVisible
    );
    open.js("b.style.display='';b.className='moving';0").await;
    open.click(css("#b")).await.unwrap();
    assert_eq!(
        open.js("[n,b.getAnimations().length]").await,
        json!([3, 0]),
        "it stood still"
    );

    open.click(css("#far")).await.unwrap();
    assert_eq!(open.js("[far1,scrollY>1000]").await, json!([1, true]));
    assert_eq!(
        last(open.act_soon(click(css("#none"))).await.unwrap_err()),
        Attempt::NotFound
    );
    open.js("setTimeout(()=>{far.id='late'},300);0").await;
    open.click(css("#late")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_shadow_roots_and_transforms_are_aimed_into() {
    let stage = Stage::start().await;
    let open = stage
        .show(
            "<div style='height:900px'></div><iframe id=o style='border:7px solid;padding:5px;width:400px;height:300px;transform:scale(.8)'
              srcdoc=\"<div style='height:700px'></div><iframe id=i srcdoc='<button onclick=top.hit=1>deep</button><input id=t>'></iframe>\"></iframe>
             <div id=h></div><script>h.attachShadow({mode:'open'}).innerHTML='<button onclick=\"hit2=1\">shadow</button><input>'</script>",
        )
        .await;
    let deep = open.find("\"deep\"").await;
    open.click(deep).await.unwrap();
    let shadow = open.find("\"shadow\"").await;
    open.click(shadow).await.unwrap();
    assert_eq!(open.js("[hit,hit2]").await, json!([1, 1]));
    open.act(fill(css("#t"), "in a frame")).await.unwrap();
    assert_eq!(
        open.js("o.contentDocument.getElementById('i').contentDocument.getElementById('t').value")
            .await,
        "in a frame"
    );
    let text = open.snapshot().await;
    assert!(text.contains("[focused, value=\"in a frame\"]"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_are_filled_with_the_events_frameworks_hear() {
    let stage = Stage::start().await;
    // Like React: a value tracker on the element, and the value put back from the state.
    let open = stage
        .show(
            "<input id=c value=old><p id=state></p><textarea id=a>old</textarea><div id=e contenteditable>old <b>x</b></div>
             <input id=d type=date><input id=r type=range max=10><input id=n type=number><input id=ro readonly value=x>
             <input id=m maxlength=3><input id=ph><input type=checkbox id=k><button id=b>B</button>
             <label id=l>Mail <input type=email></label>
             <script>const own=Object.getOwnPropertyDescriptor(HTMLInputElement.prototype,'value');let tracked=c.value, state='old', events=[];
             Object.defineProperty(c,'value',{get(){return own.get.call(this)},set(v){tracked=v;own.set.call(this,v)},configurable:true});
             c.addEventListener('input',()=>{const v=own.get.call(c);if(v!==tracked){tracked=v;state=v;document.getElementById('state').textContent=v}c.value=state});
             document.addEventListener('change',e=>events.push(e.target.id));
             ph.oninput=()=>{ph.value=ph.value.replace(/\\D/g,'').replace(/^(\\d{3})(\\d+)/,'($1) $2')}</script>",
        )
        .await;
    open.act(fill(css("#c"), "new ünïcode 😀")).await.unwrap();
    assert_eq!(open.js("state").await, "new ünïcode 😀");
    open.act(fill(css("#c"), "")).await.unwrap();
    assert_eq!(open.js("[state,c.value]").await, json!(["", ""]));
    open.act(fill(css("#a"), "two\nlines")).await.unwrap();
    assert_eq!(open.js("a.value").await, "two\nlines");
    open.act(fill(css("#e"), "rich")).await.unwrap();
    assert_eq!(open.js("e.textContent").await, "rich");
    open.act(fill(css("#d"), "2026-11-21")).await.unwrap();
    open.act(fill(css("#r"), "7")).await.unwrap();
    open.act(fill(css("#n"), "12.5")).await.unwrap();
    assert_eq!(
        open.js("[d.value,r.value,n.value]").await,
        json!(["2026-11-21", "7", "12.5"])
    );
    assert_eq!(open.js("events.filter(x=>x=='d'||x=='r').length").await, 2);
    open.act(fill(css("#ph"), "1234567")).await.unwrap();
    assert_eq!(
        open.js("ph.value").await,
        "(123) 4567",
        "the page may write it its own way"
    );
    open.act(fill(css("#l"), "a@b.c")).await.unwrap();
    assert_eq!(open.js("l.firstElementChild.value").await, "a@b.c");
    open.act(fill(Locator::Label("Mail".to_owned()), "d@e.f"))
        .await
        .unwrap();
    assert_eq!(open.js("l.firstElementChild.value").await, "d@e.f");

    let cut = open.act(fill(css("#m"), "12345")).await.unwrap_err();
    assert!(
        cut.to_string().contains("3 characters other than the 5"),
        "{cut}"
    );
    let readonly = open.act_soon(fill(css("#ro"), "y")).await.unwrap_err();
    assert!(
        matches!(
            readonly,
            Error::NotActionable {
                last: Attempt::ReadOnly,
                ..
            }
        ),
        "{readonly}"
    );
    for (target, text) in [("#d", "tomorrow"), ("#n", "many"), ("#k", "x"), ("#b", "x")] {
        let wrong = open.act_soon(fill(css(target), text)).await.unwrap_err();
        assert!(
            matches!(wrong, Error::InvalidArgument { .. }),
            "{target}: {wrong}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_typed_and_pressed() {
    let stage = Stage::start().await;
    let open = stage
        .show(
            "<form id=f><input id=i value=a><input id=j><button>Send</button></form><textarea id=t></textarea>
             <script>window.keys=[];document.addEventListener('keydown',e=>keys.push((e.ctrlKey?'C-':'')+(e.shiftKey?'S-':'')+e.key+'/'+e.code+'/'+e.keyCode));
             f.onsubmit=e=>{e.preventDefault();window.sent=i.value}</script>",
        )
        .await;
    open.act(type_in(css("#i"), "Bc! ü")).await.unwrap();
    assert_eq!(open.js("i.value").await, "aBc! ü");
    assert_eq!(
        open.js("keys.splice(0)").await,
        json!(["S-B/KeyB/66", "c/KeyC/67", "S-!/Digit1/49", " /Space/32"])
    );
    open.act(press("Enter")).await.unwrap();
    assert_eq!(open.js("sent").await, "aBc! ü");
    open.act(press("Control+A Delete")).await.unwrap();
    assert_eq!(open.js("i.value").await, "");
    open.js("keys.splice(0);0").await;
    open.act(press("Tab")).await.unwrap();
    open.act(press("x")).await.unwrap();
    open.act(press("Shift+Tab")).await.unwrap();
    assert_eq!(
        open.js("[j.value,document.activeElement.id]").await,
        json!(["x", "i"])
    );
    let press_there = Action::Press {
        target: Some(css("#t")),
        keys: "y".to_owned(),
    };
    open.act(press_there).await.unwrap();
    open.act(Action::Type {
        target: None,
        text: "1\n2".to_owned().into(),
        delay: Duration::ZERO,
    })
    .await
    .unwrap();
    assert_eq!(open.js("t.value").await, "y1\n2");
    let wrong = Action::Press {
        target: None,
        keys: "Hyper+Q".to_owned(),
    };
    assert!(matches!(
        open.act(wrong).await,
        Err(Error::InvalidArgument {
            argument: "keys",
            ..
        })
    ));
    open.act(Action::Focus { target: css("#j") }).await.unwrap();
    assert_eq!(open.js("document.activeElement.id").await, "j");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn choices_are_made_and_seen() {
    let stage = Stage::start().await;
    let open = stage
        .show(
            "<select id=s><option value=1>One<option value=2>Two  words<option disabled>Three</select>
             <select id=m multiple><option>a<option>b<option>c</select>
             <input type=checkbox id=c><input type=radio name=r id=r1 checked><input type=radio name=r id=r2>
             <style>.sr{position:absolute;opacity:0;width:1px;height:1px}</style><input type=checkbox class=sr id=h><label for=h>Hidden one</label>
             <div role=switch id=w aria-checked=false tabindex=0 onclick=\"setTimeout(()=>w.setAttribute('aria-checked',String(w.getAttribute('aria-checked')!=='true')),100)\">Sw</div>
             <input type=checkbox id=no onclick='return false'>
             <script>window.log=[];for(const t of ['input','change'])document.addEventListener(t,e=>log.push(t+':'+e.target.id))</script>",
        )
        .await;
    let choose = |target: &str, values: &[&str]| Action::Select {
        target: css(target),
        values: values
            .iter()
            .map(|value| Choice::Named((*value).to_owned()))
            .collect(),
    };
    open.act(choose("#s", &["2"])).await.unwrap();
    assert_eq!(
        open.js("[s.value,log.splice(0).join()]").await,
        json!(["2", "input:s,change:s"])
    );
    open.act(choose("#s", &["One"])).await.unwrap();
    open.act(choose("#s", &["two words"])).await.unwrap();
    open.act(choose("#m", &["a", "c"])).await.unwrap();
    assert_eq!(
        open.js("[s.value,[...m.selectedOptions].map(o=>o.text).join()]")
            .await,
        json!(["2", "a,c"])
    );
    for (target, values) in [("#s", &["Three"][..]), ("#s", &["Nine"][..])] {
        let wrong = open.act_soon(choose(target, values)).await.unwrap_err();
        assert!(
            matches!(
                wrong,
                Error::NotActionable {
                    last: Attempt::NoOption(_),
                    ..
                }
            ),
            "{wrong}"
        );
    }
    for (target, values) in [("#s", &["1", "2"][..]), ("#c", &["1"][..])] {
        let wrong = open.act_soon(choose(target, values)).await.unwrap_err();
        assert!(matches!(wrong, Error::InvalidArgument { .. }), "{wrong}");
    }

    open.js("log.splice(0);0").await;
    let check = |target: &str| Action::Check {
        target: css(target),
    };
    let uncheck = |target: &str| Action::Uncheck {
        target: css(target),
    };
    open.act(check("#c")).await.unwrap();
    open.act(check("#c")).await.unwrap();
    assert_eq!(
        open.js("[c.checked,log.splice(0).join()]").await,
        json!([true, "input:c,change:c"])
    );
    open.act(uncheck("#c")).await.unwrap();
    open.act(check("#r2")).await.unwrap();
    open.act(check("#h")).await.unwrap();
    open.act(check("#w")).await.unwrap();
    assert_eq!(
        open.js("[c.checked,r1.checked,r2.checked,h.checked,w.getAttribute('aria-checked')]")
            .await,
        json!([false, false, true, true, "true"])
    );
    assert!(matches!(
        open.act(uncheck("#r2")).await,
        Err(Error::InvalidArgument { .. })
    ));
    assert!(matches!(
        open.act_soon(check("#s")).await,
        Err(Error::InvalidArgument { .. })
    ));
    let refused = open.act(check("#no")).await.unwrap_err();
    assert!(
        refused.to_string().contains("did not become checked"),
        "{refused}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wheel_scrolls_what_is_under_it() {
    let stage = Stage::start().await;
    let open = stage
        .show(
            "<div id=box style='width:200px;height:200px;overflow:auto'><div style='height:3000px'></div></div>
             <div style='height:5000px'></div><p id=end>end</p>",
        )
        .await;
    let scroll = |target, dy| Action::Scroll {
        target,
        dx: 0.0,
        dy,
    };
    open.act(scroll(Some(css("#box")), 150.0)).await.unwrap();
    assert_eq!(open.js("[box.scrollTop,scrollY]").await, json!([150, 0]));
    open.act(scroll(None, 700.0)).await.unwrap();
    assert_eq!(open.js("scrollY").await, 700);
    assert_eq!(
        open.page.scroll_position(&ctx()).await.unwrap(),
        (0.0, 700.0)
    );
    open.act(scroll(Some(css("#end")), 0.0)).await.unwrap();
    assert_eq!(
        open.js("end.getBoundingClientRect().top<innerHeight").await,
        true
    );
    assert_eq!(
        open.page.set_scroll(&ctx(), 0.0, 42.0).await.unwrap(),
        (0.0, 42.0)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_locator_finds_its_element() {
    let stage = Stage::start().await;
    let open = stage
        .show(
            "<div>Save <b>all</b></div><button onclick='n=1' style='display:none'>Save</button><button onclick='n=2'>Save</button>
             <button onclick='n=3'>Save all</button><label>Name<input id=i></label><a href=#>Go <i>on</i></a>",
        )
        .await;
    let role = |role: &str, name: Option<&str>| Locator::Role {
        role: role.to_owned(),
        name: name.map(ToOwned::to_owned),
    };
    for (locator, n) in [
        (role("button", Some("save")), 2),
        (role("button", Some("save ALL")), 3),
        (Locator::XPath("//button[3]".to_owned()), 3),
        (Locator::Text("save".to_owned()), 2),
        (Locator::Nth(Box::new(css("button")), 0), 2),
    ] {
        open.js("n=0").await;
        open.click(locator.clone()).await.unwrap();
        assert_eq!(open.js("n").await, n, "{locator:?}");
    }
    open.act(fill(Locator::Label("name".to_owned()), "x"))
        .await
        .unwrap();
    open.click(role("link", None)).await.unwrap();
    for wrong in [
        Locator::XPath("//[".to_owned()),
        css(">>"),
        Locator::Text(" ".to_owned()),
    ] {
        let err = open.click(wrong).await.unwrap_err();
        assert!(
            matches!(
                err,
                Error::InvalidArgument {
                    argument: "target",
                    ..
                }
            ),
            "{err}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_click_that_leads_on_is_followed() {
    let stage = Stage::start().await;
    let next = stage.site.add("<title>Next</title>next");
    let none = stage.site.put("/none", "204 No Content", "", b"");
    let open = stage
        .show(&format!(
            "<title>First</title><a href='{next}'>link</a><form action='{next}'><button>send</button></form>
             <a id=n href='{none}'>none</a><a id=m href='mailto:a@b.c'>mail</a><a id=h href='#x'>hash</a>
             <button id=p onclick=\"history.pushState(0,'','/pushed')\">push</button>"
        ))
        .await;
    let there = open.click(css("#h")).await.unwrap();
    assert!(there.url.expose().ends_with("#x"));
    let there = open.click(css("#p")).await.unwrap();
    assert!(there.url.expose().ends_with("/pushed"));
    assert!(open.page.state().url.expose().ends_with("/pushed"));
    let start = std::time::Instant::now();
    open.click(css("#n")).await.unwrap();
    println!("no content: {:?}", start.elapsed());
    let start = std::time::Instant::now();
    open.click(css("#m")).await.unwrap();
    println!("mailto: {:?}", start.elapsed());
    let there = open.click(css("form button")).await.unwrap();
    assert_eq!(there.title.expose(), "Next");
    let there = open.act(Action::Back).await.unwrap();
    assert_eq!(there.title.expose(), "First");
    let there = open.click(css("a:first-of-type")).await.unwrap();
    assert_eq!(
        (there.title.expose().as_str(), there.url.expose()),
        ("Next", &next)
    );
    let there = open.act(Action::Back).await.unwrap();
    assert_eq!(there.title.expose(), "First");
    let there = open.act(Action::Forward).await.unwrap();
    assert_eq!(there.title.expose(), "Next");
    assert!(matches!(
        open.act(Action::Forward).await,
        Err(Error::NavigationFailed { .. })
    ));
    open.js("window.x=1").await;
    let there = open.act(Action::Reload).await.unwrap();
    assert_eq!(there.title.expose(), "Next");
    assert_eq!(open.js("typeof x").await, "undefined");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gate_opens_once_before_the_first_effect_with_the_id_of_the_last() {
    let stage = Stage::start().await;
    let open = stage
        .show("<button id=b onclick='n=1'>B</button><input id=i>")
        .await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&told);
    let gate = Gate::new(Arc::new(move |id| {
        notes.lock().unwrap().push(id);
        Box::pin(async { Ok(()) })
    }));
    open.page
        .interact(&ctx(), &gate, &click(css("#b")))
        .await
        .unwrap();
    open.page
        .interact(&ctx(), &gate, &fill(css("#i"), "x"))
        .await
        .unwrap();
    assert!(
        open.page
            .interact(&support::soon(), &gate, &click(css("#none")))
            .await
            .is_err()
    );
    {
        let told = told.lock().unwrap();
        assert_eq!(told.len(), 2, "a call without effect never asks");
        assert!(told[0] < told[1] && told[1] < open.page.session().connection().next_id());
    }
    open.js("n=0").await;
    let shut = Gate::new(Arc::new(|_| {
        Box::pin(async {
            Err(Error::Refused {
                code: base::Code::DiskFull,
                message: "no".to_owned(),
            })
        })
    }));
    let refused = open
        .page
        .interact(&ctx(), &shut, &click(css("#b")))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), base::Code::DiskFull);
    assert_eq!(open.js("n").await, 0, "nothing was sent");
}

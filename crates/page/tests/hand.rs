//! Drags, uploads, lists of the page's own, and the ways to name an element, on a real Chromium.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail loudly"
)]

mod support;

use std::path::PathBuf;
use std::time::Duration;

use browserd_page::{Action, Attempt, Choice, Error, Locator, Place};
use serde_json::json;
use support::{Open, Stage, click, css, fill, press};

fn drag(target: Locator, to: Option<Locator>, dx: f64, dy: f64) -> Action {
    Action::Drag {
        target,
        at: None,
        to,
        dx,
        dy,
    }
}

fn last(err: Error) -> Attempt {
    match err {
        Error::NotActionable { last, .. } => last,
        err => panic!("{err}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn things_are_dragged_with_the_mouse_and_as_the_browser_drags() {
    let stage = Stage::start().await;
    let open = stage
        .show(
            "<style>body{margin:0}div{position:absolute;width:60px;height:60px}</style>
             <div id=m style='left:10px;top:10px;background:red;z-index:2'>m</div>
             <div id=h style='left:200px;top:10px;background:blue' draggable=true>h</div>
             <div id=no style='left:300px;top:10px;background:green' draggable=true>no</div>
             <div id=a style='left:200px;top:200px;background:gold'></div>
             <div id=z style='left:200px;top:2000px;background:pink'></div>
             <script>window.log=[];let held=null;
             m.onmousedown=e=>{held={x:e.clientX-m.offsetLeft,y:e.clientY-m.offsetTop};e.preventDefault()};
             onmousemove=e=>{if(held&&e.buttons==1){m.style.left=e.clientX-held.x+'px';m.style.top=e.clientY-held.y+'px'}};
             onmouseup=e=>{held=null;log.push('up'+e.button)};
             h.ondragstart=e=>{e.dataTransfer.setData('text/plain','cargo');e.dataTransfer.effectAllowed='move';log.push('start')};
             h.ondragend=e=>log.push('end:'+e.dataTransfer.dropEffect);
             no.ondragstart=e=>e.preventDefault();
             for(const d of [a,z]){d.ondragenter=e=>log.push('enter');d.ondragover=e=>{e.preventDefault();e.dataTransfer.dropEffect='move'};
             d.ondrop=e=>{e.preventDefault();log.push('drop:'+e.dataTransfer.getData('text/plain')+d.id)}}
             </script>",
        )
        .await;
    open.act(drag(css("#m"), None, 100.0, 50.0)).await.unwrap();
    assert_eq!(
        open.js("[m.offsetLeft,m.offsetTop,log.splice(0).join()]")
            .await,
        json!([110, 60, "up0"])
    );
    open.act(drag(css("#m"), Some(css("#a")), 0.0, 0.0))
        .await
        .unwrap();
    assert_eq!(
        open.js("[m.offsetLeft,m.offsetTop,log.splice(0).join()]")
            .await,
        json!([200, 200, "up0"])
    );
    open.act(drag(css("#m"), None, 200.0, 0.0)).await.unwrap();
    open.js("log.splice(0);0").await;

    open.act(drag(css("#h"), Some(css("#a")), 0.0, 0.0))
        .await
        .unwrap();
    let told = open.js("log.splice(0).join()").await;
    let told = told.as_str().unwrap();
    assert!(told.starts_with("start,enter"), "{told}");
    assert!(told.contains("drop:cargoa"), "{told}");
    assert!(told.contains("end:move"), "{told}");
    // By a distance, too.
    open.act(drag(css("#h"), None, 5.0, 190.0)).await.unwrap();
    let told = open.js("log.splice(0).join()").await;
    assert!(told.as_str().unwrap().contains("drop:cargoa"), "{told}");
    // Where it is dropped need not be in view with where it was.
    open.act(drag(css("#h"), Some(css("#z")), 0.0, 0.0))
        .await
        .unwrap();
    let told = open.js("log.splice(0).join()").await;
    assert!(told.as_str().unwrap().contains("drop:cargoz"), "{told}");
    // A drag that the page refuses is one of the mouse.
    open.act(drag(css("#no"), None, 0.0, 90.0)).await.unwrap();
    assert_eq!(open.js("log.splice(0).join()").await, "up0");
    // The mouse is whole afterwards.
    open.click(css("#m")).await.unwrap();
    assert_eq!(open.js("log.splice(0).join()").await, "up0");
    let nowhere = open
        .act_soon(drag(css("#h"), Some(css("#none")), 0.0, 0.0))
        .await
        .unwrap_err();
    assert_eq!(last(nowhere), Attempt::NotFound);
    assert_eq!(open.js("log.length").await, 0, "nothing was picked up");
    let at = Action::Click {
        target: css("#a"),
        button: browserd_page::Button::Left,
        count: 1,
        modifiers: browserd_page::Modifiers::default(),
        at: Some(Place { x: 3.0, y: 57.0 }),
    };
    open.js("a.onclick=e=>window.at=[e.offsetX,e.offsetY];0")
        .await;
    open.act(at).await.unwrap();
    assert_eq!(open.js("at").await, json!([3, 57]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_go_into_fields_and_choosers() {
    let stage = Stage::start().await;
    let open = stage
        .show(
            "<label id=l>Photo <input type=file id=one style='display:none'></label>
             <input type=file id=many multiple>
             <button id=b onclick='made=document.createElement(\"input\");made.type=\"file\";made.onchange=()=>log.push(\"made:\"+made.files[0].name);made.click()'>Choose</button>
             <button id=n>Nothing</button><input type=file id=off disabled>
             <script>window.log=[];document.addEventListener('change',async e=>log.push(e.target.id+':'+(await Promise.all([...e.target.files].map(f=>f.text()))).join()))</script>",
        )
        .await;
    let folder = std::env::temp_dir().join(format!("browserd-files-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = |name: &str| {
        let path = folder.join(name);
        std::fs::write(&path, format!("text of {name}")).unwrap();
        path
    };
    let (first, second) = (file("first.txt"), file("zweite ü.txt"));
    let upload = |target: &str, files: &[&PathBuf]| Action::Upload {
        target: css(target),
        files: files.iter().map(|path| (*path).clone()).collect(),
    };
    open.act(upload("#one", &[&first])).await.unwrap();
    open.act(upload("#l", &[&second])).await.unwrap();
    open.act(upload("#many", &[&first, &second])).await.unwrap();
    open.wait_js("log.length==3").await;
    assert_eq!(
        open.js("log.splice(0)").await,
        json!([
            "one:text of first.txt",
            "one:text of zweite ü.txt",
            "many:text of first.txt,text of zweite ü.txt"
        ])
    );
    open.act(upload("#many", &[])).await.unwrap();
    assert_eq!(open.js("many.files.length").await, 0);
    open.js("log.splice(0);0").await;
    open.act(upload("#b", &[&first])).await.unwrap();
    open.wait_js("log.length==1").await;
    assert_eq!(open.js("log.splice(0)").await, json!(["made:first.txt"]));

    let two = open.act_soon(upload("#one", &[&first, &second])).await;
    assert!(matches!(last(two.unwrap_err()), Attempt::NoFiles(what) if what.contains("one file")));
    let off = open.act_soon(upload("#off", &[&first])).await;
    assert_eq!(last(off.unwrap_err()), Attempt::Disabled);
    let nothing = open.act(upload("#n", &[&first])).await;
    assert!(
        matches!(last(nothing.unwrap_err()), Attempt::NoFiles(what) if what.contains("no file chooser"))
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_element_is_named_or_the_others_are_told() {
    let stage = Stage::start().await;
    let open = stage
        .show(
            "<button onclick=n=1>Save</button><button onclick=n=2>Save</button><button style='display:none'>Save</button>
             <button onclick=n=3>Save all</button><input placeholder='Your name'><input placeholder='Your name' style='display:none'>
             <i data-testid='x\"y' onclick=n=4>i</i><p><label>Mail <input type=email></label></p>
             <div id=h></div><script>h.attachShadow({mode:'open'}).innerHTML='<i data-test=s onclick=\"n=5\">shadow</i><b class=c>1</b><b class=c>2</b>'</script>",
        )
        .await;
    let role = |name: &str| Locator::Role {
        role: "button".to_owned(),
        name: Some(name.to_owned()),
    };
    let nth = |of: Locator, nth| Locator::Nth(Box::new(of), nth);
    let several = match last(open.click(role("Save")).await.unwrap_err()) {
        Attempt::Several(what) => what,
        other => panic!("{other:?}"),
    };
    assert!(
        several.starts_with("2 elements match: nth 0: <button>"),
        "{several}"
    );
    let number = several.split("@e").nth(2).unwrap();
    let number: String = number.chars().take_while(char::is_ascii_digit).collect();
    open.click(Locator::Ref(number.parse().unwrap()))
        .await
        .unwrap();
    assert_eq!(open.js("n").await, 2);
    assert!(!open.reserved.0.lock().unwrap().is_empty());

    open.click(nth(role("Save"), 0)).await.unwrap();
    assert_eq!(open.js("n").await, 1);
    open.click(nth(css("button"), -1)).await.unwrap();
    assert_eq!(open.js("n").await, 3);
    open.click(role("save ALL")).await.unwrap();
    open.click(Locator::TestId("x\"y".to_owned()))
        .await
        .unwrap();
    assert_eq!(open.js("n").await, 4);
    open.click(Locator::TestId("s".to_owned())).await.unwrap();
    assert_eq!(open.js("n").await, 5);
    let none = open.act_soon(click(nth(css("button"), 9))).await;
    assert_eq!(last(none.unwrap_err()), Attempt::NotFound);
    let inside = open.click(css("b.c")).await.unwrap_err();
    assert!(matches!(last(inside), Attempt::Several(_)));
    let field = Locator::Placeholder("your name".to_owned());
    open.act(fill(field, "Ada")).await.unwrap();
    open.act(fill(Locator::Label("Mail".to_owned()), "a@b.c"))
        .await
        .unwrap();
    open.act(fill(Locator::XPath("//label//input".to_owned()), "d@e.f"))
        .await
        .unwrap();
    assert_eq!(
        open.js("[...document.querySelectorAll('input')].map(i=>i.value)")
            .await,
        json!(["Ada", "", "d@e.f"])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_of_the_pages_own_are_chosen_from() {
    let stage = Stage::start().await;
    let open = stage
        .show(
            "<select id=s multiple><option>a<option>b<option>c</select>
             <div id=c role=combobox aria-expanded=false aria-controls=l tabindex=0 onclick='toggle()'>Pick</div>
             <ul id=l role=listbox hidden></ul>
             <ul id=m role=listbox aria-multiselectable=true><li role=option>x<li role=option aria-disabled=true>y<li role=option>z</ul>
             <p id=p>plain</p>
             <script>window.log=[];const pick=e=>{log.push(e.target.textContent);l.hidden=true;c.setAttribute('aria-expanded','false');c.textContent=e.target.textContent};
             function toggle(){c.setAttribute('aria-expanded','true');setTimeout(()=>{l.innerHTML='<li role=option data-value=r>Red<li role=option>Green';l.hidden=false;for(const o of l.children)o.onclick=pick},150)}
             for(const o of m.children)o.onclick=e=>log.push(e.target.textContent)</script>",
        )
        .await;
    let named = |name: &str| Choice::Named(name.to_owned());
    let select = |target: &str, values: Vec<Choice>| Action::Select {
        target: css(target),
        values,
    };
    open.act(select("#s", vec![Choice::Index(0), Choice::Index(2)]))
        .await
        .unwrap();
    assert_eq!(
        open.js("[...s.selectedOptions].map(o=>o.text).join()")
            .await,
        "a,c"
    );
    let out = open.act_soon(select("#s", vec![Choice::Index(3)])).await;
    assert!(matches!(last(out.unwrap_err()), Attempt::NoOption(what) if what.contains("number 3")));
    open.act(select("#c", vec![named("green")])).await.unwrap();
    open.act(select("#c", vec![named("r")])).await.unwrap();
    open.act(select("#c", vec![Choice::Index(1)]))
        .await
        .unwrap();
    assert_eq!(
        open.js("log.splice(0)").await,
        json!(["Green", "Red", "Green"])
    );
    open.act(select("#m", vec![named("x"), named("z")]))
        .await
        .unwrap();
    assert_eq!(open.js("log.splice(0)").await, json!(["x", "z"]));
    let none = open.act_soon(select("#m", vec![named("w")])).await;
    let none = none.unwrap_err().to_string();
    assert!(
        none.contains(r#"no option "w" in the list of "x", "y", "z""#),
        "{none}"
    );
    let wrong = open.act(select("#p", vec![named("w")])).await.unwrap_err();
    assert!(matches!(wrong, Error::InvalidArgument { .. }), "{wrong}");
}

/// A field that lets nothing in by itself and shows what its model holds, as editors do.
const EDITOR: &str = "<div id=e contenteditable style='min-height:2em'></div><script>window.model='';let all=false;
    const show=()=>{e.innerHTML='';for(const l of model.split('\\n')){const d=document.createElement('div');d.textContent=l;if(!l)d.innerHTML='<br>';e.append(d)}
      const r=document.createRange();r.selectNodeContents(e.lastChild);r.collapse(false);getSelection().removeAllRanges();getSelection().addRange(r)};
    document.addEventListener('selectionchange',()=>{const s=getSelection();all=!s.isCollapsed&&s.toString().trim()!==''&&s.toString().trim()===e.innerText.trim()});
    e.addEventListener('beforeinput',ev=>{ev.preventDefault();if(all&&model){model='';all=false;if(ev.inputType.startsWith('delete')){show();return}}
      if(ev.inputType==='insertText')model+=ev.data;else if(ev.inputType==='insertParagraph'||ev.inputType==='insertLineBreak')model+='\\n';else if(ev.inputType==='deleteContentBackward')model=model.slice(0,-1);show()});
    show()</script>";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn editors_and_pickers_hear_what_is_entered() {
    let stage = Stage::start().await;
    let open = stage
        .show(&format!(
            "{EDITOR}<input id=d type=date><input id=t type=time><input id=w type=week><input id=mo type=month>
             <input id=dl type=datetime-local><input id=r type=range min=0 max=10 step=2><input id=co type=color>
             <input id=slow><p id=fast></p>
             <script>window.heard=[];for(const t of ['input','change'])document.addEventListener(t,ev=>heard.push(t[0]+ev.target.id));
             window.gaps=[];let at=0;slow.onkeydown=ev=>{{if(at)gaps.push(ev.timeStamp-at);at=ev.timeStamp}}</script>"
        ))
        .await;
    open.act(fill(css("#e"), "Dear Ada")).await.unwrap();
    assert_eq!(open.js("model").await, "Dear Ada");
    open.act(fill(css("#e"), "Sir")).await.unwrap();
    assert_eq!(open.js("model").await, "Sir");
    open.act(Action::Type {
        target: Some(css("#e")),
        text: ",\nx".to_owned().into(),
        delay: Duration::ZERO,
    })
    .await
    .unwrap();
    open.act(press("Backspace")).await.unwrap();
    assert_eq!(open.js("model").await, "Sir,\n");

    open.js("heard.splice(0);0").await;
    for (field, text) in [
        ("#d", "2026-11-21"),
        ("#t", "23:59"),
        ("#w", "2026-W47"),
        ("#mo", "2026-11"),
        ("#dl", "2026-11-21T08:30"),
        ("#r", "6"),
        ("#co", "#AABBCC"),
    ] {
        open.act(fill(css(field), text)).await.unwrap();
    }
    assert_eq!(
        open.js("[d,t,w,mo,dl,r,co].map(i=>i.value)").await,
        json!([
            "2026-11-21",
            "23:59",
            "2026-W47",
            "2026-11",
            "2026-11-21T08:30",
            "6",
            "#aabbcc"
        ])
    );
    assert_eq!(
        open.js("heard.join()").await,
        "id,cd,it,ct,iw,cw,imo,cmo,idl,cdl,ir,cr,ico,cco"
    );
    for (field, text) in [("#d", "21.11.2026"), ("#r", "7"), ("#co", "red")] {
        let wrong = open.act(fill(css(field), text)).await.unwrap_err();
        assert!(matches!(wrong, Error::InvalidArgument { .. }), "{wrong}");
    }
    let slow = |text: &str, delay| Action::Type {
        target: Some(css("#slow")),
        text: text.to_owned().into(),
        delay: Duration::from_millis(delay),
    };
    open.act(slow("abc", 60)).await.unwrap();
    assert_eq!(
        open.js("[slow.value,gaps.every(g=>g>=55)]").await,
        json!(["abc", true])
    );
    let long = open.act(slow("abc", 600_000)).await.unwrap_err();
    assert!(matches!(long, Error::InvalidArgument { .. }), "{long}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_sticks_turns_zooms_and_scrolls_is_aimed_past_and_into() {
    let stage = Stage::start().await;
    let open = stage
        .show(
            "<style>body{margin:0;height:4000px}#top{position:sticky;top:0;height:55vh;background:#eee;z-index:1}
             #box{position:absolute;top:1500px;left:20px;height:150px;width:200px;overflow:auto}#inner{height:120px;overflow:auto}</style>
             <div id=top>bar</div>
             <button id=b style='position:absolute;top:1200px;left:300px' onclick='hits.push(\"b\")'>b</button>
             <div id=box><div style='height:600px'></div><div id=inner><div style='height:900px'></div><button id=deep onclick='hits.push(\"deep\")'>deep</button><div style='height:900px'></div></div><div style='height:600px'></div></div>
             <iframe id=turned style='position:absolute;left:300px;top:2000px;width:300px;height:200px;border:4px solid;padding:3px;transform:rotate(90deg) scale(.9)'
               srcdoc='<body style=\"margin:0\"><button style=\"position:absolute;left:5px;top:160px\" onclick=\"top.hits.push(1)\">t</button>'></iframe>
             <iframe id=skew style='position:absolute;left:300px;top:2500px;width:300px;height:200px;transform:skewX(20deg);rotate:-30deg'
               srcdoc='<body style=\"margin:0\"><button style=\"position:absolute;left:250px;top:10px\" onclick=\"top.hits.push(2)\">s</button>'></iframe>
             <iframe id=zoomed style='position:absolute;left:20px;top:3000px;width:300px;height:100px;zoom:1.5'
               srcdoc='<body style=\"margin:0\"><button style=\"position:absolute;left:250px;top:70px\" onclick=\"top.hits.push(3)\">z</button>'></iframe>
             <div style='zoom:2;position:absolute;left:300px;top:1700px'><button id=big onclick='hits.push(\"big\")'>g</button></div>
             <button id=off style='position:absolute;left:-900px;top:10px'>off</button>
             <script>window.hits=[]</script>",
        )
        .await;
    for target in ["#b", "#deep", "#big"] {
        open.click(css(target)).await.unwrap();
    }
    for name in ["t", "s", "z"] {
        let button = Locator::Role {
            role: "button".to_owned(),
            name: Some(name.to_owned()),
        };
        open.click(button).await.unwrap();
    }
    assert_eq!(open.js("hits.join()").await, "b,deep,big,1,2,3");
    let off = open.act_soon(click(css("#off"))).await.unwrap_err();
    assert_eq!(last(off), Attempt::OutOfView);
    // Gone in the middle: what is there no more is said to be.
    open.js("let i=0;setInterval(()=>{b.remove();document.body.append(b)},5);0")
        .await;
    let gone = open.act_soon(click(css("#b"))).await;
    assert!(
        gone.is_ok() || matches!(gone, Err(Error::NotActionable { .. })),
        "{gone:?}"
    );
}

/// Waits until a condition holds on the page.
impl Open {
    async fn wait_js(&self, condition: &str) {
        let wait = browserd_page::Wait::Function(condition.to_owned());
        self.page.wait_for(&support::ctx(), &wait).await.unwrap();
    }
}

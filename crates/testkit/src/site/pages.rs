//! The pages of the test site.

use std::fmt::Write as _;

pub(super) const INDEX: &str = r#"<!doctype html><html lang="en"><title>Test site</title>
<h1>Test site</h1><nav><a href="/login">Log in</a> <a href="/form">Form</a> <a href="/long">Long</a></nav>
<p>Nothing to see.</p></html>"#;

pub(super) const LOGIN: &str = r#"<!doctype html><html lang="en"><title>Log in</title>
<h1>Log in</h1><form method="post" action="/login">
<label>User <input name="user" autocomplete="off"></label>
<label>Password <input name="password" type="password"></label>
<button>Log in</button></form></html>"#;

pub(super) const REFUSED: &str = "<!doctype html><title>Refused</title><h1>Wrong password</h1>";

pub(super) const HOME: &str = r#"<!doctype html><html lang="en"><title>Home</title>
<h1>Hello, ada</h1><p id="cart"></p><p id="theme"></p>
<button id="add">Add to cart</button> <button id="dark">Dark theme</button> <a href="/form">Form</a>
<script>
const show = () => {
  cart.textContent = 'Cart: ' + (sessionStorage.getItem('cart') ?? 'empty');
  theme.textContent = 'Theme: ' + (localStorage.getItem('theme') ?? 'light');
};
add.onclick = () => { sessionStorage.setItem('cart', Number(sessionStorage.getItem('cart') ?? 0) + 1); show(); };
dark.onclick = () => { localStorage.setItem('theme', 'dark'); show(); };
show();
</script></html>"#;

pub(super) const FORM: &str = r#"<!doctype html><html lang="en"><title>Form</title>
<h1>Form</h1>
<label>Name <input id="name"></label>
<label>Notes <textarea id="notes"></textarea></label>
<label>Colour <select id="colour"><option>red</option><option>green</option><option>blue</option></select></label>
<label><input id="agree" type="checkbox"> Agree</label>
<button id="send">Send</button> <button id="off" disabled>Switched off</button>
<p id="result">Nothing sent</p>
<script>
let clicks = 0;
send.onclick = event => {
  clicks += 1;
  result.textContent = `Sent ${clicks}: ${document.querySelector('#name').value}, ${notes.value}, ${colour.value}, `
    + `${agree.checked}, trusted ${event.isTrusted}`;
};
</script></html>"#;

pub(super) fn place(name: &str, method: &str) -> String {
    format!(
        r#"<!doctype html><html lang="en"><title>{name}</title><h1>{method} {name}</h1>
<form method="post" action="/place/posted"><button>Send</button></form>
<script>
const states = [];
addEventListener('popstate', event => states.push(event.state));
</script></html>"#
    )
}

/// A long page with a frame of another site, and what the frame tells of its own storage.
pub(super) fn partnered(partner: &str) -> String {
    format!(
        r#"<!doctype html><html lang="en"><title>Partnered</title><h1>Partnered</h1>
<input id="text" aria-label="Text"><iframe src="{partner}" title="partner"></iframe>
<div style="height: 3000px"></div>
<script>
const told = new Promise(done => addEventListener('message', event => {{
  if (event.data !== 'written') done(event.data);
}}));
</script></html>"#
    )
}

pub(super) const PARTNER: &str = r#"<!doctype html><title>Partner</title>
<script>
addEventListener('message', event => {
  document.cookie = 'chip=1; Secure; Partitioned; SameSite=None; Path=/; max-age=9999';
  localStorage.setItem('partner', '1');
  event.source.postMessage('written', '*');
});
parent.postMessage(JSON.stringify({ cookie: document.cookie, local: localStorage.getItem('partner') }), '*');
</script>"#;

/// Has the frames its URL says, in each other too. Each tells the page what it finds stored, and
/// does what it is told.
pub(super) const EMBEDS: &str = r#"<!doctype html><html lang="en"><title>Embeds</title><h1>Embeds</h1>
<script>
const asked = new URLSearchParams(location.search);
const seen = {}, answers = [];
const done = request => new Promise(resolve => { request.onsuccess = () => resolve(request.result); });
const whole = transaction => new Promise(resolve => { transaction.oncomplete = resolve; });
const stored = async () => {
  const has = (await indexedDB.databases()).some(({ name }) => name === 'db');
  const base = has && await done(indexedDB.open('db'));
  const base_holds = base && await done(base.transaction('s').objectStore('s').get(1));
  if (base) base.close();
  return [localStorage.getItem('mark'), sessionStorage.getItem('mark'), base_holds || null];
};
const store = async value => {
  localStorage.setItem('mark', value);
  sessionStorage.setItem('mark', value);
  const open = indexedDB.open('db', 1);
  open.onupgradeneeded = () => open.result.createObjectStore('s');
  const base = await done(open), write = base.transaction('s', 'readwrite');
  write.objectStore('s').put(value, 1);
  await whole(write);
  base.close();
};
const tell = (frame, code) => new Promise(resolve => {
  frame.postMessage({ number: answers.push(resolve) - 1, code }, '*');
});
addEventListener('message', async ({ data, source }) => {
  if (data.code) source.postMessage({ number: data.number, value: await eval(data.code) }, '*');
  else if (data.name) seen[data.name] = data.found;
  else answers[data.number](data.value);
});
const begin = async () => {
  if (parent !== self) top.postMessage({ name: asked.get('name'), found: await stored() }, '*');
  for (const src of asked.getAll('frame')) {
    document.body.append(Object.assign(document.createElement('iframe'), { src }));
  }
};
begin();
</script></html>"#;

/// A long page that can have every state a page can have, with a frame of another site.
pub(super) fn fidelity(fellow: &str) -> String {
    format!(
        r#"<!doctype html><html lang="en"><title>Fidelity</title><h1>Fidelity</h1>
<input id="text"><textarea id="area"></textarea>
<select id="choice"><option>a</option><option>b</option></select><input type="checkbox" id="box">
<input type="radio" name="r" value="x" checked><input type="radio" name="r" value="y">
<div id="note" contenteditable></div>
<input type="password" id="word"><input autocomplete="cc-number" id="card"><input autocomplete="one-time-code" id="code">
<div id="pane" style="height: 80px; overflow: auto"><div style="height: 900px">Long</div></div>
<script>
const told = new Promise(done => addEventListener('message', event => {{
  if (event.data !== 'written') done(event.data);
}}));
</script>
<iframe src="{fellow}" title="fellow"></iframe>
<div style="height: 3000px"></div></html>"#
    )
}

/// A frame that tells the page what it finds stored, and stores when it is told to.
pub(super) const FELLOW: &str = r#"<!doctype html><title>Fellow</title>
<script>
// A browser may refuse a frame of another site all of this.
const open = () => new Promise((done, fail) => {
  const open = indexedDB.open('fellow', 1);
  open.onupgradeneeded = () => open.result.createObjectStore('s');
  open.onsuccess = () => done(open.result);
  open.onerror = () => fail(open.error);
});
const write = async () => {
  document.cookie = 'chip=1; Secure; Partitioned; SameSite=None; Path=/; max-age=9999';
  localStorage.setItem('fellow', '1');
  sessionStorage.setItem('fellow', '1');
  const base = await open(), write = base.transaction('s', 'readwrite');
  write.objectStore('s').put('kept', 1);
  await new Promise(done => { write.oncomplete = done; });
  base.close();
};
const found = async () => {
  const base = await open(), read = base.transaction('s').objectStore('s').get(1);
  await new Promise(done => { read.onsuccess = done; });
  base.close();
  return { cookie: document.cookie, local: localStorage.getItem('fellow'),
    session: sessionStorage.getItem('fellow'), base: read.result ?? null };
};
addEventListener('message', event => {
  write().catch(() => {}).then(() => event.source.postMessage('written', '*'));
});
found().catch(() => ({ cookie: document.cookie })).then(found => parent.postMessage(found, '*'));
</script>"#;

/// Stores something while it is left.
pub(super) const LEAVING: &str = r#"<!doctype html><html lang="en"><title>Leaving</title><h1>Leaving</h1>
<script>addEventListener('pagehide', () => sessionStorage.setItem('late', '1'));</script></html>"#;

pub(super) const FIELDS: &str = r#"<!doctype html><html lang="en"><title>Fields</title>
<h1>Fields</h1>
<input id="text"><input id="twin" placeholder="one"><input id="twin" placeholder="two">
<textarea id="area">as it was</textarea>
<select id="many" multiple><option>a</option><option selected>b</option><option>c</option></select>
<input type="checkbox" id="box" checked><input type="radio" name="r" value="x" checked><input type="radio" name="r" value="y">
<input type="range" id="range"><input type="date" id="date"><input type="color" id="color">
<input type="password" id="hidden-word"><input autocomplete="cc-number" id="number"><input autocomplete="one-time-code" id="code">
<div id="note" contenteditable>as it was</div><div id="other" contenteditable>not touched</div>
<div id="pane" style="height: 80px; overflow: auto"><div style="height: 900px">Long</div></div>
<div id="host"></div><iframe id="near" srcdoc="<input id=inner>"></iframe><div id="late"></div>
<script>
const seen = [];
addEventListener('input', event => seen.push(event.target.id));
Object.defineProperty(HTMLInputElement.prototype, 'value', { get() { return 'patched'; }, set() {} });
host.attachShadow({ mode: 'open' }).innerHTML = '<input id="deep">';
setTimeout(() => { late.innerHTML = '<input id="rendered">'; }, 250);
</script></html>"#;

pub(super) const STORAGE: &str = r#"<!doctype html><html lang="en"><title>Storage</title>
<h1>Storage</h1><p id="seen"></p>
<button id="write">Write</button> <button id="bake">Set cookie</button>
<script>
const show = () => {
  seen.textContent = `local ${localStorage.getItem('mark')} session ${sessionStorage.getItem('mark')} cookie ${document.cookie}`;
};
write.onclick = () => { localStorage.setItem('mark', 'L1'); sessionStorage.setItem('mark', 'S1'); show(); };
bake.onclick = () => { document.cookie = 'mark=C1; path=/; max-age=86400'; show(); };
show();
</script></html>"#;

/// What the chaos run works on. A press counts at the server before it has ended.
pub(super) const WORK: &str = r#"<!doctype html><html lang="en"><title>Work</title>
<h1>Work</h1><label>Note <input id="note"></label>
<button id="count">Count</button> <button id="pop">Open window</button>
<script>
const who = new URLSearchParams(location.search).get('who');
document.querySelector('#count').onclick = () => {
  const request = new XMLHttpRequest();
  request.open('POST', `/mark/${who}/press`, false);
  request.send();
};
document.querySelector('#pop').onclick = () => window.open('/popped', '_blank', 'width=300,height=200');
</script></html>"#;

pub(super) const DIALOGS: &str = r#"<!doctype html><html lang="en"><title>Dialogs</title>
<h1>Dialogs</h1><button id="a">Alert</button> <button id="c">Confirm</button> <button id="p">Prompt</button>
<p id="result">No answer</p>
<script>
a.onclick = () => { alert('Look out'); result.textContent = 'Alert done'; };
c.onclick = () => { result.textContent = 'Confirm: ' + confirm('Delete it?'); };
p.onclick = () => { result.textContent = 'Prompt: ' + prompt('Your name?', 'nobody'); };
</script></html>"#;

pub(super) const POPUP: &str = r#"<!doctype html><html lang="en"><title>Opener</title>
<h1>Opener</h1><button onclick="window.open('/popped', '_blank', 'width=300,height=200')">Open window</button>
<a href="/popped" target="_blank">Open tab</a></html>"#;

pub(super) const POPPED: &str =
    r#"<!doctype html><html lang="en"><title>Popped up</title><h1>Popped up</h1></html>"#;

pub(super) const INNER: &str = r#"<!doctype html><html lang="en"><title>Inner</title>
<button onclick="this.textContent = 'Pressed inside'">Inside</button></html>"#;

pub(super) const NOISE: &str = r#"<!doctype html><html lang="en"><title>Noise</title><h1>Noise</h1>
<script>
const line = 'x'.repeat(1024);
setInterval(() => { for (let n = 0; n < 200; n++) console.log(line); }, 20);
</script></html>"#;

pub(super) const COVERED: &str = r#"<!doctype html><html lang="en"><title>Covered</title>
<button id="under">Under</button>
<div id="cookie-wall" style="position:fixed;inset:0;background:#fffc">We value your privacy</div></html>"#;

pub(super) const ENDLESS: &str =
    "<!doctype html><html lang=\"en\"><title>Endless</title><h1>Endless</h1><p>So far</p>\n";

/// Returns the page of 200 links and 200 buttons that the bench measures.
pub(super) fn controls() -> String {
    let mut page = String::from(
        "<!doctype html><html lang=\"en\"><title>Controls</title><h1>Controls</h1>\n<ul>\n",
    );
    for n in 0..200 {
        writeln!(
            page,
            "<li><a href=\"/item/{n}\">Item number {n}</a> <button>Buy {n}</button></li>"
        )
        .expect("a string takes text");
    }
    page.push_str("</ul></html>");
    page
}

/// Returns a page that has to be scrolled.
pub(super) fn long() -> String {
    let mut page =
        String::from("<!doctype html><html lang=\"en\"><title>Long</title><h1>Long</h1>\n");
    for n in 0..300 {
        writeln!(page, "<p>Paragraph {n}</p>").expect("a string takes text");
    }
    page.push_str("<button>At the end</button></html>");
    page
}

/// Returns a page with a frame of its own origin and one of another.
pub(super) fn frames(other: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><title>Frames</title><h1>Frames</h1>\
         <iframe src=\"/inner\" title=\"near\"></iframe>\
         <iframe src=\"{other}\" title=\"far\"></iframe></html>"
    )
}

//! The commands of `docs/actions.md` do what they say, and what an upload may not take is refused.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "helpers of tests fail tests and serve a page"
)]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::json;
use testkit::harness::{Agent, Harness};

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");

/// The shop of the examples. `seen` holds what came of each of them.
const SHOP: &str = r#"<!doctype html><html lang="en"><meta charset="utf-8"><title>Shop</title>
<style>#card,#done{display:inline-block;width:90px;height:40px;background:#eee}</style>
<p><label>Name <input id="name"></label> <input id="street" placeholder="Street">
<select id="size"><option>S<option>M<option>L</select>
<select id="extras" multiple><option>wrap<option>card<option>ribbon</select>
<span id="colour" role="combobox" tabindex="0" aria-label="Colour" aria-expanded="false" aria-controls="colours">Red</span>
<ul id="colours" role="listbox" hidden><li role="option">Red<li role="option">Green</ul>
<label><input type="checkbox" id="terms"> Terms</label> <input type="date" id="date">
<label>Invoice <input type="file" id="invoice"></label></p>
<p><span id="card" draggable="true" data-testid="card">Card</span> <span id="done">Done</span>
<button id="help">Help</button> <textarea id="note">old</textarea> <b id="word">Word</b></p>
<p><button>Add</button> <button id="add">Add</button> <output id="out"></output></p>
<script>
const seen = [];
const expand = (open) => { colours.hidden = !open; colour.setAttribute('aria-expanded', open); };
colour.onclick = () => expand(true);
for (const option of colours.children) option.onclick = () => { colour.textContent = option.textContent; expand(false); };
card.ondragstart = event => event.dataTransfer.setData('text/plain', 'card');
done.ondragover = event => event.preventDefault();
done.ondrop = event => { event.preventDefault(); seen.push('dropped ' + event.dataTransfer.getData('text/plain')); };
help.onmouseenter = () => seen.push('help');
word.ondblclick = () => seen.push('word');
note.onselect = () => seen.push('marked ' + note.value.slice(note.selectionStart, note.selectionEnd));
add.onclick = () => { setTimeout(() => { out.textContent = 'Added'; }, 50); };
</script></html>"#;

/// Serves the shop on loopback as long as the process lives.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 8192];
            let read = stream.read(&mut head).unwrap_or(0);
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{SHOP}",
                SHOP.len()
            );
            // A browser may hang up on a connection it opened for later.
            if read > 0 {
                stream.write_all(answer.as_bytes()).ok();
            }
        }
    });
    url
}

/// The commands that the documentation gives, one a line.
fn documented() -> Vec<String> {
    let text = include_str!("../../../docs/actions.md");
    let (_, block) = text.split_once("```sh\n").expect("an example");
    let (block, _) = block.split_once("```").expect("its end");
    let lines = block.lines().filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

#[test]
fn the_documented_actions_do_what_they_say() {
    let url = serve();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    let folder = test.home().parent().expect("a folder").join("ada");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("invoice.txt"), "42").expect("a file");
    for line in documented() {
        let line = line
            .replace("https://shop.example", &url)
            .replace("/home/ada", &folder.to_string_lossy());
        let words = line.strip_prefix("browserd ").expect("a command");
        test.cli(&words.split(' ').collect::<Vec<_>>()).done();
    }
    let came_of_it = "[document.querySelector('#name').value, street.value, size.value, \
        [...extras.selectedOptions].map(it => it.text).join(), colour.textContent, terms.checked, \
        date.value, invoice.files[0].name, out.textContent, seen.join()]";
    let told = test.on("shop", &["evaluate", "--expression", came_of_it]);
    assert_eq!(
        told["value"],
        json!([
            "Ada",
            "Main",
            "M",
            "wrap,card",
            "Green",
            true,
            "2026-12-31",
            "invoice.txt",
            "Added",
            "dropped card,help,marked old,word"
        ])
    );

    // The token that admits to the daemon is no file for a page, whatever leads to it.
    let mut agent = Agent::open(test.http(), Some("shop"), &url);
    let link = folder.join("link");
    std::os::unix::fs::symlink(test.home().join("token"), &link).expect("a link");
    for path in [test.home().join("token"), link] {
        let upload = json!({ "action": "upload", "selector": "#invoice", "files": [path] });
        let refusal = agent.refused("interact", upload);
        assert_eq!(refusal.code(), "invalid_argument", "{refusal:?}");
        assert!(refusal.0.to_string().contains("own home"), "{refusal:?}");
    }
    assert_eq!(agent.evaluate("invoice.files.length"), 0);
    // What could not be done is told with its reason, and with refs that can be used at once.
    let several = json!({ "action": "click", "role": "button", "name": "Add" });
    let refusal = agent.refused("interact", several);
    assert_eq!(refusal.code(), "not_actionable", "{refusal:?}");
    let told = refusal.0.to_string();
    let number = told.split("@e").nth(2).expect("a second ref");
    let number: String = number.chars().take_while(char::is_ascii_digit).collect();
    agent.call(
        "interact",
        json!({ "action": "click", "ref": format!("@e{number}") }),
    );
    agent.call("wait_for", json!({ "text": "Added", "state": "visible" }));
    test.finish();
}

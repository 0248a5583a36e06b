//! Pages whose text is no text, or too much of it: a bounded answer, and a page that stays usable.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test may fail loudly and spawn"
)]

mod support;

use browserd_page::SnapshotOptions;
use support::{Stage, fill, ref_in};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn halves_of_letters_are_told_as_such_and_break_nothing() {
    let stage = Stage::start().await;
    let open = stage
        .show(
            "<h1>head</h1><p id=t></p><button onclick=\"this.textContent='pressed \\ud83d'\">b</button><input><a href='#'>long</a><script>
             const half = '\\ud83d', other = '\\udc00';
             document.title = 'title ' + half;
             t.textContent = 'text ' + other + half + 'x';
             document.querySelector('button').setAttribute('aria-label', half + ' name');
             document.querySelector('input').value = 'value' + half;
             document.querySelector('input').placeholder = other;
             // A name is cut in the middle of a letter.
             document.querySelector('a').textContent = 'l'.repeat(398) + '\\ud83d\\ude00'.repeat(20);
             history.replaceState(half, '', '#' + half);
             console.log(half);
             </script>",
        )
        .await;
    let shot = open
        .page
        .snapshot(&support::ctx(), &SnapshotOptions::default())
        .await
        .unwrap();
    assert!(shot.title.expose().starts_with("title"), "{shot:?}");
    let text = shot.text.into_exposed();
    for part in [
        "text \u{fffd}\u{fffd}x",
        "\"\u{fffd} name\"",
        "value\u{fffd}",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert_eq!(open.js("'a\\ud83d'").await, "a\u{fffd}");
    assert_eq!(open.js("({ k: ['\\udc00'] })").await["k"][0], "\u{fffd}");
    open.click(ref_in(&text, "name")).await.unwrap();
    let field = ref_in(&text, "textbox");
    open.act(fill(field, "whole")).await.unwrap();
    let text = open.snapshot().await;
    assert!(text.contains("value=\"whole\""), "{text}");
    open.show(&stage.site, "<button>next</button>").await;
    assert!(open.snapshot().await.contains("next"));
}

//! Content as Markdown and links, PDF, and pictures with refs.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test may fail loudly, print what it measured, spawn and read clocks"
)]

mod support;

use browserd_page::{ContentFormat, ContentOptions, Error, ImageFormat, Pdf, Screenshot};
use support::{Open, Stage, css, ctx};

async fn read(open: &Open, format: ContentFormat, scope: Option<&str>) -> String {
    let options = ContentOptions {
        format,
        scope: scope.map(css),
        max_bytes: None,
    };
    let read = open.page.content(&ctx(), &options).await.unwrap();
    read.content.into_exposed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_main_content_is_told_as_markdown_without_what_is_around_it() {
    let stage = Stage::start().await;
    let open = stage
        .show(
            r#"<header>Shop</header><nav><a href=/x>Menu</a></nav>
            <main><h1>Tea &amp; <em>more</em></h1><p>Plain <b>bold </b>and <code>a`b</code>,<br>a [bracket] *star*. <a href="/go (1)">Link</a></p>
            <div><div>1. not a list</div></div>
            <ul><li>one<ul><li>inner</li></ul></li><li><p>two</p></li></ul><ol start=3><li>three</ol>
            <blockquote><p>said</p><p>more</p></blockquote>
            <pre><code class="language-rust">let a = "```";
  b</code></pre>
            <table><caption>Prices</caption><tr><th>What<th>Price<tr><td>Tea | hot<td>3</table>
            <p style="display:none">unseen</p><button>Buy</button><img alt="Cup" src="/cup.png"><hr>
            <dl><dt>Term<dd>Meaning</dl></main><footer>Imprint</footer>"#,
        )
        .await;
    let site = stage.site.url("");
    let text = read(&open, ContentFormat::Markdown, None)
        .await
        .replace(&site, "S");
    println!("{text}");
    insta::assert_snapshot!(text);
    let links = read(&open, ContentFormat::Links, None)
        .await
        .replace(&site, "S");
    assert_eq!(links, "- [Menu](S/x)\n- [Link](S/go%20%281%29)");
    assert_eq!(
        read(&open, ContentFormat::Text, Some("h1")).await,
        "Tea & more"
    );
    assert_eq!(
        read(&open, ContentFormat::Markdown, Some("footer")).await,
        "Imprint"
    );
    assert_eq!(
        read(&open, ContentFormat::Html, Some("footer")).await,
        "<footer>Imprint</footer>"
    );
    let little = ContentOptions {
        max_bytes: Some(7),
        ..Default::default()
    };
    let cut = open.page.content(&ctx(), &little).await.unwrap();
    assert!(cut.truncated && cut.content.expose().len() <= 7, "{cut:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_printed_and_pictures_have_refs_and_a_scale() {
    let stage = Stage::start().await;
    let open = stage
        .show("<h1>Print</h1><p style='height:3000px'>text</p>")
        .await;
    let printed = open.page.pdf(&ctx(), &Pdf::default()).await.unwrap();
    assert!(printed.starts_with(b"%PDF-") && printed.len() > 1000);
    let one = Pdf {
        pages: Some("1".to_owned()),
        paper: Some((8.27, 11.69)),
        landscape: true,
        background: true,
        margin: Some(0.5),
        footer: Some("<span class=pageNumber></span>".to_owned()),
        ..Pdf::default()
    };
    let one = open.page.pdf(&ctx(), &one).await.unwrap();
    let sheets = |file: &[u8]| {
        file.windows(11)
            .filter(|at| at.starts_with(b"/Type /Page") && at.len() == 11)
            .count()
    };
    assert!(sheets(&one) <= sheets(&printed));
    for wrong in [
        Pdf {
            scale: Some(9.0),
            ..Pdf::default()
        },
        Pdf {
            pages: Some("90-91".to_owned()),
            ..Pdf::default()
        },
    ] {
        let refused = open.page.pdf(&ctx(), &wrong).await.unwrap_err();
        assert!(
            matches!(refused, Error::InvalidArgument { .. }),
            "{refused}"
        );
    }

    let open = stage
        .show(&format!(
            "<body style='margin:0'><button style='position:absolute;left:40px;top:40px'>here</button><div style='height:4000px'></div>
             <iframe style='position:absolute;left:200px;top:40px;border:0' src='{}'></iframe>",
            stage.site.elsewhere("/in")
        ))
        .await;
    stage.site.put(
        "/in",
        "200 OK",
        "content-type: text/html\r\n",
        b"<button>there</button>",
    );
    open.js("document.querySelector('iframe').src += '?'; new Promise(r => document.querySelector('iframe').onload = () => r(0))").await;
    let take = async |annotate, scale, format| {
        let options = Screenshot {
            annotate,
            scale,
            format,
            ..Default::default()
        };
        open.page.screenshot(&ctx(), &options).await.unwrap()
    };
    let plain = take(false, None, ImageFormat::Png).await;
    let small = take(false, Some(0.5), ImageFormat::Png).await;
    // Scroll bars are part of a window and not of the page.
    assert!(plain.width.abs_diff(small.width * 2) <= 20);
    assert!(plain.height.abs_diff(small.height * 2) <= 20);
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Webp] {
        let marked = take(true, None, format).await;
        assert!(plain.width.abs_diff(marked.width) <= 20);
        assert_ne!(marked.data, plain.data);
    }
    // Two boxes and two labels: one of each is in the frame.
    let shown = open.snapshot().await;
    assert!(
        shown.contains("\"here\"") && shown.contains("\"there\""),
        "{shown}"
    );
    assert_eq!(
        open.js("document.querySelectorAll('*').length").await,
        6,
        "nothing was put into the page"
    );
}

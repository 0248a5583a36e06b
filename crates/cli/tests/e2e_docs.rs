//! The commands that the pages on settings give: each is run as it stands there.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]

use testkit::harness::Harness;
use testkit::site::Site;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");

/// The words of a command, as a shell would read those of the documentation.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![];
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        // What stands in quotes is one word.
        let quoted = ['"', '\''].contains(&first);
        let (word, after) = match quoted {
            true => rest[1..].split_once(first).expect("the end of a quote"),
            false => rest.split_once(' ').unwrap_or((rest, "")),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    words
}

#[test]
fn the_documented_commands_on_scripts_emulation_requests_and_downloads_run_as_they_stand() {
    let site = Site::start();
    let mut test = Harness::new(BROWSERD);
    test.serve();
    for text in [
        include_str!("../../../docs/scripts.md"),
        include_str!("../../../docs/emulation.md"),
        include_str!("../../../docs/network.md"),
        include_str!("../../../docs/downloads.md"),
    ] {
        let blocks = text.split("```sh\n").skip(1);
        for line in blocks.flat_map(|block| block.split("```").next().expect("a block").lines()) {
            let line = line.replace("https://shop.example", &site.url(""));
            let words = words(line.strip_prefix("browserd ").expect("a command"));
            let words: Vec<_> = words.iter().map(String::as_str).collect();
            test.cli(&words).done();
        }
    }
    test.finish();
}

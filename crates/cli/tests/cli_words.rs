//! The command line's own words: usage, help, completions, the forms of an answer.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail tests")]

use testkit::harness::Harness;

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");

#[test]
fn a_wrong_command_line_ends_with_two_and_starts_nothing() {
    let test = Harness::new(BROWSERD);
    let wrong: [&[&str]; 9] = [
        &[],
        &["frobnicate"],
        &["click"],
        &["wait"],
        &["wait", "1", "--text", "x"],
        &["list-sessions", "--nonsense", "1"],
        &["evaluate", "--args", "[1]"],
        &["open", "https://example.org", "--label", "nothing"],
        &["serve", "--listen", "nowhere"],
    ];
    for words in wrong {
        let ran = test.cli(words);
        assert_eq!(ran.code, Some(2), "{words:?}: {ran:?}");
        assert!(ran.stdout.is_empty(), "{words:?}: {ran:?}");
        assert!(!ran.stderr.is_empty(), "{words:?}");
    }
    assert!(test.family().is_empty());
    test.finish();
}

#[test]
fn help_and_version_are_no_failures() {
    let test = Harness::new(BROWSERD);
    for words in [
        &["--help"][..],
        &["--version"],
        &["click", "--help"],
        &["list-tabs", "--help"],
    ] {
        let ran = test.cli(words).done();
        assert!(!ran.stdout.is_empty(), "{words:?}: {ran:?}");
    }
    test.finish();
}

#[test]
fn completions_and_the_manual_know_commands_and_operations() {
    let test = Harness::new(BROWSERD);
    let whole = [
        test.cli(&["completions", "bash"]).done().stdout,
        test.cli(&["completions", "zsh"]).done().stdout,
        test.cli(&["completions", "fish"]).done().stdout,
        test.cli(&["man"]).done().stdout.replace('\\', ""),
    ];
    for text in whole {
        for word in ["doctor", "list-sessions", "save-session-checkpoint"] {
            assert!(
                text.contains(word),
                "{word} is missing in {} bytes",
                text.len()
            );
        }
    }
    test.finish();
}

#[test]
fn every_operation_is_listed_as_a_command() {
    let test = Harness::new(BROWSERD);
    let listed = test.cli(&["operations", "--json"]).done().json();
    let commands: Vec<&str> = listed
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|each| each["command"].as_str())
        .collect();
    for operation in api::OPERATIONS {
        assert!(
            commands.contains(&operation.name.replace('_', "-").as_str()),
            "{commands:?}"
        );
    }
    test.finish();
}

#[test]
fn what_a_later_version_brings_is_said_to_be_missing() {
    let test = Harness::new(BROWSERD);
    test.cli(&["verify-audit"]).refused("not_available");
    test.finish();
}

#[test]
fn an_error_is_a_sentence_and_a_hint_for_people_and_an_object_for_programs() {
    let test = Harness::new(BROWSERD).with("BROWSERD_LISTEN", "nowhere");
    let told = test.cli(&["serve"]).refused("invalid_argument");
    let lines: Vec<&str> = told.stderr.lines().collect();
    assert_eq!(lines.len(), 2, "{told:?}");
    assert!(
        lines[0].starts_with("The variable BROWSERD_LISTEN is wrong: "),
        "{told:?}"
    );
    assert!(lines[1].starts_with("Hint: "), "{told:?}");
    assert!(!told.stderr.contains('\x1b'), "{told:?}");
    let object = test
        .cli(&["serve", "--json"])
        .refused("invalid_argument")
        .json();
    for field in ["code", "message", "hint", "retry"] {
        assert!(object[field].is_string(), "{object}");
    }
    test.finish();
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let test = Harness::new(BROWSERD);
    let mut command = test.command(&["completions", "bash"]);
    command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut child = testkit::process::spawn(&mut command).unwrap();
    drop(child.stdout.take());
    let ended = child.wait().unwrap();
    testkit::process::forget(child.id());
    assert!(ended.success(), "{ended}");
    test.finish();
}

//! The operation list and what is derived from it, held to their promises.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests may fail loudly"
)]

use std::collections::HashSet;

use browserd_api as api;
use browserd_api::{Method, OPERATIONS, Operation, arguments, openapi, tool};
use serde_json::{Value, json};

#[test]
fn every_example_is_read_as_its_operation_and_written_back() {
    fn check<O: Operation>() {
        assert!(!O::EXAMPLES.is_empty(), "{} has no example", O::NAME);
        for text in O::EXAMPLES {
            let example: Value =
                serde_json::from_str(text).unwrap_or_else(|err| panic!("{}: {err}", O::NAME));
            let (operation, plain) = arguments::resolve(O::NAME, example.clone()).unwrap();
            assert_eq!(operation.name, O::NAME);
            let input: O = arguments::parse(plain).unwrap_or_else(|err| panic!("{text}: {err}"));
            // 600 may come back as 600.0, but nothing may get lost.
            let written = serde_json::to_value(&input).unwrap();
            let names = |value: &Value| {
                value
                    .as_object()
                    .unwrap()
                    .keys()
                    .cloned()
                    .collect::<Vec<_>>()
            };
            assert_eq!(names(&written), names(&example), "{}", O::NAME);
        }
    }
    macro_rules! all {
        ($($operation:ident,)*) => { $(check::<api::$operation>();)* };
    }
    api::each_operation!(all);
}

#[test]
fn every_operation_has_its_own_name_and_route_and_its_path_names_arguments() {
    let mut names = HashSet::new();
    let mut routes = HashSet::new();
    for operation in OPERATIONS {
        assert!(names.insert(operation.name), "{}", operation.name);
        assert!(
            routes.insert((operation.route.method, operation.route.path)),
            "{}",
            operation.name
        );
        let properties = (operation.input_schema)()["properties"].clone();
        for parameter in operation.route.parameters() {
            assert!(
                properties.get(parameter).is_some(),
                "{}: {parameter}",
                operation.name
            );
        }
        for later in operation.later {
            assert!(
                properties.get(later).is_none(),
                "{}: {later} is here",
                operation.name
            );
        }
        assert!(operation.route.method != Method::Get || operation.effect == api::Effect::Read);
    }
}

#[test]
fn mcp_lists_the_tools_people_know_for_less_than_2500_tokens() {
    let tools = tool::listed();
    let names: Vec<_> = tools.iter().map(|tool| tool.name).collect();
    let promised = [
        "open_session",
        "list_sessions",
        "resume_session",
        "close_session",
        "list_tabs",
        "new_tab",
        "close_tab",
        "navigate",
        "snapshot",
        "interact",
        "wait_for",
        "get_content",
        "evaluate",
        "screenshot",
        "handle_dialog",
        "save_session_checkpoint",
        "list_session_checkpoints",
        "read_result",
    ];
    assert_eq!(names, promised);
    let list: Vec<_> = tools
        .iter()
        .map(|tool| json!({"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema}))
        .collect();
    insta::assert_json_snapshot!("tools", list);
    let bytes = serde_json::to_vec(&list).unwrap().len() + tool::INSTRUCTIONS.len();
    println!("tools and instructions: {bytes} bytes");
    assert!(bytes / 4 <= 2400, "{bytes} bytes");
}

#[test]
fn the_openapi_document_has_every_operation_and_no_loose_reference() {
    let document = openapi::document("0.0.0");
    for operation in OPERATIONS {
        let method = operation.route.method.as_str().to_lowercase();
        let described = &document["paths"][operation.route.path][&method];
        assert_eq!(described["operationId"], operation.name);
        for parameter in operation.route.parameters() {
            let parameters = described["parameters"].as_array().unwrap();
            assert!(
                parameters
                    .iter()
                    .any(|of| of["name"] == parameter && of["in"] == "path")
            );
        }
    }
    let mut references = Vec::new();
    collect_references(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference
            .strip_prefix('#')
            .unwrap_or_else(|| panic!("{reference}"));
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    insta::assert_json_snapshot!("openapi", document);
}

fn collect_references(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                out.push(reference.clone());
            }
            fields
                .values()
                .for_each(|value| collect_references(value, out));
        }
        Value::Array(values) => values
            .iter()
            .for_each(|value| collect_references(value, out)),
        _ => {}
    }
}

#[test]
fn a_session_has_the_shape_that_people_and_scripts_know() {
    let session = api::Session {
        session_id: "s_1".into(),
        id: "s_1".into(),
        key: None,
        state: "alive".into(),
        status: "Alive".into(),
        state_cause: "opened".into(),
        state_detail: None,
        generation: 1,
        profile: None,
        attached: false,
        labels: [("a".to_owned(), "b".to_owned())].into(),
        created_at: "2026-01-01T00:00:00Z".into(),
        last_activity: "2026-01-01T00:00:00Z".into(),
        expires_at: None,
        call_count: 3,
        tab_id: Some("t1".into()),
        url: "https://example.org/".into(),
        title: "Example".into(),
        checkpoint: Some(api::LatestCheckpoint {
            id: "c_1".into(),
            taken_at: "2026-01-01T00:00:00Z".into(),
            age_ms: 5,
        }),
        capture_failing: None,
        recovered: None,
        untrusted: vec!["url".into(), "title".into()],
    };
    let opened = api::OpenedSession {
        session,
        opened: api::Opened::Created,
        http_status: Some(200),
    };
    let wire = serde_json::to_value(&opened).unwrap();
    assert_eq!(
        wire,
        json!({
            "session_id": "s_1", "id": "s_1", "key": null, "state": "alive", "status": "Alive",
            "state_cause": "opened", "generation": 1, "profile": null, "labels": {"a": "b"},
            "created_at": "2026-01-01T00:00:00Z", "last_activity": "2026-01-01T00:00:00Z", "expires_at": null,
            "call_count": 3, "tab_id": "t1", "url": "https://example.org/", "title": "Example",
            "checkpoint": {"id": "c_1", "taken_at": "2026-01-01T00:00:00Z", "age_ms": 5},
            "opened": "created", "http_status": 200, "untrusted": ["url", "title"],
        })
    );
    assert_eq!(
        serde_json::from_value::<api::OpenedSession>(wire).unwrap(),
        opened
    );
}

#[test]
fn an_answer_is_flat() {
    let answer = api::InTab {
        downloaded: vec![],
        fields: api::Navigated {
            url: "a:".into(),
            title: "t".into(),
            http_status: Some(200),
            view: api::View::default(),
        },
        session_id: "s_1".into(),
        tab_id: Some("t1".into()),
        generation: 2,
        recovered: None,
        untrusted: vec![],
    };
    let wire = serde_json::to_value(&answer).unwrap();
    assert_eq!(
        wire,
        json!({
            "url": "a:", "title": "t", "http_status": 200, "session_id": "s_1", "tab_id": "t1", "generation": 2,
        })
    );
    assert_eq!(
        serde_json::from_value::<api::InTab<api::Navigated>>(wire).unwrap(),
        answer
    );
}

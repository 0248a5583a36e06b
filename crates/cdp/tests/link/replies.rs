//! Replies: read leniently, late, unasked for, refused, and never.

use std::time::Duration;

use base::{Ctx, Stopped};
use cdp::protocol::{page, runtime, target};
use cdp::{Error, Options};
use proptest::prelude::*;
use serde_json::json;
use serde_json::value::RawValue;

use crate::support::{ample, evaluate, linked, linked_with};

#[tokio::test]
async fn a_call_gets_its_own_reply_whatever_the_order() {
    let mut link = linked();
    let session = link.connection.attach("S");
    let (first, second) = (session.clone(), session);
    let first = tokio::spawn(async move { first.call(&ample(), &evaluate("1")).await });
    let asked_first = link.asked().await;
    let second = tokio::spawn(async move { second.call(&ample(), &evaluate("2")).await });
    let asked_second = link.asked().await;
    assert_eq!(asked_first["sessionId"], "S");
    assert_eq!(asked_second["params"], json!({ "expression": "2" }));
    for (asked, value) in [(asked_second, 2), (asked_first, 1)] {
        let result = json!({ "result": { "type": "number", "value": value } });
        link.say(json!({ "id": asked["id"], "sessionId": "S", "result": result }))
            .await;
    }
    assert_eq!(first.await.unwrap().unwrap().result.value, Some(json!(1)));
    assert_eq!(second.await.unwrap().unwrap().result.value, Some(json!(2)));
    assert_eq!(link.connection.in_flight(), 0);
}

#[tokio::test]
async fn unknown_values_and_fields_and_missing_ones_lose_nothing() {
    let mut link = linked();
    let session = link.connection.attach("S");
    let call = tokio::spawn(async move { session.call(&ample(), &evaluate("1")).await });
    let asked = link.asked().await;
    // `description` and others are missing, `type` is new, `invented` is unknown.
    let result = json!({ "result": { "type": "quark", "invented": [1, { "a": 2 }] }, "more": 1 });
    link.say(json!({ "id": asked["id"], "result": result, "unknown": { "x": null } }))
        .await;
    let returned = call.await.unwrap().unwrap();
    let kind = runtime::RemoteObjectType::Unrecognized("quark".to_owned());
    assert_eq!(returned.result.r#type, kind);
    assert_eq!(serde_json::to_value(kind).unwrap(), "quark");

    let lean: target::TargetInfo = serde_json::from_str("{}").unwrap();
    assert_eq!(lean.target_id, "");
}

#[tokio::test]
async fn a_refusal_is_the_callers_alone() {
    let mut link = linked();
    let root = link.connection.root();
    let call = tokio::spawn(async move { root.call(&ample(), &page::Navigate::default()).await });
    let asked = link.asked().await;
    let error = json!({ "code": -32602, "message": "Invalid parameters", "data": "url" });
    link.say(json!({ "id": asked["id"], "error": error })).await;
    let failed = call.await.unwrap().unwrap_err();
    assert_eq!(
        failed.to_string(),
        "Page.navigate: Invalid parameters: url (-32602)"
    );
    assert!(link.connection.is_lost().is_none());
}

#[tokio::test]
async fn a_body_of_another_shape_is_an_error_of_that_call() {
    let mut link = linked();
    let root = link.connection.root();
    let call = tokio::spawn(async move { root.call(&ample(), &page::Navigate::default()).await });
    let asked = link.asked().await;
    link.say(json!({ "id": asked["id"], "result": { "frameId": { "not": "text" } } }))
        .await;
    assert!(matches!(call.await.unwrap(), Err(Error::Decode { .. })));
    link.settle().await;
}

#[tokio::test]
async fn an_untyped_call_returns_the_body_as_it_came() {
    let mut link = linked();
    let root = link.connection.root();
    let params = RawValue::from_string(r#"{"a": 1}"#.to_owned()).unwrap();
    let call = tokio::spawn(async move { root.call_raw(&ample(), "New.thing", &params).await });
    let asked = link.asked().await;
    assert_eq!(asked["method"], "New.thing");
    assert_eq!(asked["params"], json!({ "a": 1 }));
    let reply = format!(r#"{{"id":{},"result":{{"z": 1.50}}}}"#, asked["id"]);
    link.peer.say(reply).await;
    assert_eq!(call.await.unwrap().unwrap().get(), r#"{"z": 1.50}"#);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_frees_the_place_and_its_late_reply_is_dropped() {
    let mut link = linked();
    let session = link.connection.attach("S");
    let ctx = Ctx::within(Duration::from_secs(5));
    let failed = session
        .call(&ctx, &evaluate("while(1);"))
        .await
        .unwrap_err();
    assert!(
        matches!(failed, Error::Stopped(Stopped::Deadline)),
        "{failed}"
    );
    assert_eq!(link.connection.in_flight(), 0);

    let asked = link.asked().await;
    link.say(json!({ "id": asked["id"], "sessionId": "S", "result": {} }))
        .await;
    link.settle().await;
    assert_eq!(link.connection.stats().late_dropped, 1);
    assert!(link.connection.late().unwrap().try_recv().is_err());
}

#[tokio::test]
async fn a_cancel_ends_the_wait_at_once() {
    let mut link = linked();
    let session = link.connection.attach("S");
    let ctx = ample();
    let cancel = ctx.cancel.clone();
    let call = tokio::spawn(async move { session.call(&ctx, &evaluate("1")).await });
    link.asked().await;
    cancel.cancel();
    let failed = call.await.unwrap().unwrap_err();
    assert!(
        matches!(failed, Error::Stopped(Stopped::Cancelled)),
        "{failed}"
    );
    assert_eq!(link.connection.in_flight(), 0);
}

#[tokio::test]
async fn a_call_without_time_sends_nothing() {
    let mut link = linked();
    let session = link.connection.attach("S");
    let gone = ample();
    gone.cancel.cancel();
    let late = Ctx::within(Duration::ZERO);
    for (ctx, stopped) in [(gone, Stopped::Cancelled), (late, Stopped::Deadline)] {
        let failed = session.call(&ctx, &evaluate("1")).await.unwrap_err();
        assert!(
            matches!(failed, Error::NotSent(found) if found == stopped),
            "{failed}"
        );
    }
    link.settle().await;
}

#[tokio::test]
async fn a_dropped_call_frees_its_place() {
    let mut link = linked();
    let session = link.connection.attach("S");
    let call = tokio::spawn(async move { session.call(&ample(), &evaluate("1")).await });
    link.asked().await;
    assert_eq!(link.connection.in_flight(), 1);
    call.abort();
    call.await.unwrap_err();
    assert_eq!(link.connection.in_flight(), 0);
}

#[tokio::test]
async fn replies_to_an_earlier_daemons_commands_are_handed_on() {
    let mut link = linked_with(Options {
        first_id: 100,
        ..Options::default()
    });
    link.say(json!({ "id": 41, "sessionId": "S", "result": { "kept": true } }))
        .await;
    link.say(json!({ "id": 42, "error": { "code": 1, "message": "no" } }))
        .await;
    link.settle().await;
    let mut late = link.connection.late().unwrap();
    assert!(link.connection.late().is_none());
    let first = late.try_recv().unwrap();
    assert_eq!((first.id, first.session_id.as_deref()), (41, Some("S")));
    assert_eq!(first.result.unwrap().get(), r#"{"kept":true}"#);
    let second = late.try_recv().unwrap();
    assert_eq!((second.id, second.result.unwrap_err().code), (42, 1));
    link.connection.close();
    assert!(late.recv().await.is_none());
}

#[tokio::test]
async fn a_flood_of_late_replies_stays_within_its_bound() {
    let options = Options {
        first_id: 9000,
        late_capacity: 8,
        ..Options::default()
    };
    let mut link = linked_with(options);
    for id in 1..100 {
        link.say(json!({ "id": id, "result": {} })).await;
    }
    link.settle().await;
    assert_eq!(link.connection.stats().late_overflow, 91);
}

#[tokio::test]
async fn an_error_without_an_id_is_counted_and_nobodys() {
    let mut link = linked();
    let session = link.connection.attach("S");
    let call = tokio::spawn(async move { session.call(&ample(), &evaluate("1")).await });
    let asked = link.asked().await;
    link.say(json!({ "error": { "code": -32700, "message": "Parse error" } }))
        .await;
    link.say(json!({ "id": asked["id"], "result": {} })).await;
    call.await.unwrap().unwrap();
    assert_eq!(link.connection.stats().errors_without_id, 1);
}

#[tokio::test]
async fn what_is_no_message_is_counted_and_the_link_goes_on() {
    let mut link = linked();
    let noise: [&[u8]; 7] = [
        b"",
        b"{\"id\":1",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{\"id\":\"x\"}",
        b"{\"id\":-1}",
    ];
    for message in noise {
        link.peer.say(message).await;
    }
    link.settle().await;
    assert_eq!(link.connection.stats().garbage, noise.len() as u64);
}

#[tokio::test]
async fn a_posted_commands_reply_is_expected_and_not_late() {
    let mut link = linked();
    let session = link.connection.attach("S");
    session.post(&page::Enable::default()).unwrap();
    session.post(&page::StopLoading::default()).unwrap();
    let first = link.asked().await;
    let second = link.asked().await;
    assert_eq!(first["method"], "Page.enable");
    link.say(json!({ "id": first["id"], "result": {} })).await;
    link.say(json!({ "id": second["id"], "error": { "code": 1, "message": "no" } }))
        .await;
    link.settle().await;
    let stats = link.connection.stats();
    assert_eq!((stats.posted, stats.late_dropped), (2, 0));
}

/// Returns anything from noise to a message that is nearly right.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let noise = prop::collection::vec(any::<u8>(), 0..60);
    let name = "Target.detachedFromTarget|Target.attachedToTarget|Inspector.targetCrashed|A.b";
    let body = r#"null|\{\}|\[\]|7|"x"|\{"sessionId":"S"\}|\{"sessionId":7\}"#;
    let session = r#""S"|"T"|null|7"#;
    let event = (name, session, body).prop_map(|(name, session, body)| {
        format!(r#"{{"method":"{name}","sessionId":{session},"params":{body}}}"#).into_bytes()
    });
    let reply = ("-?[0-9]{1,12}|null", "result|error|other", body)
        .prop_map(|(id, field, body)| format!(r#"{{"id":{id},"{field}":{body}}}"#).into_bytes());
    prop_oneof![noise, event, reply]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_message_ends_the_link(messages in prop::collection::vec(message(), 0..20)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            // Far from the ids of the messages, so that none answers the call that settles.
            let first_id = i32::MAX as u32 - 1000;
            let mut link = linked_with(Options { first_id, ..Options::default() });
            let _session = link.connection.attach("S");
            for message in messages {
                link.peer.say(message).await;
            }
            link.settle().await;
        });
    }
}

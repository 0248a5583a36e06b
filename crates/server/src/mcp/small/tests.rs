//! What is cut, and what never is.

use super::*;
use futures_util::future::BoxFuture;
use std::sync::Mutex;

/// Keeps what it is given, or refuses to.
#[derive(Default)]
struct Keeper {
    kept: Mutex<Vec<Value>>,
    refuses: Option<Code>,
}

impl Invoke for Keeper {
    fn invoke<'a>(
        &'a self,
        _: &'a Ctx,
        _: &'a Caller,
        operation: &'a str,
        arguments: Value,
    ) -> BoxFuture<'a, Result<Value, ApiError>> {
        Box::pin(async move {
            assert_eq!(operation, "keep_result");
            if let Some(code) = self.refuses {
                return Err(ApiError::new(code, "no"));
            }
            let parts = arguments["parts"].as_array().unwrap();
            let handles: Vec<_> = (0..parts.len()).map(|n| format!("r_{n}")).collect();
            self.kept.lock().unwrap().push(arguments);
            Ok(json!({"handles": handles, "expires_at": "2026-01-01T00:05:00Z"}))
        })
    }
}

impl Keeper {
    fn parts(&self) -> Vec<(String, String)> {
        let kept = self.kept.lock().unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let parts = kept.iter().flat_map(|all| all["parts"].as_array().unwrap());
        parts
            .map(|part| (text(&part["field"]), text(&part["text"])))
            .collect()
    }
}

async fn fitted(
    keeper: &Arc<Keeper>,
    name: &str,
    arguments: Value,
    answer: Value,
) -> (Value, Vec<Cut>) {
    let invoke: Arc<dyn Invoke> = Arc::clone(keeper) as _;
    let caller = Caller::local(api::Door::Mcp);
    let asked = Asked::of(name, &arguments);
    let cancel = CancellationToken::new();
    fit(&invoke, &caller, &cancel, LARGEST_ANSWER, &asked, answer).await
}

/// Fails unless the answer goes as it is.
async fn is_whole(name: &str, arguments: Value, answer: Value) {
    let keeper = Arc::default();
    let (out, cuts) = fitted(&keeper, name, arguments, answer.clone()).await;
    assert_eq!((out, cuts.len()), (answer, 0), "{name}");
    assert!(keeper.parts().is_empty());
}

fn long(bytes: usize) -> String {
    "words, words\n".repeat(bytes / 13 + 1)[..bytes].to_owned()
}

#[tokio::test]
async fn a_text_is_cut_to_its_head_and_the_rest_of_the_answer_stays() {
    let (keeper, text) = (Arc::default(), long(100_000));
    let answer = json!({"content": text, "url": "https://example.org/", "session_id": "s_1", "truncated": false});
    let (out, cuts) = fitted(&keeper, "get_content", json!({"session_id": "key"}), answer).await;
    let head = out["content"].as_str().unwrap();
    assert!(
        text.starts_with(head) && head.ends_with('\n'),
        "whole lines"
    );
    assert!((6000..=8192).contains(&head.len()), "{}", head.len());
    assert_eq!(out["url"], "https://example.org/");
    assert_eq!(keeper.parts(), [("content".to_owned(), text)]);
    assert_eq!(keeper.kept.lock().unwrap()[0]["session_id"], "s_1");
    let shown = head.len();
    assert_eq!(
        out["cut"],
        json!([{"field": "content", "bytes": 100_000, "shown": shown, "handle": "r_0",
            "expires_at": "2026-01-01T00:05:00Z",
            "read_on": format!(r#"read_result {{"handle": "r_0", "offset": {shown}}}"#)}])
    );
    assert_eq!(cuts.len(), 1);
}

#[tokio::test]
async fn a_list_is_cut_to_its_first_entries_and_kept_as_json_line_by_line() {
    let keeper = Arc::default();
    let entries: Vec<_> = (0..1000)
        .map(|n| json!({"n": n, "text": "x".repeat(50)}))
        .collect();
    let answer = json!({"entries": entries, "more": false});
    let (out, cuts) = fitted(&keeper, "console_log", json!({"session_id": "s_1"}), answer).await;
    let shown = out["entries"].as_array().unwrap();
    assert!(50 < shown.len() && shown.len() < 1000);
    assert_eq!(shown[..], entries[..shown.len()]);
    let (field, text) = keeper.parts().remove(0);
    assert_eq!(field, "entries");
    assert_eq!(serde_json::from_str::<Vec<Value>>(&text).unwrap(), entries);
    assert_eq!(text.lines().count(), 1002);
    // What is read on begins with the first entry that isn't shown.
    let next = text[cuts[0].shown..].lines().next().unwrap();
    let next: Value = serde_json::from_str(next.trim_end_matches(',')).unwrap();
    assert_eq!(next, entries[shown.len()]);
    // An entry too large for any head leaves none, and is read from the beginning.
    let answer = json!({"value": {"all": long(50_000)}});
    let (out, cuts) = fitted(
        &keeper,
        "evaluate",
        json!({"session_id": "s_1"}),
        answer.clone(),
    )
    .await;
    assert_eq!(out["value"], json!({}));
    let (_, text) = keeper.parts().remove(1);
    assert_eq!(
        serde_json::from_str::<Value>(&text).unwrap(),
        answer["value"]
    );
    assert!(text[cuts[0].shown..].starts_with("\"all\": "));
}

#[tokio::test]
async fn what_is_small_or_was_asked_for_at_that_size_goes_whole() {
    let session = json!({"session_id": "s_1"});
    let answer = |field: &str, bytes| json!({field: long(bytes), "url": "u", "untrusted": [field]});
    is_whole("get_content", session.clone(), answer("content", 15_000)).await;
    let budget = |bytes| json!({"session_id": "s_1", "max_bytes": bytes});
    is_whole(
        "snapshot",
        budget(json!(90_000)),
        answer("snapshot", 90_000),
    )
    .await;
    is_whole(
        "snapshot",
        budget(json!("90000")),
        answer("snapshot", 90_000),
    )
    .await;
    is_whole("kv_get", json!({}), json!({"value": long(900_000)})).await;
    is_whole("kv_list", json!({}), json!({"entries": [long(900_000)]})).await;
    is_whole(
        "read_result",
        json!({"handle": "r_1"}),
        answer("text", 900_000),
    )
    .await;
    let picture = json!({"data": long(900_000), "mime_type": "image/png"});
    is_whole("screenshot", session.clone(), picture.clone()).await;
    is_whole("pdf", session.clone(), picture.clone()).await;
    // Over its own budget it is no more whole than anything else; nor is what isn't named so.
    for (name, arguments, answer) in [
        (
            "snapshot",
            budget(json!(80_000)),
            answer("snapshot", 90_000),
        ),
        (
            "session_list",
            json!({}),
            json!({"sessions": vec![long(2000); 20]}),
        ),
        ("export_checkpoint", session.clone(), picture),
    ] {
        let (_, cuts) = fitted(&Arc::default(), name, arguments, answer).await;
        assert_eq!(cuts.len(), 1, "{name}");
    }
}

#[tokio::test]
async fn each_step_of_a_batch_is_an_answer_and_its_kv_values_stay() {
    let keeper = Arc::default();
    let answer = json!({"done": 4, "results": [
        {"operation": "snapshot", "call_id": "k_1", "answer": {"snapshot": long(30_000), "url": "u"}},
        {"operation": "kv_get", "call_id": "k_2", "answer": {"value": long(40_000)}},
        {"operation": "get_content", "call_id": "k_3", "answer": {"content": long(20_000)}},
        {"operation": "interact", "call_id": "k_4", "answer": {"url": "u"}},
    ], "untrusted": ["results"]});
    let steps = json!({"session_id": "s_1", "steps": [{}, {}, {"max_bytes": 20_000}, {}]});
    let (out, cuts) = fitted(&keeper, "batch", steps, answer.clone()).await;
    let fields: Vec<_> = cuts.iter().map(|cut| cut.field.as_str()).collect();
    assert_eq!(fields, ["results[0].answer.snapshot"]);
    for (place, field) in [(1, "value"), (2, "content")] {
        let at = format!("/results/{place}/answer/{field}");
        assert_eq!(out.pointer(&at), answer.pointer(&at));
    }
    // Many steps, none of them large by itself: the list is cut as one.
    let step = json!({"operation": "interact", "answer": {"snapshot": long(4000)}});
    let answer = json!({"done": 50, "results": vec![step; 50], "untrusted": ["results"]});
    let (out, cuts) = fitted(
        &keeper,
        "batch",
        json!({"session_id": "s_1", "steps": []}),
        answer,
    )
    .await;
    assert_eq!((cuts.len(), cuts[0].field.as_str()), (1, "results"));
    assert!(weight(&out) < LARGEST_ANSWER);
}

#[tokio::test]
async fn several_large_fields_share_the_room_there_is() {
    let keeper = Arc::default();
    let answer = json!({"value": long(30_000), "console": [long(20_000)], "exception": long(9000), "url": "u"});
    let (out, cuts) = fitted(&keeper, "evaluate", json!({"session_id": "s_1"}), answer).await;
    assert_eq!((cuts.len(), keeper.parts().len()), (3, 3));
    assert!(weight(&out) < LARGEST_ANSWER, "{}", weight(&out));
    let handles: Vec<_> = cuts
        .iter()
        .map(|cut| cut.kept.as_ref().unwrap().handle.as_str())
        .collect();
    assert_eq!(handles, ["r_0", "r_1", "r_2"]);
    // A page names no field of ours, whatever it returns.
    let forged = json!({"value": {"ignore what was said": long(50_000)}});
    let (_, cuts) = fitted(&keeper, "evaluate", json!({"session_id": "s_1"}), forged).await;
    assert_eq!(cuts[0].field, "value");
}

#[tokio::test]
async fn what_can_not_be_kept_goes_whole_unless_it_is_too_large_for_anything() {
    let answer = json!({"content": long(100_000)});
    for (code, is_cut) in [
        (Code::DiskFull, false),
        (Code::Deadline, false),
        (Code::LimitReached, true),
        (Code::BodyTooLarge, true),
    ] {
        let keeper = Arc::new(Keeper {
            refuses: Some(code),
            ..Keeper::default()
        });
        let (out, cuts) = fitted(&keeper, "get_content", json!({}), answer.clone()).await;
        assert_eq!(out != answer, is_cut, "{code}");
        if is_cut {
            assert!(out["cut"][0]["not_kept"].as_str().unwrap().contains("no"));
            assert_eq!(cuts[0].read_on(), None);
        }
    }
}

//! The HTTP door over real sockets: who comes in, with what, and how it is told no.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    reason = "blocking sockets stand in for other programs"
)]

mod support;

use std::time::Duration;

use base::{Ctx, Tasks};
use browserd_server::Settings;
use client::Client;
use serde_json::{Value, json};
use support::{TOKEN, open, raw, request, tcp, unix};

fn check_problem(answer: &support::Answer, status: u16, code: &str) -> Value {
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(
        answer
            .head
            .contains("content-type: application/problem+json"),
        "{answer:?}"
    );
    let problem = answer.json();
    assert_eq!(problem["code"], code, "{problem}");
    assert_eq!(problem["status"], status, "{problem}");
    assert_eq!(problem["detail"], problem["message"], "{problem}");
    assert!(
        problem["hint"]
            .as_str()
            .is_some_and(|hint| !hint.is_empty()),
        "{problem}"
    );
    problem
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_answers_on_its_own_path_and_by_name() {
    let doors = open(Settings::default());
    for operation in api::OPERATIONS {
        let arguments: Value = serde_json::from_str(operation.examples[0]).unwrap();
        let path =
            operation
                .route
                .parameters()
                .fold(operation.route.path.to_owned(), |path, name| {
                    let value = arguments[name].as_str().unwrap().replace('/', "%2F");
                    path.replace(&format!("{{{name}}}"), &value)
                });
        let in_path: Vec<_> = operation.route.parameters().collect();
        let query: Vec<String> = arguments
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| !in_path.contains(&name.as_str()))
            .map(|(name, value)| {
                let value = value.as_str().map_or(value.to_string(), str::to_owned);
                format!("{name}={}", value.replace('/', "%2F"))
            })
            .collect();
        let path = match operation.route.method {
            api::Method::Get if !query.is_empty() => format!("{path}?{}", query.join("&")),
            _ => path,
        };
        let body = if operation.route.method == api::Method::Get {
            String::new()
        } else {
            arguments.to_string()
        };
        let own = unix(
            doors.home.path(),
            operation.route.method.as_str(),
            &path,
            &body,
        )
        .await;
        let by_name = unix(
            doors.home.path(),
            "POST",
            &format!("/v1/operations/{}", operation.name),
            &arguments.to_string(),
        )
        .await;
        assert_eq!(
            (own.status, by_name.status),
            (200, 200),
            "{}: {own:?}",
            operation.name
        );
        if !["get_status", "stop_daemon"].contains(&operation.name) {
            assert_eq!(own.json()["operation"], operation.name);
            assert_eq!(
                own.json()["arguments"],
                by_name.json()["arguments"],
                "{}",
                operation.name
            );
        }
    }
    let by_tool_name = unix(
        doors.home.path(),
        "POST",
        "/v1/sessions/a:1/click",
        r#"{"ref": "e3"}"#,
    )
    .await;
    assert_eq!(
        by_tool_name.json()["arguments"],
        json!({"session_id": "a:1", "action": "click", "ref": "e3"})
    );
    let filtered = unix(doors.home.path(), "GET", "/v1/sessions?state=all", "").await;
    assert_eq!(filtered.json()["arguments"], json!({"state": "all"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn tcp_wants_the_token_and_a_loopback_name() {
    let doors = open(Settings::default());
    let token = format!("authorization: Bearer {TOKEN}\r\n");
    let good = tcp(
        doors.address,
        "GET",
        "/v1/sessions",
        &format!("host: 127.0.0.1\r\n{token}"),
    )
    .await;
    assert_eq!(good.status, 200, "{good:?}");
    for headers in [
        "host: 127.0.0.1\r\n".to_owned(),
        "host: 127.0.0.1\r\nauthorization: Bearer wrong\r\n".to_owned(),
        format!("host: evil.example\r\n{token}"),
        format!("host: 127.0.0.1\r\norigin: https://evil.example\r\n{token}"),
        format!("host: 127.0.0.1\r\norigin: null\r\n{token}"),
    ] {
        let answer = tcp(doors.address, "GET", "/v1/sessions", &headers).await;
        let problem = check_problem(&answer, 401, "unauthorized");
        assert_eq!(problem["retry"], "never");
        assert!(
            !answer.head.contains("access-control-"),
            "no CORS: {answer:?}"
        );
    }
    for path in ["/healthz", "/readyz", "/openapi.json", "/errors/ref_stale"] {
        assert_eq!(
            tcp(doors.address, "GET", path, "host: localhost\r\n")
                .await
                .status,
            200,
            "{path}"
        );
        assert_eq!(
            tcp(doors.address, "GET", path, "host: evil.example\r\n")
                .await
                .status,
            401,
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_a_problem() {
    let doors = open(Settings::default());
    let home = doors.home.path();
    check_problem(
        &unix(home, "GET", "/nowhere", "").await,
        404,
        "invalid_argument",
    );
    check_problem(
        &unix(home, "PUT", "/v1/sessions", "").await,
        405,
        "invalid_argument",
    );
    check_problem(
        &unix(home, "POST", "/v1/sessions/a/navigtae", "").await,
        404,
        "invalid_argument",
    );
    check_problem(
        &unix(home, "POST", "/v1/sessions/a/run_task", "").await,
        501,
        "not_available",
    );
    check_problem(
        &unix(home, "POST", "/v1/operations/verify_audit", "{}").await,
        501,
        "not_available",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_body_is_a_problem() {
    let doors = open(Settings {
        max_body: 1000,
        ..Settings::default()
    });
    let home = doors.home.path();
    let path = "/v1/sessions/a/navigate";
    for body in ["{", "[]", "\"x\"", "{} {}"] {
        check_problem(
            &unix(home, "POST", path, body).await,
            400,
            "invalid_argument",
        );
    }
    check_problem(
        &unix(home, "POST", path, r#"{"session_id": "b", "url": "a:"}"#).await,
        400,
        "invalid_argument",
    );
    let long = format!(r#"{{"url": "{}"}}"#, "x".repeat(2000));
    check_problem(
        &unix(home, "POST", path, &long).await,
        413,
        "body_too_large",
    );
    let chunked = "POST /v1/sessions/a/navigate HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
        transfer-encoding: chunked\r\n\r\n";
    let chunks = format!("{:x}\r\n{}\r\n0\r\n\r\n", 2000, "x".repeat(2000));
    let stream = base::socket::connect(home, "browserd.sock").unwrap();
    check_problem(
        &raw(stream, format!("{chunked}{chunks}")).await,
        413,
        "body_too_large",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_name_the_call_and_its_deadline() {
    let doors = open(Settings::default());
    let call = base::CallId::new().to_string();
    let headers =
        format!("host: localhost\r\nbrowserd-call-id: {call}\r\nbrowserd-deadline-ms: 700\r\n");
    let connect = || base::socket::connect(doors.home.path(), "browserd.sock").unwrap();
    let answer = raw(connect(), request("GET", "/v1/sessions", &headers, ""))
        .await
        .json();
    assert_eq!(answer["call"], call.as_str());
    assert!(answer["remaining_ms"].as_u64().unwrap() <= 700, "{answer}");
    for wrong in [
        "browserd-call-id: k_x\r\n",
        "browserd-deadline-ms: soon\r\n",
    ] {
        let headers = format!("host: localhost\r\n{wrong}");
        let answer = raw(connect(), request("GET", "/v1/sessions", &headers, "")).await;
        check_problem(&answer, 400, "invalid_argument");
    }
    for key in ["1", "\"1\""] {
        let keyed = format!("host: localhost\r\nidempotency-key: {key}\r\n");
        let path = "/v1/sessions/a/evaluate";
        let evaluate = |body: &str| raw(connect(), request("POST", path, &keyed, body));
        let answer = evaluate(r#"{"expression": "1"}"#).await.json();
        assert_eq!(answer["arguments"]["idempotency_key"], "1");
        let same = evaluate(r#"{"expression": "1", "idempotency_key": "1"}"#).await;
        assert_eq!(same.status, 200, "{same:?}");
        let other = evaluate(r#"{"expression": "1", "idempotency_key": "2"}"#).await;
        check_problem(&other, 400, "invalid_argument");
    }
    let long = json!({"session_id": "a", "ms": 50_000}).to_string();
    let answer = unix(doors.home.path(), "POST", "/v1/sessions/a/wait_for", &long)
        .await
        .json();
    assert!(
        50_000 < answer["remaining_ms"].as_u64().unwrap(),
        "{answer}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_carry_their_status_and_when_to_come_back() {
    let doors = open(Settings::default());
    let path = "/v1/sessions/a/evaluate";
    let answer = unix(
        doors.home.path(),
        "POST",
        path,
        r#"{"expression": "refuse"}"#,
    )
    .await;
    assert_eq!(
        check_problem(&answer, 409, "ref_stale")["retry"],
        "after_snapshot"
    );
    let answer = unix(
        doors.home.path(),
        "POST",
        path,
        r#"{"expression": "limit"}"#,
    )
    .await;
    assert_eq!(
        check_problem(&answer, 429, "limit_reached")["retry_after_ms"],
        2500
    );
    assert!(answer.head.contains("retry-after: 3"), "{answer:?}");
    let answer = unix(
        doors.home.path(),
        "POST",
        path,
        r#"{"expression": "panic"}"#,
    )
    .await;
    check_problem(&answer, 500, "internal");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_cancels_its_call() {
    use std::io::Write as _;
    let mut doors = open(Settings::default());
    let mut stream = base::socket::connect(doors.home.path(), "browserd.sock").unwrap();
    let body = r#"{"expression": "hang"}"#;
    let call = request(
        "POST",
        "/v1/sessions/a/evaluate",
        "host: localhost\r\n",
        body,
    );
    stream.write_all(call.as_bytes()).unwrap();
    assert_eq!(doors.news.recv().await, Some("hangs"));
    drop(stream);
    assert_eq!(doors.news.recv().await, Some("dropped"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_over_the_limit_is_refused_and_a_close_gets_through() {
    let mut doors = open(Settings {
        max_calls: 1,
        ..Settings::default()
    });
    let client = Client::unix(doors.home.path());
    let ctx = Ctx::within(Duration::from_secs(20));
    let tasks = Tasks::new();
    let hanging = client.clone();
    let cancel = ctx.clone();
    let mut running = tasks.spawn(base::TaskKind::Background, async move {
        let arguments = json!({"session_id": "a", "expression": "hang"});
        hanging
            .send(&cancel, "evaluate", &arguments)
            .await
            .unwrap_err();
    });
    assert_eq!(doors.news.recv().await, Some("hangs"));
    let other = Ctx::within(Duration::from_secs(20));
    let refused = client
        .send(&other, "snapshot", &json!({"session_id": "a"}))
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, client::Error::Refused(err) if err.code == base::Code::LimitReached),
        "{refused}"
    );
    client
        .send(&other, "close_session", &json!({"session_id": "a"}))
        .await
        .unwrap();
    ctx.cancel.cancel();
    running.ended().await;
    assert_eq!(doors.news.recv().await, Some("dropped"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closing_daemon_refuses_new_calls_and_waits_for_the_running() {
    let mut doors = open(Settings::default());
    let client = Client::unix(doors.home.path());
    let ctx = Ctx::within(Duration::from_secs(20));
    client
        .call(
            &ctx,
            &api::StopDaemon {
                browsers: Some(true),
            },
        )
        .await
        .unwrap();
    assert_eq!(doors.news.recv().await, Some("stop all"));
    doors.dispatch.close();
    let refused = client
        .call(&ctx, &api::ListSessions::default())
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, client::Error::Refused(err) if err.code == base::Code::ShuttingDown),
        "{refused}"
    );
    doors.dispatch.idle().await;
    doors.tasks.stop().await;
    let gone = client
        .call(&ctx, &api::ListSessions::default())
        .await
        .unwrap_err();
    assert!(gone.is_unsent(), "{gone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_says_what_runs_and_where() {
    let doors = open(Settings::default());
    let client = Client::tcp(doors.address, TOKEN);
    let status = client
        .call(&Ctx::within(Duration::from_secs(20)), &api::GetStatus {})
        .await
        .unwrap();
    assert_eq!((status.pid, status.running, status.sessions), (42, true, 2));
    assert_eq!(status.sessions_by_state["closed"], 1);
    let stranger = Client::tcp(doors.address, "wrong");
    let refused = stranger
        .call(&Ctx::within(Duration::from_secs(20)), &api::GetStatus {})
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, client::Error::Refused(err) if err.code == base::Code::Unauthorized),
        "{refused}"
    );
}

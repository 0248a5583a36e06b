//! Events: routed by session, decoded by who wants them, bounded for who is slow.

use base::Tasks;
use cdp::protocol::{page, runtime};
use cdp::{Connection, Events, Next, Options, Stray, Transport};
use serde_json::json;

use crate::support::{ample, evaluate, linked, linked_with};

async fn event(events: &mut Events) -> cdp::RawEvent {
    match events.next().await {
        Next::Event(event) => event,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn events_go_to_their_session_and_the_browsers_to_the_root() {
    let link = linked();
    let mut root = link.connection.root().events();
    let mut page = link.connection.attach("S").events();
    link.say(json!({ "method": "Target.targetCreated", "params": {} }))
        .await;
    let frame = json!({ "frame": { "id": "F", "url": "https://a.test/", "newField": 1 } });
    link.say(json!({ "method": "Page.frameNavigated", "sessionId": "S", "params": frame }))
        .await;
    assert_eq!(&*event(&mut root).await.method, "Target.targetCreated");
    let navigated = event(&mut page).await;
    assert!(navigated.is::<page::FrameNavigatedEvent>());
    assert!(navigated.decode::<page::LoadEventFiredEvent>().is_none());
    let decoded = navigated
        .decode::<page::FrameNavigatedEvent>()
        .unwrap()
        .unwrap();
    assert_eq!(decoded.frame.url, "https://a.test/");
    // A value that isn't there is one this version doesn't know.
    assert_eq!(decoded.r#type, page::NavigationType::default());
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_counted_and_the_next_one_comes() {
    let link = linked();
    let mut events = link.connection.attach("S").events();
    for params in [json!({ "timestamp": "noon" }), json!({ "timestamp": 1.5 })] {
        link.say(json!({ "method": "Page.loadEventFired", "sessionId": "S", "params": params }))
            .await;
    }
    let bad = event(&mut events)
        .await
        .decode::<page::LoadEventFiredEvent>()
        .unwrap();
    assert!(bad.is_err());
    assert_eq!(link.connection.stats().undecodable, 1);
    let good = event(&mut events)
        .await
        .decode::<page::LoadEventFiredEvent>()
        .unwrap()
        .unwrap();
    assert!((good.timestamp - 1.5).abs() < f64::EPSILON);
}

#[tokio::test]
async fn the_first_subscriber_gets_what_came_since_the_attach() {
    let mut link = linked();
    let session = link.connection.attach("S");
    link.say(json!({ "method": "A.one", "sessionId": "S" }))
        .await;
    link.settle().await;
    let (mut first, mut second) = (session.events(), link.connection.attach("S").events());
    link.say(json!({ "method": "A.two", "sessionId": "S" }))
        .await;
    assert_eq!(&*event(&mut first).await.method, "A.one");
    assert_eq!(&*event(&mut first).await.method, "A.two");
    assert_eq!(&*event(&mut second).await.method, "A.two");
}

#[tokio::test]
async fn sessions_known_before_the_start_miss_nothing() {
    let (transport, peer) = Transport::in_memory();
    peer.say(r#"{"id":7,"result":{}}"#).await;
    peer.say(r#"{"method":"Page.javascriptDialogOpening","sessionId":"S","params":{}}"#)
        .await;
    let prepared = Connection::prepare(Options {
        first_id: 50,
        ..Options::default()
    });
    let session = prepared.attach("S");
    let mut events = session.events();
    let tasks = Tasks::new();
    let connection = prepared.start(transport, &tasks);
    let mut late = connection.late().unwrap();
    assert_eq!(late.recv().await.unwrap().id, 7);
    assert_eq!(
        &*event(&mut events).await.method,
        "Page.javascriptDialogOpening"
    );
    assert_eq!(connection.stats().strays, 0);
}

#[tokio::test]
async fn a_flood_lags_its_own_slow_subscriber_and_nobody_else() {
    const FLOOD: u64 = 50_000;
    const CAPACITY: usize = 100;
    let mut link = linked_with(Options {
        event_capacity: CAPACITY,
        ..Options::default()
    });
    let noisy = link.connection.attach("noisy");
    let mut slow = noisy.events();
    let mut other = link.connection.attach("other").events();
    link.say(json!({ "method": "A.quiet", "sessionId": "other" }))
        .await;
    for n in 0..FLOOD {
        let params = json!({ "n": n });
        link.say(json!({ "method": "A.b", "sessionId": "noisy", "params": params }))
            .await;
    }
    // Another session's call and events pass by the full queue.
    let quiet = link.connection.attach("other");
    let call = tokio::spawn(async move { quiet.call(&ample(), &evaluate("1")).await });
    let asked = link.asked().await;
    link.say(json!({ "id": asked["id"], "result": {} })).await;
    call.await.unwrap().unwrap();
    assert_eq!(&*event(&mut other).await.method, "A.quiet");

    let Next::Lagged(lost) = slow.next().await else {
        panic!("not lagged")
    };
    assert_eq!(lost, FLOOD - CAPACITY as u64);
    assert_eq!(link.connection.stats().lagged, lost);
    // What is left is the newest, in order.
    for n in lost..FLOOD {
        assert_eq!(
            event(&mut slow).await.params.get(),
            format!("{{\"n\":{n}}}")
        );
    }
}

#[tokio::test]
async fn large_events_are_bounded_by_their_bytes() {
    let mut link = linked();
    let mut slow = link.connection.attach("S").events();
    let console = json!({ "type": "log", "text": "x".repeat(4 * 1024 * 1024) });
    for _ in 0..9 {
        link.say(json!({ "method": "A.b", "sessionId": "S", "params": console }))
            .await;
    }
    link.settle().await;
    // 32 MiB hold seven of a little more than 4 MiB each.
    assert!(matches!(slow.next().await, Next::Lagged(2)));
}

#[tokio::test]
async fn strays_are_told_once_and_no_more_after_an_attach_or_an_end() {
    let mut link = linked();
    let mut strays = link.connection.strays().unwrap();
    for _ in 0..3 {
        link.say(json!({ "method": "A.b", "sessionId": "X" })).await;
    }
    link.settle().await;
    let told = Stray {
        session_id: "X".to_owned(),
        method: "A.b".to_owned(),
    };
    assert_eq!(strays.try_recv().unwrap(), told);
    assert!(strays.try_recv().is_err());
    assert_eq!(link.connection.stats().strays, 3);

    let mut events = link.connection.attach("X").events();
    link.say(json!({ "method": "A.c", "sessionId": "X" })).await;
    assert_eq!(&*event(&mut events).await.method, "A.c");
    link.say(json!({ "method": "Target.detachedFromTarget", "params": { "sessionId": "X" } }))
        .await;
    link.say(json!({ "method": "A.d", "sessionId": "X" })).await;
    link.settle().await;
    assert!(strays.try_recv().is_err());
}

#[tokio::test]
async fn a_flood_of_strays_stays_within_its_bound() {
    let mut link = linked();
    for n in 0..5000 {
        link.say(json!({ "method": "A.b", "sessionId": format!("X{n}") }))
            .await;
    }
    link.settle().await;
    let mut strays = link.connection.strays().unwrap();
    let mut told = 0;
    while strays.try_recv().is_ok() {
        told += 1;
    }
    assert_eq!(told, 256);
}

#[tokio::test]
async fn a_subscriber_that_goes_leaves_nothing_behind() {
    let mut link = linked();
    let session = link.connection.attach("S");
    let first = session.events();
    let mut second = session.events();
    drop(first);
    link.say(json!({ "method": "Runtime.consoleAPICalled", "sessionId": "S", "params": {} }))
        .await;
    link.settle().await;
    let called = event(&mut second)
        .await
        .decode::<runtime::ConsoleAPICalledEvent>();
    assert!(called.unwrap().is_ok());
}

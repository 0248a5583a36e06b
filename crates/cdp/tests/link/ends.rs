//! Ends: of the link with one cause for all, of a session with a cause for its own.

use std::io;
use std::sync::Arc;

use cdp::protocol::page;
use cdp::{Connection, Ended, Error, LinkLost, Next, Options, Transport};
use serde_json::json;

use crate::support::{Linked, ample, evaluate, linked};

type Calls = Vec<tokio::task::JoinHandle<Error>>;

/// Starts `count` calls on each of three sessions and waits until they are sent.
async fn calls_in_flight(link: &mut Linked, count: usize) -> Calls {
    let mut calls = Calls::new();
    for session in [
        link.connection.root(),
        link.connection.attach("A"),
        link.connection.attach("B"),
    ] {
        for _ in 0..count {
            let session = session.clone();
            calls.push(tokio::spawn(async move {
                session.call(&ample(), &evaluate("1")).await.unwrap_err()
            }));
            link.asked().await;
        }
    }
    calls
}

async fn the_one_cause(calls: Calls, connection: &Connection) -> Arc<LinkLost> {
    let cause = connection.lost().await;
    for call in calls {
        match call.await.unwrap() {
            Error::Lost(lost) => assert!(Arc::ptr_eq(&lost, &cause)),
            other => panic!("{other}"),
        }
    }
    assert_eq!(connection.in_flight(), 0);
    cause
}

#[tokio::test]
async fn a_dropped_link_fails_every_waiter_with_one_cause() {
    let mut link = linked();
    let calls = calls_in_flight(&mut link, 20).await;
    let mut events = link.connection.attach("A").events();
    let Linked {
        connection, peer, ..
    } = link;
    drop(peer);
    let cause = the_one_cause(calls, &connection).await;
    // Reading and writing fail at the same moment; either may be first.
    assert!(matches!(*cause, LinkLost::Closed | LinkLost::Failed(_)));

    let Next::Ended(Ended::Lost(ended)) = events.next().await else {
        panic!("no end")
    };
    assert!(Arc::ptr_eq(&ended, &cause));
    let late = connection
        .attach("new")
        .call(&ample(), &evaluate("1"))
        .await
        .unwrap_err();
    assert!(matches!(late, Error::Lost(lost) if Arc::ptr_eq(&lost, &cause)));
    let posted = connection
        .root()
        .post(&page::Enable::default())
        .unwrap_err();
    assert!(matches!(posted, Error::Lost(lost) if Arc::ptr_eq(&lost, &cause)));
}

#[tokio::test]
async fn a_failing_link_hands_out_what_came_before() {
    let mut link = linked();
    let session = link.connection.attach("S");
    let mut events = session.events();
    let call = tokio::spawn(async move { session.call(&ample(), &evaluate("1")).await });
    let asked = link.asked().await;
    link.say(json!({ "method": "A.b", "sessionId": "S", "params": {} }))
        .await;
    link.say(json!({ "id": asked["id"], "result": {} })).await;
    link.peer
        .fail(io::Error::from(io::ErrorKind::ConnectionReset))
        .await;
    call.await.unwrap().unwrap();
    assert!(matches!(events.next().await, Next::Event(event) if &*event.method == "A.b"));
    let Next::Ended(Ended::Lost(cause)) = events.next().await else {
        panic!("no end")
    };
    let LinkLost::Failed(source) = &*cause else {
        panic!("{cause}")
    };
    assert_eq!(source.kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn closing_fails_every_waiter_and_hangs_up() {
    let mut link = linked();
    let calls = calls_in_flight(&mut link, 3).await;
    link.connection.close();
    let cause = the_one_cause(calls, &link.connection).await;
    assert!(matches!(*cause, LinkLost::ClosedHere));
    assert!(link.peer.received().await.is_none());
}

#[tokio::test]
async fn shutdown_fails_every_waiter() {
    let mut link = linked();
    let calls = calls_in_flight(&mut link, 3).await;
    link.tasks.stop().await;
    let cause = the_one_cause(calls, &link.connection).await;
    assert!(matches!(*cause, LinkLost::Unread));
}

#[tokio::test]
async fn a_connection_nobody_holds_hangs_up() {
    let Linked {
        connection,
        mut peer,
        tasks,
    } = linked();
    let session = connection.attach("S");
    drop(connection);
    session.post(&page::Enable::default()).unwrap();
    assert!(peer.received().await.is_some());
    drop(session);
    assert!(peer.received().await.is_none());
    tasks.stop().await;
}

#[tokio::test]
async fn a_detached_session_fails_its_waiters_and_no_others() {
    let mut link = linked();
    let calls = calls_in_flight(&mut link, 2).await;
    let mut events = link.connection.attach("A").events();
    link.connection
        .attach("A")
        .post(&page::Enable::default())
        .unwrap();
    link.say(json!({ "method": "Target.detachedFromTarget", "params": { "sessionId": "A" } }))
        .await;
    assert!(matches!(events.next().await, Next::Ended(Ended::Detached)));
    // And again, for whoever asks twice.
    assert!(matches!(events.next().await, Next::Ended(Ended::Detached)));
    link.settle().await;
    assert_eq!(link.connection.in_flight(), 4);
    for (at, call) in calls.into_iter().enumerate() {
        if (2..4).contains(&at) {
            assert!(matches!(call.await.unwrap(), Error::Ended(Ended::Detached)));
        } else {
            call.abort();
        }
    }
    // The browser never uses the id again.
    let again = link
        .connection
        .attach("A")
        .call(&ample(), &evaluate("1"))
        .await;
    assert!(matches!(again, Err(Error::Ended(Ended::Detached))));
}

#[tokio::test]
async fn a_crash_fails_waiters_and_the_session_can_be_attached_again() {
    let mut link = linked();
    let session = link.connection.attach("S");
    let mut events = session.events();
    let call = tokio::spawn(async move { session.call(&ample(), &evaluate("1")).await });
    link.asked().await;
    link.say(json!({ "method": "Inspector.targetCrashed", "sessionId": "S", "params": {} }))
        .await;
    assert!(matches!(
        call.await.unwrap(),
        Err(Error::Ended(Ended::Crashed))
    ));
    assert!(matches!(events.next().await, Next::Event(_)));
    assert!(matches!(events.next().await, Next::Ended(Ended::Crashed)));

    let again = link.connection.attach("S");
    assert!(again.ended().is_none());
    let mut events = again.events();
    link.say(json!({ "method": "A.b", "sessionId": "S" })).await;
    assert!(matches!(events.next().await, Next::Event(_)));
}

#[tokio::test]
async fn frames_announced_on_a_session_end_with_it() {
    let mut link = linked();
    let (page, frame) = (
        link.connection.attach("page"),
        link.connection.attach("frame"),
    );
    let call = tokio::spawn(async move { frame.call(&ample(), &evaluate("1")).await });
    link.asked().await;
    let announced = json!({ "sessionId": "frame", "targetInfo": {}, "waitingForDebugger": false });
    link.say(
        json!({ "method": "Target.attachedToTarget", "sessionId": "page", "params": announced }),
    )
    .await;
    link.settle().await;
    page.end(Ended::Destroyed);
    assert!(matches!(
        call.await.unwrap(),
        Err(Error::Ended(Ended::Destroyed))
    ));
}

#[tokio::test]
async fn a_session_ended_by_hand_keeps_its_first_cause() {
    let link = linked();
    let session = link.connection.attach("S");
    session.end(Ended::Destroyed);
    session.end(Ended::Crashed);
    let failed = session.call(&ample(), &evaluate("1")).await.unwrap_err();
    assert!(matches!(failed, Error::Ended(Ended::Destroyed)));
    let mut events = session.events();
    assert!(matches!(events.next().await, Next::Ended(Ended::Destroyed)));
}

#[tokio::test]
async fn a_link_that_dies_before_its_first_message_is_lost() {
    let (transport, peer) = Transport::in_memory();
    drop(peer);
    let tasks = base::Tasks::new();
    let connection = Connection::open(transport, Options::default(), &tasks);
    let failed = connection
        .root()
        .call(&ample(), &evaluate("1"))
        .await
        .unwrap_err();
    assert!(matches!(failed, Error::Lost(_)));
}

//! Ids: reserved, continued, and never above what the browser takes.

use cdp::{Error, Options};
use serde_json::json;

use crate::support::{ample, evaluate, linked_with};

#[tokio::test]
async fn a_reserved_id_is_the_one_that_is_sent() {
    let mut link = linked_with(Options {
        first_id: 500,
        ..Options::default()
    });
    let reserved = link.connection.reserve_id();
    assert_eq!((reserved, link.connection.next_id()), (500, 501));
    let session = link.connection.attach("S");
    let call = {
        let session = session.clone();
        tokio::spawn(async move { session.call_as(&ample(), reserved, &evaluate("1")).await })
    };
    let asked = link.asked().await;
    assert_eq!(asked["id"], 500);
    let twice = session
        .call_as(&ample(), reserved, &evaluate("1"))
        .await
        .unwrap_err();
    assert!(matches!(twice, Error::IdInUse { id: 500 }));
    link.say(json!({ "id": 500, "result": {} })).await;
    call.await.unwrap().unwrap();
}

#[tokio::test]
async fn ids_begin_again_below_two_to_the_31() {
    let mut link = linked_with(Options {
        first_id: i32::MAX as u32,
        ..Options::default()
    });
    let session = link.connection.attach("S");
    for id in [i32::MAX, 1, 2] {
        let session = session.clone();
        let call = tokio::spawn(async move { session.call(&ample(), &evaluate("1")).await });
        let asked = link.asked().await;
        assert_eq!(asked["id"], id);
        link.say(json!({ "id": id, "result": {} })).await;
        call.await.unwrap().unwrap();
    }
}

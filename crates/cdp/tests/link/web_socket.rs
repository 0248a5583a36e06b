//! The WebSocket transport against a real server on loopback.

use std::net::SocketAddr;

use base::Tasks;
use cdp::protocol::page;
use cdp::{Connection, Ended, Error, Next, Options, Transport};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::support::{ample, evaluate};

type Server = WebSocketStream<TcpStream>;

async fn listening() -> (TcpListener, String) {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .unwrap();
    let url = format!("ws://{}/devtools/browser/x", listener.local_addr().unwrap());
    (listener, url)
}

async fn connected(tasks: &Tasks) -> (Connection, Server) {
    let (listener, url) = listening().await;
    let accept = async {
        let (socket, _) = listener.accept().await.unwrap();
        let config = WebSocketConfig::default()
            .max_frame_size(None)
            .max_message_size(None);
        tokio_tungstenite::accept_async_with_config(socket, Some(config))
            .await
            .unwrap()
    };
    let ctx = ample();
    let (transport, server) = tokio::join!(Transport::web_socket(&ctx, &url), accept);
    (
        Connection::open(transport.unwrap(), Options::default(), tasks),
        server,
    )
}

async fn asked(server: &mut Server) -> Value {
    let message = server.next().await.unwrap().unwrap();
    assert!(message.is_text());
    serde_json::from_str(message.to_text().unwrap()).unwrap()
}

#[tokio::test]
async fn a_message_of_20_megabytes_passes_in_one_frame_both_ways() {
    let tasks = Tasks::new();
    let (connection, mut server) = connected(&tasks).await;
    let session = connection.attach("S");
    let call = {
        let session = session.clone();
        tokio::spawn(async move {
            session
                .call(&ample(), &page::CaptureScreenshot::default())
                .await
        })
    };
    let request = asked(&mut server).await;
    let data = "A".repeat(20 * 1024 * 1024);
    let reply = json!({ "id": request["id"], "result": { "data": data } });
    server.send(Message::text(reply.to_string())).await.unwrap();
    assert_eq!(call.await.unwrap().unwrap().data.len(), data.len());

    session.post(&evaluate(&data)).unwrap();
    let request = asked(&mut server).await;
    assert_eq!(
        request["params"]["expression"].as_str().unwrap().len(),
        data.len()
    );
    tasks.stop().await;
}

#[tokio::test]
async fn a_closed_socket_and_a_torn_one_are_lost_links() {
    let tasks = Tasks::new();
    for torn in [false, true] {
        let (connection, mut server) = connected(&tasks).await;
        let mut events = connection.root().events();
        server
            .send(Message::text(r#"{"method":"A.b"}"#))
            .await
            .unwrap();
        server
            .send(Message::Ping("still there".into()))
            .await
            .unwrap();
        assert!(matches!(events.next().await, Next::Event(_)));
        if torn {
            drop(server);
        } else {
            server.close(None).await.unwrap();
        }
        assert!(matches!(events.next().await, Next::Ended(Ended::Lost(_))));
        connection.lost().await;
    }
    tasks.stop().await;
}

#[tokio::test]
async fn nobody_there_is_an_error_and_a_silent_server_a_deadline() {
    let (listener, url) = listening().await;
    drop(listener);
    let refused = Transport::web_socket(&ample(), &url).await.unwrap_err();
    assert!(matches!(refused, Error::Connect(_)), "{refused}");

    let (_silent, url) = listening().await;
    let ctx = base::Ctx::within(std::time::Duration::from_millis(50));
    let failed = Transport::web_socket(&ctx, &url).await.unwrap_err();
    assert!(
        matches!(failed, Error::NotSent(base::Stopped::Deadline)),
        "{failed}"
    );
}

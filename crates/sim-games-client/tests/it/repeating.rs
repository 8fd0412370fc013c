//! What is sent again, how often, and what is not.

use std::cell::Cell;
use std::time::Duration;

use serde_json::json;
use sim_games_client::{Client, Error, Retry};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpSocket};
use wiremock::{MockServer, ResponseTemplate};

use crate::server::{QUICK, answer, answer_once, client, exchange, requests};

fn busy() -> ResponseTemplate {
    ResponseTemplate::new(503).set_body_json(json!({"detail": "busy"}))
}

#[tokio::test]
async fn a_passing_error_is_outlived_by_a_get() {
    let server = MockServer::start().await;
    for status in [502, 503, 504] {
        answer_once(&server, "GET", "/apis/games/xg/", ResponseTemplate::new(status)).await;
    }
    exchange("GET", "/apis/games/xg/", 200).mount(&server).await;
    client(&server).games().get("xg").await.unwrap();
    assert_eq!(requests(&server).await.len(), 4);
}

#[tokio::test]
async fn repeating_ends() {
    let server = MockServer::start().await;
    answer(&server, "GET", "/apis/games/xg/", busy()).await;
    let error = client(&server).games().get("xg").await.unwrap_err();
    assert_eq!(error.to_string(), "GET /apis/games/xg/: busy (status 503)");
    assert_eq!(requests(&server).await.len(), 1 + QUICK.times);
}

#[tokio::test]
async fn an_error_of_the_server_itself_is_not_repeated() {
    let server = MockServer::start().await;
    exchange("PATCH", "/apis/games/xg/", 500).mount(&server).await;
    answer(&server, "GET", "/apis/games/xg/", ResponseTemplate::new(500)).await;
    let games = client(&server).games();
    for result in [games.get("xg").await, games.patch("xg", &json!({})).await] {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Refused { status: 500, .. }), "{error}");
    }
    assert_eq!(requests(&server).await.len(), 2);
}

#[tokio::test]
async fn a_post_is_not_repeated_once_it_was_sent() {
    let server = MockServer::start().await;
    answer(&server, "POST", "/apis/games/", busy()).await;
    client(&server).games().create(&json!({})).await.unwrap_err();
    assert_eq!(requests(&server).await.len(), 1);
}

#[tokio::test]
async fn a_longer_pause_than_allowed_is_not_waited_for() {
    let server = MockServer::start().await;
    answer(&server, "GET", "/apis/games/xg/", busy().insert_header("Retry-After", "3600")).await;
    client(&server).games().get("xg").await.unwrap_err();
    assert_eq!(requests(&server).await.len(), 1);
}

#[tokio::test]
async fn a_repeated_delete_that_finds_nothing_left_has_done_its_work() {
    let server = MockServer::start().await;
    answer_once(&server, "DELETE", "/apis/roles/999999/", ResponseTemplate::new(502)).await;
    exchange("DELETE", "/apis/roles/999999/", 404).mount(&server).await;
    client(&server).roles().delete(999_999).await.unwrap();
    assert_eq!(requests(&server).await.len(), 2);
}

#[tokio::test]
async fn a_refused_connection_is_named_with_its_address() {
    // A port that is taken, and at which nobody listens.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let client = Client::builder(format!("http://{address}/apis")).retry(QUICK).build().unwrap();
    let error = client.games().create(&json!({})).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("POST /apis/games/: cannot connect to `http://{address}`")
    );
}

/// Accepts connections, reads each request's first byte and hangs up.
async fn hang_up(listener: TcpListener, connections: &Cell<usize>) {
    loop {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut byte = [0; 1];
        socket.read_exact(&mut byte).await.unwrap();
        connections.set(connections.get() + 1);
    }
}

#[tokio::test]
async fn a_broken_connection_repeats_a_put_but_not_a_post() {
    for (verb, attempts) in [("PUT", 1 + QUICK.times), ("POST", 1)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/apis", listener.local_addr().unwrap());
        let games = Client::builder(url).retry(QUICK).build().unwrap().games();
        let send = async {
            let body = exchange("GET", "/apis/games/xg/", 200).response.body;
            match verb {
                "PUT" => games.save(&serde_json::from_value(body).unwrap()).await,
                _ => games.create(&body).await,
            }
        };
        let connections = Cell::new(0);
        tokio::select! {
            result = send => {
                let error = result.unwrap_err();
                assert!(matches!(error, Error::Transport { .. }), "{verb}: {error}");
            }
            () = hang_up(listener, &connections) => {}
        }
        assert_eq!(connections.get(), attempts, "{verb}");
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/apis", listener.local_addr().unwrap());
    let limit = Duration::from_millis(50);
    let client = Client::builder(url).timeout(limit).retry(Retry::NEVER).build().unwrap();
    let error = client.games().list().await.unwrap_err();
    assert_eq!(error.to_string(), "GET /apis/games/: no answer within 50ms");
}

//! Nothing that is shown holds a password or a token.

use std::error::Error as _;

use serde_json::json;
use sim_games_client::{Client, Error};
use sim_games_types::Lookup;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::server::client;

/// What stands for `simpl@simpl.world:geheim` in the header.
const ENCODED: &str = "c2ltcGxAc2ltcGwud29ybGQ6Z2VoZWlt";

fn check(text: &str) {
    for secret in ["geheim", ENCODED, "0123abcd"] {
        assert!(!text.contains(secret), "{text}");
    }
}

fn check_error(error: &Error) {
    check(&format!("{error} {error:?} {error:#?}"));
    let mut source = error.source();
    while let Some(cause) = source {
        check(&format!("{cause} {cause:?}"));
        source = cause.source();
    }
}

#[tokio::test]
async fn client_builder_and_endpoints_hide_their_credentials() {
    let builder = Client::builder("http://localhost:8100/apis");
    for builder in [builder.clone().basic("simpl@simpl.world", "geheim"), builder.token("0123abcd")]
    {
        check(&format!("{builder:?} {builder:#?}"));
        let client = builder.build().unwrap();
        check(&format!("{client:?} {:?}", client.users()));
    }
}

#[tokio::test]
async fn errors_of_every_kind_hide_credentials_and_passwords() {
    let server = MockServer::start().await;
    let lookup = Lookup::new().with("password", "geheim").with("email", "s1@div.edu");
    for status in [200, 301, 400, 401, 403, 404, 409, 500, 503] {
        let template = ResponseTemplate::new(status)
            .set_body_json(json!({"detail": "no"}))
            .insert_header("Location", "/users/?password=geheim");
        server.reset().await;
        Mock::given(any()).respond_with(template).mount(&server).await;
        let users = client(&server).users();
        check_error(&users.find(&lookup).await.unwrap_err());
        check_error(&users.filter(&lookup).await.unwrap_err());
        let body = json!({"email": "s1@div.edu", "password": "geheim"});
        check_error(&users.create(&body).await.unwrap_err());
    }
}

#[tokio::test]
async fn a_failed_connection_hides_the_query() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}/apis", socket.local_addr().unwrap());
    let client = Client::builder(url)
        .basic("simpl@simpl.world", "geheim")
        .retry(sim_games_client::Retry::NEVER)
        .build()
        .unwrap();
    let lookup = Lookup::new().with("password", "geheim");
    check_error(&client.users().find(&lookup).await.unwrap_err());
}

//! A realm whose router asks procedures of the realm who may come in and what they may do.

use serde_json::Value;
use sim_wamp::{
    Agent, Backoff, CallError, Client, Credentials, Error, MatchPolicy, Payload, Publication,
    Request,
};
use tempfile::TempDir;

use crate::kit::{Router, WEBSOCKET, soon};

const ASKING: &str = r#"
[[realms]]
name = "asking"
authenticator = "com.example.authenticate"
authenticator_methods = ["ticket", "wampcra"]
[[realms.users]]
authid = "service"
role = "service"
ticket = "ticket of the service"
[[realms.roles]]
name = "service"
[[realms.roles.rules]]
uri = ""
match = "prefix"
allow = ["call", "register", "publish", "subscribe"]
[[realms.roles]]
name = "player"
authorizer = "com.example.authorize"
"#;

fn ticket(authid: &str, ticket: &str) -> Credentials {
    Credentials::Ticket { authid: authid.to_owned(), ticket: ticket.to_owned() }
}

async fn router() -> Router {
    Router::start_in(TempDir::new().expect("there is a place"), WEBSOCKET, ASKING).await
}

/// Joins as somebody, or tells why not.
async fn join(router: &Router, login: Credentials) -> Result<Client, (String, String)> {
    match soon(Client::connect(&router.urls[0], "asking", login)).await {
        Ok(client) => Ok(client),
        Err(Error::Aborted { reason, message }) => Err((reason, message)),
        Err(error) => panic!("{error}"),
    }
}

/// The service: knows Ann, who may call and subscribe below `open.`, and Bea, who signs.
async fn service(router: &Router) -> (Agent, Vec<sim_wamp::Registration>) {
    let agent = Agent::builder(&router.urls[0], "asking")
        .credentials(ticket("service", "ticket of the service"))
        .backoff(Backoff::default())
        .start();
    let authenticate = |request: Request| async move {
        let (realm, authid, details): (String, String, Value) = request.args()?;
        assert_eq!(realm, "asking");
        let known = match (authid.as_str(), details["ticket"].as_str()) {
            ("ann@example.org", Some("right")) => {
                serde_json::json!({"role": "player", "authid": "7", "extra": {"hello": "Ann"}})
            }
            ("short", Some("right")) => serde_json::json!("player"),
            ("strange", Some(_)) => serde_json::json!(["no", "principal"]),
            ("bea", None) => serde_json::json!({"role": "player", "secret": "secret of bea"}),
            _ => return Err(CallError::new("wamp.error.authentication_failed", "who is that?")),
        };
        Ok(known)
    };
    let authorize = |request: Request| async move {
        let (who, uri, action, options): (Value, String, String, Value) = request.args()?;
        assert_eq!(who["authrole"], "player");
        let is_open = uri.starts_with("open.");
        Ok(match (action.as_str(), options["match"].as_str()) {
            ("call", _) => serde_json::json!({"allow": is_open, "disclose": true}),
            ("subscribe", Some("prefix")) => serde_json::json!(is_open),
            _ => serde_json::json!(false),
        })
    };
    let exact = MatchPolicy::Exact;
    let whoami = |request: Request| async move {
        Ok::<_, CallError>(request.caller.map(|by| by.authid.to_string()))
    };
    let kept = vec![
        agent.when_joined().register("open.whoami", exact, whoami).await.expect("it is offered"),
        agent.register("com.example.authorize", exact, authorize).await.expect("it is offered"),
        agent
            .register("com.example.authenticate", exact, authenticate)
            .await
            .expect("it is offered"),
    ];
    (agent, kept)
}

#[tokio::test]
async fn whom_the_service_knows_comes_in_as_it_says() {
    let router = router().await;
    let (agent, _kept) = service(&router).await;
    let ann = join(&router, ticket("ann@example.org", "right")).await.unwrap();
    let info = ann.session.info();
    assert_eq!((&*info.authid, &*info.authrole, &*info.authprovider), ("7", "player", "dynamic"));
    assert_eq!(
        &*join(&router, ticket("short", "right")).await.unwrap().session.info().authid,
        "short"
    );
    let bea = |secret: &str| Credentials::Cra { authid: "bea".into(), secret: secret.into() };
    assert!(join(&router, bea("secret of bea")).await.is_ok());

    let refused = join(&router, ticket("ann@example.org", "wrong")).await.unwrap_err();
    let expected = ("wamp.error.authentication_failed".to_owned(), "who is that?".to_owned());
    assert_eq!(refused, expected);
    let wrong = join(&router, bea("another")).await.unwrap_err();
    let nobody = Credentials::Cra { authid: "nobody".into(), secret: "x".into() };
    assert_eq!(join(&router, nobody).await.unwrap_err(), wrong);
    // What is no answer is no login, and nobody's fault who wants to come in.
    let (reason, _) = join(&router, ticket("strange", "x")).await.unwrap_err();
    assert_eq!(reason, "wamp.error.authorization_failed");
    agent.close().await;
    router.running.stop().await;
}

#[tokio::test]
async fn what_they_may_do_is_asked_each_time() {
    let router = router().await;
    let (agent, _kept) = service(&router).await;
    let ann = join(&router, ticket("ann@example.org", "right")).await.unwrap();
    let who = soon(ann.session.call("open.whoami", Payload::empty())).await.unwrap();
    assert_eq!(who.args_json(), "[\"7\"]");
    let denied = |error: CallError| assert_eq!(error.uri, "wamp.error.not_authorized");
    denied(soon(ann.session.call("com.example.authenticate", Payload::empty())).await.unwrap_err());
    assert!(soon(ann.session.subscribe("open.", MatchPolicy::Prefix)).await.is_ok());
    denied(soon(ann.session.subscribe("closed.", MatchPolicy::Prefix)).await.unwrap_err());
    denied(soon(ann.session.register("open.mine", MatchPolicy::Exact)).await.unwrap_err());
    let mut publication = Publication::new("open.topic", Payload::empty());
    publication.acknowledge = true;
    denied(soon(ann.session.publish(publication)).await.unwrap_err());
    agent.close().await;
    // Without the service nobody can tell, and nobody may.
    denied(soon(ann.session.call("open.whoami", Payload::empty())).await.unwrap_err());
    router.running.stop().await;
}

#[tokio::test]
async fn without_the_service_logins_are_not_refused_for_good_and_not_counted() {
    let router = router().await;
    for _ in 0..30 {
        let refused = join(&router, ticket("ann@example.org", "right")).await.unwrap_err();
        assert_eq!(refused.0, "wamp.error.authorization_failed");
        assert_eq!(refused.1, "the login cannot be checked at the moment, try again");
    }
    let (agent, _kept) = service(&router).await;
    assert!(join(&router, ticket("ann@example.org", "right")).await.is_ok());
    agent.close().await;
    router.running.stop().await;
}

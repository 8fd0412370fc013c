//! Who gets in, and what they may do.

use sim_wamp::{Client, Credentials, Error, MatchPolicy, Payload, Publication, uri};

use crate::kit::{Heard, Server, Way, args, soon};

fn ticket(authid: &str, ticket: &str) -> Credentials {
    Credentials::Ticket { authid: authid.into(), ticket: ticket.into() }
}

fn cra(authid: &str, secret: &str) -> Credentials {
    Credentials::Cra { authid: authid.into(), secret: secret.into() }
}

#[tokio::test]
async fn welcome_names_who_the_authenticator_found() {
    let server = Server::start().await;
    for (credentials, expected) in [
        (Credentials::Anonymous, ["nobody", "guest", "anonymous", "anonymous"]),
        (ticket("seven@example.org", "pass"), ["7", "player", "ticket", "static"]),
        (cra("4", "secret"), ["4", "player", "wampcra", "dynamic"]),
    ] {
        let client = soon(Client::connect(&server.url(), "realm1", credentials)).await.unwrap();
        let info = client.session.info();
        let found = [&*info.authid, &*info.authrole, &*info.authmethod, &*info.authprovider];
        assert_eq!((found, &*info.realm), (expected, "realm1"));
        soon(client.close()).await;
    }
}

#[tokio::test]
async fn refusals_carry_the_standard_reasons() {
    let server = Server::start().await;
    for (realm, credentials, expected, text) in [
        ("nope", Credentials::Anonymous, uri::NO_SUCH_REALM, "no realm `nope` on this router"),
        (
            "realm1",
            ticket("seven@example.org", "wrong"),
            uri::AUTHENTICATION_FAILED,
            "unknown user or wrong password",
        ),
        (
            "realm1",
            ticket("8", "pass"),
            uri::AUTHENTICATION_FAILED,
            "unknown user or wrong password",
        ),
        ("realm1", cra("5", "secret"), uri::NOT_AUTHORIZED, "WAMP-CRA signature is invalid"),
        ("realm1", cra("4", "Secret"), uri::NOT_AUTHORIZED, "WAMP-CRA signature is invalid"),
    ] {
        match soon(Client::connect(&server.url(), realm, credentials)).await {
            Err(Error::Aborted { reason, message }) => {
                assert_eq!((reason.as_str(), message.as_str()), (expected, text));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn handshake_of_a_stock_browser_runs_as_recorded() {
    let server = Server::start().await;
    let mut raw = server.raw().await;
    raw.send(r#"[1,"realm1",{"roles":{"caller":{"features":{}}},"authmethods":["scram","wampcra"],"authid":"4"}]"#)
        .await;
    let text = raw.text().await;
    let challenge: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&challenge[0], &challenge[1]), (&4.into(), &"wampcra".into()));
    assert_eq!(challenge[2].as_object().unwrap().len(), 1, "no salt: {text}");
    let signed: serde_json::Value =
        serde_json::from_str(challenge[2]["challenge"].as_str().unwrap()).unwrap();
    let names: Vec<_> = signed.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["authid", "authrole", "authmethod", "authprovider", "session", "nonce", "timestamp"]
    );
    raw.send(r#"[5,"bm90IHRoZSBzaWduYXR1cmU=",{}]"#).await;
    assert_eq!(
        raw.text().await,
        r#"[3,{"message":"WAMP-CRA signature is invalid"},"wamp.error.not_authorized"]"#
    );
    assert_eq!(raw.hear().await, Heard::Close(1000));
}

#[tokio::test]
async fn unknown_methods_are_answered_with_those_offered() {
    let server = Server::start().await;
    let mut raw = server.raw().await;
    raw.send(r#"[1,"realm1",{"roles":{},"authmethods":["scram"],"authid":"4"}]"#).await;
    assert_eq!(
        raw.text().await,
        concat!(
            r#"[3,{"message":"no authentication method in common: offered are "#,
            r#"[\"wampcra\", \"ticket\", \"anonymous\"]"},"wamp.error.no_matching_auth_method"]"#
        )
    );
}

#[tokio::test]
async fn what_is_not_allowed_is_not_authorized() {
    let server = Server::start().await;
    for way in Way::all() {
        let mut engine = server.engine().await;
        soon(engine.session.subscribe("app.", MatchPolicy::Prefix)).await.unwrap();
        soon(engine.session.subscribe("other.", MatchPolicy::Prefix)).await.unwrap();
        let joined = server.join(way).await;
        let session = &joined.session;
        for uri in ["other.x", "app.secret.x"] {
            let publication = Publication::new(uri, Payload::empty());
            let refused = [
                soon(session.call(uri, Payload::empty())).await.map(drop),
                soon(session.register(uri, MatchPolicy::Exact)).await.map(drop),
                soon(session.subscribe(uri, MatchPolicy::Exact)).await.map(drop),
                soon(session.publish(publication.clone().acknowledged())).await.map(drop),
            ];
            for result in refused {
                assert_eq!(result.unwrap_err().uri, uri::NOT_AUTHORIZED, "{way:?} {uri}");
            }
            // Nobody asked for an answer, and nobody gets one.
            soon(session.publish(publication)).await.unwrap();
        }
        for (pattern, policy) in [("app.", MatchPolicy::Prefix), ("app..", MatchPolicy::Wildcard)] {
            let refused = soon(session.subscribe(pattern, policy)).await;
            assert_eq!(refused.unwrap_err().uri, uri::NOT_AUTHORIZED, "{way:?} {pattern}");
        }
        soon(session.publish(Publication::new("app.ok", args("[1]")))).await.unwrap();
        assert_eq!(&*engine.event().await.topic, "app.ok");
        soon(engine.session.leave()).await;
    }
}

#[tokio::test]
async fn malformed_and_reserved_uris_are_invalid_and_keep_the_session() {
    let server = Server::start().await;
    for way in Way::all() {
        let joined = server.join(way).await;
        let session = &joined.session;
        for uri in ["app..x", "", "app. x", "app.#"] {
            let publication = Publication::new(uri, Payload::empty()).acknowledged();
            let refused = [
                soon(session.call(uri, Payload::empty())).await.map(drop),
                soon(session.register(uri, MatchPolicy::Exact)).await.map(drop),
                soon(session.subscribe(uri, MatchPolicy::Exact)).await.map(drop),
                soon(session.publish(publication)).await.map(drop),
            ];
            for result in refused {
                assert_eq!(result.unwrap_err().uri, uri::INVALID_URI, "{way:?} {uri}");
            }
        }
        // The rules would allow this role all of `wamp.`.
        let publication = Publication::new("wamp.session.on_join", args("[]")).acknowledged();
        let refused = [
            soon(session.publish(publication)).await.map(drop),
            soon(session.register("wamp.session.count", MatchPolicy::Exact)).await.map(drop),
            soon(session.register("wa", MatchPolicy::Prefix)).await.map(drop),
            soon(session.register(".session.count", MatchPolicy::Wildcard)).await.map(drop),
        ];
        for result in refused {
            assert_eq!(result.unwrap_err().uri, uri::INVALID_URI, "{way:?}");
        }
        soon(session.subscribe(uri::ON_JOIN, MatchPolicy::Exact)).await.unwrap();
    }
}

#[tokio::test]
async fn guest_may_do_what_its_role_may() {
    let server = Server::start().await;
    let mut engine = server.engine().await;
    soon(engine.session.register("app.", MatchPolicy::Prefix)).await.unwrap();
    let url = server.url();
    let guest = soon(Client::connect(&url, "realm1", Credentials::Anonymous)).await.unwrap();
    let refused = soon(guest.session.call("app.other", Payload::empty())).await;
    assert_eq!(refused.unwrap_err().uri, uri::NOT_AUTHORIZED);
    let answering = async { engine.invocation().await.respond(Ok(args("[true]"))).await };
    let calling = guest.session.call("app.ready", Payload::empty());
    let (result, ()) = soon(async { tokio::join!(calling, answering) }).await;
    assert_eq!(result.unwrap().args_json(), "[true]");
}

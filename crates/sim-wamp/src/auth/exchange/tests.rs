//! Both ends against each other.

mod hostile;

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::*;
use crate::auth::{ClientExchange, ScramKeys};
use crate::{AttemptLimits, Credentials, Decoy, ScramKdf, ScramSecret, StaticUser, StaticUsers};

const REALM: &str = "realm1";
const KEY: [u8; 32] = [42; 32];

/// A router and its users; it counts how often it asks about them.
struct World {
    authenticator: Arc<dyn Authenticator>,
    attempts: Arc<Attempts>,
    asked: Arc<AtomicUsize>,
}

/// Users of whom it is known how often somebody asked about them.
struct Counted(StaticUsers, Arc<AtomicUsize>);

#[async_trait]
impl Authenticator for Counted {
    fn methods(&self, realm: &str) -> Vec<AuthMethod> {
        self.0.methods(realm)
    }

    async fn anonymous(&self, realm: &str) -> Result<Identity, AuthRefused> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.anonymous(realm).await
    }

    async fn ticket(&self, id: &str, ticket: &str, realm: &str) -> Result<Identity, AuthRefused> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.ticket(id, ticket, realm).await
    }

    async fn cra_secret(
        &self,
        authid: &str,
        realm: &str,
    ) -> Result<Option<crate::CraSecret>, AuthRefused> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.cra_secret(authid, realm).await
    }

    async fn public_key(
        &self,
        authid: Option<&str>,
        key: &[u8; 32],
        realm: &str,
    ) -> Result<Option<Identity>, AuthRefused> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.public_key(authid, key, realm).await
    }

    async fn scram_secret(
        &self,
        authid: &str,
        realm: &str,
    ) -> Result<Option<ScramSecret>, AuthRefused> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.scram_secret(authid, realm).await
    }

    fn decoy(&self, realm: &str, choice: u64) -> Decoy {
        self.0.decoy(realm, choice)
    }
}

impl World {
    /// Each user has the secret `pass` for one method, and `key` has [`KEY`].
    fn new() -> Self {
        let scram = |kdf| ScramKeys::derive("pass", kdf, [1; 16]).unwrap();
        let pbkdf2 = scram(ScramKdf::Pbkdf2 { iterations: 4096 });
        let argon = scram(ScramKdf::Argon2id { iterations: 32, memory: 512 });
        let autobahn = scram(ScramKdf::AutobahnArgon2id { iterations: 32, memory: 512 });
        let public = ed25519_dalek::SigningKey::from_bytes(&KEY).verifying_key();
        let salted = StaticUser::new("salted", "user");
        let users = StaticUsers::new()
            .user(StaticUser::new("ticket", "user").ticket("pass"))
            .user(StaticUser::new("cra", "user").cra_secret("pass"))
            .user(salted.cra_password("pass", crate::CraSecret::random_salt(), 1500, 24).unwrap())
            .user(StaticUser::new("key", "user").public_key(public.to_bytes()))
            .user(StaticUser::new("pbkdf2", "user").scram_keys(pbkdf2))
            .user(StaticUser::new("argon", "user").scram_keys(argon))
            .user(StaticUser::new("autobahn", "user").scram_keys(autobahn))
            .guests("guest");
        Self::of(users, AttemptLimits::default())
    }

    fn of(users: StaticUsers, limits: AttemptLimits) -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        Self {
            authenticator: Arc::new(Counted(users, Arc::clone(&asked))),
            attempts: Arc::new(Attempts::new(limits)),
            asked,
        }
    }

    async fn begin(&self, hello: &HelloAuth) -> Result<Step, AuthRefused> {
        self.begin_bound(hello, None).await
    }

    async fn begin_bound(
        &self,
        hello: &HelloAuth,
        channel_id: Option<[u8; 32]>,
    ) -> Result<Step, AuthRefused> {
        let address = Some([127, 0, 0, 1].into());
        let peer = PeerContext { address, channel_id };
        Exchange::begin(&self.authenticator, &self.attempts, peer, REALM, 7, hello).await
    }

    /// Lets a client log in; its channel id and that of the router may differ.
    async fn login(
        &self,
        credentials: &Credentials,
        [client_id, router_id]: [Option<[u8; 32]>; 2],
    ) -> Result<Authenticated, String> {
        let (mut client, hello) = ClientExchange::begin(credentials, client_id);
        let step = self.begin_bound(&hello, router_id).await.map_err(|error| error.to_string())?;
        let authenticated = match step {
            Step::Done(authenticated) => authenticated,
            Step::Challenge { method, extra, exchange } => {
                let (signature, extra) = client.answer(method.name(), &extra)?;
                let finished = exchange.finish(&signature, &extra).await;
                finished.map_err(|error| error.to_string())?
            }
        };
        client.welcomed(&authenticated.authextra)?;
        Ok(authenticated)
    }
}

fn ticket(authid: &str, ticket: &str) -> Credentials {
    Credentials::Ticket { authid: authid.to_owned(), ticket: ticket.to_owned() }
}

fn cra(authid: &str, secret: &str) -> Credentials {
    Credentials::Cra { authid: authid.to_owned(), secret: secret.to_owned() }
}

fn scram(authid: &str, password: &str) -> Credentials {
    Credentials::Scram { authid: authid.to_owned(), password: password.to_owned() }
}

fn cryptosign(authid: Option<&str>, key: [u8; 32]) -> Credentials {
    Credentials::Cryptosign { authid: authid.map(str::to_owned), key }
}

/// Everybody who gets in.
fn everybody() -> [Credentials; 9] {
    [
        Credentials::Anonymous,
        ticket("ticket", "pass"),
        cra("cra", "pass"),
        cra("salted", "pass"),
        cryptosign(None, KEY),
        cryptosign(Some("key"), KEY),
        scram("pbkdf2", "pass"),
        scram("argon", "pass"),
        scram("autobahn", "pass"),
    ]
}

/// Opens an exchange and returns what CHALLENGE carries.
async fn challenge(world: &World, hello: &HelloAuth) -> (AuthMethod, Dict, Exchange) {
    match world.begin(hello).await {
        Ok(Step::Challenge { method, extra, exchange }) => (method, extra, exchange),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_method_lets_in_who_proves_to_be_somebody() {
    let world = World::new();
    for (credentials, expected) in everybody().iter().zip([
        ("anonymous", "anonymous"),
        ("ticket", "ticket"),
        ("cra", "wampcra"),
        ("salted", "wampcra"),
        ("key", "cryptosign"),
        ("key", "cryptosign"),
        ("pbkdf2", "wamp-scram"),
        ("argon", "wamp-scram"),
        ("autobahn", "wamp-scram"),
    ]) {
        let found = world.login(credentials, [None; 2]).await.unwrap();
        assert_eq!((&*found.identity.authid, found.method.name()), expected);
        assert_eq!(found.identity.authprovider, "static");
    }
}

#[tokio::test]
async fn unknown_users_and_wrong_secrets_are_refused_alike() {
    let world = World::new();
    let failed = |text: &str| {
        format!("authentication refused with `wamp.error.authentication_failed`: {text}")
    };
    let cra_text = "authentication refused with `wamp.error.not_authorized`: \
                    WAMP-CRA signature is invalid";
    for (wrong, unknown, text) in [
        (ticket("ticket", "Pass"), ticket("x", "pass"), failed("unknown user or wrong ticket")),
        (cra("cra", "Pass"), cra("x", "pass"), cra_text.to_owned()),
        (cra("salted", "Pass"), cra("y", "pass"), cra_text.to_owned()),
        (
            cryptosign(Some("key"), [1; 32]),
            cryptosign(Some("x"), KEY),
            failed("cryptosign signature is invalid"),
        ),
        (
            cryptosign(None, [1; 32]),
            cryptosign(Some("ticket"), KEY),
            failed("cryptosign signature is invalid"),
        ),
        (scram("pbkdf2", "Pass"), scram("x", "pass"), failed("SCRAM proof is invalid")),
        (scram("argon", "Pass"), scram("y", "pass"), failed("SCRAM proof is invalid")),
        (scram("autobahn", "Pass"), scram("ticket", "pass"), failed("SCRAM proof is invalid")),
    ] {
        for credentials in [wrong, unknown] {
            let refused = world.login(&credentials, [None; 2]).await;
            assert_eq!(refused.unwrap_err(), text, "{credentials:?}");
        }
    }
}

#[tokio::test]
async fn challenges_of_strangers_look_like_those_of_users() {
    let users = StaticUsers::new();
    let salted = StaticUser::new("salted", "admin");
    let users = users
        .user(salted.cra_password("pass", crate::CraSecret::random_salt(), 1500, 24).unwrap())
        .user(StaticUser::new("scram", "admin").scram_password("pass"));
    let world = World::of(users, AttemptLimits::default());
    let shape = |extra: &Dict| -> Vec<String> {
        let plain = |name: &str, value: &Value| match (name, value.as_str()) {
            ("kdf", _) | (_, None) => format!("{value:?}"),
            (_, Some(text)) => text.replace("stranger", "scram").len().to_string(),
        };
        extra.iter().map(|(name, value)| format!("{name} {}", plain(name, value))).collect()
    };
    for (user, stranger) in
        [(cra("salted", ""), cra("absent", "")), (scram("scram", ""), scram("stran", ""))]
    {
        let (_, user) = ClientExchange::begin(&user, None);
        let (_, stranger) = ClientExchange::begin(&stranger, None);
        let ((_, user, _), (_, extra, _)) =
            (challenge(&world, &user).await, challenge(&world, &stranger).await);
        let text = |extra: &Dict| Some(extra.get("challenge")?.as_str()?.to_owned());
        let role = |extra: &Dict| text(extra).map(|text| text.contains(r#""authrole":"admin""#));
        assert_eq!((role(&user), shape(&user).len()), (role(&extra), shape(&extra).len()));
        // Only the time stamp may be of another length.
        let same = |extra: &Dict| {
            shape(extra).into_iter().filter(|part| !part.starts_with("challenge")).collect()
        };
        let (user, stranger_shape): (Vec<_>, Vec<_>) = (same(&user), same(&extra));
        assert_eq!(user, stranger_shape);

        let (_, again, _) = challenge(&world, &stranger).await;
        let salt = |extra: &Dict| extra.get("salt").unwrap().as_str().unwrap().to_owned();
        assert_eq!(salt(&extra), salt(&again), "always the same for the same name");
        let other = HelloAuth { authid: Some("other".into()), ..stranger };
        assert_ne!(salt(&extra), salt(&challenge(&world, &other).await.1));
    }
}

#[tokio::test]
async fn proofs_hold_on_one_connection_only() {
    let world = World::new();
    let [mine, other] = [Some([3; 32]), Some([4; 32])];
    for credentials in [cryptosign(None, KEY), scram("pbkdf2", "pass")] {
        assert!(world.login(&credentials, [mine, mine]).await.is_ok());
        assert!(world.login(&credentials, [None, mine]).await.is_ok(), "who wants none has none");
        let elsewhere = world.login(&credentials, [mine, other]).await.unwrap_err();
        assert!(elsewhere.contains("invalid") || elsewhere.contains("binding"), "{elsewhere}");
        let nowhere = world.login(&credentials, [mine, None]).await.unwrap_err();
        assert!(nowhere.contains("tls-exporter"), "{nowhere}");
    }
    // Of another kind there is none, TLS or not.
    let (_, mut hello) = ClientExchange::begin(&cryptosign(None, KEY), None);
    for binding in ["tls-unique", ""].map(Value::from).into_iter().chain([true.into()]) {
        hello.authextra.insert("channel_binding", binding);
        assert!(world.begin_bound(&hello, mine).await.is_err());
    }
}

#[tokio::test]
async fn scram_cannot_be_unbound_on_the_way() {
    let world = World::new();
    let id = Some([3; 32]);
    let (mut client, hello) = ClientExchange::begin(&scram("pbkdf2", "pass"), id);
    let Ok(Step::Challenge { method, extra, exchange }) = world.begin_bound(&hello, id).await
    else {
        panic!("no challenge");
    };
    let (proof, mut said) = client.answer(method.name(), &extra).unwrap();
    said.insert("cbind_data", Value::Null);
    assert!(exchange.finish(&proof, &said).await.is_err());

    // A router that knows only the other way to speak is not trusted.
    let only = HelloAuth { authmethods: vec!["scram".into()], ..hello };
    let (mut client, _) = ClientExchange::begin(&scram("pbkdf2", "pass"), id);
    let Ok(Step::Challenge { method, extra, exchange }) = world.begin_bound(&only, id).await else {
        panic!("no challenge");
    };
    assert!(client.answer(method.name(), &extra).unwrap_err().contains("TLS"));
    assert!(exchange.finish(&proof, &Dict::new()).await.is_err());
}

#[tokio::test]
async fn autobahn_logs_in_with_scram_and_without_fields() {
    let world = World::new();
    for authid in ["autobahn", "argon", "pbkdf2"] {
        let (mut client, hello) = ClientExchange::begin(&scram(authid, "pass"), None);
        let hello = HelloAuth { authmethods: vec!["scram".into()], ..hello };
        let (method, extra, exchange) = challenge(&world, &hello).await;
        assert_eq!(method, AuthMethod::Scram);
        let names: Vec<_> = extra.iter().map(|(name, _)| name).collect();
        assert_eq!(names[..4], ["nonce", "salt", "kdf", "iterations"]);
        let (proof, _) = client.answer("scram", &extra).unwrap();
        let found = exchange.finish(&proof, &Dict::new()).await.unwrap();
        assert_eq!(client.welcomed(&found.authextra), Ok(()));
        assert!(found.authextra.get("scram_server_signature").is_some());
    }
}

#[tokio::test]
async fn answers_of_another_session_are_refused() {
    let world = World::new();
    for credentials in everybody().iter().skip(2) {
        let (mut client, hello) = ClientExchange::begin(credentials, None);
        let (method, extra, first) = challenge(&world, &hello).await;
        let (_, _, second) = challenge(&world, &hello).await;
        let (signature, said) = client.answer(method.name(), &extra).unwrap();
        assert!(second.finish(&signature, &said).await.is_err(), "{credentials:?}");
        assert!(first.finish(&signature, &said).await.is_ok(), "{credentials:?}");
    }
}

#[tokio::test]
async fn limit_is_asked_before_the_authenticator() {
    let limits = AttemptLimits { per_authid: 2, ..AttemptLimits::default() };
    let users = StaticUsers::new()
        .user(StaticUser::new("ann", "user").ticket("pass").cra_secret("pass"))
        .user(StaticUser::new("bob", "user").ticket("pass"));
    let world = World::of(users, limits);
    let (_, hello) = ClientExchange::begin(&ticket("ann", "pass"), None);
    let (_, _, waiting) = challenge(&world, &hello).await;
    world.login(&ticket("ann", "x"), [None; 2]).await.unwrap_err();
    world.login(&ticket("ann", "pass"), [None; 2]).await.unwrap();
    world.login(&ticket("ann", "x"), [None; 2]).await.unwrap_err();
    world.login(&cra("ann", "x"), [None; 2]).await.unwrap_err();
    let asked = world.asked.load(Ordering::Relaxed);
    for credentials in [ticket("ann", "pass"), cra("ann", "pass")] {
        let refused = world.login(&credentials, [None; 2]).await.unwrap_err();
        assert!(refused.contains("too many logins have failed: try again in"), "{refused}");
    }
    let late = waiting.finish("pass", &Dict::new()).await.unwrap_err();
    assert!(late.message.contains("too many") && late.reason == uri::AUTHENTICATION_FAILED);
    assert_eq!(world.asked.load(Ordering::Relaxed), asked);
    world.login(&ticket("bob", "pass"), [None; 2]).await.unwrap();
}

#[tokio::test]
async fn first_choice_that_can_be_done_is_taken() {
    let world = World::new();
    let hello = |methods: &[&str], authid: Option<&str>| HelloAuth {
        authmethods: methods.iter().map(|&method| method.to_owned()).collect(),
        authid: authid.map(str::to_owned),
        ..HelloAuth::default()
    };
    for (methods, authid, expected) in [
        (&["ticket", "wampcra"][..], Some("cra"), "ticket"),
        (&["wampcra", "ticket"], Some("cra"), "wampcra"),
        // Stock browsers name `scram`, and have no idea of it.
        (&["scram", "wampcra"], Some("cra"), "wampcra"),
        (&["cryptosign", "kerberos", "ticket"], Some("cra"), "ticket"),
    ] {
        let (method, ..) = challenge(&world, &hello(methods, authid)).await;
        assert_eq!(method.name(), expected, "{methods:?}");
    }
    let step = world.begin(&hello(&["ticket", "anonymous"], None)).await;
    assert!(matches!(step, Ok(Step::Done(_))), "{step:?}");
    let step = world.begin(&hello(&[], Some("cra"))).await;
    assert!(matches!(step, Ok(Step::Done(_))), "{step:?}");
    for (methods, text) in [
        (&["ticket"][..], "HELLO has no `authid`: say who you are"),
        (&["scram"], "HELLO has no `authid`: say who you are"),
        (&["cryptosign"], "HELLO's `authextra.pubkey` must be an Ed25519 key of 64 hex digits"),
    ] {
        assert_eq!(world.begin(&hello(methods, None)).await.unwrap_err(), AuthRefused::new(text));
    }
    let refused = world.begin(&hello(&["kerberos"], None)).await.unwrap_err();
    assert_eq!(refused.reason, uri::NO_MATCHING_AUTH_METHOD);
    let nobody = World::of(StaticUsers::new(), AttemptLimits::default());
    let refused = nobody.begin(&hello(&[], None)).await.unwrap_err();
    assert_eq!(refused.reason, uri::NO_MATCHING_AUTH_METHOD, "anonymous has to be asked for");
}

#[tokio::test]
async fn welcome_carries_what_the_authenticator_adds() {
    let extra = Dict::from_iter([("team", "red")]);
    let keys = ScramKeys::derive("pass", ScramKdf::Pbkdf2 { iterations: 4096 }, [1; 16]).unwrap();
    let ann = StaticUser::new("ann", "user").authextra(extra).scram_keys(keys);
    let world = World::of(StaticUsers::new().user(ann), AttemptLimits::default());
    let found = world.login(&scram("ann", "pass"), [None; 2]).await.unwrap();
    let names: Vec<_> = found.authextra.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["team", "verifier", "scram_server_signature"]);
}

#[test]
fn debug_texts_hide_secrets() {
    for credentials in [
        ticket("ann", "hush"),
        cra("ann", "hush"),
        scram("ann", "hush"),
        cryptosign(Some("ann"), [104; 32]),
    ] {
        let (client, _) = ClientExchange::begin(&credentials, None);
        let text = format!("{credentials:?} {client:?}");
        assert!(text.contains("ann") && !text.contains("hush") && !text.contains("104"), "{text}");
    }
}

//! A game, its rows, a server that can be taken away, and a player.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sim::prelude::*;
use sim::types::{Fields, Operation, Reference, Resource, UnitOfWork};
use sim::wamp::{Incoming, MatchPolicy, Payload, Session, SessionEvent};
use sim::{Core, CoreConfig, Played, RemoteGames, RouterConfig, Runs, Secret};
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;

pub(crate) const REALM: &str = "test";
pub(crate) const ROOT: &str = "test.root";
pub(crate) const SLUG: &str = "sums";

/// The longest that anything may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Number {
    number: i64,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Sum {
    sum: i64,
}

/// Saves the caller's number; once both roles have one, the sum, and opens the next round.
async fn submit(
    period: Scope<Period>,
    caller: Caller,
    Args(play): Args<Number>,
) -> CallResult<&'static str> {
    period.save_decision(caller.role()?, "number", play)?;
    let one = period.decision::<Number>("One", "number");
    let other = period.decision::<Number>("Other", "number");
    if let Some((one, other)) = one.zip(other) {
        period.save_result("sum", Sum { sum: one.number + other.number })?;
        period.open_next()?;
    }
    Ok("ok")
}

pub(crate) fn game() -> Game {
    Game::new(SLUG).scope(Period::handlers().rpc("submit", submit))
}

/// The configuration of a remote Games API.
pub(crate) fn remote(url: &str, dir: &Path) -> RemoteGames {
    RemoteGames {
        url: url.to_owned(),
        user: "simpl@simpl.world".to_owned(),
        password: Secret::new("simpl"),
        callback_url: None,
        callback_secret: None,
        callback_from: Vec::new(),
        pending_dir: dir.join("pending"),
        resync_every: DEADLINE,
    }
}

pub(crate) async fn core(remote: RemoteGames) -> Core {
    let config = CoreConfig {
        realm: REALM.to_owned(),
        legacy_auth: true,
        load: Runs::Active,
        router: RouterConfig::default(),
        figures: None,
    };
    let played = Played { game: game(), root_topic: ROOT.to_owned() };
    Core::start(sim::Storage::Remote(remote), config, vec![played]).await.unwrap()
}

/// An address that nobody else can take. Until a server listens there, connections are refused.
pub(crate) struct Reserved(TcpSocket);

impl Reserved {
    /// A free one.
    pub(crate) fn any() -> Self {
        Self::at(([127, 0, 0, 1], 0).into())
    }

    fn at(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(address).unwrap();
        Self(socket)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/apis", self.0.local_addr().unwrap())
    }
}

/// A server on threads of its own, so that it can be taken away with all its connections.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Server {
    pub(crate) fn start(Reserved(socket): Reserved, router: axum::Router) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = socket.listen(1024).unwrap();
        let address = listener.local_addr().unwrap();
        let listener = listener.into_std().unwrap();
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let router = router.into_make_service_with_connect_info::<SocketAddr>();
            axum::serve(listener, router).await.unwrap();
        });
        Self { address, runtime: Some(runtime) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/apis", self.address)
    }

    /// Ends it with all its connections, and keeps its address.
    pub(crate) fn stop(mut self) -> Reserved {
        let runtime = self.runtime.take().unwrap();
        // What listens must be gone before the address is taken again; waiting for it is for a
        // thread without a runtime.
        std::thread::spawn(move || runtime.shutdown_timeout(DEADLINE)).join().unwrap();
        Reserved::at(self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Operations whose rows refer to each other.
#[derive(Default)]
pub(crate) struct Rows {
    operations: Vec<Operation>,
    next: u32,
}

impl Rows {
    pub(crate) fn ensure(&mut self, resource: Resource, key: Value, defaults: Value) -> Reference {
        self.next += 1;
        let reference = Some(Reference(self.next));
        let (key, defaults) = (fields(key), fields(defaults));
        self.operations.push(Operation::GetOrCreate { resource, key, defaults, reference });
        Reference(self.next)
    }

    pub(crate) fn into_unit(self) -> UnitOfWork {
        UnitOfWork { operations: self.operations, ..UnitOfWork::default() }
    }
}

pub(crate) fn fields(value: Value) -> Fields {
    match value {
        Value::Object(fields) => fields,
        other => panic!("fields must be an object, not `{other}`"),
    }
}

/// A game with two roles, an active run with two players in one world, and its first period.
pub(crate) struct Rig {
    pub(crate) run: Reference,
    pub(crate) world: Reference,
    pub(crate) period: Reference,
    pub(crate) users: [Reference; 2],
}

pub(crate) fn rig(rows: &mut Rows) -> Rig {
    let game = rows.ensure(Resource::Game, json!({"slug": SLUG}), json!({"name": SLUG}));
    let key = json!({"game": game.to_value(), "name": "Play"});
    let phase = rows.ensure(Resource::Phase, key, json!({"order": 1}));
    let key = json!({"game": game.to_value(), "name": "default"});
    let run = rows.ensure(Resource::Run, key, json!({"phase": phase.to_value()}));
    let key = json!({"run": run.to_value(), "name": "World 1"});
    let world = rows.ensure(Resource::World, key, json!({}));
    let key = json!({"world": world.to_value(), "name": "Scenario"});
    let scenario = rows.ensure(Resource::Scenario, key, json!({}));
    let key = json!({"scenario": scenario.to_value(), "order": 1});
    let period = rows.ensure(Resource::Period, key, json!({}));
    let users = ["One", "Other"].map(|name| {
        let key = json!({"game": game.to_value(), "name": name});
        let role = rows.ensure(Resource::Role, key, json!({}));
        let key = json!({"email": format!("{}@test.example", name.to_lowercase())});
        let user = rows.ensure(Resource::User, key, json!({"password": name.to_lowercase()}));
        let key = json!({"user": user.to_value(), "run": run.to_value()});
        let defaults = json!({"role": role.to_value(), "world": world.to_value()});
        rows.ensure(Resource::RunUser, key, defaults);
        user
    });
    Rig { run, world, period, users }
}

/// A player's session, which follows one world.
pub(crate) struct Player {
    session: Session,
    incoming: Incoming,
}

impl Player {
    pub(crate) async fn join(core: &Core, user: i64, world: i64) -> Self {
        let joined = core
            .router()
            .expect("it has a router")
            .attach_as(REALM, &user.to_string(), "browser")
            .await
            .unwrap();
        let (session, incoming) = joined.split();
        for name in ["add_child", "update_child", "remove_child"] {
            let topic = format!("{ROOT}.model.world.{world}.{name}");
            session.subscribe(&topic, MatchPolicy::Exact).await.unwrap();
        }
        Self { session, incoming }
    }

    pub(crate) async fn call(&self, name: &str, args: Value) -> Result<Value, String> {
        self.send(name, Payload::from_json(Some(args.to_string()), None::<String>)).await
    }

    pub(crate) async fn call_keyed(&self, name: &str, kwargs: Value) -> Result<Value, String> {
        self.send(name, Payload::from_json(None::<String>, Some(kwargs.to_string()))).await
    }

    async fn send(&self, name: &str, payload: Payload) -> Result<Value, String> {
        let uri = format!("{ROOT}.model.{name}");
        let call = self.session.call(&uri, payload);
        match tokio::time::timeout(DEADLINE, call).await.expect("a call is answered") {
            Ok(answer) => {
                let answer: Vec<Value> = serde_json::from_str(answer.args_json()).unwrap();
                Ok(answer.into_iter().next().unwrap_or_default())
            }
            Err(error) => Err(format!("{} {}", error.uri, error.payload.args_json())),
        }
    }

    pub(crate) async fn submit(&self, period: i64, number: i64) -> Result<Value, String> {
        self.call(&format!("period.{period}.submit"), json!([number])).await
    }

    /// The next event: its name and its arguments.
    pub(crate) async fn next(&mut self) -> (String, Value) {
        let wait = async {
            loop {
                let event = self.incoming.recv().await.expect("the session goes on");
                if let SessionEvent::Event(event) = event {
                    let name = event.topic.rsplit('.').next().unwrap_or_default().to_owned();
                    return (name, serde_json::from_str(event.payload.args_json()).unwrap());
                }
            }
        };
        tokio::time::timeout(DEADLINE, wait).await.expect("an event comes")
    }

    /// The next event that has these words in its topic and these in its arguments.
    pub(crate) async fn event(&mut self, name: &str, words: &str) -> Value {
        let wait = async {
            loop {
                let event = self.incoming.recv().await.expect("the session goes on");
                if let SessionEvent::Event(event) = event
                    && event.topic.ends_with(name)
                    && event.payload.args_json().contains(words)
                {
                    return serde_json::from_str(event.payload.args_json()).unwrap();
                }
            }
        };
        tokio::time::timeout(DEADLINE, wait)
            .await
            .unwrap_or_else(|_| panic!("no event `{name}` with `{words}`"))
    }
}

pub(crate) async fn installed(core: &Core) {
    tokio::time::timeout(DEADLINE, core.installed()).await.expect("the game is installed");
}

//! A router that can be stopped and started again where it was, and a wire to it that can be cut.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use sim_wamp::{
    Action, Agent, AgentBuilder, Backoff, Credentials, MatchPolicy, Router, Rule, Rules,
    StaticUser, StaticUsers, Status,
};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::kit::{Joined, soon};

/// A served router with a trusted session that watches.
pub(crate) struct Home {
    pub(crate) router: Router,
    pub(crate) watcher: Joined,
    pub(crate) address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Drop for Home {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Home {
    pub(crate) async fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().expect("it is an address"), &[]).await
    }

    /// Starts where a router was before; the watcher follows these topics from the beginning.
    pub(crate) async fn start_at(address: SocketAddr, topics: &[&str]) -> Self {
        let all = [Action::Call, Action::Register, Action::Publish, Action::Subscribe];
        let users = StaticUsers::new().user(StaticUser::new("ann", "user").ticket("secret"));
        let rules = Rules::new()
            .role("user", Rule::new("", MatchPolicy::Prefix, &all))
            .role("user", Rule::new("secret.", MatchPolicy::Prefix, &[]));
        let router = Router::builder()
            .realm("realm1")
            .authenticator(Arc::new(users))
            .authorizer(Arc::new(rules))
            .start();
        let watcher = router.attach("realm1", "watcher", "service").await;
        let watcher = Joined::of(watcher.expect("the realm is there"));
        let listener = TcpListener::bind(address).await.expect("the port is free");
        let address = listener.local_addr().expect("it is bound");
        let served = router.clone();
        let serving = tokio::spawn(async move { served.serve_tcp(listener).await });
        let home = Self { router, watcher, address, serving };
        for topic in topics {
            home.follow(topic).await;
        }
        home
    }

    /// Makes the watcher follow a topic.
    pub(crate) async fn follow(&self, topic: &str) {
        let subscribed = soon(self.watcher.session.subscribe(topic, MatchPolicy::Exact)).await;
        subscribed.expect("the watcher may");
    }

    /// Says goodbye to all and is gone.
    pub(crate) async fn stop(self) -> SocketAddr {
        soon(self.router.shutdown()).await;
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("tcp://{}", self.address)
    }

    /// Starts an agent that has joined.
    pub(crate) async fn agent(&self) -> Agent {
        let agent = agent(self.url()).start();
        soon(agent.joined()).await.expect("ann is known");
        agent
    }

    /// Counts the numbers in the answer of a meta procedure.
    pub(crate) async fn count(&self, procedure: &str) -> usize {
        let answer = soon(self.watcher.session.call(procedure, sim_wamp::Payload::empty())).await;
        let answer = answer.expect("the router counts");
        let digits = answer.args_json().split(|c: char| !c.is_ascii_digit());
        digits.filter(|part| !part.is_empty()).count()
    }
}

/// Describes an agent of ann's, who does not wait long.
pub(crate) fn agent(url: impl Into<String>) -> AgentBuilder {
    let credentials = Credentials::Ticket { authid: "ann".into(), ticket: "secret".into() };
    let (first, longest) = (Duration::from_millis(5), Duration::from_millis(40));
    let backoff = Backoff { first, longest, ..Backoff::default() };
    Agent::builder(url, "realm1").credentials(credentials).backoff(backoff)
}

/// Waits until an agent has another session than this one.
pub(crate) async fn rejoined(agent: &Agent, last: u64) -> u64 {
    let other =
        |status: &Status| matches!(status, Status::Joined { info, .. } if info.session != last);
    match soon(agent.status().wait_for(other)).await {
        Some(Status::Joined { info, .. }) => info.session,
        other => panic!("expected another session, not {other:?}"),
    }
}

/// A wire between agents and a router.
pub(crate) struct Wire {
    pub(crate) url: String,
    shared: Arc<Mutex<Shared>>,
    accepting: JoinHandle<()>,
}

/// What the tasks of a wire share.
#[derive(Default)]
struct Shared {
    /// Cuts the connections that there are.
    cut: CancellationToken,
    /// Whether the router's ends of these are kept, and those that were.
    keeps: bool,
    kept: Vec<TcpStream>,
    connections: usize,
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut(false);
    }
}

impl Wire {
    pub(crate) async fn to(router: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("tcp://{}", listener.local_addr().expect("it is bound"));
        let shared = Arc::new(Mutex::new(Shared::default()));
        let within = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let cut = {
                    let mut shared = lock(&within);
                    shared.connections += 1;
                    shared.cut.clone()
                };
                tokio::spawn(carry(client, router, cut, Arc::clone(&within)));
            }
        });
        Self { url, shared, accepting }
    }

    /// Cuts all connections without a word; the router learns of it only if its ends are not
    /// kept.
    pub(crate) fn cut(&self, keeps: bool) {
        let mut shared = lock(&self.shared);
        shared.keeps = keeps;
        std::mem::take(&mut shared.cut).cancel();
    }

    /// Lets the router learn of the connections whose ends were kept.
    pub(crate) fn release(&self) {
        lock(&self.shared).kept.clear();
    }

    /// Returns how many connections there have been.
    pub(crate) fn connections(&self) -> usize {
        lock(&self.shared).connections
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().expect("nothing panics under the lock")
}

async fn carry(
    mut client: TcpStream,
    router: SocketAddr,
    cut: CancellationToken,
    shared: Arc<Mutex<Shared>>,
) {
    let Ok(mut server) = TcpStream::connect(router).await else { return };
    let is_cut = tokio::select! {
        () = cut.cancelled() => true,
        // Either end may be gone.
        _ = copy_bidirectional(&mut client, &mut server) => false,
    };
    drop(client);
    let mut shared = lock(&shared);
    if is_cut && shared.keeps {
        shared.kept.push(server);
    }
}

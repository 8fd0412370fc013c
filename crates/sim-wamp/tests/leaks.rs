//! Ten thousand sessions come and go, and nothing of them is left: in a program of its own, so
//! that nobody else's memory is counted.

use std::sync::Arc;
use std::time::Duration;

use sim_wamp::{
    Action, CallOptions, Client, ClientOptions, Credentials, MatchPolicy, Payload, Publication,
    Router, Rule, Rules, Serializer, Session, StaticUser, StaticUsers,
};
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

/// How many sessions come and go in all, and how many of them before memory is looked at first.
const SESSIONS: usize = 10_000;
const WARM_UP: usize = 3_000;
/// How many of them at a time.
const TOGETHER: usize = 20;
/// What the process may have grown by between the two looks.
const GROWTH: usize = 3 << 20;

fn router() -> Router {
    let all = [Action::Call, Action::Register, Action::Publish, Action::Subscribe];
    let users = StaticUsers::new().user(StaticUser::new("ann", "user").ticket("secret"));
    Router::builder()
        .realm("realm1")
        .authenticator(Arc::new(users))
        .authorizer(Arc::new(Rules::new().role("user", Rule::new("", MatchPolicy::Prefix, &all))))
        .start()
}

/// Comes, does a little of everything, and goes, every third time without a goodbye.
async fn visit(url: &str, number: usize) {
    let credentials = Credentials::Ticket { authid: "ann".into(), ticket: "secret".into() };
    let serializers = vec![Serializer::ALL[number % 3]];
    let options = ClientOptions { serializers, ..ClientOptions::default() };
    let client = Client::connect_with(url, "realm1", &credentials, options).await;
    let (session, incoming, connection) = client.expect("the router lets ann in").split();
    session.register(&format!("a.{number}"), MatchPolicy::Exact).await.expect("it is free");
    session.subscribe("b.", MatchPolicy::Prefix).await.expect("ann may");
    session.publish(Publication::new("b.c", Payload::text("x"))).await.expect("ann may");
    // A call that nobody answers.
    let procedure = format!("a.{number}");
    let call = session.start_call(&procedure, Payload::empty(), CallOptions::default());
    let call = call.await.expect("ann may");
    match number % 3 {
        0 => drop((call, session, incoming, connection)),
        _ => {
            drop(call);
            connection.close().await;
        }
    }
}

async fn visits(urls: &[String], numbers: std::ops::Range<usize>) {
    let mut visiting = tokio::task::JoinSet::new();
    for number in numbers {
        if visiting.len() >= TOGETHER {
            visiting.join_next().await.expect("there are some").expect("a visit succeeds");
        }
        let url = urls[number % urls.len()].clone();
        visiting.spawn(async move { visit(&url, number).await });
    }
    while let Some(visited) = visiting.join_next().await {
        visited.expect("a visit succeeds");
    }
}

async fn count(session: &Session, procedure: &str) -> usize {
    let answer = session.call(procedure, Payload::empty()).await.expect("the router counts");
    let text = answer.args_json();
    // Lists by policy: every digit group is one entry.
    text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).count()
}

/// Waits until the router has noticed that all have gone.
async fn settle(session: &Session, tasks: usize) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let sessions = session.call("wamp.session.count", Payload::empty()).await;
        let alone = sessions.expect("the router counts").args_json() == "[1]";
        if alone && Handle::current().metrics().num_alive_tasks() <= tasks {
            return;
        }
        assert!(Instant::now() < deadline, "sessions or tasks are left");
        tokio::task::yield_now().await;
    }
}

fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").expect("this is Linux");
    let pages: usize = status.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a number");
    pages * 4096
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_sessions_leave_nothing_behind() {
    let router = router();
    let watcher = router.attach("realm1", "watcher", "service").await.expect("the realm is there");
    let (watcher, _incoming) = watcher.split();
    let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let web = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let path = directory.path().join("router");
    let unix = UnixListener::bind(&path).expect("the directory is empty");
    let urls = [
        format!("tcp://{}", tcp.local_addr().expect("it is bound")),
        format!("ws://{}/ws", web.local_addr().expect("it is bound")),
        format!("unix:{}", path.display()),
    ];
    let app = axum::Router::new().route("/ws", router.websocket());
    let (over_tcp, over_unix) = (router.clone(), router.clone());
    let serving = [
        tokio::spawn(async move { over_tcp.serve_tcp(tcp).await }),
        tokio::spawn(async move { over_unix.serve_unix(unix).await }),
        tokio::spawn(async move { axum::serve(web, app).await.expect("serving does not fail") }),
    ];
    visits(&urls, 0..1).await;
    // The HTTP server's own tasks end a moment after their connections.
    let tasks = Handle::current().metrics().num_alive_tasks();
    let all = async {
        visits(&urls, 1..WARM_UP).await;
        settle(&watcher, tasks).await;
        let before = resident_bytes();
        visits(&urls, WARM_UP..SESSIONS).await;
        settle(&watcher, tasks).await;
        let grown = resident_bytes().saturating_sub(before);
        assert!(grown < GROWTH, "the process has grown by {grown} bytes");
    };
    timeout(Duration::from_secs(300), all).await.expect("the sessions come and go");
    assert_eq!(count(&watcher, "wamp.registration.list").await, 0);
    assert_eq!(count(&watcher, "wamp.subscription.list").await, 0);
    for task in serving {
        task.abort();
    }
    router.shutdown().await;
}

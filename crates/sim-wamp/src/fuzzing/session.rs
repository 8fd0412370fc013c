//! The life of sessions: any messages in any order, well formed and not, from three peers at once.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::message::{Message, decode, encode};
use crate::transport::{Close, Reader, Received, Transport, TransportError, Writer};
use crate::{
    Action, Limits, MatchPolicy, Payload, Router, Rule, Rules, Serializer, Session, SessionEvent,
    StaticUser, StaticUsers,
};

/// Lets three peers send what the bytes say, and go; nothing of them is left in the realm then, and
/// it still answers.
///
/// # Panics
/// When something is left, or the realm does not answer.
pub fn session(data: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        // What waits for a time to pass does not wait here.
        .start_paused(true)
        .build()
        .expect("a runtime on one thread needs nothing");
    runtime.block_on(play(Script(data)));
}

async fn play(mut script: Script<'_>) {
    let router = router();
    let local = router.attach("realm1", "echo", "service").await.expect("the realm is there");
    let (echo, mut calls) = local.split();
    echo.register("a.b", MatchPolicy::Exact).await.expect("nobody is there yet");
    echo.register("c.", MatchPolicy::Prefix).await.expect("nobody is there yet");
    echo.register(OWN, MatchPolicy::Exact).await.expect("nobody is there yet");
    let answering = tokio::spawn(async move {
        while let Some(event) = calls.recv().await {
            if let SessionEvent::Invocation(invocation) = event {
                let payload = invocation.payload.clone();
                invocation.respond(Ok(payload)).await;
            }
        }
    });
    let mut peers: Vec<Peer> = Serializer::ALL.map(|it| Peer::connect(&router, it)).into();
    while let Some(step) = script.byte() {
        let peer = &mut peers[usize::from(step) % 3];
        peer.act(step / 3, &mut script);
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
    }
    for peer in peers {
        drop(peer.incoming);
        peer.serving.await.expect("the connection's task does not fail");
    }
    check(&echo).await;
    echo.leave().await;
    answering.await.expect("the callee does not fail");
    router.shutdown().await;
}

fn router() -> Router {
    let all = [Action::Call, Action::Register, Action::Publish, Action::Subscribe];
    let users = StaticUsers::new()
        .user(StaticUser::new("ann", "user").ticket("secret").cra_secret("secret"))
        .guests("guest");
    let rules = Rules::new()
        .role("user", Rule::new("", MatchPolicy::Prefix, &all))
        .role("user", Rule::new(OWN, MatchPolicy::Exact, &[Action::Call]))
        .role("guest", Rule::new("a.", MatchPolicy::Prefix, &[Action::Call, Action::Subscribe]));
    let short = Duration::from_millis(20);
    let limits = Limits {
        queue: 8,
        queue_bytes: 4_000,
        subscriptions: 3,
        registrations: 3,
        open_calls: 3,
        testaments: 2,
        retained_events: 2,
        handshake: short,
        closing: short,
        ..Limits::default()
    };
    Router::builder()
        .realm("realm1")
        .authenticator(Arc::new(users))
        .authorizer(Arc::new(rules))
        .limits(limits)
        .history("a.", MatchPolicy::Prefix, 2)
        .start()
}

/// A procedure that nobody may take over.
const OWN: &str = "own.echo";

/// Only the callee is left, with those of its procedures that nobody took over, and the realm
/// answers.
async fn check(echo: &Session) {
    let ask = async |procedure: &str, argument: &str| {
        let payload = Payload::from_json(Some(format!("[{argument}]")), None);
        let answer = echo.call(&format!("wamp.{procedure}"), payload).await;
        answer.expect("the realm answers").args_json().to_owned()
    };
    assert_eq!(ask("session.count", "").await, "[1]");
    assert_eq!(ask("subscription.list", "").await, r#"[{"exact":[],"prefix":[],"wildcard":[]}]"#);
    let registrations = ask("registration.list", "").await;
    let ids = registrations.split(|c: char| !c.is_ascii_digit()).filter(|id| !id.is_empty());
    for id in ids {
        let callees = ask("registration.list_callees", id).await;
        assert_eq!(callees, format!("[[{}]]", echo.info().session));
    }
    let payload = Payload::from_json(Some("[7]"), None);
    assert_eq!(echo.call(OWN, payload.clone()).await, Ok(payload));
}

/// The bytes that say what happens.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> u8 {
        self.byte().unwrap_or_default()
    }

    fn bytes(&mut self) -> Bytes {
        let length = usize::from(self.number()).min(self.0.len());
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        Bytes::copy_from_slice(taken)
    }
}

/// One of the three.
struct Peer {
    serializer: Serializer,
    incoming: mpsc::UnboundedSender<Received>,
    /// The ids that the router has given: the last subscription and registration.
    ids: Arc<Mutex<[u64; 2]>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Peer {
    fn connect(router: &Router, serializer: Serializer) -> Self {
        let (incoming, messages) = mpsc::unbounded_channel();
        let ids = Arc::<Mutex<[u64; 2]>>::default();
        let memory = Memory { serializer, messages, ids: Arc::clone(&ids) };
        let router = router.clone();
        let serving = tokio::spawn(async move { router.serve(memory, None).await });
        Self { serializer, incoming, ids, serving }
    }

    fn act(&mut self, action: u8, script: &mut Script<'_>) {
        let received = match action {
            0 => Received::Message(script.bytes()),
            1 => Received::Ping(script.bytes()),
            2 => Received::Alive,
            3 => Received::Closed,
            _ => match self.message(action, script) {
                Some(bytes) => Received::Message(bytes),
                None => return,
            },
        };
        // A connection that has ended takes no more.
        drop(self.incoming.send(received));
    }

    /// Writes a message that is well formed, but not always allowed.
    fn message(&self, action: u8, script: &mut Script<'_>) -> Option<Bytes> {
        const URIS: [&str; 8] =
            ["a.b", "a.c", "c.d", "a.", "a..c", "wamp.session.on_join", "", "other"];
        const POLICIES: [&str; 3] = ["exact", "prefix", "wildcard"];
        const MODES: [&str; 3] = ["skip", "kill", "killnowait"];
        const INVOKES: [&str; 4] = ["single", "roundrobin", "last", "random"];
        const META: [&str; 5] = [
            "session.kill_all",
            "session.list",
            "subscription.get_events",
            "session.add_testament",
            "registration.remove_callee",
        ];
        let [subscription, registration] = *self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        let flags = script.number();
        let flag = |bit: u8| flags & (1 << bit) != 0;
        let id = script.number() % 8;
        let uri = URIS[usize::from(script.number()) % URIS.len()];
        let policy = POLICIES[usize::from(flags) % 3];
        let text = match action % 17 {
            0 => r#"[1,"realm1",{"roles":{"caller":{"features":{"progressive_call_invocations":true}},"callee":{"features":{"call_canceling":true,"progressive_call_results":true,"progressive_call_invocations":true}}},"authmethods":["anonymous"]}]"#.to_owned(),
            1 => format!(r#"[1,"realm1",{{"roles":{{}},"authmethods":["{}"],"authid":"ann"}}]"#, if flag(0) { "ticket" } else { "wampcra" }),
            2 => r#"[5,"secret",{}]"#.to_owned(),
            3 => format!(r#"[32,{id},{{"match":"{policy}","get_retained":{}}},"{uri}"]"#, flag(5)),
            4 => format!("[34,{id},{}]", subscription.max(1)),
            5 => format!(r#"[16,{id},{{"acknowledge":{},"exclude_me":{},"retain":{}}},"{uri}",[{id}]]"#, flag(0), flag(1), flag(2)),
            6 | 7 => format!(r#"[48,{id},{{"progress":{},"receive_progress":{},"timeout":{}}},"{uri}",["x"]]"#, flag(0), flag(1), flags / 64),
            8 => format!(r#"[49,{id},{{"mode":"{}"}}]"#, MODES[usize::from(flags) % 3]),
            9 | 10 => format!(r#"[64,{id},{{"match":"{policy}","invoke":"{}","force_reregister":{}}},"{uri}"]"#, INVOKES[usize::from(flags / 3) % 4], flag(7)),
            11 => format!("[66,{id},{}]", registration.max(1)),
            12 => format!(r#"[70,{id},{{"progress":{}}},[1]]"#, flag(0)),
            13 => format!(r#"[8,68,{id},{{}},"a.error",["no"]]"#),
            14 => r#"[6,{},"wamp.close.close_realm"]"#.to_owned(),
            15 => format!(r#"[48,{id},{{}},"wamp.{}",["a.b",[1],{{}}]]"#, META[usize::from(flags) % META.len()]),
            _ => r#"[3,{},"a.abort"]"#.to_owned(),
        };
        let message = decode(Serializer::Json, &Bytes::from(text)).expect("it is well formed");
        encode(&message, self.serializer).ok().map(Bytes::from)
    }
}

/// A connection in memory.
struct Memory {
    serializer: Serializer,
    messages: mpsc::UnboundedReceiver<Received>,
    ids: Arc<Mutex<[u64; 2]>>,
}

struct MemoryReader(mpsc::UnboundedReceiver<Received>);

struct MemoryWriter {
    serializer: Serializer,
    ids: Arc<Mutex<[u64; 2]>>,
}

impl Transport for Memory {
    type Reader = MemoryReader;
    type Writer = MemoryWriter;

    fn serializer(&self) -> Serializer {
        self.serializer
    }

    fn split(self) -> (MemoryReader, MemoryWriter) {
        let Self { serializer, messages, ids } = self;
        (MemoryReader(messages), MemoryWriter { serializer, ids })
    }
}

impl Reader for MemoryReader {
    async fn receive(&mut self) -> Result<Received, TransportError> {
        Ok(self.0.recv().await.unwrap_or(Received::Closed))
    }
}

impl Writer for MemoryWriter {
    /// Everything that a router writes is a message that a router may write.
    async fn feed(&mut self, message: Bytes) -> Result<(), TransportError> {
        let message = decode(self.serializer, &message).expect("a router writes messages");
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        match message {
            Message::Subscribed { subscription, .. } => ids[0] = subscription,
            Message::Registered { registration, .. } => ids[1] = registration,
            _ => {}
        }
        Ok(())
    }

    async fn pong(&mut self, _: Bytes) -> Result<(), TransportError> {
        Ok(())
    }

    async fn ping(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    async fn close(&mut self, _: Close) -> Result<(), TransportError> {
        Ok(())
    }
}

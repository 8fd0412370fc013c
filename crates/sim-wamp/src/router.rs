//! The router: realms in tasks of their own, and the ways into them.

mod broker;
mod connection;
mod dealer;
mod doors;
mod entrances;
mod failures;
mod gate;
mod handshake;
mod member;
mod meta;
mod outbox;
mod permission;
mod queue;
mod realm;
mod table;
mod testaments;
mod throttle;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use failures::FailedCall;
pub(crate) use gate::Gate;
pub(crate) use permission::Granted;
pub(crate) use realm::Command;

use crate::access::Epochs;
use crate::auth::Attempts;
use crate::id::random_id;
use crate::message::Features;
use crate::session::{Delivery, Link, Replies};
use crate::transport::{Origins, Transport};
use crate::uri::UriRule;
use crate::{
    AttemptLimits, Authenticator, Authorizer, Error, Incoming, Limits, LocalSession, MatchPolicy,
    Rules, Session, SessionInfo,
};
use broker::History;
use doors::{Admission, Doors};
use failures::Failures;
use member::Member;
use realm::{JoinRefused, Peer, Realm};

/// A WAMP router; clones are handles of the same one.
#[derive(Clone)]
pub struct Router {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Router {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Router").field("realms", &self.inner.realms.keys()).finish_non_exhaustive()
    }
}

/// What all connections of a router share.
struct Inner {
    realms: HashMap<Arc<str>, mpsc::Sender<Command>>,
    authenticator: Arc<dyn Authenticator>,
    attempts: Arc<Attempts>,
    authorizer: Arc<dyn Authorizer>,
    epochs: Epochs,
    limits: Limits,
    uri_rule: UriRule,
    origins: Origins,
    doors: Arc<Doors>,
    failures: Arc<Failures>,
    tasks: TaskTracker,
    /// No session joins any more.
    closing: CancellationToken,
    /// The time for goodbyes is over.
    closed: CancellationToken,
}

/// Collects what a router needs.
pub struct Builder {
    realms: Vec<Arc<str>>,
    authenticator: Arc<dyn Authenticator>,
    authorizer: Arc<dyn Authorizer>,
    limits: Limits,
    attempts: AttemptLimits,
    uri_rule: UriRule,
    origins: Origins,
    history: Vec<History>,
    disclose: bool,
    failures: usize,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("realms", &self.realms)
            .field("limits", &self.limits)
            .field("disclose", &self.disclose)
            .finish_non_exhaustive()
    }
}

/// The authenticator of a router that got none: it refuses everybody.
struct Nobody;

impl Authenticator for Nobody {
    fn methods(&self, _realm: &str) -> Vec<crate::AuthMethod> {
        Vec::new()
    }
}

impl Builder {
    /// Adds a realm.
    #[must_use]
    pub fn realm(mut self, name: impl Into<Arc<str>>) -> Self {
        self.realms.push(name.into());
        self
    }

    /// Sets who is let in from outside; without it nobody is.
    #[must_use]
    pub fn authenticator(mut self, authenticator: Arc<dyn Authenticator>) -> Self {
        self.authenticator = authenticator;
        self
    }

    /// Sets what sessions from outside may do; without it they may do nothing.
    #[must_use]
    pub fn authorizer(mut self, authorizer: Arc<dyn Authorizer>) -> Self {
        self.authorizer = authorizer;
        self
    }

    /// Sets the limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how many logins may fail.
    #[must_use]
    pub fn attempts(mut self, attempts: AttemptLimits) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets how strictly URIs are checked; loosely unless told otherwise.
    #[must_use]
    pub fn uri_rule(mut self, rule: UriRule) -> Self {
        self.uri_rule = rule;
        self
    }

    /// Sets which pages may open a WebSocket; any unless told otherwise, since logins do not come
    /// from a browser by themselves.
    #[must_use]
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = origins;
        self
    }

    /// Remembers the last `limit` events of the topics of a pattern in every realm, for
    /// `wamp.subscription.get_events`.
    #[must_use]
    pub fn history(mut self, uri: &str, policy: MatchPolicy, limit: usize) -> Self {
        self.history.push(History::new(uri, policy, limit));
        self
    }

    /// Remembers the last `limit` calls that failed, in any realm and for whatever reason, for
    /// [`Router::failed_calls`]; none unless told otherwise.
    #[must_use]
    pub fn failures(mut self, limit: usize) -> Self {
        self.failures = limit;
        self
    }

    /// Sets whether callers and publishers are disclosed to everybody, as they are by default, or
    /// only to trusted sessions and when the caller or publisher asks for it.
    #[must_use]
    pub fn disclose(mut self, disclose: bool) -> Self {
        self.disclose = disclose;
        self
    }

    /// Starts one task per realm; must be called within a Tokio runtime.
    #[must_use]
    pub fn start(self) -> Router {
        let tasks = TaskTracker::new();
        let failures = Arc::new(Failures::new(self.failures));
        let mut realms = HashMap::new();
        for name in self.realms {
            let (commands, inbox) = mpsc::channel(self.limits.realm_queue);
            let realm = Realm::new(self.limits.clone(), self.history.clone(), self.disclose)
                .remembering(Arc::clone(&failures));
            tasks.spawn(realm.run(inbox));
            realms.insert(name, commands);
        }
        Router {
            inner: Arc::new(Inner {
                realms,
                authenticator: self.authenticator,
                attempts: Arc::new(Attempts::new(self.attempts)),
                authorizer: self.authorizer,
                epochs: Epochs::default(),
                doors: Arc::new(Doors::new(&self.limits)),
                limits: self.limits,
                uri_rule: self.uri_rule,
                origins: self.origins,
                failures,
                tasks,
                closing: CancellationToken::new(),
                closed: CancellationToken::new(),
            }),
        }
    }
}

impl Router {
    /// Starts to describe a router without realms that lets nobody in from outside.
    #[must_use]
    pub fn builder() -> Builder {
        Builder {
            realms: Vec::new(),
            authenticator: Arc::new(Nobody),
            authorizer: Arc::new(Rules::new()),
            limits: Limits::default(),
            attempts: AttemptLimits::default(),
            uri_rule: UriRule::default(),
            origins: Origins::Any,
            history: Vec::new(),
            disclose: true,
            failures: 0,
        }
    }

    /// Joins a realm from within the process, trusted: nobody asks who this is or what it may do.
    ///
    /// # Errors
    /// When there is no such realm, it is full, or the router is shut down.
    pub async fn attach(
        &self,
        realm: &str,
        authid: &str,
        authrole: &str,
    ) -> Result<LocalSession, Error> {
        self.join_local(realm, authid, authrole, true).await
    }

    /// Joins a realm from within the process, with the rights of a remote session of this role.
    ///
    /// # Errors
    /// When there is no such realm, it is full, or the router is shut down.
    pub async fn attach_as(
        &self,
        realm: &str,
        authid: &str,
        authrole: &str,
    ) -> Result<LocalSession, Error> {
        self.join_local(realm, authid, authrole, false).await
    }

    /// Serves a peer on a connection to its end; `address` is where it comes from, if it comes
    /// over a network.
    ///
    /// The returned future may be dropped: the connection is served on by the router's own task.
    pub async fn serve<T: Transport>(&self, transport: T, address: Option<IpAddr>) {
        // Without a place the connection is closed by dropping it.
        if let Some(admission) = self.admit(address) {
            self.serve_admitted(transport, address, admission).await;
        }
    }

    /// Forgets what sessions of a role remember of their rights, because these have changed.
    pub fn role_changed(&self, role: &str) {
        self.inner.epochs.advance(role);
    }

    /// Returns the calls that failed last, the newest first.
    #[must_use]
    pub fn failed_calls(&self) -> Vec<FailedCall> {
        self.inner.failures.last()
    }

    /// Takes a place for a connection, if there is one.
    fn admit(&self, address: Option<IpAddr>) -> Option<Admission> {
        if self.inner.closing.is_cancelled() {
            return None;
        }
        self.inner.doors.admit(address)
    }

    async fn serve_admitted<T: Transport>(
        &self,
        transport: T,
        address: Option<IpAddr>,
        admission: Admission,
    ) {
        let inner = Arc::clone(&self.inner);
        let task = self.inner.tasks.spawn(async move {
            connection::serve(inner, transport, address).await;
            drop(admission);
        });
        if let Err(error) = task.await {
            tracing::error!("task of a connection failed: {error}");
        }
    }

    /// Ends all sessions of an authid in a realm with the GOODBYE `wamp.close.killed`; trusted
    /// sessions stay. Nothing happens when there is no such realm.
    pub async fn kill(&self, realm: &str, authid: &str) {
        if let Some(commands) = self.inner.realms.get(realm) {
            // A realm that is gone has nobody left to end.
            drop(commands.send(Command::Kill { authid: authid.into() }).await);
        }
    }

    /// Says goodbye to all sessions and ends all tasks; sessions that do not answer are waited for
    /// no longer than [`Limits::closing`].
    pub async fn shutdown(&self) {
        self.inner.closing.cancel();
        for commands in self.inner.realms.values() {
            // A realm that is gone already has nobody to say goodbye to.
            drop(commands.send(Command::Shutdown).await);
        }
        self.inner.tasks.close();
        if tokio::time::timeout(self.inner.limits.closing, self.inner.tasks.wait()).await.is_err() {
            self.inner.closed.cancel();
            self.inner.tasks.wait().await;
        }
    }

    async fn join_local(
        &self,
        realm: &str,
        authid: &str,
        authrole: &str,
        trusted: bool,
    ) -> Result<LocalSession, Error> {
        let inner = &self.inner;
        let Some((name, commands)) = inner.realms.get_key_value(realm) else {
            return Err(Error::NoSuchRealm(realm.to_owned()));
        };
        let info = Arc::new(SessionInfo {
            session: random_id(),
            authid: authid.into(),
            authrole: authrole.into(),
            authmethod: "local".into(),
            authprovider: "local".into(),
            realm: Arc::clone(name),
        });
        let gate = if trusted {
            Gate::trusted(Arc::clone(&info), inner.uri_rule, Arc::clone(&inner.failures))
        } else {
            let authorizer = Arc::clone(&inner.authorizer);
            let failures = Arc::clone(&inner.failures);
            Gate::asking(Arc::clone(&info), inner.uri_rule, authorizer, &inner.epochs, failures)
        };
        let link =
            Arc::new(Link::Realm { commands: commands.clone(), session: info.session, gate });
        let replies = Arc::new(Replies::default());
        let (sender, events) = mpsc::channel(inner.limits.local_queue);
        let peer =
            Peer::Local(Delivery::new(Arc::clone(&replies), sender, Arc::clone(&link), trusted));
        let member = Member::new(Arc::clone(&info), trusted, Features::ALL);
        join(commands, member, peer).await.map_err(|refused| match refused {
            JoinRefused::Full => Error::RealmFull(realm.to_owned()),
            JoinRefused::ShutDown => Error::ShutDown,
        })?;
        let session = Session::new(info, link, replies);
        Ok(LocalSession { incoming: Incoming::new(events, session.clone()), session })
    }
}

/// Asks a realm to take a session in.
async fn join(
    commands: &mpsc::Sender<Command>,
    member: Member,
    peer: Peer,
) -> Result<(), JoinRefused> {
    let (answer, answered) = oneshot::channel();
    let command = Command::Join { member, peer, answer };
    commands.send(command).await.map_err(|_| JoinRefused::ShutDown)?;
    answered.await.unwrap_or(Err(JoinRefused::ShutDown))
}

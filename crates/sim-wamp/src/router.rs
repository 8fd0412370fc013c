//! The router: realms in tasks of their own, and the ways into them.

mod broker;
mod connection;
mod dealer;
mod gate;
mod handshake;
mod realm;
mod socket;

use std::collections::HashMap;
use std::sync::Arc;

use axum::routing::MethodRouter;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use gate::Gate;
pub(crate) use realm::Command;

use crate::id::random_id;
use crate::session::{Delivery, Link, Replies};
use crate::{
    Authenticator, Authorizer, Error, Incoming, Limits, LocalSession, Rules, Session, SessionInfo,
};
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
    authorizer: Arc<dyn Authorizer>,
    limits: Limits,
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
    disclose: bool,
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
        let mut realms = HashMap::new();
        for name in self.realms {
            let (commands, inbox) = mpsc::channel(self.limits.realm_queue);
            let realm = Realm::new(self.limits.clone(), self.disclose);
            tasks.spawn(realm.run(inbox));
            realms.insert(name, commands);
        }
        Router {
            inner: Arc::new(Inner {
                realms,
                authenticator: self.authenticator,
                authorizer: self.authorizer,
                limits: self.limits,
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
            disclose: true,
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
        self.join_local(realm, authid, authrole, None).await
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
        let authorizer = Arc::clone(&self.inner.authorizer);
        self.join_local(realm, authid, authrole, Some(authorizer)).await
    }

    /// Returns the endpoint for WebSockets, to be routed at `/ws`.
    ///
    /// The caller owns the listener: it should set `TCP_NODELAY` on what it accepts.
    pub fn websocket<S: Clone + Send + Sync + 'static>(&self) -> MethodRouter<S> {
        socket::endpoint(Arc::clone(&self.inner))
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
        authorizer: Option<Arc<dyn Authorizer>>,
    ) -> Result<LocalSession, Error> {
        let Some((name, commands)) = self.inner.realms.get_key_value(realm) else {
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
        let trusted = authorizer.is_none();
        let gate = Gate::new(Arc::clone(&info), authorizer);
        let link =
            Arc::new(Link::Realm { commands: commands.clone(), session: info.session, gate });
        let replies = Arc::new(Replies::default());
        let (sender, events) = mpsc::channel(self.inner.limits.local_queue);
        let peer =
            Peer::Local(Delivery::new(Arc::clone(&replies), sender, Arc::clone(&link), trusted));
        join(commands, &info, peer, trusted).await.map_err(|refused| match refused {
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
    info: &Arc<SessionInfo>,
    peer: Peer,
    trusted: bool,
) -> Result<(), JoinRefused> {
    let (answer, answered) = oneshot::channel();
    let command = Command::Join { info: Arc::clone(info), peer, trusted, answer };
    commands.send(command).await.map_err(|_| JoinRefused::ShutDown)?;
    answered.await.unwrap_or(Err(JoinRefused::ShutDown))
}

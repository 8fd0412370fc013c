//! Where browsers meet the engines: in a router of this process, or in one of another.

use std::sync::Arc;

use sim_engine::{Engine, Messages};
use sim_wamp::{FailedCall, Incoming, Limits, LocalSession, Router, Session};
use tokio::sync::SetOnce;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::access::Engines;
use crate::link::{Doors, Keeper, Link, RemoteRouter};
use crate::messages::{OPERATOR, RealmMessages, offer, pump, watch};
use crate::monitor::FAILURES;
use crate::service::ServiceError;

/// The router in which browsers meet the engines.
#[derive(Clone, Debug)]
pub enum RouterConfig {
    /// One of this process, with these limits.
    Own(Limits),
    /// One of another process.
    Elsewhere(RemoteRouter),
}

impl Default for RouterConfig {
    fn default() -> Self {
        Self::Own(Limits::default())
    }
}

/// The realm in which browsers meet the engines.
pub(crate) struct Realm {
    name: String,
    kind: Kind,
    /// Why the service cannot go on.
    broken: Arc<SetOnce<ServiceError>>,
}

enum Kind {
    /// Each engine has a session of its own.
    Own { router: Router, pumps: Vec<JoinHandle<()>> },
    /// One session for all engines, which the keeper holds once it runs.
    Elsewhere {
        link: Arc<Link>,
        keeper: Option<Box<Keeper>>,
        keeping: Option<JoinHandle<()>>,
        stop: CancellationToken,
    },
}

/// What the staff may see of a realm.
#[derive(Clone)]
pub(crate) enum Window {
    /// The router, and a session in it that asks the router about itself.
    Own(Router, Arc<LocalSession>),
    /// The session that the engines have.
    Elsewhere(Arc<Link>),
}

/// The engine's end of a session in a router of this process, until the engine runs.
pub(crate) struct Entrance(Option<(Session, Incoming)>);

impl Realm {
    /// Starts the router, if it is of this process.
    pub(crate) fn open(name: &str, config: RouterConfig, doors: Doors, engines: Engines) -> Self {
        let broken: Arc<SetOnce<ServiceError>> = Arc::default();
        let kind = match config {
            RouterConfig::Own(limits) => {
                let Doors { users, scopes } = doors;
                let router = Router::builder()
                    .realm(name)
                    .authenticator(Arc::new(users))
                    .authorizer(Arc::new(scopes))
                    .limits(limits)
                    .failures(FAILURES)
                    .start();
                Kind::Own { router, pumps: Vec::new() }
            }
            RouterConfig::Elsewhere(router) => {
                let link = Arc::new(Link::new(&router.url));
                let stop = CancellationToken::new();
                let keeper = Keeper {
                    link: link.clone(),
                    router,
                    realm: name.to_owned(),
                    engines,
                    doors: Arc::new(doors),
                    stop: stop.clone(),
                    broken: broken.clone(),
                };
                let keeper = Some(Box::new(keeper));
                Kind::Elsewhere { link, keeper, keeping: None, stop }
            }
        };
        Self { name: name.to_owned(), kind, broken }
    }

    /// The router, if it is of this process.
    pub(crate) fn router(&self) -> Option<&Router> {
        match &self.kind {
            Kind::Own { router, .. } => Some(router),
            Kind::Elsewhere { .. } => None,
        }
    }

    /// The way to the router, if it is of another process.
    pub(crate) fn link(&self) -> Option<&Arc<Link>> {
        match &self.kind {
            Kind::Own { .. } => None,
            Kind::Elsewhere { link, .. } => Some(link),
        }
    }

    /// What the staff may see.
    pub(crate) async fn window(&self) -> Result<Window, ServiceError> {
        Ok(match &self.kind {
            Kind::Own { router, .. } => {
                let session = router.attach(&self.name, "monitor", OPERATOR).await;
                Window::Own(router.clone(), Arc::new(session.map_err(ServiceError::Router)?))
            }
            Kind::Elsewhere { link, .. } => Window::Elsewhere(link.clone()),
        })
    }

    /// The message port for the engine of a game, and what it needs to be let in.
    pub(crate) async fn port(
        &self,
        slug: &str,
    ) -> Result<(Arc<dyn Messages>, Entrance), ServiceError> {
        let router = match &self.kind {
            Kind::Own { router, .. } => router,
            Kind::Elsewhere { link, .. } => return Ok((link.clone(), Entrance(None))),
        };
        let attached = router.attach(&self.name, &format!("engine of {slug}"), OPERATOR).await;
        let (session, incoming) = attached.map_err(ServiceError::Router)?.split();
        let messages = Arc::new(RealmMessages::new(session.clone(), router.clone()));
        Ok((messages, Entrance(Some((session, incoming)))))
    }

    /// Lets an engine in. In a router of another process it comes in with all others.
    pub(crate) async fn let_in(
        &mut self,
        engine: &Engine,
        entrance: Entrance,
    ) -> Result<(), sim_wamp::CallError> {
        let (Kind::Own { pumps, .. }, Some((session, incoming))) = (&mut self.kind, entrance.0)
        else {
            return Ok(());
        };
        offer(&session, engine).await?;
        watch(&session).await?;
        let (pumped, broken) = (engine.clone(), self.broken.clone());
        pumps.push(tokio::spawn(async move {
            pump(incoming, pumped).await;
            // The router ends an in-process session whose queue has overflowed. When the service
            // stops, nobody asks.
            drop(broken.set(ServiceError::CutOff));
        }));
        Ok(())
    }

    /// Begins to meet browsers, now that all engines are there.
    pub(crate) fn begin(&mut self) {
        if let Kind::Elsewhere { keeper, keeping, .. } = &mut self.kind {
            *keeping = keeper.take().map(|keeper| tokio::spawn(keeper.run()));
        }
    }

    /// Waits until browsers can come in.
    pub(crate) async fn opened(&self) {
        if let Kind::Elsewhere { link, .. } = &self.kind {
            link.opened().await;
        }
    }

    /// Waits until it is of no use any more, and tells why.
    pub(crate) async fn broken(&self) -> &ServiceError {
        self.broken.wait().await
    }

    /// Says goodbye to every session.
    pub(crate) async fn close(self) {
        let tasks = match self.kind {
            Kind::Own { router, pumps } => {
                router.shutdown().await;
                pumps
            }
            Kind::Elsewhere { keeping, stop, .. } => {
                stop.cancel();
                keeping.into_iter().collect()
            }
        };
        for task in tasks {
            // The session has ended, so that the task has nothing left to wait for.
            if let Err(error) = task.await {
                tracing::error!("the engine's session ended badly: {error}");
            }
        }
    }
}

impl Window {
    /// A session that may ask the router about itself, while there is one.
    pub(crate) fn session(&self) -> Option<Session> {
        match self {
            Self::Own(_, local) => Some(local.session.clone()),
            Self::Elsewhere(link) => link.session(),
        }
    }

    /// The calls that failed last, the newest first.
    pub(crate) fn failed_calls(&self) -> Vec<FailedCall> {
        match self {
            Self::Own(router, _) => router.failed_calls(),
            Self::Elsewhere(link) => link.failed_calls(),
        }
    }
}

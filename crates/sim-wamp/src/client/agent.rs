//! A client that stays: sessions over and over, with what the program wants in each of them.

mod backoff;
mod calls;
mod handle;
mod handler;
mod joined;
mod queue;
mod results;
mod shared;
mod status;
mod subscription;
mod supervisor;
#[cfg(test)]
mod tests;
mod values;
mod wishes;

use std::ops::Deref;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use backoff::{Backoff, Waits};
pub use handle::AgentHandle;
pub use handler::{Progress, Registration, Reply, Request};
pub use results::Results;
pub use status::{Refused, RefusedKind, Setback, Status, StatusWatch};
pub use subscription::{EventError, Missed, Subscription};

use crate::{ClientOptions, Credentials};
use shared::Shared;
use supervisor::{Plan, Supervisor};

/// How many calls of an agent's procedures run at the same time, unless told otherwise.
const CALLS_AT_ONCE: usize = 1024;
/// How many events wait for one subscription, unless told otherwise.
const EVENT_QUEUE: usize = 1024;

/// A client that stays joined: it has one session at a time, seeks another whenever one is lost,
/// and takes its procedures and topics along.
///
/// An agent acts through its [`AgentHandle`], whose methods it has, too. One task holds the
/// session; [`Agent::close`] leaves and waits for that, dropping the agent leaves at once.
///
/// ```
/// use std::sync::Arc;
///
/// use sim_wamp::{
///     Action, Agent, CallError, Credentials, MatchPolicy, Request, Router, Rule, Rules, StaticUser,
///     StaticUsers,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> anyhow::Result<()> {
/// # let all = [Action::Call, Action::Register, Action::Publish, Action::Subscribe];
/// # let router = Router::builder()
/// #     .realm("realm1")
/// #     .authenticator(Arc::new(
/// #         StaticUsers::new().user(StaticUser::new("ann", "user").ticket("long and random")),
/// #     ))
/// #     .authorizer(Arc::new(Rules::new().role("user", Rule::new("", MatchPolicy::Prefix, &all))))
/// #     .start();
/// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let url = format!("tcp://{}", listener.local_addr()?);
/// # let serving = router.clone();
/// # tokio::spawn(async move { serving.serve_tcp(listener).await });
/// let credentials =
///     Credentials::Ticket { authid: "ann".into(), ticket: "long and random".into() };
/// let agent = Agent::builder(url, "realm1").credentials(credentials).start();
///
/// // Offered in every session, until the registration is dropped.
/// let add = |request: Request| async move {
///     let (a, b): (i64, i64) = request.args()?;
///     a.checked_add(b).ok_or_else(|| CallError::new("com.example.overflow", "too much"))
/// };
/// let _add = agent.register("com.example.add", MatchPolicy::Exact, add).await?;
/// let mut ticks = agent.subscribe("com.example.tick", MatchPolicy::Exact).await?;
///
/// let sum: i64 = agent.call("com.example.add", &(2, 3)).await?;
/// assert_eq!(sum, 5);
///
/// let tick = sim_wamp::Publication::new("com.example.tick", sim_wamp::Payload::from_args(&[1])?);
/// agent.publish_with(tick.including_me()).await?;
/// assert_eq!(ticks.next::<u32>().await, Some(Ok(1)));
///
/// agent.close().await;
/// # Ok(())
/// # }
/// ```
///
/// # What ends it
///
/// [`Agent::close`] and dropping it, that all its routers have refused it one after the other, and
/// [`Backoff::give_up_after`]. A router has refused an agent when it aborts the login because of
/// the login: `wamp.error.authentication_failed`, `not_authorized`, `no_such_realm`,
/// `no_matching_auth_method` and their likes in the specification. The same login would fail
/// again, and trying it on and on may lock the account. A URL of no use counts as refused.
///
/// Everything else is tried again: routers that are not reached, busy or shutting down, sessions
/// that are lost, and also those that were ended with `wamp.close.killed`. Whether somebody who was
/// sent away may return is for the login to decide, which comes next anyway; an agent that stayed
/// away would take a service down for as long as nobody notices. The waits go on growing
/// until a session has lasted for [`Backoff::longest`], so that nobody is hurried by an agent that
/// is thrown out again and again.
///
/// # Over sessions
///
/// * **Calls** that are under way when a session is lost fail with `wamp.error.session_ended` and
///   are never repeated, since they may have been executed. Without a session, calls and
///   publications fail at once with the same error, unless they are made through
///   [`AgentHandle::when_joined`].
/// * **Procedures and topics** are asked for again in every session. What the router grants the
///   first time and refuses later, perhaps because it has not noticed yet that the session before
///   is gone, stands in [`Status::Joined`] and is asked for again, less and less often. What
///   is refused the first time is an error of [`AgentHandle::register`] and
///   [`AgentHandle::subscribe`], and not tried again.
/// * **Events** that are published between two sessions are lost; the subscription says so with
///   [`Missed`].
/// * **Procedures that run** when a session is lost are ended, as when their caller cancels.
#[derive(Debug)]
#[must_use = "dropping it leaves the realm"]
pub struct Agent {
    handle: AgentHandle,
    leaving: CancellationToken,
    task: JoinHandle<()>,
}

/// Collects what an agent needs.
#[derive(Debug)]
#[must_use = "an agent does nothing before it is started"]
pub struct AgentBuilder {
    plan: Plan,
    event_queue: usize,
}

impl Agent {
    /// Starts to describe an agent of a realm, whose router has this URL (`ws`, `wss`, `tcp`,
    /// `tls` or `unix`).
    pub fn builder(url: impl Into<String>, realm: impl Into<String>) -> AgentBuilder {
        AgentBuilder {
            plan: Plan {
                urls: vec![url.into()],
                realm: realm.into(),
                credentials: Credentials::Anonymous,
                options: ClientOptions::default(),
                backoff: Backoff::default(),
                calls_at_once: CALLS_AT_ONCE,
            },
            event_queue: EVENT_QUEUE,
        }
    }

    /// Returns a handle that others may use while the agent lives.
    #[must_use]
    pub fn handle(&self) -> AgentHandle {
        self.handle.clone()
    }

    /// Withdraws the procedures, lets calls that are open come to their end for no longer than
    /// [`ClientOptions::patience`], says goodbye, and waits for all of that.
    pub async fn close(mut self) {
        self.leaving.cancel();
        if let Err(error) = (&mut self.task).await {
            tracing::error!(%error, "task of a WAMP agent failed");
        }
    }
}

impl Deref for Agent {
    type Target = AgentHandle;

    fn deref(&self) -> &AgentHandle {
        &self.handle
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl AgentBuilder {
    /// Adds a router to the realm's; they are tried in turn, after the loss of a session beginning
    /// with the one that follows.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.plan.urls.push(url.into());
        self
    }

    /// Sets how the agent proves who it is; it is anonymous unless told otherwise.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.plan.credentials = credentials;
        self
    }

    /// Sets how it connects.
    pub fn options(mut self, options: ClientOptions) -> Self {
        self.plan.options = options;
        self
    }

    /// Sets how long it waits before it tries again what has failed.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.plan.backoff = backoff;
        self
    }

    /// Sets how many calls of its procedures run at the same time, 1024 unless told otherwise; one
    /// more is answered with `wamp.error.resource_exhausted`.
    pub fn calls_at_once(mut self, most: usize) -> Self {
        self.plan.calls_at_once = most;
        self
    }

    /// Sets how many events wait for one subscription, 1024 unless told otherwise; see
    /// [`Subscription`] for what happens to one more.
    pub fn event_queue(mut self, most: usize) -> Self {
        self.event_queue = most;
        self
    }

    /// Starts the agent's task; must be called within a Tokio runtime.
    pub fn start(self) -> Agent {
        let shared = Arc::new(Shared::new(self.event_queue));
        let leaving = CancellationToken::new();
        let supervisor = Supervisor::new(Arc::clone(&shared), self.plan, leaving.clone());
        let task = tokio::spawn(supervisor.run());
        Agent { handle: AgentHandle::new(shared), leaving, task }
    }
}

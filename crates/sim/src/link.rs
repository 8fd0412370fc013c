//! The way to a router of another process: one session in which all engines meet the browsers.
//!
//! The router asks this session who may log in and what they may do (see `doors`). When the
//! session is lost, it is sought again until it is there. Whoever was in the realm meanwhile has
//! missed events, and is sent away: pages come back by themselves, and read everything anew.

mod doors;
mod meeting;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use sim_engine::{Event, Messages};
use sim_games_types::UserPk;
use sim_wamp::{Backoff, Client, ClientOptions, Credentials, FailedCall, Payload, Session, uri};
use tokio::sync::{SetOnce, watch};
use tokio_util::sync::CancellationToken;

pub(crate) use doors::Doors;

use self::meeting::{End, Meeting};
use crate::access::Engines;
use crate::messages::publication;
use crate::monitor::FAILURES;
use crate::remote::Secret;
use crate::service::ServiceError;

/// The longest pause between two attempts to join.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How often the router is pinged, and how long it may be silent.
const PINGS: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(20));

/// A router of another process, and how the service joins it.
#[derive(Clone, Debug)]
pub struct RemoteRouter {
    /// Its URL: `ws`, `wss`, `tcp`, `tls` or `unix`.
    pub url: String,
    /// The name by which the service logs in.
    pub user: String,
    /// The ticket that proves it; without one it logs in as nobody, which the router must allow.
    pub ticket: Option<Secret>,
    /// Where browsers reach the router, if not where they got the page.
    pub for_browsers: Option<String>,
}

/// The way to the router, as the rest of the service sees it.
pub(crate) struct Link {
    url: String,
    state: watch::Sender<State>,
    /// The calls that the engines answered with an error, the newest first.
    failures: Mutex<VecDeque<FailedCall>>,
}

/// How the way stands.
enum State {
    /// There is none, because of this.
    Lost(String),
    /// The session in which browsers are met.
    Open(Session),
}

impl Link {
    pub(crate) fn new(url: &str) -> Self {
        let state = watch::Sender::new(State::Lost("it was not reached yet".to_owned()));
        Self { url: url.to_owned(), state, failures: Mutex::default() }
    }

    /// The session, while there is one.
    pub(crate) fn session(&self) -> Option<Session> {
        match &*self.state.borrow() {
            State::Open(session) => Some(session.clone()),
            State::Lost(_) => None,
        }
    }

    /// Why browsers cannot reach the engines now; nothing when they can.
    pub(crate) fn problem(&self) -> Option<String> {
        match &*self.state.borrow() {
            State::Open(_) => None,
            State::Lost(reason) => {
                Some(format!("the router at {} cannot be used: {reason}", self.url))
            }
        }
    }

    /// Waits until browsers can reach the engines.
    pub(crate) async fn opened(&self) {
        let mut states = self.state.subscribe();
        // The sender lives as long as this.
        drop(states.wait_for(|state| matches!(state, State::Open(_))).await);
    }

    /// The calls that failed last, the newest first.
    pub(crate) fn failed_calls(&self) -> Vec<FailedCall> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn note(&self, failed: FailedCall) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.truncate(FAILURES - 1);
        failures.push_front(failed);
    }

    fn opened_by(&self, session: Session) {
        tracing::info!("browsers are met in the router at {}", self.url);
        self.state.send_replace(State::Open(session));
    }

    /// Says that the way is lost, once for each reason.
    fn lost(&self, reason: String) {
        let is_news = self.state.send_if_modified(|state| {
            let is_news = !matches!(state, State::Lost(known) if *known == reason);
            *state = State::Lost(reason.clone());
            is_news
        });
        if is_news {
            tracing::warn!("the router at {} cannot be used: {reason}", self.url);
        }
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("url", &self.url).finish_non_exhaustive()
    }
}

/// The engine's message port on a router of another process. Events that find no router are
/// dropped: see the module.
#[async_trait]
impl Messages for Link {
    async fn publish(&self, events: Vec<Event>) {
        let Some(session) = self.session() else { return };
        // To nobody means to everybody for some routers.
        let events = events.into_iter().filter(|event| !event.audience.is_empty());
        if session.publish_all(events.map(publication).collect()).await.is_err() {
            tracing::debug!("events were dropped: the router is gone");
        }
    }

    async fn dismiss(&self, user: UserPk) {
        let Some(session) = self.session() else { return };
        let user = user.to_string();
        send_away(&session, "wamp.session.kill_by_authid", &user).await;
    }
}

/// Ends all sessions of a user or of a role.
async fn send_away(session: &Session, procedure: &str, whom: &str) {
    let reason = serde_json::json!({"reason": uri::KILLED}).to_string();
    let payload = Payload::from_json(Some(serde_json::json!([whom]).to_string()), Some(reason));
    if let Err(error) = session.call(procedure, payload).await {
        tracing::warn!("the router did not end the sessions of {whom}: {error}");
    }
}

/// What keeps the way to the router.
pub(crate) struct Keeper {
    pub(crate) link: Arc<Link>,
    pub(crate) router: RemoteRouter,
    pub(crate) realm: String,
    pub(crate) engines: Engines,
    pub(crate) doors: Arc<Doors>,
    pub(crate) stop: CancellationToken,
    /// Why the service cannot go on.
    pub(crate) broken: Arc<SetOnce<ServiceError>>,
}

impl Keeper {
    /// Joins the realm again and again, until the service stops, or the router refuses it at the
    /// first time.
    pub(crate) async fn run(self) {
        let (first, longest) = (Duration::from_millis(100), LONGEST_PAUSE);
        let backoff = Backoff { first, longest, ..Backoff::default() };
        let mut waits = backoff.waits();
        let mut was_open = false;
        loop {
            let joined = tokio::select! {
                () = self.stop.cancelled() => return,
                joined = self.join() => joined,
            };
            match joined {
                Err(error) if error.is_final() && !was_open => {
                    let url = self.router.url.clone();
                    // Nobody else sets it on this way.
                    drop(self.broken.set(ServiceError::Refused { url, error }));
                    return;
                }
                Err(error) => self.link.lost(chain(&error)),
                Ok(client) => {
                    let meeting = Meeting::new(&self);
                    match meeting.hold(client).await {
                        End::Stopped => return,
                        End::Lost { reason, was_open: opened } => {
                            self.link.lost(reason);
                            if opened {
                                was_open = true;
                                waits.reset();
                            }
                        }
                    }
                }
            }
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(waits.next_wait()) => {}
            }
        }
    }

    async fn join(&self) -> Result<Client, sim_wamp::Error> {
        let RemoteRouter { url, user, ticket, .. } = &self.router;
        let credentials = match ticket {
            Some(ticket) => {
                Credentials::Ticket { authid: user.clone(), ticket: ticket.reveal().to_owned() }
            }
            None => Credentials::Anonymous,
        };
        let (ping, idle) = PINGS;
        let options = ClientOptions { ping, idle, ..ClientOptions::default() };
        Client::connect_with(url, &self.realm, &credentials, options).await
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

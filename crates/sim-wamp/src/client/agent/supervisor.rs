//! The task of an agent: gets it a session, again and again.

use std::sync::Arc;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::backoff::{Backoff, Waits};
use super::joined::{End, Joined};
use super::status::{Setback, Status};
use crate::{Client, ClientOptions, Credentials, uri};

/// What an agent was told.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) urls: Vec<String>,
    pub(super) realm: String,
    pub(super) credentials: Credentials,
    pub(super) options: ClientOptions,
    pub(super) backoff: Backoff,
    pub(super) calls_at_once: usize,
}

/// The task; dropping it ends the agent.
#[derive(Debug)]
pub(super) struct Supervisor {
    shared: Arc<Shared>,
    plan: Plan,
    leaving: CancellationToken,
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.shared.end(left(uri::CLOSE_REALM));
    }
}

impl Supervisor {
    pub(super) fn new(shared: Arc<Shared>, plan: Plan, leaving: CancellationToken) -> Self {
        Self { shared, plan, leaving }
    }

    pub(super) async fn run(self) {
        let status = self.supervise().await;
        self.shared.end(status);
    }

    /// Holds sessions until the agent has left or given up.
    async fn supervise(&self) -> Status {
        let mut waits = self.plan.backoff.waits();
        let (mut turn, mut setback) = (0, None);
        loop {
            let joining = tokio::select! {
                biased;
                () = self.leaving.cancelled() => return left(uri::CLOSE_REALM),
                joining = self.join(&mut turn, &mut waits, setback) => joining,
            };
            let (session, incoming, connection) = match joining {
                Ok(client) => client.split(),
                Err(last_error) => {
                    tracing::error!(error = %chain(&last_error), "agent has given up");
                    return Status::Failed { last_error };
                }
            };
            let since = Instant::now();
            self.shared.joined(session.clone());
            let Plan { backoff, calls_at_once, options, .. } = &self.plan;
            let joined = Joined::new(&self.shared, backoff, session, *calls_at_once);
            let end = tokio::select! {
                end = joined.run(incoming, connection, &self.leaving, options.patience) => end,
                () = self.out_of_patience() => End::Left(uri::CLOSE_REALM.to_owned()),
            };
            self.shared.wishes.pause();
            match end {
                End::Left(reason) => return left(&reason),
                End::Lost(reason) => {
                    tracing::warn!(reason, "session has ended and is sought anew");
                    setback = Some(Setback::Ended { reason });
                }
            }
            // A session that ends at once counts as one more attempt that failed, so that two
            // agents who replace each other, or a router that lets in and throws out, come to
            // rest.
            if since.elapsed() >= backoff.longest {
                waits.reset();
            }
        }
    }

    /// Waits until leaving has taken longer than it should, because the router reads nothing.
    async fn out_of_patience(&self) {
        self.leaving.cancelled().await;
        // Open calls and the closing of the connection have it once each.
        sleep(self.plan.options.patience.saturating_mul(3)).await;
    }

    /// Tries the routers in turn until one lets the agent in, all have refused it for good, or
    /// the time is up.
    async fn join(
        &self,
        turn: &mut usize,
        waits: &mut Waits,
        mut setback: Option<Setback>,
    ) -> Result<Client, Setback> {
        let Plan { urls, realm, credentials, options, .. } = &self.plan;
        let begun = Instant::now();
        let mut attempt = 1;
        let mut open: Vec<usize> =
            (0..urls.len()).map(|place| (*turn + place) % urls.len()).collect();
        self.shared.connecting(attempt, setback.clone());
        loop {
            if let Some(setback) = &setback {
                self.pause(begun, waits, setback).await?;
            }
            let mut refused_by = Vec::new();
            for place in &open {
                let joining =
                    Client::connect_with(&urls[*place], realm, credentials, options.clone());
                let error = match joining.await {
                    Ok(client) => {
                        *turn = place + 1;
                        return Ok(client);
                    }
                    Err(error) => error,
                };
                if error.is_final() {
                    refused_by.push(*place);
                }
                attempt += 1;
                let failed = Setback::Join(Arc::new(error));
                tracing::warn!(error = %chain(&failed), "agent could not join");
                self.shared.connecting(attempt, Some(failed.clone()));
                setback = Some(failed);
            }
            open.retain(|place| !refused_by.contains(place));
            if let (true, Some(setback)) = (open.is_empty(), &setback) {
                return Err(setback.clone());
            }
        }
    }

    /// Waits before the next round, if there is time for one.
    async fn pause(
        &self,
        begun: Instant,
        waits: &mut Waits,
        setback: &Setback,
    ) -> Result<(), Setback> {
        let wait = waits.next_wait();
        let limit = self.plan.backoff.give_up_after;
        if limit.is_some_and(|limit| begun.elapsed() + wait > limit) {
            return Err(setback.clone());
        }
        sleep(wait).await;
        Ok(())
    }
}

fn left(reason: &str) -> Status {
    Status::Left { reason: reason.to_owned() }
}

/// Writes an error with its causes.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

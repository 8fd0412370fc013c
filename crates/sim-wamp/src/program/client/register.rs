//! `wamp register`: each call runs a command.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Result, bail};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::output::failure;
use super::{Joined, cli, exec};
use crate::program::note;
use crate::{CallError, Invocation, Payload, RegisterOptions, SessionEvent, uri};

/// How many calls wait for a place among those whose commands run; one more is refused.
const WAITING: usize = 1024;

/// The calls that are not answered yet.
struct Calls {
    command: Arc<[String]>,
    running: Arc<Semaphore>,
    most: usize,
    open: HashMap<u64, CancellationToken>,
    tasks: JoinSet<Option<u64>>,
}

pub(super) async fn run(joined: &mut Joined, args: &cli::Register) -> Result<()> {
    let options =
        RegisterOptions { policy: args.policy, invoke: args.invoke, force_reregister: args.force };
    let session = joined.session.clone();
    let registered = session.register(&args.uri, options);
    let registration = joined.stop.unless_wanted(registered).await?.map_err(failure)?;
    note(format_args!("registered `{}`", args.uri));
    let mut calls = Calls::new(&args.exec, args.jobs.into());
    let mut is_leaving = false;
    while !(is_leaving && calls.tasks.is_empty()) {
        tokio::select! {
            received = joined.incoming.recv() => match received {
                Some(SessionEvent::Invocation(invocation)) => calls.take(invocation).await,
                Some(SessionEvent::Interrupt(interrupt)) => calls.interrupt(interrupt.request),
                Some(SessionEvent::Unregistered { reason, .. }) => {
                    bail!("the router has ended the registration: {reason}");
                }
                Some(SessionEvent::Goodbye { reason }) => {
                    bail!("the router has ended the session: {reason}");
                }
                Some(_) => {}
                None => bail!("the session has ended"),
            },
            Some(done) = calls.tasks.join_next() => calls.forget(done),
            () = joined.stop.wanted() => {
                if is_leaving {
                    break;
                }
                is_leaving = true;
                if !calls.open.is_empty() {
                    note("finishing the calls that are open; another signal kills them");
                }
                let session = session.clone();
                calls.tasks.spawn(async move {
                    // A registration that is gone already brings no more calls either.
                    drop(session.unregister(registration).await);
                    None
                });
            }
        }
    }
    Ok(())
}

impl Calls {
    fn new(command: &[String], jobs: usize) -> Self {
        Self {
            command: command.into(),
            running: Arc::new(Semaphore::new(jobs)),
            most: jobs + WAITING,
            open: HashMap::new(),
            tasks: JoinSet::new(),
        }
    }

    /// Begins a call, or refuses it.
    async fn take(&mut self, call: Invocation) {
        if self.open.len() >= self.most {
            let text = "too many calls are open here: try again later";
            return call.respond(Err(CallError::new(uri::RESOURCE_EXHAUSTED, text))).await;
        }
        if call.progress || call.passthru.is_some() {
            let text = "this procedure takes plain arguments, and all of them at once";
            return call.respond(Err(CallError::new(uri::FEATURE_NOT_SUPPORTED, text))).await;
        }
        let canceled = CancellationToken::new();
        self.open.insert(call.request, canceled.clone());
        let (command, running) = (Arc::clone(&self.command), Arc::clone(&self.running));
        self.tasks.spawn(async move {
            let Invocation { request, procedure, payload, responder, .. } = call;
            let answering = async {
                // The semaphore is never closed.
                let _place = running.acquire().await;
                exec::run(&command, &procedure, &payload).await
            };
            let answer: Result<Payload, CallError> = tokio::select! {
                answer = answering => answer.map_err(|error| {
                    CallError::new(uri::RUNTIME_ERROR, &format!("{error:#}"))
                }),
                () = canceled.cancelled() => {
                    Err(CallError::new(uri::CANCELED, "the call was canceled"))
                }
            };
            responder.respond(answer).await;
            Some(request)
        });
    }

    /// Kills the command of a call that nobody waits for any more.
    fn interrupt(&mut self, request: u64) {
        if let Some(canceled) = self.open.get(&request) {
            canceled.cancel();
        }
    }

    fn forget(&mut self, done: Result<Option<u64>, tokio::task::JoinError>) {
        match done {
            Ok(Some(request)) => drop(self.open.remove(&request)),
            Ok(None) => {}
            Err(error) => tracing::error!("the task of a call failed: {error}"),
        }
    }
}

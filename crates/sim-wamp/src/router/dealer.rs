//! The dealer: who offers which procedure, and which calls are open.

mod calls;
mod registrations;

use std::sync::Arc;

use tokio::time::Instant;

use calls::{Calls, OpenCall};
pub(crate) use registrations::Registration;
use registrations::Registrations;

use super::failures::Failures;
use super::member::Member;
use super::outbox::Outbox;
use super::permission::Granted;
use crate::message::{
    Answer, CallMessage, ErrorMessage, Features, InvocationMessage, Message, Violation, code,
};
use crate::{CancelMode, Payload, counters, uri};

/// The registrations and open calls of one realm.
#[derive(Debug)]
pub(crate) struct Dealer {
    pub(crate) registrations: Registrations,
    calls: Calls,
    /// How many of its calls a session has open at most.
    call_limit: usize,
    disclose: bool,
    pub(crate) failures: Arc<Failures>,
}

impl Dealer {
    pub(crate) fn new(registration_limit: usize, call_limit: usize, disclose: bool) -> Self {
        Self {
            registrations: Registrations::new(registration_limit),
            calls: Calls::default(),
            call_limit,
            disclose,
            failures: Arc::new(Failures::new(0)),
        }
    }

    /// Answers an open call, which is closed already, with an error.
    fn refuse(&self, call: &OpenCall, error: ErrorMessage, out: &mut Outbox) {
        self.failures.note(&call.caller_info, &call.procedure, &error.uri, &error.payload);
        refused(call.caller, call.request, &call.procedure, &error.uri);
        let error = ErrorMessage { kind: code::CALL, request: call.request, ..error };
        out.send(call.caller, Message::Error(Box::new(error)));
    }

    /// Sends a call to a callee of its most specific registration, or more arguments to the
    /// callee that has the call already.
    pub(crate) fn call(
        &mut self,
        from: &Member,
        call: CallMessage,
        granted: &Granted,
        out: &mut Outbox,
    ) -> Result<(), Violation> {
        let (caller, request) = (from.session(), call.request);
        if call.options.progress && !from.features.has(Features::PROGRESSIVE_CALLS) {
            return Err(Violation::Unannounced("progressive_call_invocations"));
        }
        if self.calls.is_cut_off(caller, request, call.options.progress) {
            return Ok(());
        }
        if let Some(open) = self.calls.find(caller, request) {
            return match open.more {
                true => {
                    self.continue_call(from, call, out);
                    Ok(())
                }
                false => Err(Violation::RequestInUse(request)),
            };
        }
        let procedure = Arc::clone(&call.procedure);
        if let Err((uri, text)) = self.begin_call(from, call, granted, out) {
            let payload = Payload::text(&text);
            self.failures.note(&from.info.caller(), &procedure, uri, &payload);
            refused(caller, request, &procedure, uri);
            out.send(caller, Message::failure(code::CALL, request, uri, payload));
        }
        Ok(())
    }

    fn begin_call(
        &mut self,
        from: &Member,
        call: CallMessage,
        granted: &Granted,
        out: &mut Outbox,
    ) -> Result<(), (&'static str, String)> {
        let caller = from.session();
        if !from.trusted && self.calls.count(caller) >= self.call_limit {
            counters::limited("open_calls");
            let text = format!("session has its {} calls open: wait for one", self.call_limit);
            return Err((uri::RESOURCE_EXHAUSTED, text));
        }
        let CallMessage { request, options, procedure, payload } = call;
        let Some((registration, callee)) = self.registrations.choose(&procedure) else {
            let text = format!("no callee registered for procedure <{procedure}>");
            return Err((uri::NO_SUCH_PROCEDURE, text));
        };
        let callee_takes = |feature| callee.features.has(feature);
        let takes_arguments = callee_takes(Features::PROGRESSIVE_INVOCATIONS)
            && callee_takes(Features::CALL_CANCELING);
        if options.progress && !takes_arguments {
            let text = format!("the callee of `{procedure}` takes all arguments at once only");
            return Err((uri::FEATURE_NOT_SUPPORTED, text));
        }
        if options.passthru.is_some() && !callee_takes(Features::CALLEE_PASSTHRU) {
            let text = format!("the callee of `{procedure}` takes no packed payloads");
            return Err((uri::FEATURE_NOT_SUPPORTED, text));
        }
        let open = OpenCall {
            caller,
            request,
            callee: callee.session,
            registration,
            receive_progress: options.receive_progress,
            more: options.progress,
            interruptible: callee_takes(Features::CALL_CANCELING),
            deadline: options.timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
            caller_info: from.info.caller(),
            procedure: Arc::clone(&procedure),
            disclosed: self.disclose || granted.disclose || options.disclose_me,
            passthru: options.passthru,
        };
        let message = InvocationMessage {
            request: 0,
            registration,
            procedure,
            caller: Some(open.caller_info.clone()),
            caller_request: Some(open.request),
            disclosed: open.disclosed,
            receive_progress: open.receive_progress && callee_takes(Features::PROGRESSIVE_RESULTS),
            progress: open.more,
            passthru: open.passthru.clone(),
            payload,
        };
        let invocation = self.calls.open(open);
        let call = format_args!("{caller}/{request}");
        tracing::debug!(%call, procedure = &*message.procedure, callee = callee.session, "routed");
        let message = InvocationMessage { request: invocation, ..message };
        out.send(callee.session, Message::Invocation(Box::new(message)));
        Ok(())
    }

    /// Sends more arguments; but for their end, the options of the first message hold.
    fn continue_call(&mut self, from: &Member, call: CallMessage, out: &mut Outbox) {
        let more = call.options.progress;
        let Some((invocation, open)) = self.calls.go_on(from.session(), call.request, more) else {
            return;
        };
        let message = InvocationMessage {
            request: invocation,
            registration: open.registration,
            procedure: call.procedure,
            caller: Some(open.caller_info.clone()),
            caller_request: Some(open.request),
            disclosed: open.disclosed,
            receive_progress: open.receive_progress,
            progress: more,
            passthru: open.passthru.clone(),
            payload: call.payload,
        };
        out.send(open.callee, Message::Invocation(Box::new(message)));
    }

    /// Gives a call up for its caller. A call that is not open any more has been answered while
    /// the CANCEL was on its way.
    pub(crate) fn cancel(&mut self, caller: u64, request: u64, mode: CancelMode, out: &mut Outbox) {
        let Some(open) = self.calls.find(caller, request) else { return };
        if mode == CancelMode::Kill && open.interruptible {
            self.interrupt(caller, request, mode, uri::CANCELED, out);
            return;
        }
        self.give_up(caller, request, mode, (uri::CANCELED, "the caller canceled the call"), out);
    }

    /// Answers a caller with an error at once and, except for `skip`, tells the callee.
    fn give_up(
        &mut self,
        caller: u64,
        request: u64,
        mode: CancelMode,
        (reason, text): (&'static str, &str),
        out: &mut Outbox,
    ) {
        let interrupt = mode != CancelMode::Skip;
        if interrupt {
            self.interrupt(caller, request, CancelMode::KillNoWait, reason, out);
        }
        if let Some(call) = self.calls.close_of_caller(caller, request) {
            self.refuse(&call, error(reason, text), out);
        }
    }

    fn interrupt(
        &self,
        caller: u64,
        request: u64,
        mode: CancelMode,
        reason: &str,
        out: &mut Outbox,
    ) {
        let Some((invocation, open)) = self.calls.invocation(caller, request) else { return };
        if open.interruptible {
            let reason = reason.to_owned();
            out.send(open.callee, Message::Interrupt { request: invocation, mode, reason });
        }
    }

    /// Returns when the next call runs out of time.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.calls.next_deadline()
    }

    /// Ends the calls whose time is over.
    pub(crate) fn expire(&mut self, now: Instant, out: &mut Outbox) {
        while let Some((caller, request)) = self.calls.overdue(now) {
            let error = (uri::TIMEOUT, "the callee did not answer in the time that the call had");
            self.give_up(caller, request, CancelMode::KillNoWait, error, out);
        }
    }

    /// Answers a call with a result; an invocation that is not open, because its caller has left
    /// or given it up, is answered into the void.
    pub(crate) fn yielded(&mut self, callee: u64, request: u64, answer: Answer, out: &mut Outbox) {
        if !answer.progress {
            if let Some(call) = self.calls.close(callee, request) {
                out.send(call.caller, Message::Result { request: call.request, answer });
            }
        } else if let Some(call) = self.calls.get(callee, request)
            // Who did not ask for progress would take the first part for the whole.
            && call.receive_progress
        {
            out.send(call.caller, Message::Result { request: call.request, answer });
        }
    }

    /// Answers a call with an error.
    pub(crate) fn failed(&mut self, callee: u64, error: ErrorMessage, out: &mut Outbox) {
        if let Some(call) = self.calls.close(callee, error.request) {
            self.refuse(&call, error, out);
        }
    }

    /// Forgets a session: its registrations, its calls, and those it would have answered.
    pub(crate) fn leave(&mut self, session: u64, out: &mut Outbox) {
        self.registrations.table.leave(session, out);
        let gone = self.calls.leave(session);
        for (invocation, call) in gone.made {
            if call.interruptible {
                let (mode, reason) = (CancelMode::KillNoWait, uri::CANCELED.to_owned());
                out.send(call.callee, Message::Interrupt { request: invocation, mode, reason });
            }
        }
        for call in gone.served {
            self.refuse(&call, error(uri::CANCELED, "the callee has left"), out);
        }
    }
}

/// Notes under its name that a call was answered with an error, by whomever.
fn refused(caller: u64, request: u64, procedure: &str, error: &str) {
    let call = format_args!("{caller}/{request}");
    tracing::debug!(%call, procedure, outcome = error, "answered with an error");
}

fn error(uri: &str, text: &str) -> ErrorMessage {
    let payload = Payload::text(text);
    ErrorMessage { kind: code::CALL, request: 0, uri: uri.to_owned(), payload, passthru: None }
}

#[cfg(test)]
mod tests;

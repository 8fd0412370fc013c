//! The dealer: who offers which procedure, and which calls are open.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::realm::{Member, Outbox};
use crate::id::random_id;
use crate::message::{InvocationMessage, Message, Violation, code};
use crate::pattern::PatternMap;
use crate::{MatchPolicy, Payload, uri};

/// The registrations and open calls of one realm.
#[derive(Debug)]
pub(crate) struct Dealer {
    procedures: PatternMap<Registration>,
    patterns: HashMap<u64, (Arc<str>, MatchPolicy)>,
    seats: HashMap<u64, Seat>,
    /// The open calls by callee and the callee's id of the invocation.
    calls: HashMap<(u64, u64), OpenCall>,
    registration_limit: usize,
    call_limit: usize,
    disclose: bool,
}

#[derive(Debug, Clone, Copy)]
struct Registration {
    id: u64,
    callee: u64,
}

#[derive(Debug, Clone, Copy)]
struct OpenCall {
    caller: u64,
    request: u64,
}

/// What the dealer keeps of one session, so that its end is found without a search.
#[derive(Debug, Default)]
struct Seat {
    registrations: HashSet<u64>,
    last_invocation: u64,
    /// The own calls that are open: the request, and where they are answered.
    calls: HashMap<u64, (u64, u64)>,
    /// The invocations that this session still has to answer.
    invocations: HashSet<u64>,
}

/// A CALL.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) request: u64,
    pub(crate) disclose_me: bool,
    pub(crate) procedure: Arc<str>,
    pub(crate) payload: Payload,
}

impl Dealer {
    pub(crate) fn new(registration_limit: usize, call_limit: usize, disclose: bool) -> Self {
        Self {
            procedures: PatternMap::default(),
            patterns: HashMap::new(),
            seats: HashMap::new(),
            calls: HashMap::new(),
            registration_limit,
            call_limit,
            disclose,
        }
    }

    /// Registers a procedure or a pattern of procedures; each has one callee only.
    pub(crate) fn register(
        &mut self,
        from: &Member,
        request: u64,
        policy: MatchPolicy,
        procedure: Arc<str>,
        out: &mut Outbox,
    ) {
        let callee = from.info.session;
        let own = &mut self.seats.entry(callee).or_default().registrations;
        let refusal = if self.procedures.get_mut(&procedure, policy).is_some() {
            let text = format!("`{procedure}` is already registered");
            Some((uri::PROCEDURE_ALREADY_EXISTS, text))
        } else if !from.trusted && own.len() >= self.registration_limit {
            let limit = self.registration_limit;
            let text = format!("session has its {limit} registrations: withdraw one first");
            Some((uri::RESOURCE_EXHAUSTED, text))
        } else {
            None
        };
        if let Some((uri, text)) = refusal {
            out.push((callee, Message::error(code::REGISTER, request, uri, &text)));
            return;
        }
        let id = random_id();
        own.insert(id);
        self.patterns.insert(id, (Arc::clone(&procedure), policy));
        self.procedures.insert(procedure, policy, Registration { id, callee });
        out.push((callee, Message::Registered { request, registration: id }));
    }

    /// Withdraws a registration; its open calls can still be answered.
    pub(crate) fn unregister(
        &mut self,
        from: &Member,
        request: u64,
        registration: u64,
        out: &mut Outbox,
    ) {
        let session = from.info.session;
        let seat = self.seats.get_mut(&session);
        let answer = if seat.is_some_and(|seat| seat.registrations.remove(&registration)) {
            self.remove(registration);
            Message::Unregistered { request }
        } else {
            let text = format!("session has no registration `{registration}`");
            Message::error(code::UNREGISTER, request, uri::NO_SUCH_REGISTRATION, &text)
        };
        out.push((session, answer));
    }

    /// Sends a call to the callee of its most specific registration.
    pub(crate) fn call(
        &mut self,
        from: &Member,
        call: Call,
        out: &mut Outbox,
    ) -> Result<(), Violation> {
        let (caller, request) = (from.info.session, call.request);
        let seat = self.seats.entry(caller).or_default();
        if seat.calls.contains_key(&request) {
            return Err(Violation::RequestInUse(request));
        }
        if !from.trusted && seat.calls.len() >= self.call_limit {
            let text = format!("session has its {} calls open: wait for one", self.call_limit);
            let error = Message::error(code::CALL, request, uri::RESOURCE_EXHAUSTED, &text);
            out.push((caller, error));
            return Ok(());
        }
        let Some(&Registration { id, callee }) = self.procedures.matches(&call.procedure).next()
        else {
            let text = format!("no callee registered for procedure <{}>", call.procedure);
            out.push((caller, Message::error(code::CALL, request, uri::NO_SUCH_PROCEDURE, &text)));
            return Ok(());
        };
        let callee_seat = self.seats.entry(callee).or_default();
        callee_seat.last_invocation += 1;
        let invocation = callee_seat.last_invocation;
        callee_seat.invocations.insert(invocation);
        self.calls.insert((callee, invocation), OpenCall { caller, request });
        self.seats.entry(caller).or_default().calls.insert(request, (callee, invocation));
        let message = InvocationMessage {
            request: invocation,
            registration: id,
            procedure: call.procedure,
            caller: Some(from.info.caller()),
            disclosed: self.disclose || call.disclose_me,
            payload: call.payload,
        };
        out.push((callee, Message::Invocation(Box::new(message))));
        Ok(())
    }

    /// Answers a call with its result; an invocation that is not open, because its caller has
    /// left, is answered into the void.
    pub(crate) fn yielded(
        &mut self,
        callee: u64,
        request: u64,
        payload: Payload,
        out: &mut Outbox,
    ) {
        if let Some(call) = self.close(callee, request) {
            out.push((call.caller, Message::Result { request: call.request, payload }));
        }
    }

    /// Answers a call with an error.
    pub(crate) fn failed(
        &mut self,
        callee: u64,
        request: u64,
        uri: String,
        payload: Payload,
        out: &mut Outbox,
    ) {
        if let Some(OpenCall { caller, request }) = self.close(callee, request) {
            out.push((caller, Message::Error { kind: code::CALL, request, uri, payload }));
        }
    }

    /// Forgets a session: its registrations, its calls, and those it would have answered.
    pub(crate) fn leave(&mut self, session: u64, out: &mut Outbox) {
        let Some(seat) = self.seats.remove(&session) else { return };
        for registration in seat.registrations {
            self.remove(registration);
        }
        for (callee, invocation) in seat.calls.into_values() {
            self.close(callee, invocation);
        }
        for invocation in seat.invocations {
            let text = Payload::text("the callee has left");
            self.failed(session, invocation, uri::CANCELED.to_owned(), text, out);
        }
    }

    fn close(&mut self, callee: u64, invocation: u64) -> Option<OpenCall> {
        let call = self.calls.remove(&(callee, invocation))?;
        if let Some(seat) = self.seats.get_mut(&callee) {
            seat.invocations.remove(&invocation);
        }
        if let Some(seat) = self.seats.get_mut(&call.caller) {
            seat.calls.remove(&call.request);
        }
        Some(call)
    }

    fn remove(&mut self, registration: u64) {
        if let Some((procedure, policy)) = self.patterns.remove(&registration) {
            self.procedures.remove(&procedure, policy);
        }
    }
}

#[cfg(test)]
mod tests;

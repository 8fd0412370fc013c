//! The procedures of a realm: who offers them, and who of several gets a call.

use std::sync::Arc;

use crate::id::random_id;
use crate::message::{Features, Message, Revoked, code};
use crate::router::member::Member;
use crate::router::outbox::Outbox;
use crate::router::table::{Entry, Table};
use crate::{Dict, Invoke, MatchPolicy, Payload, RegisterOptions, Value, counters, uri};

/// The registrations.
#[derive(Debug)]
pub(crate) struct Registrations {
    pub(crate) table: Table<Registration>,
    /// How many registrations a session has at most.
    limit: usize,
}

/// A procedure, or all procedures of a pattern.
#[derive(Debug)]
pub(crate) struct Registration {
    pub(crate) id: u64,
    pub(crate) procedure: Arc<str>,
    pub(crate) policy: MatchPolicy,
    pub(crate) invoke: Invoke,
    pub(crate) created: jiff::Timestamp,
    /// Who offers it, in the order in which they came.
    pub(crate) callees: Vec<Callee>,
    /// Whose turn it is.
    turn: usize,
}

/// Who offers a procedure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Callee {
    pub(crate) session: u64,
    /// Whether it is a part of the router's own program.
    pub(crate) trusted: bool,
    pub(crate) features: Features,
}

impl Registrations {
    pub(super) fn new(limit: usize) -> Self {
        Self { table: Table::default(), limit }
    }

    /// Registers a procedure or a pattern of procedures.
    pub(crate) fn register(
        &mut self,
        from: &Member,
        request: u64,
        options: RegisterOptions,
        procedure: Arc<str>,
        out: &mut Outbox,
    ) {
        let session = from.session();
        if !from.trusted && self.table.count(session) >= self.limit {
            counters::limited("registrations");
            let text = format!("session has its {} registrations: withdraw one first", self.limit);
            let error = Message::error(code::REGISTER, request, uri::RESOURCE_EXHAUSTED, &text);
            out.send(session, error);
            return;
        }
        let known = self.table.lookup(&procedure, options.policy);
        let mut known = known.map(|registration| registration.id);
        if options.force_reregister
            && let Some(id) = known.take_if(|id| from.trusted || !self.has_trusted_callee(*id))
        {
            self.revoke_all(id, uri::TAKEN_OVER, out);
        }
        let answer = match known {
            None => Ok(self.create(from, options, procedure, out)),
            Some(id) => self.share(id, from, options).ok_or_else(|| {
                let text = format!("`{procedure}` is already registered");
                Message::error(code::REGISTER, request, uri::PROCEDURE_ALREADY_EXISTS, &text)
            }),
        };
        match answer {
            Ok(id) => {
                self.table.hold(session, id);
                out.send(session, Message::Registered { request, registration: id });
                let args = [session.into(), id.into()];
                out.announce(uri::ON_REGISTER, Payload::from_values(args, None));
            }
            Err(error) => out.send(session, error),
        }
    }

    fn create(
        &mut self,
        from: &Member,
        options: RegisterOptions,
        procedure: Arc<str>,
        out: &mut Outbox,
    ) -> u64 {
        let id = random_id();
        let callee =
            Callee { session: from.session(), trusted: from.trusted, features: from.features };
        let registration = Registration {
            id,
            procedure,
            policy: options.policy,
            invoke: options.invoke,
            created: jiff::Timestamp::now(),
            callees: vec![callee],
            turn: 0,
        };
        let args = [callee.session.into(), registration.details().into()];
        out.announce(uri::ON_REGISTRATION_CREATE, Payload::from_values(args, None));
        self.table.insert(registration);
        id
    }

    /// Adds a callee to a registration, if both share it in the same way.
    fn share(&mut self, id: u64, from: &Member, options: RegisterOptions) -> Option<u64> {
        let registration = self.table.get_mut(id)?;
        let session = from.session();
        let is_shared = options.invoke != Invoke::Single && registration.invoke == options.invoke;
        if !is_shared || registration.callees.iter().any(|callee| callee.session == session) {
            return None;
        }
        let callee = Callee { session, trusted: from.trusted, features: from.features };
        registration.callees.push(callee);
        Some(id)
    }

    /// Withdraws a registration for a callee; its open calls can still be answered.
    pub(crate) fn unregister(
        &mut self,
        session: u64,
        request: u64,
        registration: u64,
        out: &mut Outbox,
    ) {
        if self.table.withdraw(session, registration, out) {
            out.send(session, Message::Unregistered { request, revoked: None });
        } else {
            let text = format!("session has no registration `{registration}`");
            let uri = uri::NO_SUCH_REGISTRATION;
            out.send(session, Message::error(code::UNREGISTER, request, uri, &text));
        }
    }

    /// Takes a registration from a callee and tells it; false if it has no such one.
    pub(crate) fn revoke(
        &mut self,
        session: u64,
        registration: u64,
        reason: &str,
        out: &mut Outbox,
    ) -> bool {
        let found = self.table.get(registration);
        let callee = found.and_then(|it| it.callees.iter().find(|it| it.session == session));
        let Some(callee) = callee.copied() else { return false };
        if callee.features.has(Features::REGISTRATION_REVOCATION) {
            let revoked = Revoked { id: registration, reason: reason.to_owned() };
            let revoked = Some(Box::new(revoked));
            out.send(session, Message::Unregistered { request: 0, revoked });
        }
        self.table.withdraw(session, registration, out)
    }

    /// Says whether a registration is one of the router's own program, which nobody from outside
    /// takes over.
    pub(crate) fn has_trusted_callee(&self, registration: u64) -> bool {
        let found = self.table.get(registration);
        found.is_some_and(|found| found.callees.iter().any(|callee| callee.trusted))
    }

    fn revoke_all(&mut self, registration: u64, reason: &str, out: &mut Outbox) {
        let Some(found) = self.table.get(registration) else { return };
        for callee in found.callees.clone() {
            self.revoke(callee.session, registration, reason, out);
        }
    }

    /// Chooses who gets a call: the registration's id and the callee.
    pub(super) fn choose(&mut self, procedure: &str) -> Option<(u64, Callee)> {
        let registration = self.table.best_mut(procedure)?;
        Some((registration.id, registration.next_callee()?))
    }
}

impl Entry for Registration {
    const ON_WITHDRAW: &'static str = uri::ON_UNREGISTER;
    const ON_DELETE: &'static str = uri::ON_REGISTRATION_DELETE;

    fn id(&self) -> u64 {
        self.id
    }

    fn pattern(&self) -> (&Arc<str>, MatchPolicy) {
        (&self.procedure, self.policy)
    }

    fn remove(&mut self, session: u64) -> bool {
        self.callees.retain(|callee| callee.session != session);
        self.callees.is_empty()
    }
}

impl Registration {
    fn next_callee(&mut self) -> Option<Callee> {
        let last = self.callees.len().checked_sub(1)?;
        let index = match self.invoke {
            Invoke::Single | Invoke::First => 0,
            Invoke::Last => last,
            Invoke::Random => rand::random_range(0..=last),
            Invoke::RoundRobin => {
                // The list may have become shorter since the last turn.
                let index = if self.turn > last { 0 } else { self.turn };
                self.turn = index + 1;
                index
            }
        };
        self.callees.get(index).copied()
    }

    /// Returns what the meta API tells of the registration.
    pub(crate) fn details(&self) -> Dict {
        let fields: [(&str, Value); 5] = [
            ("id", self.id.into()),
            ("created", self.created.to_string().into()),
            ("uri", (&*self.procedure).into()),
            ("match", self.policy.name().into()),
            ("invoke", self.invoke.name().into()),
        ];
        fields.into_iter().collect()
    }
}

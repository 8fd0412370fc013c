//! The open calls of a realm, found from either end.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use tokio::time::Instant;

use crate::Passthru;
use crate::message::Caller;

/// A call that has no final answer yet.
#[derive(Debug)]
pub(super) struct OpenCall {
    pub(super) caller: u64,
    pub(super) request: u64,
    pub(super) callee: u64,
    pub(super) registration: u64,
    /// Whether the caller takes results one after the other.
    pub(super) receive_progress: bool,
    /// Whether more arguments follow.
    pub(super) more: bool,
    /// Whether the callee takes INTERRUPT.
    pub(super) interruptible: bool,
    pub(super) deadline: Option<Instant>,
    pub(super) caller_info: Caller,
    pub(super) procedure: Arc<str>,
    pub(super) disclosed: bool,
    pub(super) passthru: Option<Box<Passthru>>,
}

/// The open calls.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// By callee and the callee's id of the invocation.
    open: HashMap<(u64, u64), OpenCall>,
    seats: HashMap<u64, Seat>,
    /// The calls with a deadline, the first to run out first.
    deadlines: BTreeSet<(Instant, u64, u64)>,
}

/// The calls of a session that has left.
#[derive(Debug, Default)]
pub(super) struct Gone {
    /// Those it made, with their ids at the callee.
    pub(super) made: Vec<(u64, OpenCall)>,
    /// Those it should have answered.
    pub(super) served: Vec<OpenCall>,
}

/// What is kept of one session, so that its calls are found without a search.
#[derive(Debug, Default)]
struct Seat {
    last_invocation: u64,
    /// The own calls that are open: the request, and where it is answered.
    made: HashMap<u64, (u64, u64)>,
    /// The invocations that this session still has to answer.
    served: HashSet<u64>,
    /// The own calls that were answered before their last arguments came: what still comes of
    /// them is no new call.
    cut_off: HashSet<u64>,
}

impl Calls {
    /// Says whether nothing is kept of anybody.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.seats.is_empty() && self.deadlines.is_empty()
    }

    /// Says how many calls of a session are open.
    pub(super) fn count(&self, caller: u64) -> usize {
        self.seats.get(&caller).map_or(0, |seat| seat.made.len() + seat.cut_off.len())
    }

    /// Opens a call and returns the callee's id of the invocation.
    pub(super) fn open(&mut self, call: OpenCall) -> u64 {
        let seat = self.seats.entry(call.callee).or_default();
        seat.last_invocation += 1;
        let invocation = seat.last_invocation;
        seat.served.insert(invocation);
        let place = (call.callee, invocation);
        self.seats.entry(call.caller).or_default().made.insert(call.request, place);
        if let Some(deadline) = call.deadline {
            self.deadlines.insert((deadline, call.callee, invocation));
        }
        self.open.insert(place, call);
        invocation
    }

    pub(super) fn get(&self, callee: u64, invocation: u64) -> Option<&OpenCall> {
        self.open.get(&(callee, invocation))
    }

    /// Finds an open call of a caller.
    pub(super) fn find(&self, caller: u64, request: u64) -> Option<&OpenCall> {
        self.invocation(caller, request).map(|(_, call)| call)
    }

    /// Finds an open call of a caller, and its id at the callee.
    pub(super) fn invocation(&self, caller: u64, request: u64) -> Option<(u64, &OpenCall)> {
        let place = self.seats.get(&caller)?.made.get(&request)?;
        Some((place.1, self.open.get(place)?))
    }

    /// Notes whether still more arguments follow, and returns the call.
    pub(super) fn go_on(
        &mut self,
        caller: u64,
        request: u64,
        more: bool,
    ) -> Option<(u64, &OpenCall)> {
        let place = self.seats.get(&caller)?.made.get(&request)?;
        let call = self.open.get_mut(place)?;
        call.more = more;
        Some((place.1, call))
    }

    /// Says whether a CALL only brings arguments of a call that was answered already.
    pub(super) fn is_cut_off(&mut self, caller: u64, request: u64, more: bool) -> bool {
        let Some(seat) = self.seats.get_mut(&caller) else { return false };
        match more {
            true => seat.cut_off.contains(&request),
            false => seat.cut_off.remove(&request),
        }
    }

    /// Ends a call from the callee's side.
    pub(super) fn close(&mut self, callee: u64, invocation: u64) -> Option<OpenCall> {
        let call = self.open.remove(&(callee, invocation))?;
        if let Some(seat) = self.seats.get_mut(&callee) {
            seat.served.remove(&invocation);
        }
        if let Some(seat) = self.seats.get_mut(&call.caller) {
            seat.made.remove(&call.request);
            if call.more {
                seat.cut_off.insert(call.request);
            }
        }
        if let Some(deadline) = call.deadline {
            self.deadlines.remove(&(deadline, callee, invocation));
        }
        Some(call)
    }

    /// Ends a call from the caller's side.
    pub(super) fn close_of_caller(&mut self, caller: u64, request: u64) -> Option<OpenCall> {
        let (callee, invocation) = *self.seats.get(&caller)?.made.get(&request)?;
        self.close(callee, invocation)
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, ..)| *deadline)
    }

    /// Finds a call that has run out of time: its caller and request.
    pub(super) fn overdue(&self, now: Instant) -> Option<(u64, u64)> {
        let (deadline, callee, invocation) = self.deadlines.first()?;
        let call = self.open.get(&(*callee, *invocation)).filter(|_| *deadline <= now)?;
        Some((call.caller, call.request))
    }

    /// Ends all calls of a session.
    pub(super) fn leave(&mut self, session: u64) -> Gone {
        let mut gone = Gone::default();
        let Some(seat) = self.seats.get(&session) else { return gone };
        let (made, served) = (seat.made.clone(), seat.served.clone());
        for (callee, invocation) in made.into_values() {
            let call = self.close(callee, invocation);
            // Who called itself has nobody left to tell.
            gone.made.extend(call.filter(|_| callee != session).map(|call| (invocation, call)));
        }
        for invocation in served {
            gone.served.extend(self.close(session, invocation));
        }
        self.seats.remove(&session);
        gone
    }
}

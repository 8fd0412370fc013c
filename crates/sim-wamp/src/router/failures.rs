//! The calls that failed last, for those who operate the router.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use metrics::Counter;

use crate::message::Caller;
use crate::{Payload, Value, counters};

/// How many characters are kept of a text that a peer has chosen.
const KEPT: usize = 300;

/// A call that was answered with an error, by whomever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedCall {
    /// When it was answered.
    pub at: SystemTime,
    /// The caller's session.
    pub session: u64,
    /// Who called.
    pub authid: String,
    /// What was called, cut if it is very long.
    pub procedure: String,
    /// The error's URI.
    pub error: String,
    /// What the error says to people, cut if it is very long; may be empty.
    pub text: String,
}

/// The calls that failed: all are counted, and the last are kept, as many as are wanted.
#[derive(Debug)]
pub(crate) struct Failures {
    count: Counter,
    limit: usize,
    last: Mutex<VecDeque<FailedCall>>,
}

impl Failures {
    pub(crate) fn new(limit: usize) -> Self {
        Self { count: counters::failed_calls(), limit, last: Mutex::default() }
    }

    /// Notes that a call was answered with an error.
    pub(crate) fn note(&self, caller: &Caller, procedure: &str, error: &str, payload: &Payload) {
        self.count.increment(1);
        if self.limit == 0 {
            return;
        }
        let text = payload.values().ok().and_then(|(args, _)| match args.first() {
            Some(Value::Text(text)) => Some(cut(text)),
            _ => None,
        });
        let failed = FailedCall {
            at: SystemTime::now(),
            session: caller.session,
            authid: cut(&caller.authid),
            procedure: cut(procedure),
            error: cut(error),
            text: text.unwrap_or_default(),
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        while last.len() >= self.limit {
            last.pop_front();
        }
        last.push_back(failed);
    }

    /// Returns them, the newest first.
    pub(crate) fn last(&self) -> Vec<FailedCall> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.iter().rev().cloned().collect()
    }
}

fn cut(text: &str) -> String {
    text.chars().take(KEPT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(failures: &Failures, procedure: &str) {
        let caller = Caller { session: 7, authid: "3".into(), authrole: "browser".into() };
        failures.note(&caller, procedure, "wamp.error.canceled", &Payload::text("too late"));
    }

    #[test]
    fn only_the_last_ones_are_kept_and_long_texts_are_cut() {
        let failures = Failures::new(2);
        for procedure in ["app.a", "app.b", &"c".repeat(1000)] {
            note(&failures, procedure);
        }
        let last = failures.last();
        let procedures: Vec<&str> = last.iter().map(|it| it.procedure.as_str()).collect();
        assert_eq!(procedures, ["c".repeat(KEPT).as_str(), "app.b"]);
        let FailedCall { session, authid, error, text, .. } = &last[1];
        assert_eq!((*session, authid.as_str()), (7, "3"));
        assert_eq!((error.as_str(), text.as_str()), ("wamp.error.canceled", "too late"));
    }

    #[test]
    fn nothing_is_kept_unless_it_is_wanted() {
        let failures = Failures::new(0);
        note(&failures, "app.a");
        assert_eq!(failures.last(), []);
    }
}

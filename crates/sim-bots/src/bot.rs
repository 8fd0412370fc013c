//! What a strategy is: what it decides, and what it must see afterwards.

use async_trait::async_trait;
use serde_json::Value;

use crate::{Object, Seat, View};

/// A round as a bot sees it.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// Who plays.
    pub seat: &'a Seat,
    /// All that the player sees.
    pub view: &'a View,
    /// The period that is played.
    pub period: &'a Object,
    /// Which round of this visit it is, from one.
    pub round: usize,
}

/// A call of a procedure of the period.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// The procedure's name, such as `submit_decision`.
    pub procedure: String,
    /// The arguments.
    pub args: Vec<Value>,
    /// The only answer that is right.
    pub expected: Value,
}

impl Move {
    /// A call that must be answered with `ok`.
    #[must_use]
    pub fn new(procedure: impl Into<String>, args: Vec<Value>) -> Self {
        Self { procedure: procedure.into(), args, expected: "ok".into() }
    }

    /// Names another answer as the right one.
    #[must_use]
    pub fn expecting(mut self, answer: impl Into<Value>) -> Self {
        self.expected = answer.into();
        self
    }
}

/// The strategy of one player.
#[async_trait]
pub trait Bot: Send + Sync {
    /// Says what to call in a period that has opened; nothing if the player is done.
    async fn decide(&mut self, now: Moment<'_>) -> Option<Move>;

    /// Whether the period has come to its end; unless a game has it otherwise, with a result.
    fn is_complete(&self, now: Moment<'_>) -> bool {
        !now.view.results(now.period.pk).is_empty()
    }

    /// Looks at a complete period, soon after its end and once more, as the server tells it, at
    /// the end of the visit.
    ///
    /// # Errors
    /// One sentence that says what is wrong.
    fn check(&self, now: Moment<'_>) -> Result<(), String>;
}

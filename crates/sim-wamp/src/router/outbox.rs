//! What a command causes: messages to sessions, and what the realm announces of itself.

use crate::Payload;
use crate::message::Message;

/// The effects of a command, in the order in which they shall leave.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pub(crate) messages: Vec<(u64, Message)>,
    pub(crate) notices: Vec<Notice>,
}

/// A meta event.
#[derive(Debug, PartialEq)]
pub(crate) struct Notice {
    pub(crate) topic: &'static str,
    pub(crate) payload: Payload,
}

impl Outbox {
    /// Sends a message to a session.
    pub(crate) fn send(&mut self, session: u64, message: Message) {
        self.messages.push((session, message));
    }

    /// Announces something on a meta topic.
    pub(crate) fn announce(&mut self, topic: &'static str, payload: Payload) {
        self.notices.push(Notice { topic, payload });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.notices.is_empty()
    }
}

//! The codes of the messages that the generator tells apart.

pub(super) const WELCOME: u64 = 2;
pub(super) const CHALLENGE: u64 = 4;
pub(super) const GOODBYE: u64 = 6;
pub(super) const SUBSCRIBED: u64 = 33;
pub(super) const EVENT: u64 = 36;
pub(super) const RESULT: u64 = 50;
pub(super) const REGISTERED: u64 = 65;
pub(super) const INVOCATION: u64 = 68;

//! Scenarios for a WAMP router alone, ours or any other: calls, events, sessions.

mod callee;
mod clock;
mod code;
mod idle;
mod join;
mod memory;
mod pubsub;
mod router;
mod rpc;
mod session;
mod slow;
mod text;
mod topic;

use std::time::Duration;

pub use idle::{IdleOptions, idle};
pub use join::{JoinOptions, join};
pub use pubsub::{PubsubOptions, pubsub};
pub use rpc::{RpcOptions, rpc};
pub use slow::{SlowOptions, slow};

/// How long after its end a part may still wait for answers.
const GRACE: Duration = Duration::from_mins(1);

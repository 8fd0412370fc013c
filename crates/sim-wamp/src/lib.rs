#![doc = include_str!("../README.md")]

mod access;
mod auth;
mod client;
mod counters;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod id;
mod limits;
mod message;
mod options;
mod pattern;
mod payload;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod program;
mod router;
mod rules;
mod serializer;
mod session;
pub mod transport;
pub mod uri;
mod value;
mod wire;

pub use access::{Action, Authorizer, Permission};
pub use auth::{
    AttemptLimits, AuthMethod, AuthRefused, Authenticator, CraCost, CraSecret, Credentials, Decoy,
    Identity, ScramKdf, ScramKeys, ScramSecret, SecretError, SessionInfo, StaticUser, StaticUsers,
};
pub use client::{
    Agent, AgentBuilder, AgentHandle, Backoff, Client, ClientOptions, Connection, EventError,
    Missed, Progress, Refused, RefusedKind, Registration, Reply, Request, Results, Setback, Status,
    StatusWatch, Subscription, Waits,
};
pub use error::{CallError, Error};
pub use limits::{Limits, SlowSubscriber};
pub use message::Caller;
pub use options::{CallOptions, CancelMode, Invoke, Passthru, RegisterOptions, SubscribeOptions};
pub use pattern::MatchPolicy;
pub use payload::{Payload, PayloadError};
pub use router::{Builder, FailedCall, Router};
pub use rules::{Rule, Rules};
pub use serializer::Serializer;
pub use session::{
    Arguments, Call, CallResult, Event, Incoming, Interrupt, Invocation, LocalSession, Publication,
    Responder, Session, SessionEvent,
};
pub use value::{Dict, Value};

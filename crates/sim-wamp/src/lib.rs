#![doc = include_str!("../README.md")]

mod auth;
mod client;
mod error;
mod id;
mod limits;
mod message;
mod pattern;
mod payload;
mod router;
mod rules;
mod serializer;
mod session;
pub mod transport;
pub mod uri;
mod value;

pub use auth::{
    Action, AttemptLimits, AuthMethod, AuthRefused, Authenticator, Authorizer, CraCost, CraSecret,
    Credentials, Decoy, Identity, ScramKdf, ScramKeys, ScramSecret, SecretError, SessionInfo,
    StaticUser, StaticUsers,
};
pub use client::{Client, Connection};
pub use error::{CallError, Error};
pub use limits::Limits;
pub use message::Caller;
pub use pattern::MatchPolicy;
pub use payload::Payload;
pub use router::{Builder, Router};
pub use rules::{Rule, Rules};
pub use serializer::Serializer;
pub use session::{
    Event, Incoming, Invocation, LocalSession, Publication, Responder, Session, SessionEvent,
};
pub use value::{Dict, Value};

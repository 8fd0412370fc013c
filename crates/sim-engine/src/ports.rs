//! The two ports through which the engine reaches the world: a games store and a message session.
//!
//! Adapters implement them elsewhere; the engine itself knows no database, no socket and no router.

use std::sync::Arc;

use async_trait::async_trait;
use sim_games_types::{Change, Committed, GamePk, Run, RunPk, Stored, UnitOfWork, UserPk};

use crate::identity::CallId;

/// Why the store did not do what it was asked for. Nothing was stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Something that the unit of work relied on has changed meanwhile; the call can be run again
    /// once the tree has caught up with the journal.
    #[error("the data changed while the call was handled")]
    Conflict {
        /// How far the journal had come when the unit was refused.
        seq: u64,
    },
    /// The unit asks for something that the Games API does not allow.
    #[error("the games store refused the change: {0}")]
    Refused(String),
    /// The store cannot be reached, or cannot write.
    #[error("the games store is not available: {0}")]
    Unavailable(String),
}

/// A game's own objects, and how far the journal had come when they were read.
#[derive(Clone, Debug)]
pub struct GameSnapshot {
    /// The journal's number: all changes up to it are contained.
    pub seq: u64,
    /// The game, its phases and its roles; or nothing while the game does not exist.
    pub objects: Vec<Arc<Stored>>,
}

/// A run's objects, and how far the journal had come when they were read.
#[derive(Clone, Debug)]
pub struct RunSnapshot {
    /// The journal's number: all changes up to it are contained.
    pub seq: u64,
    /// The run and everything below it, parents before children.
    pub objects: Vec<Arc<Stored>>,
}

/// Which runs of a game are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    /// Those that are active.
    Active,
    /// All of them.
    All,
}

/// Where the games are stored.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait GamesStore: Send + Sync {
    /// Reads a game with its phases and roles.
    async fn load_game(&self, slug: &str) -> Result<GameSnapshot, StoreError>;

    /// Reads runs of a game, with all below them.
    async fn load_runs(&self, game: GamePk, which: Runs) -> Result<RunSnapshot, StoreError>;

    /// Reads one run; no objects when it does not exist.
    async fn load_run(&self, run: RunPk) -> Result<RunSnapshot, StoreError>;

    /// The runs of a game that a user leads, active or not, by their keys.
    async fn led_runs(&self, game: GamePk, user: UserPk) -> Result<Vec<Run>, StoreError>;

    /// Stores a unit of work: all of it, durably, or nothing. The call that it belongs to is for the
    /// log of a store elsewhere; here the current span tells it.
    async fn commit(&self, unit: UnitOfWork, call: Option<CallId>)
    -> Result<Committed, StoreError>;

    /// The first answer to a call that carried this key, if there was one.
    async fn first_answer(
        &self,
        user: UserPk,
        scope: &str,
        key: &str,
    ) -> Result<Option<String>, StoreError>;

    /// Follows the journal from just after a number, in commit order and without a gap.
    fn changes(&self, after: u64) -> Box<dyn ChangeFeed>;
}

/// The journal as it grows.
#[async_trait]
pub trait ChangeFeed: Send {
    /// Waits for the next changes; `None` when the store was closed.
    async fn next(&mut self) -> Option<Arc<[Change]>>;
}

/// An event for browsers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The full topic.
    pub topic: String,
    /// Positional arguments: a JSON array.
    pub args: Arc<str>,
    /// Keyword arguments: a JSON object.
    pub kwargs: Arc<str>,
    /// The only users whose sessions may receive it, by their id as text.
    pub audience: Arc<[Arc<str>]>,
}

/// The session through which events leave.
#[async_trait]
pub trait Messages: Send + Sync {
    /// Publishes events, in this order and after all earlier ones.
    async fn publish(&self, events: Vec<Event>);

    /// Ends all sessions of a user who may not be here any more.
    async fn dismiss(&self, user: UserPk);
}

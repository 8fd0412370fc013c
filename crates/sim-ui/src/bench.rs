//! The bench: all seats of a world in one window, for whoever writes or tries a game.
//!
//! It is for staff only. They may change everything through the Games API already, passwords
//! included, so that acting in a player's place adds nothing to their rights.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use crate::Site;
use crate::session::{Staff, entry, private, refusal};

/// A game on the bench.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BenchGame {
    /// The game's slug.
    pub slug: String,
    /// The root of its URIs.
    pub root: String,
    /// Whether the game has a module of its own for the pages.
    pub view: bool,
    /// Its active runs that are in memory.
    pub runs: Vec<BenchRun>,
}

/// A run on the bench.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BenchRun {
    /// The run's key.
    pub id: i64,
    /// The run's name.
    pub name: String,
    /// Its worlds.
    pub worlds: Vec<BenchWorld>,
    /// Its active members, leaders included.
    pub members: Vec<BenchMember>,
}

/// A world on the bench.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BenchWorld {
    /// The world's key.
    pub id: i64,
    /// The world's name.
    pub name: String,
}

/// A seat on the bench.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BenchMember {
    /// The membership's key.
    pub runuser: i64,
    /// The key of the world, if the member plays in one.
    pub world: Option<i64>,
    /// The name of the role, if the member plays one.
    pub role: Option<String>,
    /// Whether the member leads the run.
    pub leader: bool,
    /// How people call the member.
    pub name: String,
}

/// All seats that can be taken on the bench.
pub(crate) async fn seats(State(site): State<Arc<dyn Site>>, _: Staff) -> Response {
    private(Json(site.bench()))
}

/// A ticket for the user of a seat.
pub(crate) async fn ticket(
    State(site): State<Arc<dyn Site>>,
    Path(runuser): Path<i64>,
    Staff(staff): Staff,
) -> Response {
    match site.ticket_of_seat(runuser, &staff) {
        Some((user, ticket)) => private(Json(entry(&*site, user, &ticket))),
        None => refusal(StatusCode::NOT_FOUND, "nobody has this seat"),
    }
}

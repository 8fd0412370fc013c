//! Who plays where: look-ups through the Games API, and who is online.

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde_json::Value;
use sim_games_client::{Client, Error};
use sim_games_types::{Lookup, RolePk, Run, RunPk, RunUser, RunUserPk, UserPk, WorldPk};
use sim_wamp::{Credentials, Payload};

use crate::{Trouble, Venue};

/// A player's place in a run, and how that player logs in.
#[derive(Clone, PartialEq, Eq)]
pub struct Seat {
    /// Login name.
    pub email: String,
    /// Password.
    pub password: String,
    /// The user.
    pub user: UserPk,
    /// The membership.
    pub runuser: RunUserPk,
    /// The run.
    pub run: RunPk,
    /// The world, if the member plays in one.
    pub world: Option<WorldPk>,
    /// The role, if the member plays one.
    pub role: Option<RolePk>,
    /// The role's name, or nothing.
    pub role_name: String,
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat")
            .field("email", &self.email)
            .field("runuser", &self.runuser)
            .field("world", &self.world)
            .field("role", &self.role_name)
            .finish_non_exhaustive()
    }
}

/// Seats could not be looked up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SeatError {
    /// The Games API refused a request or was not reached.
    #[error(transparent)]
    Api(#[from] Error),
    /// There is no such game.
    #[error("the Games API has no game `{0}`; name another with its slug")]
    NoGame(String),
    /// The game has no such run.
    #[error("the game `{game}` has no run `{name}`; name one of its runs")]
    NoRun {
        /// The game's slug.
        game: String,
        /// The name that was looked for.
        name: String,
    },
}

/// Finds the newest run of a name: names of runs are not unique.
///
/// # Errors
/// When there is no such game or run, or the Games API cannot be asked.
pub async fn find_run(client: &Client, game_slug: &str, name: &str) -> Result<Run, SeatError> {
    let game = match client.games().get(game_slug).await {
        Err(Error::NotFound { .. }) => return Err(SeatError::NoGame(game_slug.to_owned())),
        game => game?,
    };
    let runs =
        client.runs().filter(&Lookup::new().with("game", game.id).with("name", name)).await?;
    runs.into_iter()
        .max_by_key(|run| (run.created, run.id))
        .ok_or_else(|| SeatError::NoRun { game: game_slug.to_owned(), name: name.to_owned() })
}

/// The seats of a run's active players, by world and key, with the passwords that `password` knows.
///
/// # Errors
/// When the Games API cannot be asked.
pub async fn seats(
    client: &Client,
    run: RunPk,
    password: impl Fn(&str) -> String,
) -> Result<Vec<Seat>, SeatError> {
    let members = client.runusers().filter(&Lookup::new().with("run", run)).await?;
    let mut seats: Vec<_> = members
        .into_iter()
        .filter(|member| member.active && !member.leader)
        .map(|member| seat(member, &password))
        .collect();
    seats.sort_by_key(|seat| (seat.world, seat.runuser));
    Ok(seats)
}

fn seat(member: RunUser, password: impl Fn(&str) -> String) -> Seat {
    Seat {
        password: password(&member.email),
        email: member.email,
        user: member.user,
        runuser: member.id,
        run: member.run,
        world: member.world,
        role: member.role,
        role_name: member.role_name.unwrap_or_default(),
    }
}

/// The members of a run who are online, as its leader is told.
///
/// # Errors
/// When the leader cannot log in, or may not ask.
pub async fn online(
    venue: &Venue,
    leader: &Credentials,
    run: RunPk,
) -> Result<HashSet<RunUserPk>, Trouble> {
    let client = venue.connect(leader).await?;
    let uri = venue.uri(&format!("run.{run}.get_active_runusers"));
    let answer = client.session.call(&uri, Payload::empty()).await;
    client.close().await;
    let answer = answer.map_err(|error| Trouble::Refused { uri, error })?;
    let members: (Vec<HashMap<String, Value>>,) =
        answer.args().map_err(|error| Trouble::Wrong(error.to_string()))?;
    let is_online = |member: &HashMap<String, Value>| member["data"]["online"] == true;
    let members = members.0.into_iter().filter(is_online);
    Ok(members.filter_map(|member| member["pk"].as_i64().map(RunUserPk)).collect())
}

//! What the pages ask of the service around them.

use std::fmt;
use std::net::IpAddr;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::BenchGame;

/// Somebody who has logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Person {
    /// The user's key, under which the router knows them as well.
    pub id: i64,
    /// The e-mail address.
    pub email: String,
    /// The first name; may be empty.
    pub first_name: String,
    /// The last name; may be empty.
    pub last_name: String,
    /// Whether the person operates the service.
    pub staff: bool,
}

/// A place that a person has in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Seat {
    /// The run's key.
    pub run: i64,
    /// The membership's key.
    pub runuser: i64,
}

/// A game, and where a person plays it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Games {
    /// The game's slug.
    pub slug: String,
    /// The root of its URIs.
    pub root: String,
    /// The person's places in its runs.
    pub seats: Vec<Seat>,
    /// Whether the game has a module of its own for the pages.
    pub view: bool,
}

/// Somebody who joins by a code, with a password to come back by.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct Newcomer {
    /// The e-mail address: of an account, or for a new one.
    pub login: String,
    /// The account's password, or the one it gets.
    pub password: String,
    /// The first name of a new account.
    #[serde(default)]
    pub first_name: String,
    /// The last name of a new account.
    #[serde(default)]
    pub last_name: String,
}

impl fmt::Debug for Newcomer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Newcomer").field("login", &self.login).finish_non_exhaustive()
    }
}

/// A run that a person leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LedRun {
    /// The game's slug.
    pub game: String,
    /// The run's key.
    pub run: i64,
    /// Its name.
    pub name: String,
    /// Whether it is played.
    pub active: bool,
}

/// A run that a person wants to lead.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct NewRun {
    /// The game's slug.
    pub game: String,
    /// The run's name.
    pub name: String,
    /// The names of its worlds.
    pub worlds: Vec<String>,
}

/// Somebody whom a leader seats in a run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Entrant {
    /// The e-mail address: of an account, or for a new one.
    pub email: String,
    /// The first name of a new account.
    #[serde(default)]
    pub first_name: String,
    /// The last name of a new account.
    #[serde(default)]
    pub last_name: String,
    /// The name of the world, which is made if there is none; else a free seat is taken.
    #[serde(default)]
    pub world: Option<String>,
    /// The name of the role; else a free one is taken.
    #[serde(default)]
    pub role: Option<String>,
}

/// What became of the people whom a leader seated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Enrolled {
    /// How many are new in the run.
    pub added: usize,
    /// How many had another world or role before.
    pub moved: usize,
    /// How many were there already.
    pub kept: usize,
    /// How many worlds were made.
    pub worlds: usize,
}

/// Something was not done; nobody was logged in, or nobody got a seat.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// The credentials are wrong, or there were too many wrong ones; the text says which.
    Credentials(String),
    /// There is no seat for the person; the text says why.
    Seat(String),
    /// What was asked for does not make sense; the text says what.
    Invalid(String),
    /// The person does not lead the run or the game.
    Forbidden,
    /// It cannot be done or found out at the moment.
    Unavailable,
}

/// What the staff are told who look on at a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEvent {
    /// Something has changed: JSON on one line.
    Change(String),
    /// They read too slowly; so many changes were not kept for them, and no more will come.
    Missed(u64),
}

/// The service around the pages.
#[async_trait]
pub trait Site: Send + Sync + 'static {
    /// Opens a session for whoever knows the password, and gives its key: a text of letters and
    /// digits that nobody can guess.
    async fn sign_in(
        &self,
        from: Option<IpAddr>,
        login: &str,
        password: &str,
    ) -> Result<String, Refused>;

    /// Whose session it is, while it lasts.
    async fn person(&self, session: &str) -> Option<Person>;

    /// Ends a session.
    async fn sign_out(&self, session: &str);

    /// A ticket with which the person can join the realm within the next minute.
    fn ticket(&self, person: &Person) -> String;

    /// The name of the run that a join code opens.
    async fn run_of(&self, from: Option<IpAddr>, code: &str) -> Option<String>;

    /// Logs in a newcomer who shows a join code, with a new account where there is none. Whose
    /// account was made by a leader who seated them in the code's run chooses its password now.
    async fn sign_up(
        &self,
        from: Option<IpAddr>,
        code: &str,
        newcomer: Newcomer,
    ) -> Result<String, Refused>;

    /// Gives a person a seat in the run that a join code opens; who has one keeps it.
    async fn take_seat(&self, code: &str, person: &Person) -> Result<(), Refused>;

    /// The slugs of the games in which a person may open runs, and the runs that the person leads.
    async fn led(&self, person: &Person) -> Result<(Vec<String>, Vec<LedRun>), Refused>;

    /// Opens a run that the person leads, and gives its key.
    async fn open_run(&self, person: &Person, run: NewRun) -> Result<i64, Refused>;

    /// Lets a run be played, or not.
    async fn set_active(&self, person: &Person, run: i64, active: bool) -> Result<(), Refused>;

    /// Seats people in a run, with new accounts where there are none: all of them or nobody.
    async fn enrol(
        &self,
        person: &Person,
        run: i64,
        entrants: Vec<Entrant>,
    ) -> Result<Enrolled, Refused>;

    /// The name of the realm.
    fn realm(&self) -> &str;

    /// The URL at which browsers reach the router, if it is not `/ws` of the page's own address.
    fn router(&self) -> Option<&str>;

    /// The games, and the person's places in them.
    fn games(&self, person: &Person) -> Vec<Games>;

    /// A game's own module for the pages.
    fn view(&self, slug: &str) -> Option<&'static str>;

    /// The seats of all games, for the bench.
    fn bench(&self) -> Vec<BenchGame>;

    /// The user who has a seat, and a ticket for that user as [`Self::ticket`] gives it; none when
    /// the bench does not show the seat. The staff who ask for it act in the user's place.
    fn ticket_of_seat(&self, runuser: i64, staff: &Person) -> Option<(i64, String)>;

    /// How the service is at this moment; for its staff.
    async fn status(&self) -> Value;

    /// A run with all below it, as JSON text; for the staff.
    fn tree(&self, run: i64) -> Option<String>;

    /// The changes of a run from now on; for the staff. Nobody waits for whoever reads them.
    fn changes(&self, run: i64) -> Option<BoxStream<'static, RunEvent>>;
}

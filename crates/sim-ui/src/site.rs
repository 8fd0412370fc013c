//! What the pages ask of the service around them.

use std::net::IpAddr;

use async_trait::async_trait;
use serde::Serialize;

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

/// Nobody was logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// The credentials are wrong, or there were too many wrong ones; the text says which.
    Credentials(String),
    /// It cannot be found out at the moment.
    Unavailable,
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

    /// The name of the realm.
    fn realm(&self) -> &str;

    /// The games, and the person's places in them.
    fn games(&self, person: &Person) -> Vec<Games>;

    /// A game's own module for the pages.
    fn view(&self, slug: &str) -> Option<&'static str>;
}

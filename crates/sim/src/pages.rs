//! What the pages ask of the service around them, answered.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use serde_json::Value;
use sim_engine::{CallError, Engine};
use sim_games_types::{User, UserPk};
use sim_ui::{
    BenchGame, Enrolled, Entrant, Games, LedRun, NewRun, Newcomer, Person, Refused, RunEvent, Seat,
    Site,
};

use crate::access::Engines;
use crate::accounts::{Accounts, LoginError};
use crate::bench;
use crate::leading::told;
use crate::monitor::Monitor;
use crate::tickets::Tickets;

/// The service as the pages see it.
pub(crate) struct Pages {
    pub(crate) accounts: Arc<dyn Accounts>,
    pub(crate) tickets: Arc<Tickets>,
    pub(crate) engines: Engines,
    pub(crate) realm: String,
    /// Where browsers reach the router, if not where they got the page.
    pub(crate) router: Option<String>,
    /// The games' own modules, by slug.
    pub(crate) views: Vec<(String, &'static str)>,
    pub(crate) guesses: Guesses,
    pub(crate) monitor: Arc<Monitor>,
    /// Held while somebody takes an invitation.
    pub(crate) claims: tokio::sync::Mutex<()>,
}

impl Pages {
    pub(crate) fn engines(&self) -> impl Iterator<Item = &Engine> {
        self.engines.get().into_iter().flatten().map(|(_, engine)| engine)
    }
}

/// How many wrong join codes may come from one address in [`WINDOW`]: a class may share one.
const GUESSES: u32 = 100;

/// How long wrong codes count.
const WINDOW: Duration = Duration::from_secs(60);

/// The most addresses that are remembered.
const ADDRESSES: usize = 10_000;

/// The wrong join codes of each address. Without it a code could be found by trying.
#[derive(Debug, Default)]
pub(crate) struct Guesses(Mutex<HashMap<IpAddr, (u32, Instant)>>);

impl Guesses {
    fn are_too_many(&self, from: IpAddr) -> bool {
        let guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        guesses
            .get(&from)
            .is_some_and(|(count, since)| *count >= GUESSES && since.elapsed() < WINDOW)
    }

    fn note(&self, from: IpAddr) {
        let mut guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if guesses.len() >= ADDRESSES {
            guesses.retain(|_, (_, since)| since.elapsed() < WINDOW);
        }
        let (count, since) = guesses.entry(from).or_insert((0, Instant::now()));
        if since.elapsed() >= WINDOW {
            (*count, *since) = (0, Instant::now());
        }
        *count += 1;
    }
}

#[async_trait]
impl Site for Pages {
    async fn sign_in(
        &self,
        from: Option<IpAddr>,
        login: &str,
        password: &str,
    ) -> Result<String, Refused> {
        self.accounts.log_in(from, login, password).await.map_err(refused)
    }

    async fn person(&self, session: &str) -> Option<Person> {
        self.accounts.of_token(session).await.map(person)
    }

    async fn sign_out(&self, session: &str) {
        self.accounts.log_out(session).await;
    }

    fn ticket(&self, person: &Person) -> String {
        self.tickets.give(UserPk(person.id))
    }

    async fn run_of(&self, from: Option<IpAddr>, code: &str) -> Option<String> {
        if from.is_some_and(|from| self.guesses.are_too_many(from)) {
            return None;
        }
        for engine in self.engines() {
            if let Some(name) = engine.run_of_code(code).await {
                return Some(name);
            }
        }
        from.into_iter().for_each(|from| self.guesses.note(from));
        None
    }

    async fn sign_up(
        &self,
        from: Option<IpAddr>,
        code: &str,
        newcomer: Newcomer,
    ) -> Result<String, Refused> {
        let Newcomer { login, password, .. } = &newcomer;
        if password.trim().is_empty() {
            return Err(Refused::Credentials("choose a password".to_owned()));
        }
        self.claim(code, &newcomer).await?;
        let is_new = self.accounts.sign_up(&newcomer).await.map_err(refused)?;
        self.sign_in(from, login, password).await.map_err(|error| match error {
            Refused::Credentials(_) if !is_new => Refused::Credentials(
                "there is an account with this address, and its password is another".to_owned(),
            ),
            other => other,
        })
    }

    async fn take_seat(&self, code: &str, person: &Person) -> Result<(), Refused> {
        for engine in self.engines() {
            let Err(error) = engine.take_seat(code, UserPk(person.id)).await else { return Ok(()) };
            // It may be a code of the next game's.
            if error.uri() != CallError::NOT_FOUND {
                return Err(told(&error));
            }
        }
        Err(Refused::Seat("this code opens no run any more".to_owned()))
    }

    async fn led(&self, person: &Person) -> Result<(Vec<String>, Vec<LedRun>), Refused> {
        self.all_led(person).await
    }

    async fn open_run(&self, person: &Person, run: NewRun) -> Result<i64, Refused> {
        self.opened_run(person, run).await
    }

    async fn set_active(&self, person: &Person, run: i64, active: bool) -> Result<(), Refused> {
        self.activated(person, run, active).await
    }

    async fn enrol(
        &self,
        person: &Person,
        run: i64,
        entrants: Vec<Entrant>,
    ) -> Result<Enrolled, Refused> {
        self.enrolled(person, run, entrants).await
    }

    fn realm(&self) -> &str {
        &self.realm
    }

    fn router(&self) -> Option<&str> {
        self.router.as_deref()
    }

    fn games(&self, person: &Person) -> Vec<Games> {
        let engines = self.engines.get().into_iter().flatten();
        engines
            .map(|(root, engine)| Games {
                slug: engine.slug().to_owned(),
                root: root.clone(),
                seats: engine
                    .seats(UserPk(person.id))
                    .into_iter()
                    .map(|(run, runuser)| Seat { run: run.0, runuser: runuser.0 })
                    .collect(),
                view: self.view(engine.slug()).is_some(),
            })
            .collect()
    }

    fn view(&self, slug: &str) -> Option<&'static str> {
        self.views.iter().find(|(of, _)| of == slug).map(|(_, module)| *module)
    }

    fn bench(&self) -> Vec<BenchGame> {
        bench::games(self)
    }

    fn ticket_of_seat(&self, runuser: i64, staff: &Person) -> Option<(i64, String)> {
        bench::ticket(self, runuser, staff)
    }

    async fn status(&self) -> Value {
        self.monitor.status().await
    }

    fn tree(&self, run: i64) -> Option<String> {
        self.monitor.tree(run)
    }

    fn changes(&self, run: i64) -> Option<BoxStream<'static, RunEvent>> {
        self.monitor.changes(run)
    }
}

pub(crate) fn refused(error: LoginError) -> Refused {
    match error {
        LoginError::Refused(text) => Refused::Credentials(text),
        LoginError::Unavailable(cause) => {
            tracing::warn!("a login could not be checked: {cause}");
            Refused::Unavailable
        }
    }
}

fn person(user: User) -> Person {
    Person {
        id: user.id.0,
        email: user.email,
        first_name: user.first_name,
        last_name: user.last_name,
        staff: user.is_staff,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_guesses_codes_is_stopped_and_others_are_not() {
        let guesses = Guesses::default();
        let (guesser, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        for _ in 0..GUESSES {
            assert!(!guesses.are_too_many(guesser));
            guesses.note(guesser);
        }
        assert!(guesses.are_too_many(guesser));
        assert!(!guesses.are_too_many(other));
    }
}

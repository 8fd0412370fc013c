//! What the pages ask of the service around them, answered.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use sim_games_types::{User, UserPk};
use sim_ui::{Games, Person, Refused, Seat, Site};

use crate::access::Engines;
use crate::accounts::{Accounts, LoginError};
use crate::tickets::Tickets;

/// The service as the pages see it.
pub(crate) struct Pages {
    pub(crate) accounts: Arc<dyn Accounts>,
    pub(crate) tickets: Arc<Tickets>,
    pub(crate) engines: Engines,
    pub(crate) realm: String,
    /// The games' own modules, by slug.
    pub(crate) views: Vec<(String, &'static str)>,
}

#[async_trait]
impl Site for Pages {
    async fn sign_in(
        &self,
        from: Option<IpAddr>,
        login: &str,
        password: &str,
    ) -> Result<String, Refused> {
        self.accounts.log_in(from, login, password).await.map_err(|error| match error {
            LoginError::Refused(text) => Refused::Credentials(text),
            LoginError::Unavailable(cause) => {
                tracing::warn!("a login could not be checked: {cause}");
                Refused::Unavailable
            }
        })
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

    fn realm(&self) -> &str {
        &self.realm
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

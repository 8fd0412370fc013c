//! What leaders do on the pages beyond one run.

use sim_engine::{CallError, Engine, Entrant as Seated, NewRun as Opened};
use sim_games_types::{RunPk, UserPk};
use sim_ui::{Enrolled, Entrant, LedRun, NewRun, Newcomer, Person, Refused};

use crate::pages::{Pages, refused};

/// The most worlds with which a run begins.
const MOST_WORLDS: usize = 500;

/// The longest name that the Games API takes.
const LONGEST_NAME: usize = 100;

impl Pages {
    /// The games in which a person may open runs, and the runs that the person leads. Who leads a
    /// run of a game may open others; staff may in every game.
    pub(crate) async fn all_led(
        &self,
        person: &Person,
    ) -> Result<(Vec<String>, Vec<LedRun>), Refused> {
        let (mut games, mut led) = (Vec::new(), Vec::new());
        for engine in self.engines().filter(|engine| engine.is_installed()) {
            let runs = engine.led_runs(UserPk(person.id)).await.map_err(|it| told(&it))?;
            if person.staff || !runs.is_empty() {
                games.push(engine.slug().to_owned());
            }
            led.extend(runs.into_iter().map(|run| LedRun {
                game: engine.slug().to_owned(),
                run: run.id.0,
                name: run.name,
                active: run.active,
            }));
        }
        Ok((games, led))
    }

    pub(crate) async fn opened_run(&self, person: &Person, run: NewRun) -> Result<i64, Refused> {
        let NewRun { game, name, worlds } = run;
        let (games, _) = self.all_led(person).await?;
        let engine = self.engines().find(|it| it.slug() == game && games.contains(&game));
        let engine = engine.ok_or(Refused::Forbidden)?;
        if worlds.len() > MOST_WORLDS {
            let text = format!("a run begins with {MOST_WORLDS} worlds at most");
            return Err(Refused::Invalid(text));
        }
        let (name, worlds) = (named(&name)?, names(&worlds)?);
        let run = Opened { name, worlds, leader: UserPk(person.id) };
        Ok(engine.create_run(run).await.map_err(|error| told(&error))?.0)
    }

    pub(crate) async fn activated(
        &self,
        person: &Person,
        run: i64,
        active: bool,
    ) -> Result<(), Refused> {
        let engine = self.engine_led(person, run).await?;
        engine.set_active(RunPk(run), active, UserPk(person.id)).await.map_err(|it| told(&it))
    }

    /// Checks all that can be checked before the first account is made.
    pub(crate) async fn enrolled(
        &self,
        person: &Person,
        run: i64,
        entrants: Vec<Entrant>,
    ) -> Result<Enrolled, Refused> {
        let engine = self.engine_led(person, run).await?;
        let roles: Vec<_> = engine.roles().iter().map(|role| role.to_lowercase()).collect();
        let mut places = Vec::new();
        for Entrant { email, world, role, .. } in &entrants {
            let (world, role) = (chosen(world.as_deref())?, chosen(role.as_deref())?);
            if let Some(role) = role.as_ref().filter(|role| !roles.contains(&role.to_lowercase())) {
                let text = format!("the game has no role `{role}` for {email}");
                return Err(Refused::Invalid(text));
            }
            places.push((world, role));
        }
        let mut seated = Vec::new();
        for (entrant, (world, role)) in entrants.into_iter().zip(places) {
            let Entrant { email: login, first_name, last_name, .. } = entrant;
            let person = Newcomer { login, password: String::new(), first_name, last_name };
            let (user, invited) = self.accounts.invite(&person).await.map_err(refused)?;
            seated.push(Seated { user, world, role, invited });
        }
        let done = engine.enrol(RunPk(run), UserPk(person.id), seated).await;
        let sim_engine::Enrolled { added, moved, kept, worlds } = done.map_err(|it| told(&it))?;
        Ok(Enrolled { added, moved, kept, worlds })
    }

    /// Gives the account its password that a leader made for whoever shows a code of the run.
    pub(crate) async fn claim(&self, code: &str, newcomer: &Newcomer) -> Result<(), Refused> {
        // Of two who say that they are the same person only the first chooses a password.
        let _turn = self.claims.lock().await;
        for engine in self.engines() {
            if let Some(user) = engine.is_invited(code, &newcomer.login).await {
                let set = self.accounts.set_first_password(user, &newcomer.password).await;
                return match set.map_err(refused)? {
                    true => engine.take_invitation(code, user).await.map_err(|it| told(&it)),
                    // Whoever knows the password comes in by that.
                    false => Ok(()),
                };
            }
        }
        Ok(())
    }

    /// The engine of a run that the person leads.
    async fn engine_led(&self, person: &Person, run: i64) -> Result<&Engine, Refused> {
        let (_, led) = self.all_led(person).await?;
        let led = led.iter().find(|it| it.run == run).ok_or(Refused::Forbidden)?;
        self.engines().find(|it| it.slug() == led.game).ok_or(Refused::Forbidden)
    }
}

fn named(name: &str) -> Result<String, Refused> {
    chosen(Some(name))?.ok_or_else(|| Refused::Invalid("a name is missing".to_owned()))
}

/// The names of worlds, of which no two are the same.
fn names(names: &[String]) -> Result<Vec<String>, Refused> {
    let names = names.iter().map(|name| named(name)).collect::<Result<Vec<_>, _>>()?;
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            return Err(Refused::Invalid(format!("two worlds are called `{name}`")));
        }
    }
    Ok(names)
}

/// A name, if one was given.
fn chosen(name: Option<&str>) -> Result<Option<String>, Refused> {
    match name.map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) if name.chars().count() > LONGEST_NAME => {
            Err(Refused::Invalid(format!("a name has {LONGEST_NAME} characters at most")))
        }
        name => Ok(name.map(str::to_owned)),
    }
}

/// What people read of an act that failed.
pub(crate) fn told(error: &CallError) -> Refused {
    let text = || {
        let text = error.args().first().and_then(|text| text.as_str());
        text.unwrap_or_default().to_owned()
    };
    match error.uri() {
        CallError::CONFLICT => Refused::Seat(text()),
        CallError::NOT_FOUND | CallError::INVALID_ARGUMENT => Refused::Invalid(text()),
        _ => {
            tracing::warn!("a request of the pages failed: {error}");
            Refused::Unavailable
        }
    }
}

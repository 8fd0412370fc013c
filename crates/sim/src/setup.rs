//! A game's default environment: declared as a value, and made through a Games API.

use serde_json::{Value, json};
use sim_games_client::{Client, Error};
use sim_games_types::{
    Game, GamePk, Lookup, Object, Period, Phase, PhasePk, Role, RolePk, Run, RunPk, RunUser,
    Scenario, User, World, WorldPk,
};

use crate::Secret;

/// A person with an account and a place in the run.
#[derive(Clone, Debug)]
pub struct Player {
    email: String,
    password: Secret,
    first_name: String,
    last_name: String,
    world: Option<String>,
    role: Option<String>,
}

impl Player {
    /// Somebody who logs in with this e-mail address and this password.
    #[must_use]
    pub fn new(email: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            email: email.into(),
            password: Secret::new(password),
            first_name: String::new(),
            last_name: String::new(),
            world: None,
            role: None,
        }
    }

    /// Gives the person a name.
    #[must_use]
    pub fn named(self, first_name: impl Into<String>, last_name: impl Into<String>) -> Self {
        Self { first_name: first_name.into(), last_name: last_name.into(), ..self }
    }

    /// Puts the person into the world of this name; otherwise into none.
    #[must_use]
    pub fn in_world(self, name: impl Into<String>) -> Self {
        Self { world: Some(name.into()), ..self }
    }

    /// Lets the person play the role of this name; otherwise none.
    #[must_use]
    pub fn as_role(self, name: impl Into<String>) -> Self {
        Self { role: Some(name.into()), ..self }
    }
}

/// A game's default environment: the game, its phases and roles, and one run with its members.
///
/// Nothing more is needed for it than a Games API. What is there already is left alone, so that it
/// can be made again and again; only members in another place are moved to theirs.
#[derive(Clone, Debug)]
pub struct Setup {
    slug: String,
    name: String,
    phases: Vec<String>,
    roles: Vec<String>,
    run: String,
    run_data: Value,
    leaders: Vec<Player>,
    players: Vec<Player>,
    worlds: Vec<String>,
    world_scenario: Option<String>,
    private_scenario: Option<String>,
}

/// What is there after a [`Setup`] was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// The game.
    pub game: GamePk,
    /// The run.
    pub run: RunPk,
    /// How many objects had to be created.
    pub created: usize,
}

/// A default environment could not be made, or not be removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The Games API refused something, or could not be reached.
    #[error("cannot set up {what}: {error}")]
    Api {
        /// The object.
        what: String,
        /// What the client said.
        #[source]
        error: Error,
    },
    /// The declaration names a role or world that it does not declare.
    #[error("`{email}` shall have the {kind} `{name}`, which the setup does not declare")]
    Undeclared {
        /// The player.
        email: String,
        /// `role` or `world`.
        kind: &'static str,
        /// The missing name.
        name: String,
    },
}

impl Setup {
    /// A game with this slug and name, and a run `default` without phases, roles or members.
    #[must_use]
    pub fn new(slug: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            slug: slug.into(),
            name: name.into(),
            phases: Vec::new(),
            roles: Vec::new(),
            run: "default".to_owned(),
            run_data: json!({}),
            leaders: Vec::new(),
            players: Vec::new(),
            worlds: Vec::new(),
            world_scenario: None,
            private_scenario: None,
        }
    }

    /// The phases in their order; the run starts in the first.
    #[must_use]
    pub fn phases<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        Self { phases: owned(names), ..self }
    }

    /// The roles that players can have.
    #[must_use]
    pub fn roles<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        Self { roles: owned(names), ..self }
    }

    /// The run's name.
    #[must_use]
    pub fn run(self, name: impl Into<String>) -> Self {
        Self { run: name.into(), ..self }
    }

    /// What a new run keeps in its data, for example a game's settings.
    #[must_use]
    pub fn run_data(self, data: Value) -> Self {
        Self { run_data: data, ..self }
    }

    /// The worlds of the run.
    #[must_use]
    pub fn worlds<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        Self { worlds: owned(names), ..self }
    }

    /// Adds a leader of the run.
    #[must_use]
    pub fn leader(mut self, leader: Player) -> Self {
        self.leaders.push(leader);
        self
    }

    /// Adds a player.
    #[must_use]
    pub fn player(mut self, player: Player) -> Self {
        self.players.push(player);
        self
    }

    /// Gives every world a scenario of this name with a first period.
    #[must_use]
    pub fn world_scenario(self, name: impl Into<String>) -> Self {
        Self { world_scenario: Some(name.into()), ..self }
    }

    /// Gives every player a private scenario of this name with a first period.
    #[must_use]
    pub fn private_scenario(self, name: impl Into<String>) -> Self {
        Self { private_scenario: Some(name.into()), ..self }
    }

    /// Makes what is not there yet.
    ///
    /// # Errors
    /// When the Games API refuses something or cannot be reached; what was made until then stays,
    /// and the next attempt goes on from there. When a player's role or world is not declared.
    pub async fn apply(&self, client: &Client) -> Result<Made, SetupError> {
        self.check()?;
        let mut maker = Maker { client, created: 0 };
        let game: Game = maker
            .ensure(Lookup::new().with("slug", &self.slug), json!({ "name": self.name }))
            .await?;
        let first_phase = maker.phases(game.id, &self.phases).await?;
        let mut roles = Vec::new();
        for name in &self.roles {
            let lookup = Lookup::new().with("game", game.id).with("name", name);
            roles.push((name.as_str(), maker.ensure::<Role>(lookup, json!({})).await?.id));
        }
        let lookup = Lookup::new().with("game", game.id).with("name", &self.run);
        let fields = json!({ "phase": first_phase, "data": self.run_data });
        let run = maker.ensure::<Run>(lookup, fields).await?.id;
        let mut worlds = Vec::new();
        for name in &self.worlds {
            let lookup = Lookup::new().with("run", run).with("name", name);
            let world: World = maker.ensure(lookup, json!({})).await?;
            worlds.push((name.as_str(), world.id));
            let owner = Lookup::new().with("world", world.id);
            maker.scenario(owner, self.world_scenario.as_deref()).await?;
        }
        for leader in &self.leaders {
            maker.member(leader, run, json!({ "leader": true })).await?;
        }
        for player in &self.players {
            let role: Option<RolePk> = named(&roles, player.role.as_deref());
            let world: Option<WorldPk> = named(&worlds, player.world.as_deref());
            let place = json!({ "leader": false, "role": role, "world": world });
            let member = maker.member(player, run, place).await?;
            let owner = Lookup::new().with("runuser", member.id);
            maker.scenario(owner, self.private_scenario.as_deref()).await?;
        }
        Ok(Made { game: game.id, run, created: maker.created })
    }

    /// Deletes all runs of the name with everything in them, and makes a new one.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub async fn reset(&self, client: &Client) -> Result<Made, SetupError> {
        self.check()?;
        let failed = |error| failed::<Run>(&self.run, error);
        let lookup = Lookup::new().with("game_slug", &self.slug).with("name", &self.run);
        for run in client.endpoint::<Run>().filter(&lookup).await.map_err(failed)? {
            client.endpoint::<Run>().delete(run.id).await.map_err(failed)?;
        }
        self.apply(client).await
    }

    /// Refuses a player whose role or world is not declared.
    fn check(&self) -> Result<(), SetupError> {
        for player in &self.players {
            let wanted =
                [("role", &player.role, &self.roles), ("world", &player.world, &self.worlds)];
            for (kind, name, declared) in wanted {
                if let Some(name) = name.as_ref().filter(|name| !declared.contains(name)) {
                    let (email, name) = (player.email.clone(), name.clone());
                    return Err(SetupError::Undeclared { email, kind, name });
                }
            }
        }
        Ok(())
    }
}

fn owned<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    names.into_iter().map(str::to_owned).collect()
}

fn named<T: Copy>(all: &[(&str, T)], wanted: Option<&str>) -> Option<T> {
    all.iter().find(|(name, _)| Some(*name) == wanted).map(|(_, pk)| *pk)
}

fn failed<T: Object>(name: &str, error: Error) -> SetupError {
    SetupError::Api { what: format!("{} `{name}`", T::RESOURCE), error }
}

/// Makes one object at a time, and counts those that were not there.
struct Maker<'a> {
    client: &'a Client,
    created: usize,
}

impl Maker<'_> {
    async fn ensure<T: Object>(&mut self, lookup: Lookup, others: Value) -> Result<T, SetupError> {
        let made = self.client.endpoint::<T>().get_or_create(&lookup, &others).await;
        let (object, is_new) = made.map_err(|error| failed::<T>(&lookup.to_string(), error))?;
        self.created += usize::from(is_new);
        Ok(object)
    }

    /// The phases; answers with the first of them.
    async fn phases(
        &mut self,
        game: GamePk,
        names: &[String],
    ) -> Result<Option<PhasePk>, SetupError> {
        let mut first = None;
        for (index, name) in names.iter().enumerate() {
            let lookup = Lookup::new().with("game", game).with("name", name);
            let phase: Phase = self.ensure(lookup, json!({ "order": index + 1 })).await?;
            first.get_or_insert(phase.id);
        }
        Ok(first)
    }

    /// A scenario of an owner with a first period, if one is wanted.
    async fn scenario(&mut self, owner: Lookup, name: Option<&str>) -> Result<(), SetupError> {
        let Some(name) = name else { return Ok(()) };
        let scenario: Scenario = self.ensure(owner.with("name", name), json!({})).await?;
        let lookup = Lookup::new().with("scenario", scenario.id).with("order", 1);
        self.ensure::<Period>(lookup, json!({})).await.map(drop)
    }

    /// A person's account and membership, in this place.
    async fn member(
        &mut self,
        player: &Player,
        run: RunPk,
        place: Value,
    ) -> Result<RunUser, SetupError> {
        let Player { email, password, first_name, last_name, .. } = player;
        // Looked up by e-mail address alone: a password has no business in a URL.
        let fields = json!({
            "password": password.reveal(), "first_name": first_name, "last_name": last_name,
        });
        let user: User = self.ensure(Lookup::new().with("email", email), fields).await?;
        let lookup = Lookup::new().with("user", user.id).with("run", run);
        let made = self.client.endpoint::<RunUser>().create_or_update(&lookup, &place).await;
        let (member, is_new) = made.map_err(|error| failed::<RunUser>(email, error))?;
        self.created += usize::from(is_new);
        Ok(member)
    }
}

//! What is to be there afterwards, worked out before anything is asked of the Games API.

use divide::rules::{DIVIDEND, DIVISOR, PLAY};

use crate::RunName;

/// The roles, in the order in which they are made and in which a world's players have them.
pub(crate) const ROLES: [&str; 2] = [DIVIDEND, DIVISOR];

/// The phases with their orders; a seeded run is in the first.
pub(crate) const PHASES: [(&str, i64); 2] = [(PLAY, 1), ("Debrief", 2)];

/// The scenario of every world.
pub(crate) const WORLD_SCENARIO: &str = "World Scenario 1";

/// The private scenario of every player, where wanted.
pub(crate) const TEST_SCENARIO: &str = "Test Scenario 1";

/// The order of a scenario's first period.
pub(crate) const FIRST_PERIOD: i64 = 1;

/// What happens to runs of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// They stay.
    No,
    /// They are deleted if the question is answered with yes.
    Ask,
    /// They are deleted.
    Yes,
}

/// What to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedOptions {
    /// The game's name in URLs.
    pub game_slug: String,
    /// The game's name for people.
    pub game_name: String,
    /// The run's name.
    pub run: RunName,
    /// How many worlds the run has at least.
    pub worlds: u32,
    /// Whether every player gets a private scenario.
    pub test_scenarios: bool,
    /// What happens to runs of the same name.
    pub reset: Reset,
}

impl SeedOptions {
    /// The default environment of a game: one run with two worlds; nothing is deleted.
    #[must_use]
    pub fn new(game_slug: impl Into<String>, game_name: impl Into<String>) -> Self {
        Self {
            game_slug: game_slug.into(),
            game_name: game_name.into(),
            run: RunName::default_run(),
            worlds: 2,
            test_scenarios: false,
            reset: Reset::No,
        }
    }
}

/// Somebody who can log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
}

/// A world with its players, one per role of [`ROLES`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WorldPlan {
    pub(crate) name: String,
    pub(crate) players: [Person; 2],
}

/// The leader of every run.
pub(crate) fn leader() -> Person {
    Person {
        email: "leader@div.edu".to_owned(),
        password: "leader".to_owned(),
        first_name: "Div".to_owned(),
        last_name: "Leader".to_owned(),
    }
}

/// The worlds of a run, numbered from one, with players that are numbered through.
pub(crate) fn worlds(options: &SeedOptions) -> Vec<WorldPlan> {
    (1..=options.worlds)
        .map(|number| WorldPlan {
            name: format!("World {number}"),
            players: [2 * number - 1, 2 * number].map(|player| person(&options.run, player)),
        })
        .collect()
}

fn person(run: &RunName, number: u32) -> Person {
    let login = format!("{}{number}", run.prefix());
    Person {
        email: format!("{login}@div.edu"),
        password: login,
        first_name: format!("Student{number}"),
        last_name: run.last_name(),
    }
}

/// The lines that tell of a world, in their order.
pub(crate) fn world_lines(world: &WorldPlan, test_scenarios: bool) -> Vec<(&'static str, String)> {
    let leader = leader().email;
    let mut lines = vec![
        ("getting or creating world", world.name.clone()),
        ("getting or creating user", leader.clone()),
        ("getting or creating leader runuser for user", leader),
    ];
    for player in &world.players {
        lines.push(("getting or creating user", player.email.clone()));
        lines.push(("getting or creating runuser for user", player.email.clone()));
        if test_scenarios {
            lines.push(("getting or creating test scenario for user", player.email.clone()));
        }
    }
    lines
}

#[cfg(test)]
mod tests;

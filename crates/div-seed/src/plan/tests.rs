//! Names, players and lines as pure values.

use super::*;

fn options(run: &str, worlds: u32) -> SeedOptions {
    SeedOptions { run: run.parse().unwrap(), worlds, ..SeedOptions::new("div", "Div") }
}

/// Everything about a player in one line.
fn describe(person: &Person) -> String {
    let Person { email, password, first_name, last_name } = person;
    format!("{email} {password} {first_name} {last_name}")
}

fn players(run: &str, worlds: u32) -> Vec<String> {
    super::worlds(&options(run, worlds))
        .iter()
        .flat_map(|world| &world.players)
        .map(describe)
        .collect()
}

#[test]
fn the_default_environment_has_two_worlds_with_four_students() {
    let names: Vec<_> = worlds(&options("default", 2)).into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["World 1", "World 2"]);
    assert_eq!(
        players("default", 2),
        [
            "s1@div.edu s1 Student1 User",
            "s2@div.edu s2 Student2 User",
            "s3@div.edu s3 Student3 User",
            "s4@div.edu s4 Student4 User",
        ]
    );
    assert_eq!(describe(&leader()), "leader@div.edu leader Div Leader");
}

#[test]
fn players_of_a_named_run_are_called_after_it() {
    assert_eq!(
        players("spring", 1),
        ["spring1@div.edu spring1 Student1 Spring", "spring2@div.edu spring2 Student2 Spring"]
    );
}

#[test]
fn further_worlds_continue_the_numbers() {
    let last = worlds(&options("default", 10_000)).pop().unwrap();
    assert_eq!(last.name, "World 10000");
    assert_eq!(describe(&last.players[0]), "s19999@div.edu s19999 Student19999 User");
    assert_eq!(describe(&last.players[1]), "s20000@div.edu s20000 Student20000 User");
}

#[test]
fn a_world_is_told_in_the_order_of_the_original() {
    let world = &worlds(&options("default", 1))[0];
    let lines = |test_scenarios| -> Vec<String> {
        world_lines(world, test_scenarios)
            .into_iter()
            .map(|(label, value)| format!("{label}: {value}"))
            .collect()
    };
    assert_eq!(
        lines(false),
        [
            "getting or creating world: World 1",
            "getting or creating user: leader@div.edu",
            "getting or creating leader runuser for user: leader@div.edu",
            "getting or creating user: s1@div.edu",
            "getting or creating runuser for user: s1@div.edu",
            "getting or creating user: s2@div.edu",
            "getting or creating runuser for user: s2@div.edu",
        ]
    );
    let with_scenarios = lines(true);
    assert_eq!(with_scenarios.len(), 9);
    assert_eq!(with_scenarios[5], "getting or creating test scenario for user: s1@div.edu");
    assert_eq!(with_scenarios[8], "getting or creating test scenario for user: s2@div.edu");
}

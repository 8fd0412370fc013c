//! Who may depend on whom: the dependency table of the design, compared with the manifests.

use super::Violation;
use crate::cargo::{DependencyKind, Package};

/// One row of the table.
struct Row {
    name: &'static str,
    /// What the crate itself may depend on.
    may: &'static [&'static str],
    /// What its tests may depend on besides.
    tests_may: &'static [&'static str],
}

const TABLE: &[Row] = &[
    row("divide", &[], &[]),
    row("sim-games-types", &[], &[]),
    row("sim-wamp", &[], &[]),
    row("sim-engine", &["sim-games-types"], &[]),
    row("sim-games-client", &["sim-games-types"], &[]),
    row("sim-games-server", &["sim-games-types"], &[]),
    row("sim", FACADE, &[]),
    row("sim-ui", FACADE, &[]),
    row("sim-test", &["sim", "sim-games-server"], &[]),
    row("div-game", &["sim", "divide"], &["sim-test"]),
    // The service fills an empty database by the library of the seed command.
    row("div-service", &["sim", "div-game", "div-seed"], &["sim-test"]),
    row("sim-bots", &["sim-wamp", "sim-games-types", "sim-games-client"], &[]),
    // A class of its own is made by the library of the seed command, too.
    row("div-bots", DIV_BOTS, &["sim", "div-game", "sim-test"]),
    row("div-seed", &["sim-games-client", "sim-games-types", "divide"], &["sim-test", "div-game"]),
    // The programs, for the container image.
    row("div-all", &["div-service", "div-seed", "div-bots", "sim-games-server", "sim-wamp"], &[]),
    row("black-box", &[], &[]),
    row("xtask", &[], &[]),
];

const FACADE: &[&str] = &[
    "divide",
    "sim-games-types",
    "sim-wamp",
    "sim-engine",
    "sim-games-client",
    "sim-games-server",
    "sim-ui",
];

const DIV_BOTS: &[&str] = &["sim-bots", "divide", "div-seed", "sim-wamp", "sim-games-types"];

const EXAMPLE: Row = row("examples", &["sim"], &["sim-test"]);

const fn row(
    name: &'static str,
    may: &'static [&'static str],
    tests_may: &'static [&'static str],
) -> Row {
    Row { name, may, tests_may }
}

/// Compares every edge between two of our crates with the table.
pub(super) fn check(packages: &[Package]) -> Vec<Violation> {
    let ours: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    packages.iter().flat_map(|package| check_one(package, &ours)).collect()
}

fn check_one(package: &Package, ours: &[&str]) -> Vec<Violation> {
    let is_example = package.dir.parent().is_some_and(|dir| dir.ends_with("examples"));
    let found = TABLE.iter().find(|row| row.name == package.name);
    let Some(row) = found.or(is_example.then_some(&EXAMPLE)) else {
        let text = "is not in the dependency table, add a row to `xtask/src/tidy/layers.rs`";
        return vec![Violation::error(&package.name, text)];
    };
    let edges = package.dependencies.iter().filter(|(to, _)| ours.contains(&to.as_str()));
    edges
        .filter(|(to, kind)| !allows(row, to, *kind))
        .map(|(to, kind)| {
            let whose = if *kind == DependencyKind::Dev { "its tests" } else { "it" };
            let text = format!("{whose} may not depend on `{to}`, see the dependency table");
            Violation::error(&package.name, text)
        })
        .collect()
}

fn allows(row: &Row, to: &str, kind: DependencyKind) -> bool {
    row.may.contains(&to) || (kind == DependencyKind::Dev && row.tests_may.contains(&to))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn package(name: &str, dependencies: &[(&str, DependencyKind)]) -> Package {
        let dependencies = dependencies.iter().map(|(to, kind)| ((*to).to_owned(), *kind));
        Package {
            name: name.to_owned(),
            dir: PathBuf::from("/w/crates").join(name),
            dependencies: dependencies.collect(),
        }
    }

    fn texts(packages: &[Package]) -> Vec<String> {
        check(packages).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_edge_that_points_up_is_found() {
        let packages =
            [package("sim", &[]), package("sim-engine", &[("sim", DependencyKind::Normal)])];
        assert_eq!(
            texts(&packages),
            ["error: sim-engine: it may not depend on `sim`, see the dependency table"]
        );
    }

    #[test]
    fn the_harness_is_for_tests_only() {
        let sim_test = package("sim-test", &[]);
        let in_tests = package("div-game", &[("sim-test", DependencyKind::Dev)]);
        assert_eq!(texts(&[sim_test.clone(), in_tests]), Vec::<String>::new());
        let in_the_crate = package("div-game", &[("sim-test", DependencyKind::Normal)]);
        assert_eq!(texts(&[sim_test, in_the_crate]).len(), 1);
    }

    #[test]
    fn the_crates_of_others_are_not_our_concern() {
        let packages = [package("divide", &[("serde", DependencyKind::Normal)])];
        assert_eq!(texts(&packages), Vec::<String>::new());
    }

    #[test]
    fn a_crate_without_a_row_is_found_unless_it_is_an_example() {
        let mut new = package("calc", &[]);
        assert_eq!(texts(&[new.clone()]).len(), 1);
        new.dir = PathBuf::from("/w/examples/calc");
        assert_eq!(texts(&[new]), Vec::<String>::new());
    }

    #[test]
    fn the_words_depend_on_nothing_of_ours() {
        for word in ["divide", "sim-games-types", "sim-wamp"] {
            let row = TABLE.iter().find(|row| row.name == word).unwrap();
            assert!(row.may.is_empty() && row.tests_may.is_empty());
        }
    }
}

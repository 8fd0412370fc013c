//! Who sits where in a run, for those who operate the service.

use sim_games_types::{Run, RunUser, World};

use crate::model::Model;
use crate::sync::read;

/// A run that is in memory, with its worlds and members.
#[derive(Clone, Debug)]
pub struct Roster {
    /// The run.
    pub run: Run,
    /// Its worlds, by key.
    pub worlds: Vec<World>,
    /// All its members, by key.
    pub members: Vec<RunUser>,
}

/// All runs that are in memory, by key.
pub(crate) fn rosters(model: &Model) -> Vec<Roster> {
    let roster = |run: &crate::model::LoadedRun| {
        let tree = read(&run.tree);
        Roster {
            run: (**tree.run()).clone(),
            worlds: tree.worlds().map(|node| (*node.entry).clone()).collect(),
            members: tree.runusers().map(|node| (*node.entry).clone()).collect(),
        }
    };
    let mut rosters: Vec<_> = model.loaded().iter().map(|run| roster(run)).collect();
    rosters.sort_by_key(|it| it.run.id);
    rosters
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{LEADER, RUN, game_snapshot, run_snapshot};

    #[test]
    fn a_roster_has_all_worlds_and_members_of_a_run() {
        let root = crate::uri::Root::new("root");
        let model = Model::new(root, crate::Runs::Active, &crate::Game::new("div"));
        model.install(&game_snapshot());
        assert!(rosters(&model).is_empty());
        model.load(&run_snapshot());
        let [roster] = &*rosters(&model) else { panic!("there is one run") };
        assert_eq!(roster.run.id.0, RUN);
        assert_eq!(roster.worlds.iter().map(|it| it.id.0).collect::<Vec<_>>(), [9, 10]);
        let keys: Vec<_> = roster.members.iter().map(|it| it.id.0).collect();
        assert_eq!(keys, [LEADER, 31, 32, 33, 34]);
    }
}

//! The seats that staff can take on the bench.

use sim_engine::Roster;
use sim_games_types::RunUser;
use sim_ui::{BenchGame, BenchMember, BenchRun, BenchWorld, Person, Site};

use crate::pages::Pages;

/// The active runs of each game that are in memory, with their seats.
pub(crate) fn games(pages: &Pages) -> Vec<BenchGame> {
    let engines = pages.engines.get().into_iter().flatten();
    engines
        .map(|(root, engine)| BenchGame {
            slug: engine.slug().to_owned(),
            root: root.clone(),
            view: pages.view(engine.slug()).is_some(),
            runs: engine.rosters().into_iter().filter(|it| it.run.active).map(run).collect(),
        })
        .collect()
}

/// The user of a seat, and a ticket for that user. The log says who acts as whom.
pub(crate) fn ticket(pages: &Pages, runuser: i64, staff: &Person) -> Option<(i64, String)> {
    let engines = pages.engines.get().into_iter().flatten();
    let rosters = engines.flat_map(|(_, engine)| engine.rosters());
    let mut members = rosters.filter(|it| it.run.active).flat_map(|it| it.members);
    let member = members.find(|it| it.id.0 == runuser && it.active)?;
    tracing::info!(
        user.pk = staff.id,
        seat.pk = runuser,
        seat.user.pk = member.user.0,
        "staff acts as a member on the bench"
    );
    Some((member.user.0, pages.tickets.give(member.user)))
}

fn run(Roster { run, worlds, members }: Roster) -> BenchRun {
    BenchRun {
        id: run.id.0,
        name: run.name,
        worlds: worlds
            .into_iter()
            .map(|world| BenchWorld { id: world.id.0, name: world.name })
            .collect(),
        members: members.into_iter().filter(|it| it.active).map(member).collect(),
    }
}

fn member(member: RunUser) -> BenchMember {
    let RunUser { first_name, last_name, email, .. } = member;
    let name = format!("{first_name} {last_name}").trim().to_owned();
    BenchMember {
        runuser: member.id.0,
        world: member.world.map(|world| world.0),
        role: member.role_name,
        leader: member.leader,
        name: if name.is_empty() { email } else { name },
    }
}

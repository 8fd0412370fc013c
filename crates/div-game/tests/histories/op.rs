//! What happens in a history: operations as they are generated, shrunk and printed.
//!
//! They name what they are about by small numbers, which are taken modulo what there is when the
//! operation is carried out: every part of a history is a history.

use proptest::collection::vec;
use proptest::prelude::*;

/// What a player enters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Play {
    /// A number, refused only as a divisor of zero.
    Number(i8),
    /// One whose quotient with the other's may be too large.
    Extreme(bool),
    /// No number at all.
    Junk,
}

/// What leaders do with rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Round {
    Close,
    Reopen,
    Step,
}

/// A kind of object that a REST client deletes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Doomed {
    Decision,
    Outcome,
    Period,
    Scenario,
    World,
    Member,
    Run,
}

/// One operation. Calls and edits are begun and not waited for; the others wait for all of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Op {
    // Calls of a page.
    Submit { tab: u8, period: u8, play: Play },
    // The user's last submission that carried a key once more, with whatever number.
    Repeat { tab: u8, operand: i8 },
    SubmitFor { tab: u8, period: u8, role: u8, play: Play },
    Phase { tab: u8, forward: bool },
    Round { tab: u8, period: u8, round: Round },
    World { tab: u8, world: u8 },
    Rounds { tab: u8, round: Round },
    // Edits of a REST client.
    RenameWorld { world: u8 },
    RenameUser { user: u8 },
    EditRun,
    EditDecision { decision: u8, operand: i8 },
    Activate { active: bool },
    Move { member: u8, world: u8 },
    Recast { member: u8, role: u8 },
    Enable { member: u8, active: bool },
    Delete { what: Doomed, which: u8 },
    Rewind { scenario: u8, order: u8, decisions: bool, results: bool },
    AddWorld,
    AddMember { user: u8, world: u8, role: u8 },
    AddScenario { world: u8 },
    AddPrivate { member: u8 },
    AddRun,
    // What happens to pages and to the service.
    Open { user: u8 },
    Close { tab: u8 },
    Check,
    Rest,
    Restart,
}

/// Histories of one run.
pub(crate) fn histories() -> impl Strategy<Value = Vec<Op>> {
    vec(operation(), 1..40)
}

fn operation() -> impl Strategy<Value = Op> {
    prop_oneof![
        10 => calls(),
        6 => edits(),
        2 => making(),
        3 => pages(),
        2 => Just(Op::Check),
    ]
}

fn play() -> impl Strategy<Value = Play> {
    prop_oneof![
        8 => (-4..=9_i8).prop_map(Play::Number),
        1 => any::<bool>().prop_map(Play::Extreme),
        1 => Just(Play::Junk),
    ]
}

fn round() -> impl Strategy<Value = Round> {
    prop_oneof![Just(Round::Reopen), Just(Round::Close), Just(Round::Step)]
}

fn calls() -> impl Strategy<Value = Op> {
    let (tab, which) = (0..8_u8, any::<u8>());
    let tab_and_period = (tab.clone(), which);
    prop_oneof![
        12 => (tab_and_period.clone(), play())
            .prop_map(|((tab, period), play)| Op::Submit { tab, period, play }),
        3 => (tab.clone(), 1..9_i8).prop_map(|(tab, operand)| Op::Repeat { tab, operand }),
        2 => (tab_and_period.clone(), 0..3_u8, play())
            .prop_map(|((tab, period), role, play)| Op::SubmitFor { tab, period, role, play }),
        2 => (tab.clone(), any::<bool>()).prop_map(|(tab, forward)| Op::Phase { tab, forward }),
        2 => (tab_and_period, round())
            .prop_map(|((tab, period), round)| Op::Round { tab, period, round }),
        1 => (tab.clone(), which).prop_map(|(tab, world)| Op::World { tab, world }),
        1 => (tab, round()).prop_map(|(tab, round)| Op::Rounds { tab, round }),
    ]
}

fn edits() -> impl Strategy<Value = Op> {
    let which = || any::<u8>();
    let doomed = prop_oneof![
        6 => Just(Doomed::Decision),
        4 => Just(Doomed::Outcome),
        4 => Just(Doomed::Period),
        2 => Just(Doomed::Scenario),
        2 => Just(Doomed::World),
        3 => Just(Doomed::Member),
        1 => Just(Doomed::Run),
    ];
    let rewind = (which(), 1..4_u8, any::<bool>(), any::<bool>());
    prop_oneof![
        1 => which().prop_map(|world| Op::RenameWorld { world }),
        1 => which().prop_map(|user| Op::RenameUser { user }),
        1 => Just(Op::EditRun),
        2 => (which(), 1..9_i8)
            .prop_map(|(decision, operand)| Op::EditDecision { decision, operand }),
        2 => any::<bool>().prop_map(|active| Op::Activate { active }),
        4 => (which(), which()).prop_map(|(member, world)| Op::Move { member, world }),
        2 => (which(), 0..3_u8).prop_map(|(member, role)| Op::Recast { member, role }),
        1 => (which(), any::<bool>())
            .prop_map(|(member, active)| Op::Enable { member, active }),
        6 => (doomed, which()).prop_map(|(what, which)| Op::Delete { what, which }),
        2 => rewind.prop_map(|(scenario, order, decisions, results)| {
            Op::Rewind { scenario, order, decisions, results }
        }),
    ]
}

fn making() -> impl Strategy<Value = Op> {
    let which = || any::<u8>();
    prop_oneof![
        2 => Just(Op::AddWorld),
        3 => (which(), which(), 0..3_u8)
            .prop_map(|(user, world, role)| Op::AddMember { user, world, role }),
        1 => which().prop_map(|world| Op::AddScenario { world }),
        2 => which().prop_map(|member| Op::AddPrivate { member }),
        1 => Just(Op::AddRun),
    ]
}

fn pages() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (0..8_u8).prop_map(|user| Op::Open { user }),
        4 => any::<u8>().prop_map(|tab| Op::Close { tab }),
        1 => Just(Op::Rest),
        1 => Just(Op::Restart),
    ]
}

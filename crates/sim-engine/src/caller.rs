//! Who calls, and in which phase.

use sim_games_types::{Object, Phase, Role, RunUser, RunUserPk, UserPk, WorldPk};

use crate::call::{CallData, Peer};
use crate::error::{CallError, CallResult};
use crate::sync::read;
use crate::tree::Entry;

/// Who calls: a member of the run.
#[derive(Clone, Debug)]
pub struct Caller {
    member: Entry<RunUser>,
    role: Option<Role>,
}

impl Caller {
    pub(crate) fn of(call: &CallData) -> CallResult<Self> {
        let member = call.member()?.clone();
        let game = read(&call.model.game);
        let role = member.role.and_then(|pk| game.roles.get(&pk)).map(|role| (**role).clone());
        Ok(Self { member, role })
    }

    /// The membership's key.
    #[must_use]
    pub fn runuser(&self) -> RunUserPk {
        self.member.pk()
    }

    /// The user's key.
    #[must_use]
    pub fn user(&self) -> UserPk {
        self.member.user
    }

    /// The user's e-mail address.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.member.email
    }

    /// The user's name: first and last, as far as there are any.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.member.first_name, self.member.last_name).trim().to_owned()
    }

    /// The world in which the caller plays, if any.
    #[must_use]
    pub fn world(&self) -> Option<WorldPk> {
        self.member.world
    }

    /// Whether the caller leads the run.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.member.leader
    }

    /// The role that the caller plays.
    ///
    /// # Errors
    /// *Forbidden* when the caller plays none.
    pub fn role(&self) -> CallResult<&Role> {
        self.role.as_ref().ok_or_else(CallError::forbidden)
    }

    /// Whether the caller plays the role of this name.
    #[must_use]
    pub fn has_role(&self, name: &str) -> bool {
        self.role.as_ref().is_some_and(|role| role.name == name)
    }
}

/// Who calls, whether or not a member of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor {
    peer: Peer,
}

impl Visitor {
    pub(crate) fn new(peer: Peer) -> Self {
        Self { peer }
    }

    /// The user's key; none when the service itself acts.
    #[must_use]
    pub fn user(&self) -> Option<UserPk> {
        self.peer.user
    }

    /// Whether the user operates the service.
    #[must_use]
    pub fn is_operator(&self) -> bool {
        self.peer.operator
    }
}

/// The phase in which the run is; none when it has no phase.
#[derive(Clone, Debug)]
pub struct CurrentPhase(pub Option<Phase>);

impl CurrentPhase {
    pub(crate) fn of(call: &CallData) -> CallResult<Self> {
        call.phase().map(Self)
    }

    /// Whether the run is in the phase of this name.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.0.as_ref().is_some_and(|phase| phase.name == name)
    }
}

//! Who may call a procedure: rules that a declaration names.

use std::fmt;
use std::sync::Arc;

use crate::call::CallData;
use crate::caller::Caller;
use crate::error::{CallError, CallResult};
use crate::tree::Owner;

type Check = Arc<dyn Fn(&Attempt<'_>) -> CallResult<()> + Send + Sync>;

/// An attempt to call a procedure, for a rule to judge.
#[derive(Debug)]
pub struct Attempt<'a> {
    call: &'a CallData,
}

impl Attempt<'_> {
    /// Who calls.
    ///
    /// # Errors
    /// *Forbidden* outside of runs, where nobody is a member.
    pub fn caller(&self) -> CallResult<Caller> {
        Caller::of(self.call)
    }

    /// The name of the phase in which the run is, if any.
    ///
    /// # Errors
    /// *Forbidden* outside of runs.
    pub fn phase(&self) -> CallResult<Option<String>> {
        Ok(self.call.phase()?.map(|phase| phase.name))
    }

    /// Whether the scope is private of the caller, or is the caller's own membership.
    #[must_use]
    pub fn owns(&self) -> bool {
        let member = self.call.member.as_ref().map(|member| member.id);
        match self.call.owner() {
            Some(Owner::Private(owner) | Owner::Member(owner)) => member == Some(owner),
            _ => false,
        }
    }
}

/// Who may call a procedure, and what the call keeps others from.
///
/// Whoever may not see a scope cannot call anything on it in any case; a rule narrows that further.
#[derive(Clone)]
pub struct Access {
    check: Check,
    whole_run: bool,
}

impl Access {
    fn new(check: impl Fn(&Attempt<'_>) -> CallResult<()> + Send + Sync + 'static) -> Self {
        Self { check: Arc::new(check), whole_run: false }
    }

    /// Both rules must allow the call.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let (first, second) = (self.check, other.check);
        Self {
            check: Arc::new(move |attempt| first(attempt).and_then(|()| second(attempt))),
            whole_run: self.whole_run || other.whole_run,
        }
    }

    /// One of the rules must allow the call; the first one's refusal is the answer.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let (first, second) = (self.check, other.check);
        Self {
            check: Arc::new(move |attempt| {
                first(attempt).or_else(|error| second(attempt).map_err(|_| error))
            }),
            whole_run: self.whole_run || other.whole_run,
        }
    }

    /// The call excludes all others of the run, and may write anywhere in it.
    #[must_use]
    pub fn whole_run(mut self) -> Self {
        self.whole_run = true;
        self
    }

    pub(crate) fn check(&self, call: &CallData) -> CallResult<()> {
        (self.check)(&Attempt { call })
    }

    pub(crate) fn needs_whole_run(&self) -> bool {
        self.whole_run
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("whole_run", &self.whole_run).finish_non_exhaustive()
    }
}

fn require(allowed: bool) -> CallResult<()> {
    if allowed { Ok(()) } else { Err(CallError::forbidden()) }
}

/// Every member who may see the scope.
#[must_use]
pub fn member() -> Access {
    Access::new(|_| Ok(()))
}

/// Members who play the role of this name.
#[must_use]
pub fn role(name: impl Into<String>) -> Access {
    let name = name.into();
    Access::new(move |attempt| require(attempt.caller()?.has_role(&name)))
}

/// The leaders of the run.
#[must_use]
pub fn leader() -> Access {
    Access::new(|attempt| require(attempt.caller()?.is_leader()))
}

/// The member whose private scenario, or whose own membership, it is.
#[must_use]
pub fn owner() -> Access {
    Access::new(|attempt| require(attempt.owns()))
}

/// Only while the run is in the phase of this name.
#[must_use]
pub fn phase(name: impl Into<String>) -> Access {
    let name = name.into();
    Access::new(move |attempt| {
        if attempt.phase()?.as_deref() == Some(&*name) {
            return Ok(());
        }
        Err(CallError::conflict(format!("This can be done only during {name}.")))
    })
}

/// The service's operators. On scopes of runs they must be members as everybody; on the game, its phases and
/// its roles they need not.
#[must_use]
pub fn operator() -> Access {
    Access::new(|attempt| require(attempt.call.call.peer.operator))
}

/// A rule of the game's own.
pub fn rule(check: impl Fn(&Attempt<'_>) -> CallResult<()> + Send + Sync + 'static) -> Access {
    Access::new(check)
}

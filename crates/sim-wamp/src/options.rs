//! What a peer may ask for with a request, beside its URI and arguments.

use std::time::Duration;

use crate::MatchPolicy;

/// How a call is made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallOptions {
    /// Asks the router to disclose the caller where it does not do so anyway.
    pub disclose_me: bool,
    /// How long the router waits for the final result before it cancels the call and answers
    /// `wamp.error.timeout`; whole milliseconds on the wire. Nothing means forever.
    pub timeout: Option<Duration>,
    /// Says that the caller takes results that come one after the other.
    pub receive_progress: bool,
    /// Says that the arguments come one after the other, and that these are not the last.
    pub progress: bool,
    /// How the payload is packed, if it is.
    pub passthru: Option<Box<Passthru>>,
}

/// How a payload is packed that no router looks into ("payload passthru mode").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Passthru {
    /// Says what the packing is for, such as `mqtt` or `x_example`.
    pub scheme: String,
    /// How the payload is serialized.
    pub serializer: Option<String>,
    /// How the payload is encrypted.
    pub cipher: Option<String>,
    /// Which key it is encrypted with.
    pub keyid: Option<String>,
}

/// How a call is given up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum CancelMode {
    /// The caller is answered at once, and the callee is not disturbed.
    Skip,
    /// The callee is interrupted, and its answer is the caller's.
    Kill,
    /// The callee is interrupted, and the caller is answered at once.
    #[default]
    KillNoWait,
}

impl CancelMode {
    /// Returns the mode's name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Kill => "kill",
            Self::KillNoWait => "killnowait",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Skip, Self::Kill, Self::KillNoWait].into_iter().find(|mode| mode.name() == name)
    }
}

/// Which of several callees of one procedure gets a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Invoke {
    /// There is only one callee.
    #[default]
    Single,
    /// The one that registered first.
    First,
    /// The one that registered last.
    Last,
    /// One after the other.
    RoundRobin,
    /// Any.
    Random,
}

impl Invoke {
    /// Returns the policy's name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::First => "first",
            Self::Last => "last",
            Self::RoundRobin => "roundrobin",
            Self::Random => "random",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Single, Self::First, Self::Last, Self::RoundRobin, Self::Random]
            .into_iter()
            .find(|invoke| invoke.name() == name)
    }
}

/// How a procedure is offered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct RegisterOptions {
    /// How the URI is compared with that of a call.
    pub policy: MatchPolicy,
    /// Whether and how the procedure is shared with other callees.
    pub invoke: Invoke,
    /// Takes the procedure over from whoever offers it.
    pub force_reregister: bool,
}

impl From<MatchPolicy> for RegisterOptions {
    fn from(policy: MatchPolicy) -> Self {
        Self { policy, ..Self::default() }
    }
}

/// How a topic is subscribed to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct SubscribeOptions {
    /// How the URI is compared with that of a publication.
    pub policy: MatchPolicy,
    /// Asks for the last retained event of each topic.
    pub get_retained: bool,
}

impl From<MatchPolicy> for SubscribeOptions {
    fn from(policy: MatchPolicy) -> Self {
        Self { policy, ..Self::default() }
    }
}

//! What peers can do beyond the basics, as HELLO and WELCOME announce it.

/// What a client announced that a router has to know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Features(u16);

impl Features {
    /// As a callee, it takes INTERRUPT.
    pub(crate) const CALL_CANCELING: Self = Self(1);
    /// As a callee, it may send results one after the other.
    pub(crate) const PROGRESSIVE_RESULTS: Self = Self(2);
    /// As a callee, it takes arguments one after the other.
    pub(crate) const PROGRESSIVE_INVOCATIONS: Self = Self(4);
    /// As a callee, it takes the UNREGISTERED that it did not ask for.
    pub(crate) const REGISTRATION_REVOCATION: Self = Self(8);
    /// As a callee, it takes packed payloads.
    pub(crate) const CALLEE_PASSTHRU: Self = Self(16);
    /// As a subscriber, it takes the UNSUBSCRIBED that it did not ask for.
    pub(crate) const SUBSCRIPTION_REVOCATION: Self = Self(32);
    /// As a subscriber, it takes packed payloads.
    pub(crate) const SUBSCRIBER_PASSTHRU: Self = Self(64);
    /// As a caller, it may send arguments one after the other.
    pub(crate) const PROGRESSIVE_CALLS: Self = Self(128);

    /// All of them, which is what a session of this library has.
    pub(crate) const ALL: Self = Self(255);

    /// The names of the features, by role.
    pub(super) const NAMES: [(&'static str, &'static str, Self); 9] = [
        ("callee", "call_canceling", Self::CALL_CANCELING),
        // The specification has both spellings.
        ("callee", "call_cancelling", Self::CALL_CANCELING),
        ("callee", "progressive_call_results", Self::PROGRESSIVE_RESULTS),
        ("callee", "progressive_call_invocations", Self::PROGRESSIVE_INVOCATIONS),
        ("callee", "registration_revocation", Self::REGISTRATION_REVOCATION),
        ("callee", "payload_passthru_mode", Self::CALLEE_PASSTHRU),
        ("subscriber", "subscription_revocation", Self::SUBSCRIPTION_REVOCATION),
        ("subscriber", "payload_passthru_mode", Self::SUBSCRIBER_PASSTHRU),
        ("caller", "progressive_call_invocations", Self::PROGRESSIVE_CALLS),
    ];

    /// Says whether all of `other` are among these.
    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Adds features.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The features of each role of this router, as WELCOME announces them.
pub(super) const ROUTER_ROLES: &[(&str, &[&str])] = &[
    (
        "broker",
        &[
            "publisher_identification",
            "publisher_exclusion",
            "subscriber_blackwhite_listing",
            "pattern_based_subscription",
            "event_retention",
            "event_history",
            "session_meta_api",
            "subscription_meta_api",
            "subscription_revocation",
            "payload_passthru_mode",
        ],
    ),
    (
        "dealer",
        &[
            "caller_identification",
            "progressive_call_results",
            "progressive_call_invocations",
            "call_canceling",
            "call_timeout",
            "pattern_based_registration",
            "shared_registration",
            "session_meta_api",
            "registration_meta_api",
            "registration_revocation",
            "testament_meta_api",
            "payload_passthru_mode",
        ],
    ),
];

/// The features of each role of this client, as HELLO announces them.
pub(super) const CLIENT_ROLES: &[(&str, &[&str])] = &[
    (
        "caller",
        &[
            "caller_identification",
            "progressive_call_results",
            "progressive_call_invocations",
            "call_canceling",
            "call_timeout",
            "payload_passthru_mode",
        ],
    ),
    (
        "callee",
        &[
            "caller_identification",
            "progressive_call_results",
            "progressive_call_invocations",
            "call_canceling",
            "pattern_based_registration",
            "shared_registration",
            "registration_revocation",
            "payload_passthru_mode",
        ],
    ),
    (
        "publisher",
        &[
            "publisher_identification",
            "publisher_exclusion",
            "subscriber_blackwhite_listing",
            "payload_passthru_mode",
        ],
    ),
    (
        "subscriber",
        &[
            "publisher_identification",
            "pattern_based_subscription",
            "event_retention",
            "subscription_revocation",
            "payload_passthru_mode",
        ],
    ),
];

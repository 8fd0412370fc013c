//! The standard URIs, each with the specification's sentence, and the check of a URI.

use crate::MatchPolicy;

/// Peer provided an incorrect URI for any URI-based attribute of a WAMP message, such as realm,
/// topic or procedure.
pub const INVALID_URI: &str = "wamp.error.invalid_uri";
/// A Dealer could not perform a call, since no procedure is currently registered under the given
/// URI.
pub const NO_SUCH_PROCEDURE: &str = "wamp.error.no_such_procedure";
/// A procedure could not be registered, since a procedure with the given URI is already
/// registered.
pub const PROCEDURE_ALREADY_EXISTS: &str = "wamp.error.procedure_already_exists";
/// A Dealer could not perform an unregister, since the given registration is not active.
pub const NO_SUCH_REGISTRATION: &str = "wamp.error.no_such_registration";
/// A Broker could not perform an unsubscribe, since the given subscription is not active.
pub const NO_SUCH_SUBSCRIPTION: &str = "wamp.error.no_such_subscription";
/// A call failed since the given argument types or values are not acceptable to the called
/// procedure.
pub const INVALID_ARGUMENT: &str = "wamp.error.invalid_argument";
/// A Dealer or Callee canceled a call previously issued.
pub const CANCELED: &str = "wamp.error.canceled";
/// The Peer is shutting down completely: used as a GOODBYE (or ABORT) reason.
pub const SYSTEM_SHUTDOWN: &str = "wamp.close.system_shutdown";
/// The Peer wants to leave the realm: used as a GOODBYE reason.
pub const CLOSE_REALM: &str = "wamp.close.close_realm";
/// Normal close of a session: used as a GOODBYE reason (default reason of the meta procedures that
/// kill sessions).
pub const CLOSE_NORMAL: &str = "wamp.close.normal";
/// The session was killed by the router or on behalf of an operator: used as a GOODBYE reason.
pub const KILLED: &str = "wamp.close.killed";
/// A Peer acknowledges ending of a session: used as a GOODBYE reply reason.
pub const GOODBYE_AND_OUT: &str = "wamp.close.goodbye_and_out";
/// A Peer received an invalid WAMP protocol message (e.g. HELLO after the session was already
/// established): used as an ABORT reply reason.
pub const PROTOCOL_VIOLATION: &str = "wamp.error.protocol_violation";
/// A join, call, register, publish or subscribe failed, since the Peer is not authorized to
/// perform the operation.
pub const NOT_AUTHORIZED: &str = "wamp.error.not_authorized";
/// Peer wanted to join a non-existing realm (and the Router did not allow to auto-create the
/// realm).
pub const NO_SUCH_REALM: &str = "wamp.error.no_such_realm";
/// No authentication method the peer offered is available or active.
pub const NO_MATCHING_AUTH_METHOD: &str = "wamp.error.no_matching_auth_method";
/// The authentication as presented by the peer is denied or was not successful.
pub const AUTHENTICATION_FAILED: &str = "wamp.error.authentication_failed";
/// A dynamic authorization failed, so that it is not known whether the Peer may do this.
pub const AUTHORIZATION_FAILED: &str = "wamp.error.authorization_failed";
/// A limit of the router is reached (not in the specification; Crossbar's routers have no such
/// limits).
pub const RESOURCE_EXHAUSTED: &str = "wamp.error.resource_exhausted";
/// A procedure failed for a reason without a URI of its own (not in the specification, but what
/// every implementation uses).
pub const RUNTIME_ERROR: &str = "wamp.error.runtime_error";
/// The session ended before the answer came (not in the specification; made by the library for
/// its own caller and never sent).
pub const SESSION_ENDED: &str = "wamp.error.session_ended";
/// Fired when a session joins a realm on the router.
pub const ON_JOIN: &str = "wamp.session.on_join";
/// Fired when a session leaves a realm on the router or is disconnected.
pub const ON_LEAVE: &str = "wamp.session.on_leave";

/// A Dealer or Callee terminated a call that timed out.
pub const TIMEOUT: &str = "wamp.error.timeout";
/// A Peer requested an interaction with a feature that the other Peer does not support.
pub const FEATURE_NOT_SUPPORTED: &str = "wamp.error.feature_not_supported";
/// No session with the given ID exists on the router.
pub const NO_SUCH_SESSION: &str = "wamp.error.no_such_session";
/// The arguments cannot be carried to the other Peer, whose serialization does not have such
/// values (not in the specification).
pub const PAYLOAD_NOT_SUPPORTED: &str = "wamp.error.payload_not_supported";
/// Another Callee has taken the procedure over: used as the reason of UNREGISTERED (not in the
/// specification, but clients want a URI there).
pub const TAKEN_OVER: &str = "wamp.registration.taken_over";
/// Fired when a registration is created through a registration request for a URI which was
/// previously without a registration.
pub const ON_REGISTRATION_CREATE: &str = "wamp.registration.on_create";
/// Fired when a session is added to a registration.
pub const ON_REGISTER: &str = "wamp.registration.on_register";
/// Fired when a session is removed from a registration.
pub const ON_UNREGISTER: &str = "wamp.registration.on_unregister";
/// Fired when a registration is deleted after the last session attached to it has been removed.
pub const ON_REGISTRATION_DELETE: &str = "wamp.registration.on_delete";
/// Fired when a subscription is created through a subscription request for a topic which was
/// previously without subscribers.
pub const ON_SUBSCRIPTION_CREATE: &str = "wamp.subscription.on_create";
/// Fired when a session is added to a subscription.
pub const ON_SUBSCRIBE: &str = "wamp.subscription.on_subscribe";
/// Fired when a session is removed from a subscription.
pub const ON_UNSUBSCRIBE: &str = "wamp.subscription.on_unsubscribe";
/// Fired when a subscription is deleted after the last session attached to it has been removed.
pub const ON_SUBSCRIPTION_DELETE: &str = "wamp.subscription.on_delete";
/// Adds a testament which will be published on a particular topic when the Session is detached or
/// destroyed.
pub const ADD_TESTAMENT: &str = "wamp.session.add_testament";

/// The start of every URI that belongs to the protocol; remote sessions neither publish nor
/// register there.
pub const RESERVED: &str = "wamp.";

/// The most components of a wildcard pattern; their positions are kept in one machine word.
pub(crate) const MAX_WILDCARD_COMPONENTS: usize = 64;

/// Says whether `uri` is well formed by the specification's loose rule: components without
/// whitespace and `#`, separated by dots.
///
/// Components are empty only where the policy gives that a meaning: anywhere in a wildcard
/// pattern, which has 64 components at most, and anywhere in a prefix, which may itself be empty.
#[must_use]
pub fn validate(uri: &str, policy: MatchPolicy) -> bool {
    let plain = !uri.chars().any(|c| c == '#' || c.is_whitespace() || c.is_control());
    plain
        && match policy {
            MatchPolicy::Exact => uri.split('.').all(|component| !component.is_empty()),
            MatchPolicy::Prefix => true,
            MatchPolicy::Wildcard => uri.split('.').count() <= MAX_WILDCARD_COMPONENTS,
        }
}

/// How strictly a router checks URIs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UriRule {
    /// Components without whitespace and `#`; see [`validate`].
    #[default]
    Loose,
    /// Components of lowercase Latin letters, digits and `_` only.
    Strict,
}

/// Says whether `uri` is well formed by a rule.
#[must_use]
pub fn validate_by(rule: UriRule, uri: &str, policy: MatchPolicy) -> bool {
    let is_strict = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '_' | '.');
    validate(uri, policy) && (rule == UriRule::Loose || uri.chars().all(is_strict))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_uris_have_no_empty_component() {
        for good in ["a", "a.b", "wörld.1.x_y", "a.b-c"] {
            assert!(validate(good, MatchPolicy::Exact), "{good}");
        }
        for bad in ["", ".", "a.", ".a", "a..b", "a b", "a.#", "a\tb", "a\n", "a\u{0}"] {
            assert!(!validate(bad, MatchPolicy::Exact), "{bad:?}");
        }
    }

    #[test]
    fn patterns_may_have_empty_components() {
        assert!(validate("", MatchPolicy::Prefix));
        assert!(validate("a.", MatchPolicy::Prefix));
        assert!(validate("a..b", MatchPolicy::Wildcard));
        assert!(!validate("a. .b", MatchPolicy::Wildcard));
        assert!(!validate("a#", MatchPolicy::Prefix));
    }

    #[test]
    fn strict_rule_takes_less() {
        let strict = |uri| validate_by(UriRule::Strict, uri, MatchPolicy::Exact);
        assert!(strict("com.example.sum_2"));
        for bad in ["com.Example", "com.ex-ample", "com.w\u{f6}rld", "com..x"] {
            assert!(!strict(bad), "{bad}");
        }
        assert!(validate_by(UriRule::Strict, "com..x", MatchPolicy::Wildcard));
    }

    #[test]
    fn wildcard_patterns_end_at_64_components() {
        assert!(validate(&".".repeat(63), MatchPolicy::Wildcard));
        assert!(!validate(&".".repeat(64), MatchPolicy::Wildcard));
    }
}

//! A ready authorizer: a list of rules per role.

use std::collections::HashMap;

use async_trait::async_trait;

use crate::{Action, Authorizer, MatchPolicy, Permission, SessionInfo};

/// What a role may do with the URIs of one pattern.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Rule {
    /// The pattern.
    pub uri: String,
    /// How the pattern is read.
    #[serde(rename = "match", default)]
    pub policy: MatchPolicy,
    /// What is allowed; everything else is not.
    #[serde(default)]
    pub allow: Vec<Action>,
    /// Whether others learn who calls and publishes.
    #[serde(default)]
    pub disclose: bool,
}

impl Rule {
    /// Allows `actions` with the URIs of a pattern.
    #[must_use]
    pub fn new(uri: impl Into<String>, policy: MatchPolicy, actions: &[Action]) -> Self {
        Self { uri: uri.into(), policy, allow: actions.to_vec(), disclose: false }
    }

    /// Discloses who calls and publishes there.
    #[must_use]
    pub fn disclosed(mut self) -> Self {
        self.disclose = true;
        self
    }
}

/// Decides by the most specific rule of the session's role; what no rule covers is refused.
///
/// A pattern that is subscribed or registered must be allowed as a whole: covered by a rule that
/// allows it, and touched by no more specific rule that does not.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    roles: HashMap<String, Vec<Rule>>,
}

impl Rules {
    /// Starts without any rule, which refuses everything to everybody.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a rule for a role.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>, rule: Rule) -> Self {
        let rules = self.roles.entry(role.into()).or_default();
        // The most specific first, and the later of two equal ones, so that it replaces the other.
        rules.insert(0, rule);
        rules.sort_by_key(|rule| std::cmp::Reverse(specificity(rule)));
        self
    }

    /// Decides for a role.
    #[must_use]
    pub fn decide(&self, role: &str, action: Action, uri: &str, policy: MatchPolicy) -> Permission {
        for rule in self.roles.get(role).into_iter().flatten() {
            let allows = rule.allow.contains(&action);
            if covers(rule, uri, policy) {
                return Permission { disclose: rule.disclose, ..Permission::from(allows) };
            }
            if !allows && overlaps(rule, uri, policy) {
                return Permission::deny();
            }
        }
        Permission::deny()
    }
}

#[async_trait]
impl Authorizer for Rules {
    async fn authorize(
        &self,
        session: &SessionInfo,
        action: Action,
        uri: &str,
        policy: MatchPolicy,
    ) -> Permission {
        self.decide(&session.authrole, action, uri, policy)
    }
}

/// Orders rules: exact before prefixes by length, before wildcard patterns by how late their
/// empty components come.
fn specificity(rule: &Rule) -> (u8, usize, Vec<bool>) {
    match rule.policy {
        MatchPolicy::Exact => (2, 0, Vec::new()),
        MatchPolicy::Prefix => (1, rule.uri.len(), Vec::new()),
        MatchPolicy::Wildcard => {
            (0, 0, rule.uri.split('.').map(|component| !component.is_empty()).collect())
        }
    }
}

/// Says whether every URI of the pattern is one of the rule.
fn covers(rule: &Rule, uri: &str, policy: MatchPolicy) -> bool {
    match (rule.policy, policy) {
        (_, MatchPolicy::Exact) => rule.policy.matches(&rule.uri, uri),
        (MatchPolicy::Exact, _) | (MatchPolicy::Wildcard, MatchPolicy::Prefix) => false,
        (MatchPolicy::Prefix, MatchPolicy::Prefix) => uri.starts_with(&rule.uri),
        (MatchPolicy::Prefix, MatchPolicy::Wildcard) => fixed_start(uri).starts_with(&rule.uri),
        // An empty component of the pattern is only covered by an empty one of the rule, which is
        // what comparing them as texts gives.
        (MatchPolicy::Wildcard, MatchPolicy::Wildcard) => {
            MatchPolicy::Wildcard.matches(&rule.uri, uri)
        }
    }
}

/// Says whether some URI may belong to both; where that is hard to tell, it says yes.
fn overlaps(rule: &Rule, uri: &str, policy: MatchPolicy) -> bool {
    match (rule.policy, policy) {
        (MatchPolicy::Exact, _) => policy.matches(uri, &rule.uri),
        (_, MatchPolicy::Exact) => rule.policy.matches(&rule.uri, uri),
        (MatchPolicy::Prefix, MatchPolicy::Prefix) => {
            uri.starts_with(&rule.uri) || rule.uri.starts_with(uri)
        }
        (MatchPolicy::Prefix, MatchPolicy::Wildcard) => prefix_meets_wildcard(&rule.uri, uri),
        (MatchPolicy::Wildcard, MatchPolicy::Prefix) => prefix_meets_wildcard(uri, &rule.uri),
        (MatchPolicy::Wildcard, MatchPolicy::Wildcard) => {
            rule.uri.split('.').count() == uri.split('.').count()
                && rule
                    .uri
                    .split('.')
                    .zip(uri.split('.'))
                    .all(|(a, b)| a.is_empty() || b.is_empty() || a == b)
        }
    }
}

/// Returns what every URI of a wildcard pattern starts with.
fn fixed_start(pattern: &str) -> &str {
    let mut end = 0;
    for component in pattern.split('.') {
        if component.is_empty() {
            break;
        }
        end += component.len() + 1;
    }
    &pattern[..end.min(pattern.len())]
}

/// Says whether a URI of the wildcard pattern can start with the prefix.
fn prefix_meets_wildcard(prefix: &str, pattern: &str) -> bool {
    let (whole, last) = match prefix.rsplit_once('.') {
        Some((whole, last)) => (whole.split('.').collect(), last),
        None => (Vec::new(), prefix),
    };
    let mut components = pattern.split('.');
    whole.into_iter().all(|part| components.next().is_some_and(|c| c.is_empty() || c == part))
        && components.next().is_some_and(|c| c.is_empty() || c.starts_with(last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Action::{Call, Subscribe};
    use MatchPolicy::{Exact, Prefix, Wildcard};
    use proptest::prelude::*;

    impl Rules {
        fn allows(&self, role: &str, action: Action, uri: &str, policy: MatchPolicy) -> bool {
            self.decide(role, action, uri, policy).is_allowed()
        }
    }

    #[test]
    fn most_specific_rule_decides_and_the_rest_is_refused() {
        let rules = Rules::new()
            .role("r", Rule::new("a.", Prefix, &[Call]))
            .role("r", Rule::new("a.secret.", Prefix, &[]))
            .role("r", Rule::new("a.secret.open", Exact, &[Call]));
        assert!(rules.allows("r", Call, "a.x", Exact));
        assert!(!rules.allows("r", Call, "a.secret.x", Exact));
        assert!(rules.allows("r", Call, "a.secret.open", Exact));
        assert!(!rules.allows("r", Subscribe, "a.x", Exact));
        assert!(!rules.allows("r", Call, "b", Exact));
        assert!(!rules.allows("other", Call, "a.x", Exact));
    }

    #[test]
    fn whole_pattern_must_be_allowed() {
        let rules = Rules::new()
            .role("r", Rule::new("a.", Prefix, &[Subscribe]))
            .role("r", Rule::new("a.secret", Exact, &[]))
            .role("r", Rule::new("b..c", Wildcard, &[Subscribe]));
        assert!(rules.allows("r", Subscribe, "a.x", Prefix));
        for (uri, policy) in [("a.", Prefix), ("a.s", Prefix), ("a", Prefix), ("a.", Wildcard)] {
            assert!(!rules.allows("r", Subscribe, uri, policy), "{uri} {policy:?}");
        }
        assert!(rules.allows("r", Subscribe, "a.x.", Wildcard));
        assert!(rules.allows("r", Subscribe, "b..c", Wildcard));
        assert!(rules.allows("r", Subscribe, "b.x.c", Wildcard));
        assert!(!rules.allows("r", Subscribe, "b..", Wildcard));
        assert!(!rules.allows("r", Subscribe, "b.x.", Prefix));
        assert!(!rules.allows("r", Subscribe, "", Prefix));
    }

    fn policy() -> impl Strategy<Value = MatchPolicy> {
        prop_oneof![Just(Exact), Just(Prefix), Just(Wildcard)]
    }

    proptest! {
        /// Nobody receives through a pattern what the rules refuse for the concrete URI.
        #[test]
        fn an_allowed_pattern_allows_each_of_its_uris(
            rules in proptest::collection::vec(
                ("[ab]{0,2}(\\.[ab]{0,2}){0,2}", policy(), any::<bool>()), 1..8),
            pattern in "[ab]{0,2}(\\.[ab]{0,2}){0,2}",
            policy in policy(),
            uri in "[ab]{1,2}(\\.[ab]{1,2}){0,2}",
        ) {
            let mut all = Rules::new();
            for (pattern, policy, allow) in rules {
                let actions: &[Action] = if allow { &[Subscribe] } else { &[] };
                all = all.role("r", Rule::new(pattern, policy, actions));
            }
            if all.allows("r", Subscribe, &pattern, policy) && policy.matches(&pattern, &uri) {
                prop_assert!(all.allows("r", Subscribe, &uri, Exact));
            }
        }
    }
}

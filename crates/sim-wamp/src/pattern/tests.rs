//! The map agrees with a naive model, and the most specific pattern comes first.

use proptest::prelude::*;

use super::*;

fn map(entries: &[(&str, MatchPolicy)]) -> PatternMap<String> {
    let mut map = PatternMap::default();
    for (pattern, policy) in entries {
        map.insert(Arc::from(*pattern), *policy, format!("{}:{pattern}", policy.name()));
    }
    map
}

#[test]
fn most_specific_pattern_comes_first() {
    use MatchPolicy::{Exact, Prefix, Wildcard};
    let map = map(&[
        ("", Prefix),
        ("a.b", Prefix),
        ("a.", Prefix),
        ("a..c.d", Wildcard),
        ("a.b..d", Wildcard),
        (".b.c.d", Wildcard),
        ("a...", Wildcard),
        ("a..c.", Wildcard),
        ("a.b.c.d", Exact),
        ("a.b.c", Exact),
        ("a.x..d", Wildcard),
    ]);
    let found: Vec<&str> = map.matches("a.b.c.d").map(String::as_str).collect();
    assert_eq!(
        found,
        [
            "exact:a.b.c.d",
            "prefix:a.b",
            "prefix:a.",
            "prefix:",
            "wildcard:a.b..d",
            "wildcard:a..c.d",
            "wildcard:a..c.",
            "wildcard:a...",
            "wildcard:.b.c.d",
        ]
    );
}

#[test]
fn prefix_within_a_character_does_not_match() {
    let map = map(&[("a.ü", MatchPolicy::Prefix), ("abc", MatchPolicy::Prefix)]);
    assert_eq!(map.matches("a.ö").count(), 0);
    assert_eq!(map.matches("a.üb").count(), 1);
}

#[test]
fn removing_the_last_entry_leaves_nothing_to_probe() {
    let mut map = map(&[("a..c", MatchPolicy::Wildcard), ("a.", MatchPolicy::Prefix)]);
    assert!(map.remove("a..d", MatchPolicy::Wildcard).is_none());
    assert!(map.remove("a..c", MatchPolicy::Wildcard).is_some());
    assert!(map.remove("a.", MatchPolicy::Prefix).is_some());
    assert!(map.wildcards.is_empty() && map.prefixes.is_empty());
}

fn policy() -> impl Strategy<Value = MatchPolicy> {
    prop_oneof![Just(MatchPolicy::Exact), Just(MatchPolicy::Prefix), Just(MatchPolicy::Wildcard)]
}

proptest! {
    #[test]
    fn matching_agrees_with_a_naive_model(
        entries in proptest::collection::hash_set(("[ab]{0,2}(\\.[ab]{0,2}){0,3}", policy()), 0..40),
        removed in 0usize..10,
        uri in "[ab]{1,2}(\\.[ab]{1,2}){0,3}",
    ) {
        let entries: Vec<_> = entries.into_iter().collect();
        let mut map = PatternMap::default();
        for (pattern, policy) in &entries {
            map.insert(Arc::from(pattern.as_str()), *policy, (pattern.clone(), *policy));
        }
        let removed = removed.min(entries.len());
        for (pattern, policy) in &entries[..removed] {
            map.remove(pattern, *policy).unwrap();
        }
        let mut found: Vec<_> = map.matches(&uri).cloned().collect();
        let mut expected: Vec<_> = entries[removed..]
            .iter()
            .filter(|(pattern, policy)| policy.matches(pattern, &uri))
            .cloned()
            .collect();
        found.sort_by_key(|(pattern, policy)| (pattern.clone(), policy.name()));
        expected.sort_by_key(|(pattern, policy)| (pattern.clone(), policy.name()));
        prop_assert_eq!(found, expected);
    }
}

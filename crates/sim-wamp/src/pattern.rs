//! Patterns of URIs, and the map in which one URI finds all patterns that match it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// How the URI of a subscription or registration is compared with a concrete one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MatchPolicy {
    /// The URIs are equal.
    #[default]
    Exact,
    /// The concrete URI starts with the pattern, character by character.
    Prefix,
    /// The URIs have as many components, and the pattern's are empty or equal.
    Wildcard,
}

impl MatchPolicy {
    /// Returns the policy's name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Prefix => "prefix",
            Self::Wildcard => "wildcard",
        }
    }

    /// Finds the policy of a name on the wire.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Exact, Self::Prefix, Self::Wildcard].into_iter().find(|p| p.name() == name)
    }

    /// Says whether the concrete `uri` matches `pattern`.
    #[must_use]
    pub fn matches(self, pattern: &str, uri: &str) -> bool {
        match self {
            Self::Exact => pattern == uri,
            Self::Prefix => uri.starts_with(pattern),
            Self::Wildcard => {
                pattern.split('.').count() == uri.split('.').count()
                    && pattern.split('.').zip(uri.split('.')).all(|(p, u)| p.is_empty() || p == u)
            }
        }
    }
}

/// Values under patterns; a look-up takes as long with ten entries as with a million.
///
/// Exact URIs lie in one hash map, prefixes in one per length, and wildcard patterns in one per
/// shape (the number of components and which of them are empty), so that a look-up costs one
/// probe per length and per shape in use.
#[derive(Debug)]
pub(crate) struct PatternMap<T> {
    exact: HashMap<Arc<str>, T>,
    prefixes: BTreeMap<usize, HashMap<Arc<str>, T>>,
    wildcards: HashMap<usize, BTreeMap<u64, HashMap<Arc<str>, T>>>,
}

impl<T> Default for PatternMap<T> {
    fn default() -> Self {
        Self { exact: HashMap::new(), prefixes: BTreeMap::new(), wildcards: HashMap::new() }
    }
}

impl<T> PatternMap<T> {
    /// Finds the value of just this pattern.
    pub(crate) fn get(&self, pattern: &str, policy: MatchPolicy) -> Option<&T> {
        match policy {
            MatchPolicy::Exact => self.exact.get(pattern),
            MatchPolicy::Prefix => self.prefixes.get(&pattern.len())?.get(pattern),
            MatchPolicy::Wildcard => {
                let (components, mask) = shape(pattern);
                self.wildcards.get(&components)?.get(&mask)?.get(pattern)
            }
        }
    }

    /// Puts a value under a pattern in place of what is there.
    pub(crate) fn insert(&mut self, pattern: Arc<str>, policy: MatchPolicy, value: T) {
        let map = match policy {
            MatchPolicy::Exact => &mut self.exact,
            MatchPolicy::Prefix => self.prefixes.entry(pattern.len()).or_default(),
            MatchPolicy::Wildcard => {
                let (components, mask) = shape(&pattern);
                self.wildcards.entry(components).or_default().entry(mask).or_default()
            }
        };
        map.insert(pattern, value);
    }

    /// Takes the value of just this pattern out, and with it the map that it leaves empty, so that
    /// later look-ups do not probe for lengths and shapes that nobody uses any more.
    pub(crate) fn remove(&mut self, pattern: &str, policy: MatchPolicy) -> Option<T> {
        match policy {
            MatchPolicy::Exact => self.exact.remove(pattern),
            MatchPolicy::Prefix => {
                let map = self.prefixes.get_mut(&pattern.len())?;
                let value = map.remove(pattern);
                if map.is_empty() {
                    self.prefixes.remove(&pattern.len());
                }
                value
            }
            MatchPolicy::Wildcard => {
                let (components, mask) = shape(pattern);
                let shapes = self.wildcards.get_mut(&components)?;
                let map = shapes.get_mut(&mask)?;
                let value = map.remove(pattern);
                if map.is_empty() {
                    shapes.remove(&mask);
                }
                if shapes.is_empty() {
                    self.wildcards.remove(&components);
                }
                value
            }
        }
    }

    /// Walks over the values whose patterns match `uri`, the most specific first: exact, then
    /// prefixes from the longest, then wildcard patterns by how late their first empty component
    /// comes, then their second, and so on.
    pub(crate) fn matches<'a>(&'a self, uri: &'a str) -> impl Iterator<Item = &'a T> {
        let exact = self.exact.get(uri);
        let prefixes = self
            .prefixes
            .range(..=uri.len())
            .rev()
            .filter_map(move |(length, map)| map.get(uri.get(..*length)?));
        // Most realms have no wildcard patterns: do not even count the components for them.
        let shapes = if self.wildcards.is_empty() {
            None
        } else {
            self.wildcards.get(&uri.split('.').count())
        };
        let wildcards = shapes
            .into_iter()
            .flatten()
            .filter_map(move |(mask, map)| map.get(masked(uri, *mask).as_str()));
        exact.into_iter().chain(prefixes).chain(wildcards)
    }
}

/// Returns how many components a wildcard pattern has and which are empty, the first as the
/// highest bit: the smaller of two masks is then the more specific pattern.
fn shape(pattern: &str) -> (usize, u64) {
    let mut components = 0;
    let mut mask = 0;
    for component in pattern.split('.') {
        if component.is_empty() {
            mask |= 1 << (63 - components);
        }
        components += 1;
    }
    (components, mask)
}

/// Empties the components of `uri` that `mask` names.
fn masked(uri: &str, mask: u64) -> String {
    let mut pattern = String::with_capacity(uri.len());
    for (position, component) in uri.split('.').enumerate() {
        if position > 0 {
            pattern.push('.');
        }
        if mask & (1 << (63 - position)) == 0 {
            pattern.push_str(component);
        }
    }
    pattern
}

#[cfg(test)]
mod tests;

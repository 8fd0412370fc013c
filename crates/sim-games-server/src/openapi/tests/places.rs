//! The document tells all that the dispatcher knows, and nothing else.

use std::collections::BTreeSet;

use sim_games_types::Resource;

use super::super::places;
use super::{operations, served};
use crate::rest::Place;

/// The texts that the dispatcher compares segments of paths with, from its source: a place that it
/// learns is looked for here without anybody thinking of it.
fn vocabulary() -> BTreeSet<String> {
    let sources = [include_str!("../../rest/place.rs"), include_str!("../../rest/account.rs")];
    let code = sources.map(|it| it.split("#[cfg(test)]").next().unwrap());
    let quoted = code.iter().flat_map(|it| it.split('"').skip(1).step_by(2));
    let quoted = quoted.flat_map(|it| it.split('/'));
    let is_segment = |text: &&str| {
        !text.is_empty() && text.bytes().all(|it| it.is_ascii_lowercase() || it == b'-')
    };
    let collections = Resource::ALL.into_iter().map(|it| it.collection().to_owned());
    quoted
        .filter(is_segment)
        .map(str::to_owned)
        .chain(collections)
        .chain(["7".to_owned()])
        .collect()
}

/// The paths of up to three such segments that the dispatcher knows, keys as `7`.
fn known_paths() -> BTreeSet<String> {
    let words: Vec<String> = vocabulary().into_iter().collect();
    let mut paths = vec!["/apis/".to_owned(), "/rest-auth/".to_owned()];
    let mut last = paths.clone();
    for _ in 0..3 {
        last = last
            .iter()
            .flat_map(|path| words.iter().map(move |word| format!("{path}{word}/")))
            .collect();
        paths.extend(last.iter().cloned());
    }
    let is_key = |path: &str| matches!(Place::of(path), Place::Detail(_, key) if key != "7");
    paths.into_iter().filter(|path| Place::of(path) != Place::Unknown && !is_key(path)).collect()
}

#[test]
fn every_place_that_the_dispatcher_knows_is_described_and_no_other() {
    let document = served();
    let described: BTreeSet<String> = operations(&document)
        .iter()
        .map(|it| it.path.replace("{id}", "7").replace("{slug}", "7"))
        .collect();
    let known: BTreeSet<String> =
        known_paths().into_iter().filter(|path| !has_other_key(path)).collect();
    assert_eq!(described, known);
    assert!(known.len() > 35, "the dispatcher's source is not understood: {known:?}");
}

/// Whether a key of an action is another word than the number.
fn has_other_key(path: &str) -> bool {
    matches!(
        Place::of(path),
        Place::Rewind(key) | Place::Export(key) | Place::Audit(key) if key != "7"
    )
}

#[test]
fn every_method_of_every_place_is_described_and_no_other() {
    let document = served();
    for place in places::all() {
        let path = places::path(&place);
        let item = document["paths"][&path].as_object().unwrap();
        let described: BTreeSet<String> =
            item.keys().map(|method| method.to_ascii_uppercase()).collect();
        let known: BTreeSet<String> = places::methods(&place).map(str::to_owned).collect();
        assert_eq!(described, known, "{path}");
    }
}

//! The places of the service as paths of the document.

use sim_games_types::Resource;

use crate::rest::{Account, BULK_RESOURCES, Place};

/// All places, in the order in which the document tells them.
pub(super) fn all() -> Vec<Place> {
    let mut places = vec![Place::Index, Place::BulkIndex];
    let core = Resource::ALL.into_iter().filter(|it| *it != Resource::User);
    for resource in core.chain([Resource::User]) {
        places.push(Place::Collection(resource));
        places.push(Place::Detail(resource, format!("{{{}}}", key(resource))));
        if resource == Resource::Scenario {
            places.push(Place::Rewind("{id}".to_owned()));
        }
        if resource == Resource::Run {
            places.extend([Place::Export("{id}".to_owned()), Place::Audit("{id}".to_owned())]);
        }
        if BULK_RESOURCES.contains(&resource) {
            places.push(Place::Bulk(resource));
        }
    }
    places.extend([Place::Units, Place::Changes, Place::AuthCheck]);
    places.extend(Account::ALL.map(Place::Account));
    places
}

/// The name of the path's parameter: games are found by their slug.
pub(super) const fn key(resource: Resource) -> &'static str {
    match resource {
        Resource::Game => "slug",
        _ => "id",
    }
}

/// The path of a place.
pub(super) fn path(place: &Place) -> String {
    match place {
        Place::Index => "/apis/".to_owned(),
        Place::Collection(resource) => format!("/apis/{}/", resource.collection()),
        Place::Detail(resource, key) => format!("/apis/{}/{key}/", resource.collection()),
        Place::Rewind(key) => format!("/apis/scenarios/{key}/rewind/"),
        Place::Export(key) => format!("/apis/runs/{key}/export/"),
        Place::Audit(key) => format!("/apis/runs/{key}/audit/"),
        Place::BulkIndex => "/apis/bulk/".to_owned(),
        Place::Bulk(resource) => format!("/apis/bulk/{}/", resource.collection()),
        Place::Units => "/apis/units/".to_owned(),
        Place::Changes => "/apis/changes/".to_owned(),
        Place::AuthCheck => "/apis/authcheck/".to_owned(),
        Place::Account(account) => format!("/rest-auth/{}/", account.path()),
        Place::Unknown => String::new(),
    }
}

/// The methods of a place that are worth a description: `HEAD` and `OPTIONS` are alike everywhere.
pub(super) fn methods(place: &Place) -> impl Iterator<Item = &'static str> {
    place.allow().split(", ").filter(|method| !matches!(*method, "HEAD" | "OPTIONS"))
}

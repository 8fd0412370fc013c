//! One collection of the API and its objects.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use reqwest::Method;
use reqwest::header::{ALLOW, HeaderMap};
use serde::Serialize;
use sim_games_types::{Lookup, Object, Resource};
use url::Url;

use crate::message::is_missing_choice;
use crate::request::Request;
use crate::{Client, Error, RequestLine, Result, link};

/// What a look for one object found.
pub(crate) enum Look<T> {
    /// It.
    Found(T),
    /// Nothing.
    Missing {
        /// The request that asked.
        request: RequestLine,
        /// Whether the server lets clients store objects under their natural key.
        can_upsert: bool,
    },
}

/// A collection of the API, for example all runs.
pub struct Endpoint<T> {
    pub(crate) client: Client,
    object: PhantomData<fn() -> T>,
}

impl<T> Clone for Endpoint<T> {
    fn clone(&self) -> Self {
        Self { client: self.client.clone(), object: PhantomData }
    }
}

impl<T: Object> fmt::Debug for Endpoint<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("resource", &T::RESOURCE)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

impl<T: Object> Endpoint<T> {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, object: PhantomData }
    }

    /// All objects, from all pages.
    ///
    /// # Errors
    /// When a request fails or the links between the pages lead astray.
    pub async fn list(&self) -> Result<Vec<T>> {
        self.filter(&Lookup::new()).await
    }

    /// The objects that match, from all pages.
    ///
    /// A foreign key to a row that does not exist matches nothing, also where the server calls it
    /// an error.
    ///
    /// # Errors
    /// When a request fails or the links between the pages lead astray.
    pub async fn filter(&self, lookup: &Lookup) -> Result<Vec<T>> {
        let mut next = Some(self.collection_url(lookup));
        let mut seen = HashSet::new();
        let mut objects = Vec::new();
        while let Some(url) = next.take() {
            let answer = match self.client.send(Request::get(url.clone())).await {
                Err(Error::Refused { status: 400, message, .. })
                    if seen.is_empty() && is_missing_choice(&message) =>
                {
                    return Ok(objects);
                }
                answer => answer?,
            };
            objects.extend(answer.json::<Vec<T>>()?);
            if let Some(target) = link::next(&answer.headers) {
                let astray = |reason| Error::Pages { request: answer.request.clone(), reason };
                seen.insert(url.clone());
                next = Some(follow(&url, &target, &seen).map_err(astray)?);
            }
        }
        Ok(objects)
    }

    /// The object with this key: the slug for games, the number for all else.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none.
    pub async fn get(&self, key: impl fmt::Display) -> Result<T> {
        let url = self.object_url(&key.to_string())?;
        self.client.send(Request::get(url)).await?.json()
    }

    /// The one object that matches.
    ///
    /// # Errors
    /// [`Error::NotFound`] when none does, [`Error::MultipleFound`] when several do.
    pub async fn find(&self, lookup: &Lookup) -> Result<T> {
        match self.look(lookup).await? {
            Look::Found(object) => Ok(object),
            Look::Missing { request, .. } => Err(nothing(request)),
        }
    }

    /// Looks for the one object that matches, and whether the server could make it atomically.
    pub(crate) async fn look(&self, lookup: &Lookup) -> Result<Look<T>> {
        let missing = |request, can_upsert| Ok(Look::Missing { request, can_upsert });
        if let [(field, value)] = lookup.pairs()
            && is_path_key(T::RESOURCE, field)
        {
            return match self.get(value).await {
                Err(Error::NotFound { request, .. }) => missing(request, false),
                found => found.map(Look::Found),
            };
        }
        let request = Request::get(self.collection_url(lookup));
        let answer = match self.client.send(request).await {
            Err(Error::Refused { request, status: 400, message })
                if is_missing_choice(&message) =>
            {
                return missing(request, false);
            }
            answer => answer?,
        };
        let mut objects = answer.json::<Vec<T>>()?;
        match (objects.pop(), objects.len()) {
            (Some(object), 0) => Ok(Look::Found(object)),
            (Some(_), others) => {
                Err(Error::MultipleFound { request: answer.request, count: others + 1 })
            }
            (None, _) => {
                let can_upsert = allows_put(&answer.headers);
                missing(answer.request, can_upsert)
            }
        }
    }

    /// Stores a new object with these fields.
    ///
    /// # Errors
    /// [`Error::Conflict`] when another object has the same unique fields.
    pub async fn create<B: Serialize + ?Sized>(&self, fields: &B) -> Result<T> {
        let request = Request::new(Method::POST, self.collection_url(&Lookup::new()));
        self.client.send(request.json(fields, T::RESOURCE)?).await?.json()
    }

    /// Writes the whole object back, including the fields that this version does not know.
    ///
    /// A game is found by the slug that it has now; to change a slug, use [`Self::patch`].
    ///
    /// # Errors
    /// [`Error::NotFound`] when it has been deleted meanwhile.
    pub async fn save(&self, object: &T) -> Result<T> {
        self.replace(&object.path_key(), object).await
    }

    /// Changes some fields of an object. The original API cannot do this and answers 500.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such object.
    pub async fn patch<B>(&self, key: impl fmt::Display, fields: &B) -> Result<T>
    where
        B: Serialize + ?Sized,
    {
        let request = Request::new(Method::PATCH, self.object_url(&key.to_string())?);
        self.client.send(request.json(fields, T::RESOURCE)?).await?.json()
    }

    /// Deletes an object with everything below it; one that is gone already is no error.
    ///
    /// # Errors
    /// When the request fails for another reason.
    pub async fn delete(&self, key: impl fmt::Display) -> Result<()> {
        let request = Request::new(Method::DELETE, self.object_url(&key.to_string())?);
        match self.client.send(request).await {
            Ok(_) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Writes these fields of an object back. Fields that are left out keep their value, but for a
    /// few that the original clears: better write all.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such object.
    pub async fn replace<B>(&self, key: &str, fields: &B) -> Result<T>
    where
        B: Serialize + ?Sized,
    {
        let request = Request::new(Method::PUT, self.object_url(key)?);
        self.client.send(request.json(fields, T::RESOURCE)?).await?.json()
    }

    pub(crate) fn collection_url(&self, lookup: &Lookup) -> Url {
        self.client.url(&format!("{}/", T::RESOURCE.collection()), lookup)
    }

    pub(crate) fn object_url(&self, key: &str) -> Result<Url> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if key.is_empty() || !key.bytes().all(allowed) {
            return Err(Error::Key { resource: T::RESOURCE, key: key.to_owned() });
        }
        Ok(self.client.url(&format!("{}/{key}/", T::RESOURCE.collection()), &Lookup::new()))
    }
}

impl Client {
    /// The address below the base URL. The path must consist of characters that need no escape.
    pub(crate) fn url(&self, path: &str, lookup: &Lookup) -> Url {
        let mut url = self.0.base.clone();
        url.set_path(&format!("{}{path}", self.0.base.path()));
        if !lookup.is_empty() {
            url.query_pairs_mut().extend_pairs(lookup.pairs());
        }
        url
    }
}

fn is_path_key(resource: Resource, field: &str) -> bool {
    match resource {
        Resource::Game => field == "slug",
        _ => matches!(field, "id" | "pk"),
    }
}

/// Whether the collection that answered takes whole objects.
fn allows_put(headers: &HeaderMap) -> bool {
    let allow = headers.get(ALLOW).and_then(|value| value.to_str().ok()).unwrap_or_default();
    allow.split(',').any(|method| method.trim() == "PUT")
}

fn nothing(request: RequestLine) -> Error {
    Error::NotFound { request, message: "nothing matches".to_owned() }
}

/// The next page, if it lies at the same server and has not been read yet.
fn follow(page: &Url, target: &str, seen: &HashSet<Url>) -> Result<Url, String> {
    let next = page.join(target).map_err(|error| format!("the next page's link: {error}"))?;
    if next.origin() != page.origin() {
        let origin = next.origin().ascii_serialization();
        return Err(format!("the next page lies at another server, `{origin}`"));
    }
    if seen.contains(&next) {
        return Err("the pages lead in a circle".to_owned());
    }
    Ok(next)
}

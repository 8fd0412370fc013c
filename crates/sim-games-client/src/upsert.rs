//! Get or create, create or update: look-ups that make what they do not find.

use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde_json::Value;
use sim_games_types::{Fields, Lookup, Object, Resource};

use crate::endpoint::Look;
use crate::request::Request;
use crate::{Endpoint, Error, Result};

/// What becomes of an object that has the natural key of one that is to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays as it is.
    Keep,
    /// It gets the given fields.
    Change,
}

impl<T: Object> Endpoint<T> {
    /// Stores an object under its natural key ([`Resource::natural_key`]) in one atomic request,
    /// and tells whether it was made. The original API cannot do this and answers 405.
    ///
    /// # Errors
    /// When a field is refused, or the server cannot do this.
    pub async fn upsert<B>(&self, fields: &B, existing: Existing) -> Result<(T, bool)>
    where
        B: Serialize + ?Sized,
    {
        let option = match existing {
            Existing::Keep => Lookup::new().with("existing", "keep"),
            Existing::Change => Lookup::new(),
        };
        let request = Request::new(Method::PUT, self.collection_url(&option));
        let answer = self.client.send(request.json(fields, T::RESOURCE)?).await?;
        Ok((answer.json()?, answer.status == StatusCode::CREATED))
    }

    /// The one object that matches, made from look-up and defaults if there is none.
    ///
    /// The flag says whether it was made. When somebody else makes it at the same moment, theirs
    /// is returned. A server of ours does that in one request; another one is asked again.
    ///
    /// # Errors
    /// [`Error::MultipleFound`] when several match; [`Error::Conflict`] when none matches but
    /// another object has one of the unique fields.
    pub async fn get_or_create<B>(&self, lookup: &Lookup, defaults: &B) -> Result<(T, bool)>
    where
        B: Serialize + ?Sized,
    {
        let can_upsert = match self.look(lookup).await? {
            Look::Found(object) => return Ok((object, false)),
            Look::Missing { can_upsert, .. } => can_upsert,
        };
        let mut fields = lookup_fields(lookup);
        fields.extend(object_fields::<T, B>(defaults)?);
        if can_upsert && is_natural(T::RESOURCE, lookup) {
            return self.upsert(&fields, Existing::Keep).await;
        }
        let conflict = match self.create(&fields).await {
            Ok(object) => return Ok((object, true)),
            Err(error @ Error::Conflict { .. }) => error,
            Err(error) => return Err(error),
        };
        match self.look(lookup).await? {
            Look::Found(object) => Ok((object, false)),
            // It is not this look-up's object that has the unique fields.
            Look::Missing { .. } => Err(conflict),
        }
    }

    /// The one object that matches, with these fields: made if there is none, changed if its
    /// fields are different, and otherwise left alone.
    ///
    /// The flag says whether it was made.
    ///
    /// # Errors
    /// As [`Self::get_or_create`].
    pub async fn create_or_update<B>(&self, lookup: &Lookup, fields: &B) -> Result<(T, bool)>
    where
        B: Serialize + ?Sized,
    {
        let fields = object_fields::<T, B>(fields)?;
        let (object, created) = self.get_or_create(lookup, &fields).await?;
        if created {
            return Ok((object, true));
        }
        let mut stored = object_fields::<T, T>(&object)?;
        if fields.iter().all(|(field, value)| stored.get(field) == Some(value)) {
            return Ok((object, false));
        }
        stored.extend(fields);
        Ok((self.replace(&object.path_key(), &stored).await?, false))
    }
}

/// Whether a look-up names nothing but what identifies an object.
fn is_natural(resource: Resource, lookup: &Lookup) -> bool {
    let natural = resource.natural_key();
    lookup.pairs().iter().all(|(field, _)| natural.contains(&field.as_str()))
}

fn object_fields<T: Object, B: Serialize + ?Sized>(value: &B) -> Result<Fields> {
    let encode = |reason: String| Error::Encode { resource: T::RESOURCE, reason };
    match serde_json::to_value(value).map_err(|error| encode(error.to_string()))? {
        Value::Object(fields) => Ok(fields),
        _ => Err(encode("it is no object".to_owned())),
    }
}

/// A look-up as the fields of a new object: keys and numbers as numbers, flags as flags.
fn lookup_fields(lookup: &Lookup) -> Fields {
    lookup.pairs().iter().map(|(field, value)| (field.clone(), field_value(field, value))).collect()
}

fn field_value(field: &str, value: &str) -> Value {
    let is_number = field == "order" || Resource::from_name(field).is_some();
    let is_flag = matches!(field, "active" | "leader" | "is_active" | "is_staff" | "is_superuser");
    let typed = if is_number {
        value.parse::<i64>().ok().map(Value::from)
    } else if is_flag {
        value.to_ascii_lowercase().parse::<bool>().ok().map(Value::from)
    } else {
        None
    };
    typed.unwrap_or_else(|| Value::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_up_becomes_fields_of_the_right_types() {
        let lookup =
            Lookup::new().with("run", 7).with("name", "007").with("leader", true).with("order", -1);
        assert_eq!(
            Value::from(lookup_fields(&lookup)),
            serde_json::json!({"run": 7, "name": "007", "leader": true, "order": -1})
        );
    }
}

//! What the stock page keeps: lists of objects, changed by answers and events.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::{Map, Value};

use crate::wamp::Event;

/// The lists of the page, each in the order in which its objects arrived.
#[derive(Debug, Default)]
pub struct Store {
    lists: BTreeMap<String, Vec<Map<String, Value>>>,
    /// The texts of the errors that were published to this page.
    pub errors: Vec<String>,
}

impl Store {
    /// The objects of one resource.
    #[must_use]
    pub fn list(&self, resource: &str) -> &[Map<String, Value>] {
        self.lists.get(resource).map_or(&[], Vec::as_slice)
    }

    /// The first object of a resource whose field has this value, as the page looks things up.
    #[must_use]
    pub fn first(&self, resource: &str, field: &str, value: u64) -> Option<&Map<String, Value>> {
        self.list(resource).iter().find(|object| object.get(field) == Some(&value.into()))
    }

    /// Takes a scope and, if it is a tree, everything below it.
    pub(super) fn load(&mut self, scope: &Value) -> Result<()> {
        let resource = scope["resource_name"].as_str().context("a scope without resource_name")?;
        let pk = scope["pk"].as_u64().context("a scope without pk")?;
        let data = scope["data"].as_object().context("a scope without data")?;
        self.add(resource, pk, data);
        for child in scope["children"].as_array().into_iter().flatten() {
            self.load(child)?;
        }
        Ok(())
    }

    /// Takes a list that is kept as it came, such as the phases.
    pub(super) fn replace(&mut self, resource: &str, items: &Value) -> Result<()> {
        let items = items.as_array().with_context(|| format!("the {resource}s are no list"))?;
        let objects = items.iter().filter_map(Value::as_object).cloned().collect();
        self.lists.insert(resource.to_owned(), objects);
        Ok(())
    }

    /// Does what the page does on an event.
    pub(super) fn apply(&mut self, event: &Event) -> Result<()> {
        if event.kwargs.get("error").is_some() {
            let text = event.args.first().and_then(Value::as_str).unwrap_or_default();
            self.errors.push(text.to_owned());
            return Ok(());
        }
        let pk = event.args.first().and_then(Value::as_u64).context("an event without pk")?;
        let data = event.object().as_object().context("an event without its object")?;
        match event.action() {
            "add_child" => self.add(event.resource(), pk, data),
            "update_child" => {
                // The page ignores changes of what it does not know.
                if let Some(known) = self.find(event.resource(), pk) {
                    known.extend(data.clone());
                }
            }
            "remove_child" => {
                let list = self.lists.entry(event.resource().to_owned()).or_default();
                list.retain(|object| object["pk"] != pk);
            }
            _ => {}
        }
        Ok(())
    }

    fn add(&mut self, resource: &str, pk: u64, data: &Map<String, Value>) {
        if let Some(known) = self.find(resource, pk) {
            known.extend(data.clone());
            return;
        }
        let mut object = data.clone();
        object.insert("pk".to_owned(), pk.into());
        object.insert("resource_name".to_owned(), resource.into());
        self.lists.entry(resource.to_owned()).or_default().push(object);
    }

    fn find(&mut self, resource: &str, pk: u64) -> Option<&mut Map<String, Value>> {
        self.lists.get_mut(resource)?.iter_mut().find(|object| object["pk"] == pk)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(action: &str, object: &Value) -> Event {
        Event {
            subscription: 1,
            topic: format!("root.model.world.1.{action}"),
            args: vec![object["id"].clone(), json!("period"), object.clone()],
            kwargs: Value::Null,
        }
    }

    #[test]
    fn an_added_object_is_changed_and_removed_by_its_pk() {
        let mut store = Store::default();
        store.apply(&event("add_child", &json!({"id": 5, "order": 1, "data": {}}))).unwrap();
        store.apply(&event("add_child", &json!({"id": 5, "order": 2}))).unwrap();
        assert_eq!(store.list("period").len(), 1);
        assert_eq!(store.first("period", "pk", 5).unwrap()["order"], 2);
        store.apply(&event("update_child", &json!({"id": 5, "order": 3}))).unwrap();
        assert_eq!(store.first("period", "pk", 5).unwrap()["data"], json!({}));
        store.apply(&event("remove_child", &json!({"id": 5}))).unwrap();
        assert!(store.list("period").is_empty());
    }

    #[test]
    fn a_change_of_something_unknown_is_ignored() {
        let mut store = Store::default();
        store.apply(&event("update_child", &json!({"id": 5}))).unwrap();
        assert!(store.list("period").is_empty());
    }
}

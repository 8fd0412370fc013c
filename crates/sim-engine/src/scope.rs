//! What a handler holds: an object of the game, and the way to what belongs to it.

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sim_games_types::{Fields, Game, Object, Pk, Reference, Stored};

use crate::call::CallData;
use crate::error::{CallError, CallResult};
use crate::model::LoadedRun;
use crate::stage::{Announcement, Key, Making, reference_of};
use crate::sync::{lock, read};
use crate::tree::Entry;

mod kinds;
mod period;
mod scenario;

pub use kinds::{ChildOf, HasData, InRun, Kind, Within};

/// A scope: an object as this call sees it, and the way to what belongs to it.
///
/// Reads come from the tree in memory, together with what this call has staged. Writes are staged;
/// all of them are stored when the handler returns `Ok`, and none otherwise. A row that the call
/// makes has a negative key until then.
#[derive(Debug)]
pub struct Scope<K> {
    call: Arc<CallData>,
    /// The run in which it lies, if it lies in one.
    run: Option<Arc<LoadedRun>>,
    object: Entry<K>,
}

impl<K> Clone for Scope<K> {
    fn clone(&self) -> Self {
        Self { call: self.call.clone(), run: self.run.clone(), object: self.object.clone() }
    }
}

impl<K: Object> Deref for Scope<K> {
    type Target = K;

    fn deref(&self) -> &K {
        &self.object
    }
}

impl<K: Kind> Scope<K> {
    /// The scope that is called.
    pub(crate) fn of(call: &Arc<CallData>) -> CallResult<Self> {
        let run = call.place.as_ref().map(|place| place.run.clone());
        let found = call.find(run.as_ref(), call.key());
        let deleted = lock(&call.stage).row(call.key()) == Some(&None);
        // Who is told that a scope stops finds it as it was.
        let stored = found.or_else(|| (!deleted).then(|| call.scope.clone()));
        Self::around(call, run, &stored.ok_or_else(CallError::forbidden)?)
    }

    /// A scope of the same call, found by its key.
    pub(crate) fn find(call: &Arc<CallData>, pk: i64) -> CallResult<Self> {
        let run = call.place.as_ref().map(|place| place.run.clone());
        let stored = call.find(run.as_ref(), (K::RESOURCE, pk)).ok_or_else(CallError::forbidden)?;
        Self::around(call, run, &stored)
    }

    /// The scope of this kind in which the called one lies.
    pub(crate) fn above(call: &Arc<CallData>) -> CallResult<Self> {
        let run = call.place.as_ref().map(|place| place.run.clone());
        if call.key().0 == K::RESOURCE {
            return Self::of(call);
        }
        let found = call.above(run.as_ref(), &call.scope.record, K::RESOURCE);
        Self::around(call, run, &found.ok_or_else(CallError::forbidden)?)
    }

    fn around(
        call: &Arc<CallData>,
        run: Option<Arc<LoadedRun>>,
        stored: &Arc<Stored>,
    ) -> CallResult<Self> {
        let object = Entry::new(stored).ok_or_else(CallError::forbidden)?;
        let run = run.filter(|_| K::IN_RUN);
        Ok(Self { call: call.clone(), run, object })
    }

    pub(crate) fn call_data(&self) -> &Arc<CallData> {
        &self.call
    }

    pub(crate) fn stored(&self) -> &Arc<Stored> {
        self.object.stored()
    }

    fn key(&self) -> Key {
        (K::RESOURCE, self.pk().number())
    }

    /// The key that the object has once the call is stored, for the call's answer and for events.
    ///
    /// A row that the call makes has no key before; the engine fills it in where this value stands.
    pub fn final_pk(&self) -> Value {
        let pk = self.pk().number();
        reference_of(pk).map_or_else(|| pk.into(), Reference::to_value)
    }

    /// The scope of another kind in which this one lies.
    ///
    /// # Errors
    /// When there is none: what is private of a member lies in no world.
    pub fn up<P: Kind>(&self) -> CallResult<Scope<P>>
    where
        K: Within<P>,
    {
        let found = self.call.above(self.run.as_ref(), &self.object.stored().record, P::RESOURCE);
        Scope::around(&self.call, self.run.clone(), &found.ok_or_else(CallError::forbidden)?)
    }

    /// The scopes of a kind below this one: rounds by their order, all others by their age.
    ///
    /// # Errors
    /// Never, as long as the run is loaded.
    pub fn children<C: ChildOf<K>>(&self) -> CallResult<Vec<Scope<C>>> {
        let run = self.run.as_ref();
        let children = self.call.children(run, self.key(), C::RESOURCE, C::FIELD);
        children.iter().map(|child| Scope::around(&self.call, self.run.clone(), child)).collect()
    }

    /// The first object of a kind below this one that is meant: the call relies on it alone.
    fn look_for<C: ChildOf<K>>(&self, is_it: impl Fn(&C) -> bool) -> CallResult<Option<Scope<C>>> {
        let siblings = self.call.siblings(self.run.as_ref(), self.key(), C::RESOURCE);
        let meant = |row: &&Arc<Stored>| C::from_record(&row.record).is_some_and(&is_it);
        let Some(found) = siblings.iter().find(meant) else { return Ok(None) };
        lock(&self.call.stage).rely_on(found);
        Scope::around(&self.call, self.run.clone(), found).map(Some)
    }

    /// The same, where it matters that there is no other: the call also relies on there being just
    /// the objects of the kind that there are.
    fn find_child<C: ChildOf<K>>(
        &self,
        is_it: impl Fn(&C) -> bool,
    ) -> CallResult<Option<Scope<C>>> {
        self.call.rely_on_set(self.run.as_ref(), self.key(), C::RESOURCE, C::FIELD);
        self.look_for(is_it)
    }

    /// Stages a new object below this one, with these fields of its REST representation.
    ///
    /// # Errors
    /// *Internal* when the fields do not make one, or when the call may not write here.
    pub fn create<C: ChildOf<K>>(&self, fields: impl Serialize) -> CallResult<Scope<C>> {
        self.make(Making::Create, as_fields(fields)?)
    }

    /// The object below this one with this natural key; staged, with the other fields as well, when
    /// there is none.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn ensure<C: ChildOf<K>>(
        &self,
        key: impl Serialize,
        others: impl Serialize,
    ) -> CallResult<Scope<C>> {
        let (key, others) = (as_fields(key)?, as_fields(others)?);
        let is_it = |child: &C| match serde_json::to_value(child) {
            Ok(Value::Object(fields)) => {
                key.iter().all(|(name, value)| fields.get(name) == Some(value))
            }
            _ => false,
        };
        // That there is no other is for the store to know: it finds the row or makes it.
        if let Some(child) = self.look_for(is_it)? {
            return Ok(child);
        }
        self.make(Making::Ensure, key.into_iter().chain(others).collect())
    }

    fn make<C: ChildOf<K>>(&self, making: Making, mut fields: Fields) -> CallResult<Scope<C>> {
        self.call.may_write(self.run.as_ref(), self.key())?;
        if lock(&self.call.stage).row(self.key()) == Some(&None) {
            return Err(deleted(self.key()));
        }
        fields.insert(C::FIELD.to_owned(), self.pk().number().into());
        let row = lock(&self.call.stage).make(C::RESOURCE, making, fields)?;
        Scope::around(&self.call, self.run.clone(), &row)
    }

    /// Stages new values for some fields; `data` is replaced as a whole.
    ///
    /// # Errors
    /// *Internal* when a value does not fit, when the call may not write here, or when it has
    /// deleted the object before.
    pub fn update(&mut self, fields: impl Serialize) -> CallResult<()> {
        self.call.may_write(self.run.as_ref(), self.key())?;
        let fields = as_fields(fields)?;
        let mut stage = lock(&self.call.stage);
        // Another handle of the same call may have changed it meanwhile.
        let row = match stage.row(self.key()) {
            Some(None) => return Err(deleted(self.key())),
            Some(Some(row)) => row.clone(),
            None => self.object.stored().clone(),
        };
        let row = stage.change(&row, fields)?;
        drop(stage);
        self.object = Entry::new(&row).ok_or_else(CallError::forbidden)?;
        Ok(())
    }

    /// Stages that the object goes, with all below it.
    ///
    /// # Errors
    /// *Internal* when the call may not write here.
    pub fn delete(&self) -> CallResult<()> {
        self.call.may_write(self.run.as_ref(), self.key())?;
        let below = self.call.below(self.run.as_ref(), self.key());
        lock(&self.call.stage).delete(self.key(), below);
        Ok(())
    }

    /// Stages that all objects of a kind below this one go.
    ///
    /// # Errors
    /// *Internal* when the call may not write here.
    pub fn delete_all<C: ChildOf<K>>(&self) -> CallResult<()> {
        self.children::<C>()?.iter().try_for_each(Scope::delete)
    }

    /// Sends an event of the game's own to this scope's topic, once what the call stages is stored.
    ///
    /// Whoever may see the scope receives it. The arguments are an array, or one value alone.
    ///
    /// # Errors
    /// When the arguments cannot be written as JSON.
    pub fn publish(&self, name: &str, args: impl Serialize) -> CallResult<()> {
        let args = match serde_json::to_value(args)? {
            Value::Array(args) => args,
            one => vec![one],
        };
        let args = serde_json::to_string(&args)?.into();
        let announcement = Announcement { scope: self.key(), name: name.to_owned(), args };
        lock(&self.call.stage).announce(announcement);
        Ok(())
    }

    /// Discards what the call has staged so far: its answer then stands alone.
    pub fn discard(&self) {
        lock(&self.call.stage).discard();
    }
}

impl<K: Kind + HasData> Scope<K> {
    /// What the game keeps with the object, as a `T`; none when it does not look like one.
    pub fn data<T: DeserializeOwned>(&self) -> Option<T> {
        T::deserialize(self.object.data_field()).ok()
    }

    /// Stages what the game keeps with the object, in place of what it kept.
    ///
    /// # Errors
    /// As [`Self::update`], and when `data` is no JSON object.
    pub fn set_data(&mut self, data: impl Serialize) -> CallResult<()> {
        let data = as_fields(data)?;
        self.update(Fields::from_iter([("data".to_owned(), Value::Object(data))]))
    }

    /// Stages some fields of what the game keeps with the object; the others stay. Null removes one.
    ///
    /// # Errors
    /// As [`Self::set_data`].
    pub fn merge_data(&mut self, data: impl Serialize) -> CallResult<()> {
        let mut merged = match self.current_data() {
            Value::Object(fields) => fields,
            _ => Fields::new(),
        };
        merged.extend(as_fields(data)?);
        merged.retain(|_, value| !value.is_null());
        self.set_data(merged)
    }

    /// The data as the call has it now: another handle may have changed it.
    pub(crate) fn current_data(&self) -> Value {
        let staged = lock(&self.call.stage).row(self.key()).cloned().flatten();
        let current = staged.as_ref().and_then(Entry::<K>::new);
        current.as_ref().unwrap_or(&self.object).data_field().clone()
    }
}

impl<K: Kind + Within<Game>> Scope<K> {
    /// The game's own object.
    ///
    /// # Errors
    /// Never, as long as the game is installed.
    pub fn game(&self) -> CallResult<Scope<Game>> {
        let game = read(&self.call.model.game);
        let game = game.game.as_ref().map(|it| it.stored().clone());
        Scope::around(&self.call, None, &game.ok_or_else(CallError::forbidden)?)
    }
}

fn deleted((resource, pk): Key) -> CallError {
    CallError::internal(format!("{resource} {pk} was deleted earlier in the same call"))
}

/// A JSON object's fields; nothing at all counts as none.
fn as_fields(fields: impl Serialize) -> CallResult<Fields> {
    match serde_json::to_value(fields)? {
        Value::Object(fields) => Ok(fields),
        Value::Null => Ok(Fields::new()),
        other => Err(CallError::internal(format!("`{other}` is no JSON object"))),
    }
}

/// Marks a type parameter without owning a value of it.
pub(crate) type Marker<K> = PhantomData<fn() -> K>;

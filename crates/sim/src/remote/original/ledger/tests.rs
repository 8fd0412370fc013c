//! Whatever the order in which a store's changes are told, the ledger ends where the store did.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;

const RUN: RunPk = RunPk(2);

/// A store of worlds, scenarios, periods and decisions, and all that it tells.
#[derive(Clone, Debug, Default)]
struct Store {
    rows: BTreeMap<Key, Arc<Stored>>,
    told: Vec<(Action, Arc<Stored>)>,
    clock: i64,
    next: i64,
}

fn object(key: Key, above: Key, created: i64, updated: i64) -> Arc<Stored> {
    let (created, updated) =
        (Timestamp::from_micros(created).to_string(), Timestamp::from_micros(updated).to_string());
    let mut fields = json!({
        "id": key.1, "created": created, "updated": updated, "name": "N", "slug": "sums",
        "run_active": true, "data": {"version": updated},
    });
    fields[above.0.name()] = above.1.into();
    let record = Record::from_json(key.0, &fields.to_string()).unwrap();
    Arc::new(Stored::new(record))
}

fn frame() -> [Arc<Stored>; 2] {
    let game = (Resource::Game, 1);
    [object(game, game, 1, 1), object((Resource::Run, RUN.0), game, 1, 1)]
}

fn below(resource: Resource) -> Option<Resource> {
    Some(match resource {
        Resource::Run => Resource::World,
        Resource::World => Resource::Scenario,
        Resource::Scenario => Resource::Period,
        Resource::Period => Resource::Decision,
        _ => return None,
    })
}

impl Store {
    fn new() -> Self {
        let rows = frame().map(|it| (key_of(&it), it)).into();
        Self { rows, next: 10, clock: 10, ..Self::default() }
    }

    /// Creates, changes or deletes something, chosen by two numbers.
    fn step(&mut self, what: u8, which: usize) {
        self.clock += 1;
        let rows: Vec<_> =
            self.rows.values().filter(|it| !matches!(it.record, Record::Game(_))).collect();
        let row = rows[which % rows.len()].clone();
        let key = key_of(&row);
        let is_run = key.0 == Resource::Run;
        match (what % 4, below(key.0)) {
            (0 | 1, Some(child)) => {
                self.next += 1;
                let row = object((child, self.next), key, self.clock, self.clock);
                self.rows.insert(key_of(&row), row.clone());
                self.told.push((Action::Created, row));
            }
            (3, _) if !is_run => self.delete(key),
            _ => {
                let above = row.record.parent().unwrap();
                let made = row.record.created().unwrap().micros();
                let row = object(key, above, made, self.clock);
                self.rows.insert(key, row.clone());
                self.told.push((Action::Changed, row));
            }
        }
    }

    /// Deletes parents first, as the original tells it.
    fn delete(&mut self, key: Key) {
        let Some(row) = self.rows.remove(&key) else { return };
        self.told.push((Action::Deleted, row));
        let children: Vec<Key> = self
            .rows
            .values()
            .filter(|it| it.record.parent() == Some(key))
            .map(|it| key_of(it))
            .collect();
        for child in children {
            self.delete(child);
        }
    }
}

fn ledger() -> Ledger {
    let mut ledger = Ledger::new("sums".to_owned());
    let now = Instant::now();
    for stored in frame() {
        assert_eq!(ledger.put(stored, Source::Answer, now), Told::News);
    }
    ledger.begin_load(RUN);
    ledger
}

/// Takes a delivery as the adapter does: what it hangs from is asked for when it is not known.
fn deliver(ledger: &mut Ledger, store: &Store, action: Action, stored: &Arc<Stored>) {
    let now = Instant::now();
    if action == Action::Deleted {
        ledger.delete(stored, now);
        return;
    }
    let mut waiting = vec![(stored.clone(), Source::Delivery)];
    let mut asked = HashSet::new();
    while let Some((stored, source)) = waiting.last().cloned() {
        match ledger.put(stored, source, now) {
            Told::News | Told::Old => {
                waiting.pop();
            }
            Told::Orphan(key) if asked.insert(key) => match store.rows.get(&key) {
                Some(above) => waiting.push((above.clone(), Source::Answer)),
                None => return,
            },
            Told::Foreign | Told::Orphan(_) => return,
        }
    }
}

fn objects(ledger: &Ledger) -> BTreeMap<Key, Record> {
    ledger.objects.iter().map(|(key, known)| (*key, known.stored.record.clone())).collect()
}

/// What a reader of the ledger's changes ends with.
fn replayed(ledger: &Ledger) -> BTreeMap<Key, Record> {
    let mut rows = BTreeMap::new();
    for (index, change) in ledger.after(0).unwrap().into_iter().enumerate() {
        assert_eq!(change.seq, index as u64 + 1, "numbers grow without a gap");
        let key = key_of(&change.object);
        let is_there = match change.action {
            Action::Deleted => rows.remove(&key).is_some(),
            _ => rows.insert(key, change.object.record.clone()).is_some(),
        };
        assert_eq!(is_there, change.action != Action::Created, "{key:?} {}", change.action);
    }
    rows
}

proptest! {
    #[test]
    fn any_order_and_repetition_of_deliveries_ends_where_the_store_did(
        steps in prop::collection::vec((any::<u8>(), any::<usize>()), 1..60),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..200),
        seed in any::<u64>(),
    ) {
        let mut store = Store::new();
        steps.iter().for_each(|(what, which)| store.step(*what, *which));
        // Some repeated, and all of them at least once, in an order of their own.
        let mut deliveries: Vec<_> = store.told.iter().enumerate().collect();
        let extra: Vec<_> = order
            .iter()
            .filter(|_| !store.told.is_empty())
            .map(|index| index.index(store.told.len()))
            .collect();
        deliveries.extend(extra.iter().map(|index| (*index, &store.told[*index])));
        let mut state = seed | 1;
        for index in (1..deliveries.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let other = usize::try_from(state >> 33).unwrap() % (index + 1);
            deliveries.swap(index, other);
        }
        let mut ledger = ledger();
        for (_, (action, stored)) in deliveries {
            deliver(&mut ledger, &store, *action, stored);
        }
        let wanted: BTreeMap<Key, Record> =
            store.rows.iter().map(|(key, it)| (*key, it.record.clone())).collect();
        prop_assert_eq!(&objects(&ledger), &wanted);
        prop_assert_eq!(&replayed(&ledger), &wanted);
    }
}

#[test]
fn a_key_that_is_used_again_is_another_object() {
    let mut ledger = ledger();
    let (key, above) = ((Resource::World, 5), (Resource::Run, RUN.0));
    let (old, new) = (object(key, above, 10, 10), object(key, above, 30, 30));
    let now = Instant::now();
    ledger.put(old.clone(), Source::Delivery, now);
    ledger.delete(&old, now);
    assert_eq!(ledger.put(old.clone(), Source::Delivery, now), Told::Old);
    assert_eq!(ledger.put(new.clone(), Source::Delivery, now), Told::News);
    // The deletion of the old one, told again, is not that of the new one.
    assert_eq!(ledger.delete(&old, now), Told::Old);
    assert_eq!(ledger.get(key), Some(&new));
}

#[test]
fn a_comparison_finds_what_is_gone_but_not_what_has_just_come() {
    let mut ledger = ledger();
    let above = (Resource::Run, RUN.0);
    let worlds = [5, 6].map(|pk| object((Resource::World, pk), above, 10, 10));
    let long_ago = Instant::now();
    let now = long_ago + GRACE * 2;
    ledger.put(worlds[0].clone(), Source::Delivery, long_ago);
    ledger.put(worlds[1].clone(), Source::Delivery, now);
    let look = ledger.look(now);
    ledger.compare(frame().to_vec(), &look, |_, _| true, true);
    assert_eq!(ledger.get((Resource::World, 5)), None);
    assert_eq!(ledger.get((Resource::World, 6)), Some(&worlds[1]));
}

#[test]
fn a_run_that_rests_is_forgotten_and_can_be_loaded_again() {
    let mut ledger = ledger();
    let now = Instant::now();
    let world = object((Resource::World, 5), (Resource::Run, RUN.0), 10, 10);
    ledger.put(world.clone(), Source::Delivery, now);
    let Record::Run(mut run) = frame()[1].record.clone() else { panic!("no run") };
    run.active = false;
    run.updated = Timestamp::from_micros(20);
    ledger.put(Arc::new(Stored::new(run)), Source::Delivery, now);
    assert_eq!(ledger.put(world.clone(), Source::Delivery, now), Told::Foreign);
    ledger.begin_load(RUN);
    assert_eq!(ledger.put(world, Source::Answer, now), Told::News);
}

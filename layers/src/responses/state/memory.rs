use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
    future::ready,
    sync::Arc,
};

use parking_lot::Mutex;

use super::{Bounds, Item, Store, StoreFuture, Stored};
use crate::BoxError;

/// Keeps responses in memory, for as long as the process lives. A handle: clones share the
/// contents.
///
/// Of items that several responses have in common each counts as one's own, though they are there
/// once only.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Shelf>>);

impl MemoryStore {
    /// Within these bounds.
    pub fn new(bounds: Bounds) -> Self {
        Self(Arc::new(Mutex::new(Shelf { bounds, ..Shelf::default() })))
    }

    /// How many responses it holds.
    pub fn len(&self) -> usize {
        self.0.lock().entries.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes they take, about.
    pub fn bytes(&self) -> u64 {
        self.0.lock().bytes
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl Store for MemoryStore {
    fn put(&self, owner: &str, stored: Stored) -> StoreFuture<()> {
        Box::pin(ready(self.0.lock().put(owner, stored)))
    }

    fn get(&self, owner: &str, id: &str, now: u64) -> StoreFuture<Option<Stored>> {
        let mut shelf = self.0.lock();
        shelf.expire(now);
        Box::pin(ready(Ok(shelf.get(owner, id))))
    }

    fn items(&self, owner: &str, ids: Vec<Arc<str>>, now: u64) -> StoreFuture<Vec<Item>> {
        let mut shelf = self.0.lock();
        shelf.expire(now);
        Box::pin(ready(Ok(shelf.items(owner, ids))))
    }

    fn delete(&self, owner: &str, id: &str, now: u64) -> StoreFuture<bool> {
        let mut shelf = self.0.lock();
        shelf.expire(now);
        Box::pin(ready(Ok(shelf.remove(owner, id))))
    }
}

#[derive(Default)]
struct Shelf {
    bounds: Bounds,
    /// In the order in which they came.
    entries: BTreeMap<u64, Entry>,
    /// By owner and id, the key in `entries`.
    places: HashMap<Arc<str>, HashMap<Arc<str>, u64>>,
    next: u64,
    bytes: u64,
}

struct Entry {
    owner: Arc<str>,
    stored: Stored,
}

impl Shelf {
    fn put(&mut self, owner: &str, stored: Stored) -> Result<(), BoxError> {
        self.bounds.admit(&stored)?;
        self.remove(owner, &stored.id);
        self.expire(stored.created);
        self.bytes += stored.size();
        let known = self.places.get_key_value(owner).map(|(owner, _)| owner.clone());
        let owner = known.unwrap_or_else(|| owner.into());
        let places = self.places.entry(owner.clone()).or_default();
        places.insert(stored.id.clone(), self.next);
        self.entries.insert(self.next, Entry { owner, stored });
        self.next += 1;
        while self.entries.len() > self.bounds.entries || self.bytes > self.bounds.bytes {
            self.remove_oldest();
        }
        Ok(())
    }

    fn get(&self, owner: &str, id: &str) -> Option<Stored> {
        let place = self.places.get(owner)?.get(id)?;
        Some(self.entries.get(place)?.stored.clone())
    }

    /// The last ones first, until all are found.
    fn items(&self, owner: &str, ids: Vec<Arc<str>>) -> Vec<Item> {
        let mut wanted: HashSet<Arc<str>> = ids.into_iter().collect();
        let mut found = Vec::with_capacity(wanted.len());
        for entry in self.entries.values().rev().filter(|entry| *entry.owner == *owner) {
            if wanted.is_empty() {
                break;
            }
            found.extend(entry.stored.items().filter(|item| wanted.remove(&item.id)).cloned());
        }
        found
    }

    fn remove(&mut self, owner: &str, id: &str) -> bool {
        let Some(places) = self.places.get_mut(owner) else { return false };
        let Some(place) = places.remove(id) else { return false };
        if places.is_empty() {
            self.places.remove(owner);
        }
        if let Some(entry) = self.entries.remove(&place) {
            self.bytes -= entry.stored.size();
        }
        true
    }

    fn remove_oldest(&mut self) {
        let oldest = self.entries.first_key_value();
        let Some((owner, id)) = oldest.map(|(_, e)| (e.owner.clone(), e.stored.id.clone())) else {
            return;
        };
        self.remove(&owner, &id);
    }

    fn expire(&mut self, now: u64) {
        let Some(expired) = self.bounds.expired(now) else { return };
        while self.entries.first_key_value().is_some_and(|(_, e)| e.stored.created <= expired) {
            self.remove_oldest();
        }
    }
}

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
pub struct MemoryStore(Arc<Mutex<OwnerShelf>>);

impl MemoryStore {
    /// Within these bounds.
    pub fn new(bounds: Bounds) -> Self {
        Self(Arc::new(Mutex::new(OwnerShelf { bounds, ..OwnerShelf::default() })))
    }

    /// Other bounds from now on. What is too much for them leaves when the next response is put.
    pub fn set_bounds(&self, bounds: Bounds) {
        self.0.lock().bounds = bounds;
    }

    /// Number of responses.
    pub fn len(&self) -> usize {
        self.0.lock().entries.len()
    }

    /// Whether there are no responses.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Approximate size of all responses, in bytes.
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
struct OwnerShelf {
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

impl OwnerShelf {
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

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use futures_util::FutureExt as _;

    use super::*;

    fn stored(id: &str, created: u64, text: &str) -> Stored {
        let json: Arc<str> = text.into();
        let item = |id: String| Item { id: id.into(), json: json.to_string().into() };
        Stored {
            id: id.into(),
            created,
            response: "{}".into(),
            input: vec![item("shared".into()), item(format!("in_{id}"))],
            output: vec![item(format!("out_{id}"))],
        }
    }

    /// None of its futures waits.
    fn now<T>(future: StoreFuture<T>) -> T {
        future.now_or_never().unwrap().unwrap()
    }

    fn has(store: &MemoryStore, owner: &str, id: &str, at: u64) -> bool {
        now(store.get(owner, id, at)).is_some()
    }

    #[test]
    fn the_oldest_leave_when_there_are_too_many() {
        let store = MemoryStore::new(Bounds { entries: 2, ..Bounds::default() });
        for (n, id) in ["a", "b", "c"].into_iter().enumerate() {
            now(store.put("me", stored(id, n as u64, "x")));
        }
        assert_eq!(["a", "b", "c"].map(|id| has(&store, "me", id, 9)), [false, true, true]);
        // One that is put again is new.
        now(store.put("me", stored("b", 9, "y")));
        now(store.put("you", stored("d", 9, "x")));
        assert_eq!(["b", "c", "d"].map(|id| has(&store, "me", id, 9)), [true, false, false]);
        assert_eq!(store.len(), 2);
    }

    #[test]
    fn the_oldest_leave_when_they_are_too_large() {
        let one = stored("a", 0, &"x".repeat(1000)).size();
        let store = MemoryStore::new(Bounds { bytes: one * 2, ..Bounds::default() });
        for id in ["a", "b", "c"] {
            now(store.put("me", stored(id, 0, &"x".repeat(1000))));
            assert!(store.bytes() <= one * 2);
        }
        assert_eq!((store.len(), store.bytes()), (2, one * 2));
        let large = store.put("me", stored("d", 0, &"x".repeat(3000))).now_or_never().unwrap();
        assert!(large.unwrap_err().to_string().contains("do not fit"));
        assert_eq!(store.len(), 2, "nobody leaves for what does not fit anyway");
        for id in ["b", "c"] {
            assert!(now(store.delete("me", id, 0)));
        }
        assert_eq!((store.bytes(), store.is_empty()), (0, true));
    }

    #[test]
    fn they_expire() {
        let age = Duration::from_secs(10);
        let store = MemoryStore::new(Bounds { age, ..Bounds::default() });
        now(store.put("me", stored("a", 100, "x")));
        assert!(has(&store, "me", "a", 109));
        assert_eq!(now(store.items("me", vec!["in_a".into()], 110)), []);
        assert!(!has(&store, "me", "a", 110));
        assert!(!now(store.delete("me", "a", 110)));
        assert_eq!((store.len(), store.bytes()), (0, 0));
    }

    #[test]
    fn each_owner_finds_its_own() {
        let store = MemoryStore::default();
        now(store.put("me", stored("a", 0, "mine")));
        now(store.put("you", stored("a", 0, "yours")));
        assert_eq!(&now(store.get("me", "a", 0)).unwrap().input[0].json, "mine");
        assert_eq!(&now(store.items("you", vec!["out_a".into()], 0))[0].json, "yours");
        assert!(!now(store.delete("them", "a", 0)) && now(store.delete("me", "a", 0)));
        assert!(has(&store, "you", "a", 0) && !has(&store, "me", "a", 0));
    }

    #[test]
    fn of_one_item_the_last_counts_and_the_others_stay() {
        let store = MemoryStore::default();
        let shared = || now(store.items("me", vec!["shared".into(), "none".into()], 0));
        now(store.put("me", stored("a", 0, "first")));
        now(store.put("me", stored("b", 0, "second")));
        assert_eq!((shared().len(), &*shared()[0].json), (1, &b"second"[..]));
        now(store.delete("me", "b", 0));
        assert_eq!(&shared()[0].json, "first");
    }

    #[test]
    fn many_at_once_stay_within_the_bounds() {
        let store = MemoryStore::new(Bounds { entries: 8, ..Bounds::default() });
        thread::scope(|scope| {
            for thread in 0..4 {
                let store = &store;
                scope.spawn(move || {
                    for n in 0..50 {
                        let id = format!("{thread}_{n}");
                        now(store.put("me", stored(&id, 0, "x")));
                        now(store.delete("me", &format!("{thread}_{}", n / 2), 0));
                        assert!(store.len() <= 8);
                    }
                });
            }
        });
        let size = store.0.lock().entries.values().map(|entry| entry.stored.size()).sum::<u64>();
        assert_eq!(store.bytes(), size);
    }
}

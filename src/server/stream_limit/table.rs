use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use parking_lot::Mutex;
use switchtower_layers::body::{BodyEnd, Settle};

use crate::budget::Client;

/// A client waits for another one only if both hash to the same of these.
const SHARDS: usize = 16;

/// All clients without an address count as one.
type Key = Option<Client>;

/// Number of open streams per client. A handle: clones count together. It holds those clients that
/// have some.
#[derive(Clone, Default)]
pub struct OpenStreams(Arc<Shared>);

#[derive(Default)]
struct Shared {
    hasher: RandomState,
    shards: [Mutex<HashMap<Key, usize>>; SHARDS],
}

impl OpenStreams {
    /// Takes a place, if the client has fewer than `most`.
    pub(super) fn open(&self, client: Key, most: usize) -> Option<Stream> {
        {
            let mut shard = self.shard(&client).lock();
            match shard.get_mut(&client) {
                Some(open) if *open >= most => return None,
                Some(open) => *open += 1,
                None => {
                    shard.insert(client.clone(), 1);
                }
            }
        }
        Some(Stream { client, streams: self.clone() })
    }

    /// Number of open streams, of all clients.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.shards.iter().map(|shard| shard.lock().values().sum::<usize>()).sum()
    }

    fn shard(&self, client: &Key) -> &Mutex<HashMap<Key, usize>> {
        let hash = self.0.hasher.hash_one(client);
        // The remainder is less than the number of shards.
        &self.0.shards[(hash % SHARDS as u64) as usize]
    }
}

impl fmt::Debug for OpenStreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenStreams").field("open", &self.count()).finish()
    }
}

/// A place, which is given back when this is dropped.
#[derive(Debug)]
pub struct Stream {
    client: Key,
    streams: OpenStreams,
}

impl Drop for Stream {
    fn drop(&mut self) {
        let mut shard = self.streams.shard(&self.client).lock();
        match shard.get_mut(&self.client) {
            Some(open) if *open > 1 => *open -= 1,
            _ => {
                shard.remove(&self.client);
            }
        }
    }
}

impl Settle for Stream {
    fn settle(self, _: BodyEnd) {}
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn each_client_has_so_many_and_gets_them_back() {
        let streams = OpenStreams::default();
        let open = |client: &str| streams.open(Some(Client::from(client)), 2);
        let (first, second) = (open("a"), open("a"));
        assert!(first.is_some() && second.is_some() && open("a").is_none());
        let (other, nobody) = (open("10.0.0.1"), streams.open(None, 1));
        assert!(other.is_some() && nobody.is_some() && streams.open(None, 1).is_none());
        assert_eq!(streams.count(), 4);
        drop(first);
        let again = open("a");
        assert!(again.is_some() && open("a").is_none());
        drop((second, again, other, nobody));
        assert_eq!(streams.count(), 0);
        assert!(streams.0.shards.iter().all(|shard| shard.lock().is_empty()));
    }

    #[test]
    fn never_one_more_however_many_ask() {
        let streams = OpenStreams::default();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        let held: Vec<_> = (0..3).filter_map(|_| streams.open(None, 5)).collect();
                        assert!(streams.count() <= 5);
                        drop(held);
                    }
                });
            }
        });
        assert_eq!(streams.count(), 0);
    }
}

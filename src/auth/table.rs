use std::sync::Arc;

use subtle::{ConditionallySelectable, ConstantTimeEq};

use super::Client;
use crate::config::{self, KeyHash};

/// The configured keys.
#[derive(Clone, Debug)]
pub struct Table {
    hashes: Box<[KeyHash]>,
    /// In the same order.
    clients: Box<[Arc<Client>]>,
}

impl Table {
    /// The keys of this configuration.
    #[must_use]
    pub fn new(auth: &config::Auth) -> Self {
        let client = |(name, key): (&String, _)| Arc::new(Client::new(name, key));
        Self {
            hashes: auth.keys.values().map(|key| key.hash).collect(),
            clients: auth.keys.iter().map(client).collect(),
        }
    }

    /// Finds the client of a key. All keys are compared, also after a match, so that the time
    /// reveals nothing.
    #[must_use]
    pub fn find(&self, key: &[u8]) -> Option<&Arc<Client>> {
        let hash = KeyHash::of(key);
        let mut found = u64::MAX;
        for (index, known) in (0..).zip(&self.hashes) {
            found.conditional_assign(&index, known.as_bytes().ct_eq(hash.as_bytes()));
        }
        self.clients.get(usize::try_from(found).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{AuthKey, Scope};

    #[test]
    fn each_key_finds_its_client_and_no_other_finds_any() {
        let names = ["a", "b", "c"];
        let key = |name: &str| AuthKey {
            hash: KeyHash::of(format!("st-{name}").as_bytes()),
            scopes: vec![Scope::Models],
            models: None,
            rate_limit: None,
        };
        let keys = names.iter().map(|name| ((*name).to_owned(), key(name))).collect();
        let table = Table::new(&config::Auth { keys });
        let find = |key: &str| table.find(key.as_bytes()).map(|client| client.name().to_owned());
        for name in names {
            assert_eq!(find(&format!("st-{name}")).as_deref(), Some(name));
        }
        for wrong in ["", "st-", "st-d", "st-a ", "ST-A", "a", &KeyHash::of(b"st-a").to_string()] {
            assert_eq!(find(wrong), None, "{wrong}");
        }
        assert!(Table::new(&config::Auth::default()).find(b"").is_none());
    }
}

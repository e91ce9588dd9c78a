use std::fmt;
use std::net::IpAddr;

use http::Request;
use switchtower_layers::budget::{ByIp, ClientKey, KeyExtractor};

/// The holder of a budget.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Client {
    /// The client with this key.
    Key(ClientKey),
    /// All clients from this address or network, where there are no client keys.
    Address(IpAddr),
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(ClientKey(name)) => f.write_str(name),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// No client key is named like an address.
impl From<&str> for Client {
    fn from(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Key(ClientKey(text.into())), Self::Address)
    }
}

/// Extracts the client's key, or else its network, as in rate limits. Behind a trusted proxy that
/// is the network of the client, not of the proxy.
#[derive(Clone, Copy, Debug, Default)]
pub struct ByClient;

impl<B> KeyExtractor<B> for ByClient {
    type Key = Client;

    fn key(&self, request: &Request<B>) -> Option<Client> {
        let key = request.extensions().get::<ClientKey>().cloned().map(Client::Key);
        key.or_else(|| ByIp.key(request).map(Client::Address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_its_key_or_else_its_network() {
        let mut request = Request::new(());
        assert_eq!(ByClient.key(&request), None);
        request.extensions_mut().insert("2001:db8::1:2:3:4".parse::<IpAddr>().unwrap());
        let network = Client::Address("2001:db8::".parse().unwrap());
        assert_eq!(ByClient.key(&request), Some(network.clone()));
        request.extensions_mut().insert(ClientKey("alice".into()));
        let alice = Client::Key(ClientKey("alice".into()));
        assert_eq!(ByClient.key(&request), Some(alice.clone()));
        for client in [network, alice] {
            assert_eq!(Client::from(&*client.to_string()), client);
        }
    }
}

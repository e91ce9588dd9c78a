//! Access control: `auth`, `tls` and `limits`.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use indexmap::IndexMap;
use ring::digest;
use serde::Deserialize;

use super::{Config, RateLimit};

/// The client keys. Without any, every client that reaches the gateway may use all of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Auth {
    /// `keys`, by name, in file order. A name has 1 to 64 of `A-Za-z0-9._-`, and is no address.
    pub keys: IndexMap<String, AuthKey>,
}

/// Permissions and limits of a key.
#[derive(Clone, Debug, PartialEq)]
pub struct AuthKey {
    /// `hash`, or that of what `key_env` holds: the key itself is not kept.
    pub hash: KeyHash,
    /// `scopes`: which parts of the gateway it opens. Default `[models]`.
    pub scopes: Vec<Scope>,
    /// `models`: patterns as those of `model_routing`, for the models that it may use. Default
    /// none, which is all of them.
    pub models: Option<Vec<String>>,
    /// `rate_limit`: its own limit for all calls to models together, instead of those by path.
    pub rate_limit: Option<RateLimit>,
}

const MAX_NAME_LEN: usize = 64;

/// Whether a key can have this name: it is used in logs and in the ledger, where an address names a
/// client without a key, and `default` all others.
pub fn is_key_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (1..=MAX_NAME_LEN).contains(&name.len())
        && name.chars().all(fits)
        && name.parse::<IpAddr>().is_err()
        && name != Config::OTHERS
}

/// A part of the gateway.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// The models: `/v1/*`.
    Models,
    /// The agent side: agents, tasks, spaces, events, broadcast.
    Agents,
    /// Looking after the gateway: metrics, dashboard, `/model-gateway/*`.
    Admin,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 3] = [Self::Models, Self::Agents, Self::Admin];

    /// The scope's name in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Models => "models",
            Self::Agents => "agents",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The SHA-256 of a key, written `sha256:<64 hex digits>`.
///
/// A fast hash is the right one here: it has to be computed with each request, and keys are not
/// passwords but 256 random bits (`switchtower key new`), which cannot be found by trying. A
/// password does not belong here, hashed or not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// Hashes this key.
    #[must_use]
    pub fn of(key: &[u8]) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, key).as_ref());
        Self(hash)
    }

    /// The bytes of the hash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// It is no secret, but nothing for logs either.
impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:***")
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for KeyHash {
    type Err = NoKeyHash;

    fn from_str(text: &str) -> Result<Self, NoKeyHash> {
        let hex = text.strip_prefix("sha256:").ok_or(NoKeyHash)?.as_bytes();
        let digit =
            |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let mut hash = [0; 32];
        if hex.len() != 2 * hash.len() {
            return Err(NoKeyHash);
        }
        for (byte, pair) in hash.iter_mut().zip(hex.chunks_exact(2)) {
            let (high, low) = digit(pair[0]).zip(digit(pair[1])).ok_or(NoKeyHash)?;
            *byte = high << 4 | low;
        }
        Ok(Self(hash))
    }
}

/// Error for text that is not `sha256:` and 64 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoKeyHash;

impl fmt::Display for NoKeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is no `sha256:` with 64 hex digits")
    }
}

impl std::error::Error for NoKeyHash {}

/// TLS certificate and private key of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// `cert`: a file of PEM, the gateway's own certificate first, and those up to its authority.
    pub cert: PathBuf,
    /// `key`: the private key of the first, in PEM.
    pub key: PathBuf,
}

impl Tls {
    /// As seen from the configuration's own directory.
    pub(super) fn beside(&mut self, directory: &Path) {
        // One that is absolute stays.
        self.cert = directory.join(&self.cert);
        self.key = directory.join(&self.key);
    }

    /// What is odd about the files.
    pub(super) fn warning(&self) -> Option<String> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&self.key).ok()?.permissions().mode();
            (mode & 0o007 != 0).then(|| {
                let key = self.key.display();
                format!("everyone on this machine can read the TLS key: chmod o= {key}")
            })
        }
        #[cfg(not(unix))]
        None
    }
}

/// Limits on connections and open responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// `header_kb`: the largest head of a request, with its path, in KiB. 1 to 256, default 64.
    pub header_kb: usize,
    /// `connections`: how many are open at once; more wait to be accepted. Default 1024.
    pub connections: usize,
    /// `streams_per_client`: how many answers one client has open at once. Default 256.
    pub streams_per_client: usize,
    /// `header_timeout_ms`: how long a request's head may take, and how long a connection may be
    /// idle, in milliseconds; 0 switches it off. Default 30000.
    pub header_timeout_ms: u64,
    /// `body_timeout_ms`: how long the next piece of a request's body may take, in milliseconds;
    /// 0 switches it off. Default 30000.
    pub body_timeout_ms: u64,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            header_kb: 64,
            connections: 1024,
            streams_per_client: 256,
            header_timeout_ms: 30_000,
            body_timeout_ms: 30_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_read_as_it_is_written() {
        // Of FIPS 180-2.
        let abc = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let hash = KeyHash::of(b"abc");
        assert_eq!(hash.to_string(), abc);
        assert_eq!(abc.parse(), Ok(hash));
        assert_eq!(abc.replace('b', "B").parse(), Ok(hash));
        assert_eq!(format!("{hash:?}"), "sha256:***");
        let wrong = [&abc[7..], &abc[..70], "sha256:", "", &format!("{abc}0"), "md5:00"];
        for text in wrong.into_iter().chain([&*abc.replace('8', "+"), &*abc.replace("ba", "é")]) {
            assert_eq!(text.parse::<KeyHash>(), Err(NoKeyHash), "{text}");
        }
    }
}

//! Authentication by client keys, and their scopes.
//!
//! With `auth.keys` in the configuration, every request needs one of them, except for `/health`,
//! `/openapi.json` and the dashboard's files, which show nothing until they are given a key. It comes as `Authorization: Bearer <key>` or as `x-api-key: <key>`; where both
//! are there, the former counts. There is no way to send one in a URL, not for WebSockets either:
//! URLs end up in logs and histories.
//!
//! | path | scope |
//! |---|---|
//! | `/v1/*` | `models` |
//! | `/agents` `/tasks` `/spaces` `/events` `/ws` `/ws-info` `/broadcast` and all below | `agents` |
//! | `/metrics` `/model-gateway` and all below | `admin` |
//! | `/health` `/openapi.json`, `/dashboard` and all below | none: open |
//! | all others | any key |
//!
//! The method makes no difference. Open paths may return less to a request without a key: see
//! [`Identity`].
//!
//! | refusal | status | code |
//! |---|---|---|
//! | no key, or an unknown one, on open paths too | 401 | `UNAUTHORIZED`, with `WWW-Authenticate: Bearer` (RFC 6750, section 3) |
//! | more than one line of either header | 400 | `INVALID_REQUEST` |
//! | a key without the scope | 403 | `FORBIDDEN`, with the scope's name |
//! | more than 30 unknown keys per minute from one network | 429 | `RATE_LIMITED` |
//!
//! A known key always passes, also from an address that has used up its unknown ones: many clients
//! can stand behind one address, and none of them is to lock the others out. That leaves a guesser
//! free to go on, and nothing to find: a key has 256 random bits. What the limit does is to keep a
//! client that was misconfigured, or a scanner, from more than a cheap answer.
//!
//! Keys are known by their SHA-256 alone. A key that was shown is hashed once and compared with all
//! of them, in a time that depends on how many there are and on nothing else. Then it leaves the
//! request, so that nothing further in can send it on or log it. What stays are extensions:
//! [`ClientKey`](switchtower_layers::rate_limit::ClientKey) (its name), [`Owner`] (the same, for
//! what is stored; a key named `local` owns what was stored before there were keys), [`ModelAllowlist`]
//! (its models) and [`Identity`].
//!
//! Without `auth.keys` nothing of this happens: what is shown as a key is ignored.
//!
//! [`Owner`]: switchtower_layers::responses::Owner
//! [`ModelAllowlist`]: switchtower_layers::route::ModelAllowlist

mod authorizer;
mod client;
mod credentials;
mod layer;
mod required_scope;
mod table;

pub use authorizer::FailedKeyLimiter;
pub use client::{Client, Identity};
pub use layer::{Auth, AuthLayer, ResponseFuture};
pub(crate) use required_scope::RequiredScope;
pub use table::Table;

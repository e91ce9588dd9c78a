//! The configuration file: its shape, where it is found, and what is wrong with it.
//!
//! [`Config`] is what the rest of the gateway reads: plain values, already checked. It comes from
//! [`Config::load`] (a file), [`Config::from_yaml`] (a text) or [`Config::builtin`] (no file, but a
//! provider's key in the environment). A wrong file is a [`ConfigError`], which prints the place,
//! the reason and the nearest valid name:
//!
//! ```
//! use switchtower_config::{Config, Env};
//!
//! let error = Config::from_yaml("gateway.yaml", "prot: 3000", &Env::empty()).unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "gateway.yaml:1:1: unknown setting `prot`\n\
//!      \x20 1 | prot: 3000\n\
//!      \x20   | ^^^^\n\
//!      \x20 help: did you mean `port`?"
//! );
//! ```

mod agents;
mod auth;
mod authority;
mod check;
mod env;
mod error;
mod excerpt;
mod load;
mod local;
mod locate;
mod overrides;
mod programs;
mod proxy;
mod quota;
mod raw;
mod secret;
pub mod suggest;
mod tasks;
mod types;
mod yaml;

pub use agents::{Agent, AgentKind, BUILTIN_AGENTS, Routing, Rule, Strategy, agent_id};
pub use auth::is_key_name;
pub use auth::{Auth, AuthKey, ConnectionLimits, KeyHash, NoKeyHash, Scope, Tls};
pub use authority::CertificateAuthority;
pub use check::address;
pub use env::Env;
pub use error::ConfigError;
pub use local::is_local;
pub use overrides::Overrides;
pub use programs::{Input, Program};
pub use proxy::{DirectReason, Proxy, ProxyRoute, ProxyScheme, ProxySource};
pub use quota::{Codexbar, Probe, Quota};
pub use secret::trim_key;
pub use secret::{Key, Secret};
pub use tasks::TasksConfig;
pub use types::{
    CircuitBreaker, Config, LogFormat, LogLevel, Models, Provider, RateLimit, ResponseStore,
    Responses, Retry, Timeouts,
};

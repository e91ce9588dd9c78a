//! Another configuration while the gateway runs.
//!
//! The new one is checked whole, with what can only be known at run time: certificate authorities,
//! keys as header values, the database of budgets. Then it takes the place of the old one, all of
//! it, or else nothing changes. Requests under way finish as they began; the next one, also on a
//! connection that is there already, finds the new configuration.
//!
//! | what | when it stays as it is | when it changes |
//! |---|---|---|
//! | a provider's connections | while base URL, key, proxy, the certificates of `ca` and `timeouts.connect_ms` are the same | new ones; the old ones are closed after their last answer |
//! | circuits, waits that a provider asked for | while base URL and key are the same | forgotten; other settings count from the next call on |
//! | what a provider has left | while it is asked in the same way | asked again |
//! | a rate limit's counts | while path, `rpm` and `burst` are the same | begin anew |
//! | a provider's retry budget | while its share is the same | begins anew |
//! | what clients have used of their budgets | always | stays used; the limits are the new ones |
//! | stored responses | while `store` is the same | bounds apply with the next one; another store is another store |
//! | the key that seals reasoning, the statistics | always | |
//! | the log level | | at once, unless `RUST_LOG` is set |
//! | an agent | its status and when it was seen, while it is reached in the same way | counts for its next task; those that are gone end what they are at work on |
//! | registered agents | always | unless their ids are configured now; endpoints that `allow_remote_agents` does not allow any more are offline |
//! | tasks | all that run or wait, with the agents that they were assigned | rules and bounds count for the next one; more slots are taken at once, and fewer as they become free |
//!
//! A task that waits for an agent that is gone fails when its turn comes.
//!
//! `host`, `port`, `wsPort`, `dataDir`, `logDir`, `logFormat`, whether there is `tls`, and of
//! `limits` `connections` and `header_timeout_ms` need a restart: a change of these is reported,
//! and everything else is applied.
//!
//! [`Files`] detects that the files have changed, [`Reloader`] gives a running
//! [`Gateway`](crate::app::Gateway) its next configuration, and [`Status`] records the result.

mod changes;
mod files;
mod reloader;
mod status;

pub use changes::Changes;
pub use files::Files;
pub use reloader::{ReloadError, Reloader};
pub use status::{Refused, Report, Status};

pub(crate) use changes::keep_fixed;
pub(crate) use reloader::{ReloadRequest, ReloadRequests};

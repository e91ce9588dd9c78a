use std::{fmt, io};

use tokio::sync::{mpsc, oneshot};

use super::{Changes, Status};
use crate::{config::Config, database};

/// Gives a running gateway its next configuration. A handle: clones reach the same gateway.
#[derive(Clone, Debug)]
pub struct Reloader {
    asks: mpsc::Sender<ReloadRequest>,
    status: Status,
}

/// A configuration, and the channel for the result.
#[derive(Debug)]
pub(crate) struct ReloadRequest {
    pub(crate) config: Box<Config>,
    pub(crate) answer: oneshot::Sender<Result<Changes, ReloadError>>,
}

/// The gateway's end.
pub(crate) type ReloadRequests = mpsc::Receiver<ReloadRequest>;

impl Reloader {
    pub(crate) fn new(status: Status) -> (Self, ReloadRequests) {
        let (asks, received) = mpsc::channel(1);
        (Self { asks, status }, received)
    }

    /// Has the gateway take up another configuration; one after the other. It waits until the
    /// gateway runs. What changed, what needs a restart, and what is odd is logged.
    ///
    /// # Errors
    ///
    /// Says why it cannot be used; nothing has changed then.
    pub async fn reload(&self, config: Config) -> Result<Changes, ReloadError> {
        let (answer, answered) = oneshot::channel();
        let sent = self.asks.send(ReloadRequest { config: Box::new(config), answer }).await;
        let result = match sent {
            Ok(()) => answered.await.unwrap_or(Err(ReloadError::Stopped)),
            Err(_) => Err(ReloadError::Stopped),
        };
        if let Err(error) = &result {
            self.refuse(error);
        }
        result
    }

    /// Reports, in the log and in the [status](Self::status), a configuration that could not even
    /// be read.
    pub fn refuse(&self, error: &dyn fmt::Display) {
        let message = error.to_string();
        tracing::error!("the configuration stays as it was: {message}");
        self.status.refused(message);
    }

    /// Sets the origin of the configuration, for the [status](Self::status).
    pub fn set_origin(&self, origin: impl Into<String>) {
        self.status.set_origin(origin.into());
    }

    /// Status of the configuration.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.clone()
    }
}

/// Reason why a configuration could not be applied.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReloadError {
    /// TLS cannot be set up, or a key does not fit into a header.
    Upstream(io::Error),
    /// The certificate or its key cannot be used.
    Certificate(io::Error),
    /// Others could reach it, and there would be no client keys.
    Exposed(String),
    /// The budgets cannot be kept.
    Budgets(database::Error),
    /// The gateway does not run any more.
    Stopped,
}

impl fmt::Display for ReloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upstream(error) => error.fmt(f),
            Self::Certificate(error) => write!(f, "tls: {error}"),
            Self::Exposed(reason) => f.write_str(reason),
            Self::Budgets(error) => error.fmt(f),
            Self::Stopped => f.write_str("the gateway has stopped"),
        }
    }
}

impl std::error::Error for ReloadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Upstream(error) | Self::Certificate(error) => Some(error),
            Self::Budgets(error) => Some(error),
            Self::Exposed(_) | Self::Stopped => None,
        }
    }
}

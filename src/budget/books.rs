use std::time::Duration;

use switchtower_layers::budget::Ledger;
use tokio::{sync::oneshot, task::JoinHandle, time::timeout};

use super::{Client, policy, store::Store, writer};
use crate::{config::Config, database};

/// How long answers that were cut may take to be settled: HTTP/2 ends their tasks a moment after
/// their connection.
const SETTLING: Duration = Duration::from_secs(1);

/// The ledger of all clients, and who writes it down.
#[derive(Debug)]
pub struct Books {
    ledger: Ledger<Client>,
    writer: Option<Writer>,
}

#[derive(Debug)]
struct Writer {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Books {
    /// Opens the ledger with what was used before, if there are budgets; without them nothing is
    /// counted, and no file is touched.
    ///
    /// # Errors
    ///
    /// When the database cannot be used. The error says what to do.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn open(config: &Config) -> Result<Self, database::Error> {
        let ledger = Ledger::by_key(policy::limits(config));
        if config.models.budgets.is_empty() {
            return Ok(Self { ledger, writer: None });
        }
        let (store, accounts) = Store::open(&config.data_dir)?;
        let changes = ledger.changes();
        ledger.restore(accounts, ledger.now());
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(writer::run(store, changes, stopped));
        Ok(Self { ledger, writer: Some(Writer { stop, task }) })
    }

    /// The ledger, which outlives the stack.
    pub fn ledger(&self) -> Ledger<Client> {
        self.ledger.clone()
    }

    /// Writes down what is left, once no request is under way.
    pub async fn close(self) {
        let Some(Writer { stop, task }) = self.writer else { return };
        if timeout(SETTLING, self.ledger.settled()).await.is_err() {
            tracing::warn!(requests = self.ledger.open(), "some requests were not settled");
        }
        let _ = stop.send(());
        let _ = task.await;
    }
}

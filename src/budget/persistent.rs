use std::{fmt, path::Path, time::Duration};

use switchtower_layers::budget::Ledger;
use tokio::{sync::oneshot, task::JoinHandle, time::timeout};

use super::{
    Client,
    limits::limits,
    store::{Account, Store},
    writer,
};
use crate::{config::Config, database};

/// How long answers that were cut may take to be settled: HTTP/2 ends their tasks a moment after
/// their connection.
const SETTLING: Duration = Duration::from_secs(1);

/// The ledger of all clients, and the task that persists it.
#[derive(Debug)]
pub struct PersistentLedger {
    ledger: Ledger<Client>,
    writer: Option<Writer>,
}

#[derive(Debug)]
struct Writer {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// A database that was opened, but is not written to yet.
pub struct OpenedStore {
    store: Store,
    accounts: Vec<Account>,
}

impl fmt::Debug for OpenedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenedStore")
            .field("accounts", &self.accounts.len())
            .finish_non_exhaustive()
    }
}

impl OpenedStore {
    /// Opens the database in this directory. Blocks, for up to 2 s when another process has it.
    ///
    /// # Errors
    ///
    /// When it cannot be used. The error says what to do.
    pub fn open(data_dir: &Path) -> Result<Self, database::Error> {
        let (store, accounts) = Store::open(data_dir)?;
        Ok(Self { store, accounts })
    }
}

impl PersistentLedger {
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
        let ledger = Ledger::by_key(limits(config));
        let mut books = Self { ledger, writer: None };
        if books.has_to_open(config) {
            books.begin(OpenedStore::open(&config.data_dir)?);
        }
        Ok(books)
    }

    /// Whether this configuration has budgets, and there is no database yet.
    #[must_use]
    pub fn has_to_open(&self, config: &Config) -> bool {
        self.writer.is_none() && !config.models.budgets.is_empty()
    }

    /// Goes on with the budgets of another configuration: what was used stays used. When they are
    /// the first, `opened` is their database; when there are none any more, what was used is
    /// written down, and is there again with the next ones.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub async fn reconfigure(&mut self, config: &Config, opened: Option<OpenedStore>) {
        self.ledger.set_limits(limits(config));
        if let Some(opened) = opened {
            self.begin(opened);
        } else if config.models.budgets.is_empty()
            && let Some(writer) = self.writer.take()
        {
            writer.finish().await;
            // The writer has stopped, so that on disk they stay.
            self.ledger.evict_idle(self.ledger.now());
        }
    }

    fn begin(&mut self, OpenedStore { store, accounts }: OpenedStore) {
        let changes = self.ledger.changes();
        self.ledger.restore(accounts, self.ledger.now());
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(writer::run(store, changes, stopped));
        self.writer = Some(Writer { stop, task });
    }

    /// The ledger, which outlives the stack.
    pub fn ledger(&self) -> Ledger<Client> {
        self.ledger.clone()
    }

    /// Writes down what is left, once no request is under way.
    pub async fn close(self) {
        let Some(writer) = self.writer else { return };
        if timeout(SETTLING, self.ledger.settled()).await.is_err() {
            tracing::warn!(requests = self.ledger.open(), "some requests were not settled");
        }
        writer.finish().await;
    }
}

impl Writer {
    async fn finish(self) {
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

#[cfg(test)]
mod tests {
    use switchtower_layers::budget::Spend;

    use super::*;
    use crate::config::Env;

    fn config(directory: &Path, budgets: &str) -> Config {
        let yaml = format!("models: {{budgets: {{{budgets}}}}}");
        let config = Config::from_yaml("test.yaml", &yaml, &Env::empty());
        let config = config.unwrap_or_else(|error| panic!("{error}"));
        Config { data_dir: directory.to_owned(), ..config }
    }

    /// What is left of each limit.
    fn spend(books: &PersistentLedger) -> Vec<u64> {
        let (client, ledger) = (Client::from("127.0.0.1"), books.ledger());
        let (one, now) = (Spend { requests: 1, ..Spend::NOTHING }, ledger.now());
        ledger.reserve(Some(client.clone()), one, now).unwrap().settle(one, now);
        ledger.standing(&Some(client), now).iter().map(|s| s.limit.amount - s.used).collect()
    }

    #[tokio::test]
    async fn what_was_used_stays_used_also_without_budgets_in_between() {
        let directory = tempfile::tempdir().unwrap();
        let [five, nine, none] =
            ["default: {requests_per_day: 5}", "default: {requests_per_day: 9}", ""]
                .map(|budgets| config(directory.path(), budgets));
        let mut books = PersistentLedger::open(&none).unwrap();
        assert!(!directory.path().join("ledger.sqlite").exists());
        assert!(books.has_to_open(&five));
        books.reconfigure(&five, Some(OpenedStore::open(directory.path()).unwrap())).await;
        assert_eq!(spend(&books), [4]);
        assert!(!books.has_to_open(&nine));
        books.reconfigure(&nine, None).await;
        assert_eq!(spend(&books), [7]);
        books.reconfigure(&none, None).await;
        assert!(books.ledger().is_empty());
        books.reconfigure(&five, Some(OpenedStore::open(directory.path()).unwrap())).await;
        assert_eq!(spend(&books), [2]);
        books.close().await;
        assert_eq!(spend(&PersistentLedger::open(&five).unwrap()), [1]);
    }
}

use std::path::Path;

use rusqlite::{Connection, Row, params};
use switchtower_layers::budget::{Money, Record, Spend, Used};

use super::Client;
use crate::database;

const NAME: &str = "ledger.sqlite";
const PURPOSE: &str = "budgets";
const VERSION: u32 = 1;

/// Periods are numbered from 1970 on; dollars are in billionths. The empty client is one without an
/// address.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS accounts (
        client TEXT NOT NULL PRIMARY KEY,
        day INTEGER NOT NULL,
        day_requests INTEGER NOT NULL,
        day_tokens INTEGER NOT NULL,
        day_nano_usd INTEGER NOT NULL,
        month INTEGER NOT NULL,
        month_requests INTEGER NOT NULL,
        month_tokens INTEGER NOT NULL,
        month_nano_usd INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
";
const READ: &str = "SELECT * FROM accounts";
const WRITE: &str = "INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
const REMOVE: &str = "DELETE FROM accounts WHERE client = ?";

/// The ledger's accounts on disk.
pub(super) struct Store(pub(super) Connection);

pub(super) type Account = (Option<Client>, Record);

impl Store {
    /// Opens it; the accounts as they were written last.
    pub(super) fn open(directory: &Path) -> Result<(Self, Vec<Account>), database::Error> {
        let connection = database::open(directory, NAME, PURPOSE, SCHEMA, VERSION)?;
        let accounts = read(&connection)
            .map_err(|error| database::Error::unreadable(directory, NAME, PURPOSE, error))?;
        Ok((Self(connection), accounts))
    }

    /// Writes all of them or none; an account without a record is removed.
    pub(super) fn write<'a>(
        &mut self,
        accounts: impl IntoIterator<Item = (&'a Option<Client>, &'a Option<Record>)>,
    ) -> rusqlite::Result<()> {
        let transaction = self.0.transaction()?;
        {
            let mut write = transaction.prepare(WRITE)?;
            let mut remove = transaction.prepare(REMOVE)?;
            for (client, record) in accounts {
                let client = client.as_ref().map(ToString::to_string).unwrap_or_default();
                let Some(Record { day, month }) = record else {
                    remove.execute([client])?;
                    continue;
                };
                write.execute(params![
                    client,
                    day.number,
                    number(day.spend.requests),
                    number(day.spend.tokens),
                    number(day.spend.money.nanos()),
                    month.number,
                    number(month.spend.requests),
                    number(month.spend.tokens),
                    number(month.spend.money.nanos()),
                ])?;
            }
        }
        transaction.commit()
    }
}

fn read(connection: &Connection) -> rusqlite::Result<Vec<Account>> {
    let mut read = connection.prepare(READ)?;
    let accounts = read.query_map([], |row| {
        let client: String = row.get(0)?;
        let client = (!client.is_empty()).then(|| Client::from(&*client));
        Ok((client, Record { day: used(row, 1)?, month: used(row, 5)? }))
    })?;
    accounts.collect()
}

/// From four columns.
fn used(row: &Row<'_>, first: usize) -> rusqlite::Result<Used> {
    let amount = |at: usize| {
        let amount = row.get::<_, i64>(first + at)?;
        Ok::<u64, rusqlite::Error>(u64::try_from(amount).unwrap_or(0))
    };
    let (requests, tokens, nanos) = (amount(1)?, amount(2)?, amount(3)?);
    let spend = Spend { requests, tokens, money: Money::from_nanos(nanos) };
    Ok(Used { number: row.get(first)?, spend })
}

/// SQLite has no larger ones.
fn number(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(n: u64) -> Record {
        let used = |number, n| Used {
            number,
            spend: Spend { requests: n, tokens: n + 1, money: Money::from_nanos(n + 2) },
        };
        Record { day: used(20_000, n), month: used(600, n + 10) }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let open = || Store::open(directory.path()).unwrap_or_else(|error| panic!("{error}"));
        let (mut store, accounts) = open();
        assert_eq!(accounts, []);
        let clients = ["", "127.0.0.1", "alice"].map(|client| {
            let client = Some(client).filter(|client| !client.is_empty());
            client.map(Client::from)
        });
        let [none, address, alice] = &clients;
        let (first, huge) = (Some(record(1)), Some(record(u64::MAX - 20)));
        store.write([(none, &first), (address, &first), (alice, &first)]).unwrap();
        store.write([(address, &None), (alice, &huge)]).unwrap();
        drop(store);
        let (_, accounts) = open();
        let [(none, first), (alice, huge)] = &accounts[..] else { panic!("{accounts:?}") };
        assert_eq!((none, *first), (&clients[0], record(1)));
        assert_eq!((alice, huge.day.spend.tokens), (&clients[2], i64::MAX as u64));
    }
}

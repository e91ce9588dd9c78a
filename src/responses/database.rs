use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use switchtower_layers::BoxError;
use switchtower_layers::responses::store::{Bounds, Item, Stored};

use super::schema::{SCHEMA, VERSION};
use crate::database;

pub(super) const FILE: &str = "responses.sqlite";

/// The responses in an open database. Everything here blocks.
pub(super) struct SqliteDb(Connection);

type Result<T> = std::result::Result<T, BoxError>;

impl SqliteDb {
    pub(super) fn open(directory: &Path) -> Result<Self> {
        Ok(Self(database::open(directory, FILE, "responses", SCHEMA, VERSION)?))
    }

    pub(super) fn put(&mut self, bounds: &Bounds, owner: &str, stored: &Stored) -> Result<()> {
        bounds.admit(stored)?;
        let transaction = self.begin(bounds, stored.created)?;
        delete(&transaction, owner, &stored.id)?;
        insert(&transaction, owner, stored)?;
        while is_full(&transaction, bounds)? {
            let oldest = "DELETE FROM responses WHERE number = (SELECT min(number) FROM responses)";
            transaction.execute(oldest, [])?;
        }
        Ok(transaction.commit()?)
    }

    pub(super) fn get(
        &mut self,
        bounds: &Bounds,
        owner: &str,
        id: &str,
        now: u64,
    ) -> Result<Option<Stored>> {
        let transaction = self.begin(bounds, now)?;
        let stored = select(&transaction, owner, id)?;
        transaction.commit()?;
        Ok(stored)
    }

    pub(super) fn items(
        &mut self,
        bounds: &Bounds,
        owner: &str,
        ids: &[Arc<str>],
        now: u64,
    ) -> Result<Vec<Item>> {
        let transaction = self.begin(bounds, now)?;
        let mut found = Vec::with_capacity(ids.len());
        {
            let mut last = transaction.prepare(
                "SELECT items.id, json FROM items JOIN places ON item = number
                 WHERE owner = ? AND items.id = ? ORDER BY response DESC LIMIT 1",
            )?;
            for id in ids {
                found.extend(last.query_row(params![owner, &**id], item).optional()?);
            }
        }
        transaction.commit()?;
        Ok(found)
    }

    pub(super) fn delete(
        &mut self,
        bounds: &Bounds,
        owner: &str,
        id: &str,
        now: u64,
    ) -> Result<bool> {
        let transaction = self.begin(bounds, now)?;
        let deleted = delete(&transaction, owner, id)?;
        transaction.commit()?;
        Ok(deleted)
    }

    /// A transaction in which nothing has expired.
    fn begin(&mut self, bounds: &Bounds, now: u64) -> Result<Transaction<'_>> {
        let transaction = self.0.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if let Some(expired) = bounds.expired(now) {
            let expired = i64::try_from(expired)?;
            transaction.execute("DELETE FROM responses WHERE created <= ?", [expired])?;
        }
        Ok(transaction)
    }
}

fn insert(transaction: &Transaction<'_>, owner: &str, stored: &Stored) -> Result<()> {
    let Stored { id, created, response, input, .. } = stored;
    transaction.execute(
        "INSERT INTO responses (owner, id, created, inputs, json) VALUES (?, ?, ?, ?, ?)",
        params![owner, &**id, i64::try_from(*created)?, i64::try_from(input.len())?, &**response],
    )?;
    let response = transaction.last_insert_rowid();
    // Ids are the client's: there may be any number of items of one.
    let mut known = transaction.prepare(
        "SELECT number FROM (SELECT number, json FROM items WHERE owner = ? AND id = ?
         ORDER BY number DESC LIMIT 8) WHERE json = ? LIMIT 1",
    )?;
    let mut add = transaction.prepare("INSERT INTO items (owner, id, json) VALUES (?, ?, ?)")?;
    let mut place = transaction.prepare("INSERT INTO places VALUES (?, ?, ?)")?;
    for (at, Item { id, json }) in (0i64..).zip(stored.items()) {
        let item = params![owner, &**id, &**json];
        let number: Option<i64> = known.query_row(item, |row| row.get(0)).optional()?;
        let number = number.map_or_else(|| add.insert(item), Ok)?;
        place.execute([response, at, number])?;
    }
    Ok(())
}

fn select(transaction: &Transaction<'_>, owner: &str, id: &str) -> Result<Option<Stored>> {
    let mut response = transaction.prepare(
        "SELECT number, created, inputs, json FROM responses WHERE owner = ? AND id = ?",
    )?;
    let response = response.query_row([owner, id], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, Vec<u8>>(3)?))
    });
    let Some((number, created, inputs, json)) = response.optional()? else { return Ok(None) };
    let (number, created, inputs): (i64, i64, i64) = (number, created, inputs);
    let mut items = transaction.prepare(
        "SELECT id, json FROM places JOIN items ON item = number WHERE response = ? ORDER BY place",
    )?;
    let mut input = items.query_map([number], item)?.collect::<rusqlite::Result<Vec<Item>>>()?;
    let output = input.split_off(usize::try_from(inputs)?.min(input.len()));
    let created = u64::try_from(created)?;
    Ok(Some(Stored { id: id.into(), created, response: json.into(), input, output }))
}

fn item(row: &rusqlite::Row<'_>) -> rusqlite::Result<Item> {
    Ok(Item { id: row.get::<_, String>(0)?.into(), json: row.get::<_, Vec<u8>>(1)?.into() })
}

fn delete(transaction: &Transaction<'_>, owner: &str, id: &str) -> Result<bool> {
    let sql = "DELETE FROM responses WHERE owner = ? AND id = ?";
    Ok(transaction.execute(sql, [owner, id])? > 0)
}

/// The last one never has to leave: it was admitted.
fn is_full(transaction: &Transaction<'_>, bounds: &Bounds) -> Result<bool> {
    let totals = "SELECT entries, bytes FROM totals";
    let (entries, bytes): (i64, i64) =
        transaction.query_row(totals, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (entries, bytes) = (usize::try_from(entries)?, u64::try_from(bytes)?);
    Ok(entries > 1 && (entries > bounds.entries || bytes > bounds.bytes))
}

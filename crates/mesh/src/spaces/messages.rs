//! Messages in the database.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::table::{self, Result, json};
use super::{Found, Message, NewMessage, Refused, fts_terms, limits};

const COLUMNS: &str = "id, role, source, task_id, content, metadata, created_at";

pub(super) fn insert(
    transaction: &Transaction<'_>,
    space: &str,
    message: NewMessage,
    now: u64,
) -> Result<std::result::Result<Message, Refused>> {
    let NewMessage { role, source, task_id, content, metadata } = message;
    let Some(view) = table::get(transaction, space)? else { return Ok(Err(Refused::Unknown)) };
    if view.message_count >= limits::MESSAGES {
        let message = format!("the space has {} messages: begin another", limits::MESSAGES);
        return Ok(Err(Refused::Full(message)));
    }
    let stored = metadata.to_string();
    let bytes = content.len() + stored.len();
    if let Some(refused) = table::room(transaction, bytes as u64)? {
        return Ok(Err(refused));
    }
    table::change(transaction, space, now, (1, 0, bytes as i64))?;
    transaction
        .prepare(
            "INSERT INTO messages (space_id, role, source, task_id, created_at, metadata, content) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![space, role, source, task_id, now, stored, content])?;
    let id = transaction.last_insert_rowid();
    transaction
        .prepare("INSERT INTO messages_text (rowid, space, text) VALUES (?, ?, ?)")?
        .execute(params![id, word(space), fts_terms::segment(&content)])?;
    let id = id.unsigned_abs();
    Ok(Ok(Message { id, role, source, task_id, content, metadata, created_at: now }))
}

/// Oldest first, from after this one on.
pub(super) fn after(
    connection: &Connection,
    space: &str,
    after: u64,
    limit: usize,
) -> Result<Vec<Message>> {
    let sql =
        format!("SELECT {COLUMNS} FROM messages WHERE space_id = ? AND id > ? ORDER BY id LIMIT ?");
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let mut statement = connection.prepare(&sql)?;
    page(statement.query_map(params![space, after, limit], view)?)
}

/// The last ones, oldest first.
pub(super) fn recent(connection: &Connection, space: &str, limit: usize) -> Result<Vec<Message>> {
    let sql = format!("SELECT {COLUMNS} FROM messages WHERE space_id = ? ORDER BY id DESC LIMIT ?");
    let mut statement = connection.prepare(&sql)?;
    let mut messages = page(statement.query_map(params![space, limit], view)?)?;
    messages.reverse();
    Ok(messages)
}

/// Best first; of equal ones, newest first.
pub(super) fn search(
    connection: &Connection,
    space: &str,
    q: &str,
    limit: usize,
) -> Result<Vec<Message>> {
    let Some(query) = fts_terms::query(q) else { return Ok(Vec::new()) };
    // The word of the space must not count for the order.
    let mut statement = connection.prepare(
        "SELECT rowid FROM messages_text WHERE messages_text MATCH ? \
         ORDER BY bm25(messages_text, 0.0, 1.0), rowid DESC LIMIT ?",
    )?;
    let query = format!("space : \"{}\" AND text : ({query})", word(space));
    let ids: Vec<i64> =
        statement.query_map(params![query, limit], |row| row.get(0))?.collect::<Result<_>>()?;
    let sql = format!("SELECT {COLUMNS} FROM messages WHERE id = ?");
    let mut statement = connection.prepare(&sql)?;
    page(ids.iter().filter_map(|id| statement.query_row([id], view).optional().transpose()))
}

pub(super) fn found(messages: Vec<Message>, q: &str) -> Vec<Found> {
    let snippet =
        |message: Message| Found { snippet: fts_terms::snippet(&message.content, q), message };
    messages.into_iter().map(snippet).collect()
}

/// As many as fit, and one at least.
fn page(messages: impl Iterator<Item = Result<Message>>) -> Result<Vec<Message>> {
    let (mut page, mut bytes) = (Vec::new(), 0);
    for message in messages {
        let message = message?;
        bytes += message.content.len() + message.metadata.to_string().len();
        if bytes > limits::MAX_PAGE_BYTES && !page.is_empty() {
            break;
        }
        page.push(message);
    }
    Ok(page)
}

/// The space's id as one word.
fn word(space: &str) -> String {
    space.chars().filter(char::is_ascii_alphanumeric).collect()
}

fn view(row: &Row<'_>) -> Result<Message> {
    Ok(Message {
        id: row.get(0)?,
        role: row.get(1)?,
        source: row.get(2)?,
        task_id: row.get(3)?,
        content: row.get(4)?,
        metadata: json(&row.get::<_, String>(5)?),
        created_at: row.get(6)?,
    })
}

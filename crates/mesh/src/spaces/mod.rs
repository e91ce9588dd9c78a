//! Shared message and artifact stores of tasks, in the mesh's database.
//!
//! Messages can be searched: all words have to be there, a word may go on (`deploy` finds
//! `deployment`), and in scripts without spaces between words any part of a text is found.
//!
//! | bound | |
//! |---|---|
//! | spaces | 10 000 |
//! | messages in a space | 100 000 |
//! | a message's content | 1 MiB |
//! | its metadata, or a space's | 64 KiB |
//! | artifacts in a space | 256 |
//! | an artifact | 16 MiB |
//! | all spaces together | 2 GiB |

mod artifacts;
mod fts_terms;
pub mod limits;
mod messages;
pub mod name;
mod table;
#[cfg(test)]
mod tests;
mod view;

use std::fmt;

use rusqlite::{Connection, Transaction};
use serde_json::Value;
use uuid::Uuid;

pub(super) use table::SCHEMA;
pub use view::{Artifact, ArtifactView, Found, Message, NewMessage, SpaceView};

use super::database::{self, Database};
use super::events::{Event, Events};
use switchtower_platform::clock::now;

/// The spaces. A handle: clones share them.
#[derive(Clone, Debug)]
pub struct Spaces {
    database: Database,
    events: Events,
}

impl Spaces {
    /// Kept in the database. Changes are published as events.
    #[must_use]
    pub fn new(database: Database, events: Events) -> Self {
        Self { database, events }
    }

    /// Makes one, whose metadata is an object.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] when there are too many, or it is too large.
    pub async fn create(&self, metadata: Value) -> Result<SpaceView, Error> {
        within("metadata", metadata.to_string().len(), limits::METADATA)?;
        let now = now();
        let space = SpaceView {
            shared_space_id: format!("space_{}", Uuid::now_v7().simple()),
            message_count: 0,
            artifact_count: 0,
            metadata,
            created_at: now,
            updated_at: now,
        };
        let write = move |transaction: &Transaction<'_>| {
            Ok(table::insert(transaction, &space)?.map_or(Ok(space), Err))
        };
        Ok(self.write(write).await??)
    }

    /// One space by its id.
    ///
    /// # Errors
    ///
    /// When the database does not work.
    pub async fn get(&self, id: &str) -> Result<Option<SpaceView>, database::Error> {
        let id = id.to_owned();
        self.database.call(move |connection| table::get(connection, &id)).await
    }

    /// Lists spaces, newest first, from after the one with this id on, up to a limit.
    ///
    /// # Errors
    ///
    /// When the database does not work.
    pub async fn list(
        &self,
        limit: usize,
        after: Option<String>,
    ) -> Result<Vec<SpaceView>, database::Error> {
        self.database.call(move |connection| table::list(connection, limit, after.as_deref())).await
    }

    /// Deletes one with all that is in it. Whether there was one.
    ///
    /// # Errors
    ///
    /// When the database does not work.
    pub async fn delete(&self, id: &str) -> Result<bool, database::Error> {
        let space = id.to_owned();
        let deleted = self.write(move |transaction| table::delete(transaction, &space)).await?;
        if deleted {
            self.updated(id, None, None);
        }
        Ok(deleted)
    }

    /// Whether there is one of that id.
    ///
    /// # Errors
    ///
    /// When the database does not work.
    pub async fn exists(&self, id: &str) -> Result<bool, database::Error> {
        let id = id.to_owned();
        self.database.call(move |connection| table::exists(connection, &id)).await
    }

    /// Adds a message, and publishes it.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] when there is no such space, the message is too large, or there is no room.
    pub async fn add(&self, id: &str, message: NewMessage) -> Result<Message, Error> {
        within("content", message.content.len(), limits::CONTENT)?;
        within("metadata", message.metadata.to_string().len(), limits::METADATA)?;
        let space = id.to_owned();
        let write = move |transaction: &Transaction<'_>| {
            messages::insert(transaction, &space, message, now())
        };
        let message = self.write(write).await??;
        self.updated(id, Some(message.id), None);
        Ok(message)
    }

    /// Adds a task's text as a message, which must not fail for its size: a long one is truncated.
    /// Its number, or none when there is no such space, or no room in it.
    ///
    /// # Errors
    ///
    /// When the database does not work.
    pub async fn append(
        &self,
        id: &str,
        mut message: NewMessage,
    ) -> Result<Option<u64>, database::Error> {
        const CUT: &str = "\n[cut]";
        if message.content.len() > limits::CONTENT {
            let mut end = limits::CONTENT - CUT.len();
            while !message.content.is_char_boundary(end) {
                end -= 1;
            }
            message.content.truncate(end);
            message.content.push_str(CUT);
        }
        match self.add(id, message).await {
            Ok(message) => Ok(Some(message.id)),
            Err(Error::Refused(refused)) => {
                tracing::warn!(space = id, "a message was not added: {refused}");
                Ok(None)
            }
            Err(Error::Database(error)) => Err(error),
        }
    }

    /// Lists messages, oldest first, from after this one on, up to a limit. There may be more
    /// although there are fewer than that: a list ends after 8 MiB. `None` when there is no such
    /// space.
    ///
    /// # Errors
    ///
    /// When the database does not work.
    pub async fn messages(
        &self,
        id: &str,
        limit: usize,
        after: u64,
    ) -> Result<Option<Vec<Message>>, database::Error> {
        self.read(id, move |connection, id| messages::after(connection, id, after, limit)).await
    }

    /// The last messages, at most so many and at most 8 MiB, oldest first. None when there is no such
    /// space.
    ///
    /// # Errors
    ///
    /// When the database does not work.
    pub async fn recent(&self, id: &str, limit: usize) -> Result<Vec<Message>, database::Error> {
        let recent = self.read(id, move |connection, id| messages::recent(connection, id, limit));
        Ok(recent.await?.unwrap_or_default())
    }

    /// Searches messages that have all these words, best first, up to a limit. `None` when there is
    /// no such space.
    ///
    /// # Errors
    ///
    /// When the database does not work.
    pub async fn search(
        &self,
        id: &str,
        q: String,
        limit: usize,
    ) -> Result<Option<Vec<Found>>, database::Error> {
        let search = move |connection: &Connection, id: &str| {
            Ok(messages::found(messages::search(connection, id, &q, limit)?, &q))
        };
        self.read(id, search).await
    }

    /// All artifacts, in order of their names. `None` when there is no such space.
    ///
    /// # Errors
    ///
    /// When the database does not work.
    pub async fn artifacts(&self, id: &str) -> Result<Option<Vec<ArtifactView>>, database::Error> {
        self.read(id, artifacts::list).await
    }

    /// One artifact by its name; the inner `None` when there is none.
    ///
    /// # Errors
    ///
    /// When the database does not work.
    pub async fn artifact(
        &self,
        id: &str,
        name: String,
    ) -> Result<Option<Option<Artifact>>, database::Error> {
        self.read(id, move |connection, id| artifacts::get(connection, id, &name)).await
    }

    /// Stores an artifact, and publishes it. Returns whether it is new.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] when there is no such space, it is too large, or there is no room. The name
    /// is for the caller to [`check`](name::check).
    pub async fn put(
        &self,
        id: &str,
        name: String,
        artifact: Artifact,
    ) -> Result<(ArtifactView, bool), Error> {
        within("an artifact", artifact.data.len(), limits::ARTIFACT)?;
        let space = id.to_owned();
        let write = move |transaction: &Transaction<'_>| {
            artifacts::put(transaction, &space, &name, &artifact, now())
        };
        let (view, is_new) = self.write(write).await??;
        self.updated(id, None, Some(view.name.clone()));
        Ok((view, is_new))
    }

    /// Deletes an artifact, and publishes that. Returns whether it existed; `None` when there is no
    /// such space.
    ///
    /// # Errors
    ///
    /// When the database does not work.
    pub async fn remove(&self, id: &str, name: String) -> Result<Option<bool>, database::Error> {
        let (space, gone) = (id.to_owned(), name.clone());
        let write = move |transaction: &Transaction<'_>| {
            if !table::exists(transaction, &space)? {
                return Ok(None);
            }
            artifacts::delete(transaction, &space, &gone, now()).map(Some)
        };
        let removed = self.write(write).await?;
        if removed == Some(true) {
            self.updated(id, None, Some(name));
        }
        Ok(removed)
    }

    /// `None` when there is no such space.
    async fn read<T: Send + 'static>(
        &self,
        id: &str,
        work: impl FnOnce(&Connection, &str) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<Option<T>, database::Error> {
        let id = id.to_owned();
        let read = move |connection: &mut Connection| {
            let exists = table::exists(connection, &id)?;
            exists.then(|| work(connection, &id)).transpose()
        };
        self.database.call(read).await
    }

    /// All of it, or nothing.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, database::Error> {
        let write = move |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        };
        self.database.call(write).await
    }

    fn updated(&self, id: &str, message_id: Option<u64>, artifact: Option<String>) {
        let event = Event::ContextUpdated { space_id: id.to_owned(), message_id, artifact };
        self.events.publish(&event, None, Some(id));
    }
}

fn within(what: &'static str, bytes: usize, most: usize) -> Result<(), Error> {
    if bytes <= most {
        return Ok(());
    }
    Err(Refused::TooLarge(format!("{what} has at most {most} bytes, and not {bytes}")).into())
}

/// Error of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// What was asked for cannot be done.
    Refused(Refused),
    /// The database does not work.
    Database(database::Error),
}

/// Reason for a rejected operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no such space.
    Unknown,
    /// One thing is too large. For a person.
    TooLarge(String),
    /// There is no room for more. For a person.
    Full(String),
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<database::Error> for Error {
    fn from(error: database::Error) -> Self {
        Self::Database(error)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "there is no such space",
            Self::TooLarge(message) | Self::Full(message) => message,
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => refused.fmt(f),
            Self::Database(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

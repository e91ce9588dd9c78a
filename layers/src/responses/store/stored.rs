use std::sync::Arc;

use bytes::Bytes;

/// A response that was delivered, with all that continuing it takes: no other stored response is
/// needed for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The response's id.
    pub id: Arc<str>,
    /// Time of delivery, in seconds since 1970.
    pub created: u64,
    /// The response object as it was delivered, as JSON.
    pub response: Bytes,
    /// Input: the items of the request, and before them those of all responses that it continues.
    pub input: Vec<Item>,
    /// Output: the response's `output`.
    pub output: Vec<Item>,
}

impl Stored {
    /// Input, then output: what a request that continues it begins with.
    pub fn items(&self) -> impl Iterator<Item = &Item> {
        self.input.iter().chain(&self.output)
    }

    /// Approximate size, in bytes.
    pub fn size(&self) -> u64 {
        let items = self.input.iter().map(Item::size).sum::<usize>();
        (self.id.len() + self.response.len() + items) as u64
    }
}

/// An item of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The item's own id, or one that was made for it.
    pub id: Arc<str>,
    /// The item as JSON, as the client or the provider sent it.
    pub json: Bytes,
}

impl Item {
    /// Approximate size, in bytes.
    pub fn size(&self) -> usize {
        self.id.len() + self.json.len()
    }
}

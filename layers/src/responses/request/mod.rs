//! Translates Responses requests to Chat Completions requests.
//!
//! [`translate_request`](super::translate_request) is pure: bytes in, bytes out. It reads the body
//! once, borrows from it, and copies strings as they stand there, so that text is neither unescaped
//! nor escaped again. [`Invalid`] names the field that is wrong.
//!
//! | part | file |
//! |---|---|
//! | the fields of the request | `fields.rs`, `format.rs` |
//! | the items of `input`, which are put in order | `item.rs`, `content.rs`, `call.rs`, `arguments.rs`, `reader.rs`, `pairing.rs`, `conversation.rs` |
//! | the tools, their names and the choice between them | `tools.rs`, `definition.rs`, `names.rs`, `choice.rs` |
//! | the Chat request | `translate.rs`, `messages.rs`, `added.rs`, `writer.rs` |

mod added;
mod arguments;
mod call;
mod choice;
mod content;
mod conversation;
mod definition;
mod dropped;
mod elements;
mod fields;
mod format;
mod invalid;
mod item;
mod json;
mod messages;
mod names;
mod options;
mod pairing;
mod reader;
mod tools;
mod translate;
mod writer;

pub use invalid::Invalid;
pub use options::{MaxTokens, Options, Passes};
pub(super) use translate::translate_for;
pub use translate::{Translated, translate};

#[cfg(test)]
mod cases;
#[cfg(test)]
mod field_tests;
#[cfg(test)]
mod item_tests;
#[cfg(test)]
mod order_tests;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod size_tests;
#[cfg(test)]
mod tool_tests;
#[cfg(test)]
mod transcripts;

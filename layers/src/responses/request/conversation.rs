use std::borrow::Cow;

use serde_json::value::RawValue;

use super::content::Part;
use crate::responses::{
    attachments::{CallFields, Fields},
    context::ToolKind,
};

/// What `input` says, in the order in which Chat Completions wants it.
#[derive(Debug, Default)]
pub(super) struct Conversation<'a> {
    pub(super) messages: Vec<Message<'a>>,
    /// The arrays of tools among the items, each with its path.
    pub(super) tools: Vec<(String, &'a RawValue)>,
}

#[derive(Debug)]
pub(super) enum Message<'a> {
    System(Vec<Part<'a>>),
    User(Vec<Part<'a>>),
    Turn(Turn<'a>),
}

/// A message of the model, with what its calls gave.
#[derive(Debug, Default)]
pub(super) struct Turn<'a> {
    pub(super) reasoning: Vec<Part<'a>>,
    pub(super) said: Vec<Part<'a>>,
    /// What its provider attached to it.
    pub(super) attached: Fields,
    pub(super) calls: Vec<Call<'a>>,
}

#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) kind: ToolKind,
    pub(super) namespace: Option<Cow<'a, str>>,
    pub(super) name: Cow<'a, str>,
    pub(super) arguments: Arguments<'a>,
    /// What its provider attached to it.
    pub(super) attached: Option<CallFields>,
    /// `None` when the input has none.
    pub(super) output: Option<Output<'a>>,
}

#[derive(Debug)]
pub(super) enum Arguments<'a> {
    /// The inside of a JSON string that holds an object.
    Json(&'a str),
    /// The JSON of an object that was made of arguments which were none.
    Mended(String),
    /// JSON itself.
    Object(&'a str),
    /// The JSON string that a custom tool was given.
    Custom(&'a str),
}

#[derive(Debug)]
pub(super) enum Output<'a> {
    Parts(Vec<Part<'a>>),
    /// The tools that a search found: an index into `Conversation::tools`.
    Found(usize),
}

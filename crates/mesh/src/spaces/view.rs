use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A space as clients see it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SpaceView {
    /// Names it.
    pub shared_space_id: String,
    /// How many messages it has.
    pub message_count: u64,
    /// How many artifacts it has.
    pub artifact_count: u64,
    /// What was said about it when it was made.
    #[schema(value_type = Object)]
    pub metadata: Value,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created_at: u64,
    /// When anything of this changed last.
    pub updated_at: u64,
}

/// A message to be added.
#[derive(Clone, Debug, PartialEq)]
pub struct NewMessage {
    /// `user`, `agent`, or what the client calls itself.
    pub role: String,
    /// The agent or client that says it.
    pub source: Option<String>,
    /// The task that it belongs to.
    pub task_id: Option<String>,
    /// What is said.
    pub content: String,
    /// Anything else.
    pub metadata: Value,
}

/// A message in a space.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Message {
    /// Its number; later ones have higher numbers.
    pub id: u64,
    /// `user`, `agent`, or what the client calls itself.
    pub role: String,
    /// The agent or client that says it.
    pub source: Option<String>,
    /// The task that it belongs to.
    pub task_id: Option<String>,
    /// What is said.
    pub content: String,
    /// Anything else.
    pub metadata: Value,
    /// When it was added, in milliseconds since the Unix epoch.
    pub created_at: u64,
}

/// A message that was looked for.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Found {
    /// The message.
    pub message: Message,
    /// What is around the first place where a term is found.
    pub snippet: String,
}

/// An artifact as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ArtifactView {
    /// Names it within its space.
    pub name: String,
    /// How many bytes it has.
    pub size: u64,
    /// Content type, as the author stated it.
    pub content_type: String,
    /// When it was put there last, in milliseconds since the Unix epoch.
    pub updated_at: u64,
}

/// An artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Content type, as the author stated it.
    pub content_type: String,
    /// The bytes.
    pub data: Vec<u8>,
}

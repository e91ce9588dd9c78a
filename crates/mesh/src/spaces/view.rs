use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A space as clients see it.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SpaceView {
    /// Names it.
    pub shared_space_id: String,
    /// Number of messages.
    pub message_count: u64,
    /// Number of artifacts.
    pub artifact_count: u64,
    /// Metadata from its creation.
    #[schema(value_type = Object)]
    pub metadata: Value,
    /// Creation time, in milliseconds since the Unix epoch.
    pub created_at: u64,
    /// Time of the last change.
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
    /// The message's text.
    pub content: String,
    /// Anything else.
    pub metadata: Value,
}

/// A message in a space.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Message {
    /// Number of the message; later ones have higher numbers.
    pub id: u64,
    /// `user`, `agent`, or what the client calls itself.
    pub role: String,
    /// The agent or client that says it.
    pub source: Option<String>,
    /// The task that it belongs to.
    pub task_id: Option<String>,
    /// The message's text.
    pub content: String,
    /// Anything else.
    pub metadata: Value,
    /// Creation time, in milliseconds since the Unix epoch.
    pub created_at: u64,
}

/// A message that was looked for.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Found {
    /// The message.
    pub message: Message,
    /// Text around the first match.
    pub snippet: String,
}

/// An artifact as it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ArtifactView {
    /// Names it within its space.
    pub name: String,
    /// Size, in bytes.
    pub size: u64,
    /// Content type, as the author stated it.
    pub content_type: String,
    /// Time of the last write, in milliseconds since the Unix epoch.
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

//! Bounds of spaces.

/// Spaces.
pub const SPACES: u64 = 10_000;
/// Messages in one space.
pub const MESSAGES: u64 = 100_000;
/// Artifacts in one space.
pub const ARTIFACTS: u64 = 256;
/// Bytes of one artifact.
pub const ARTIFACT: usize = 16 << 20;
/// Bytes of one message's content.
pub const CONTENT: usize = 1 << 20;
/// Bytes of metadata, as JSON.
pub const METADATA: usize = 64 << 10;
/// Characters of a message's role.
pub const ROLE: usize = 64;
/// Characters of a message's source.
pub const SOURCE: usize = 256;
/// Characters of an artifact's name.
pub const NAME: usize = 255;
/// Bytes of an artifact's content type.
pub const CONTENT_TYPE: usize = 255;
/// Characters that are searched for.
pub const QUERY: usize = 256;
/// Maximum size of all spaces: contents, metadata and artifacts, in bytes.
pub const MAX_TOTAL_BYTES: u64 = 2 << 30;
/// Maximum size of contents and metadata in one page of messages, in bytes; the page ends early
/// there.
pub(super) const MAX_PAGE_BYTES: usize = 8 << 20;

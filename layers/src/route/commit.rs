use std::{fmt, str::FromStr};

/// Commit policy: the point at which an answer is passed on, and can no longer be replaced.
///
/// A JSON answer is held whole and checked, unless the policy is [`Headers`](Self::Headers).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Commit {
    /// An event stream is held until content was seen, so that a 200 that turns into an error or
    /// goes silent still fails over.
    #[default]
    FirstToken,
    /// Nothing is held once a success's head is there.
    Headers,
    /// The whole answer is held: nothing partial ever leaves.
    Complete,
}

impl Commit {
    /// The name in configurations and in the `x-switchtower-commit` header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FirstToken => "first_token",
            Self::Headers => "headers",
            Self::Complete => "complete",
        }
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Commit {
    type Err = UnknownCommit;

    fn from_str(name: &str) -> Result<Self, UnknownCommit> {
        [Self::FirstToken, Self::Headers, Self::Complete]
            .into_iter()
            .find(|commit| commit.as_str() == name)
            .ok_or(UnknownCommit)
    }
}

/// Error for an unknown name of a [`Commit`] policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownCommit;

impl fmt::Display for UnknownCommit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a commit policy is `first_token`, `headers` or `complete`")
    }
}

impl std::error::Error for UnknownCommit {}

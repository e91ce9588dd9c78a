use std::fmt;

/// Reason why a request cannot be translated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The error in a sentence.
    pub message: String,
    /// Which field, as a path: `input[3].role`.
    pub param: Option<String>,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Invalid {}

/// Where in the request something stands; only written out when it is wrong.
pub(super) type At<'a> = fmt::Arguments<'a>;

impl Invalid {
    /// `says` completes the sentence that begins with the path.
    pub(super) fn new(at: At<'_>, says: impl fmt::Display) -> Self {
        Self { message: format!("`{at}` {says}"), param: Some(at.to_string()) }
    }

    pub(super) fn body(message: String) -> Self {
        Self { message, param: None }
    }
}

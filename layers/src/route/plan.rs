use std::{fmt, sync::Arc};

use crate::Target;

/// The ordered targets for one request, and those that were left out.
///
/// Displayed as `provider/model, provider/model`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The targets, in order.
    pub targets: Vec<Target>,
    /// Providers that stood in the plan but cannot be used.
    pub skipped: Vec<Skipped>,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, target) in self.targets.iter().enumerate() {
            write!(f, "{}{target}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

/// A provider that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The provider's name.
    pub provider: Arc<str>,
    /// The reason, human-readable.
    pub why: Arc<str>,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.provider, self.why)
    }
}

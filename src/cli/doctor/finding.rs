//! Findings.

use std::fmt;

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Ok,
    /// Odd; the gateway does without.
    Warn,
    /// What is configured does not work.
    Fail,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        })
    }
}

/// What it is about, in the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Group {
    Configuration,
    Providers,
    Clock,
    Listening,
    Data,
    Quotas,
    Agents,
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Configuration => "Configuration",
            Self::Providers => "Providers",
            Self::Clock => "Clock",
            Self::Listening => "Listening",
            Self::Data => "Data",
            Self::Quotas => "Quotas",
            Self::Agents => "Agents",
        })
    }
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) group: Group,
    pub(super) level: Level,
    pub(super) what: String,
    /// What to do about it.
    pub(super) next: Option<String>,
}

impl Finding {
    pub(super) fn ok(group: Group, what: impl Into<String>) -> Self {
        Self { group, level: Level::Ok, what: what.into(), next: None }
    }

    pub(super) fn warn(group: Group, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { group, level: Level::Warn, what: what.into(), next: Some(next.into()) }
    }

    pub(super) fn fail(group: Group, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { level: Level::Fail, ..Self::warn(group, what, next) }
    }

    /// An error that ends in a line with what to do.
    pub(super) fn of_error(group: Group, error: &str) -> Self {
        match error.split_once("\n  help: ") {
            Some((what, next)) => Self::fail(group, what, next),
            None => Self { next: None, ..Self::fail(group, error, "") },
        }
    }
}

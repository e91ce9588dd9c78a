//! An agent as somebody registers it.

use std::fmt;

use http::Uri;
use serde::{Deserialize, Serialize};

use super::{Kind, endpoint};
use crate::database;
use switchtower_config::agent_id;

/// An agent that is an endpoint, and is registered while the gateway runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Names it in tasks and rules: 1 to 64 letters, digits, `.`, `_` and `-`, the first of them no
    /// `.` and no `-`.
    pub id: String,
    /// Display name: 1 to 200 characters, none of them a control character.
    pub name: String,
    /// Its stated kind; it is reached at its endpoint in any case.
    pub kind: Kind,
    /// Capabilities, for people: at most 64 of 1 to 100 characters.
    pub capabilities: Vec<String>,
    /// Its URL: absolute, `http` or `https`, at most 2048 bytes, on this machine unless
    /// `allow_remote_agents`.
    pub endpoint: String,
}

impl Registration {
    /// The longest name, in characters.
    pub const MAX_NAME: usize = 200;
    /// The most capabilities.
    pub const MAX_CAPABILITIES: usize = 64;
    /// The longest capability, in characters.
    pub const MAX_CAPABILITY: usize = 100;
    /// The longest endpoint, in bytes.
    pub const MAX_ENDPOINT: usize = 2048;

    /// Where it is, if all of it is as it should be.
    ///
    /// # Errors
    ///
    /// Names the first field that is wrong. Whether a name leads to this machine is not known yet.
    pub(super) fn check(&self, allow_remote: bool) -> Result<Uri, RegisterError> {
        let wrong =
            |field, message: &str| RegisterError::Invalid { field, message: message.into() };
        agent_id(&self.id).map_err(|message| wrong("id", message))?;
        if !is_line(&self.name, Self::MAX_NAME) {
            let message = "a name has 1 to 200 characters, none of them a control character";
            return Err(wrong("name", message));
        }
        if self.capabilities.len() > Self::MAX_CAPABILITIES {
            return Err(wrong("capabilities", "an agent has at most 64 capabilities"));
        }
        if !self.capabilities.iter().all(|one| is_line(one, Self::MAX_CAPABILITY)) {
            let message = "a capability has 1 to 100 characters, none of them a control character";
            return Err(wrong("capabilities", message));
        }
        if self.endpoint.len() > Self::MAX_ENDPOINT {
            return Err(wrong("endpoint", "an endpoint has at most 2048 bytes"));
        }
        endpoint::parse(&self.endpoint, allow_remote).map_err(|message| wrong("endpoint", &message))
    }
}

fn is_line(text: &str, most: usize) -> bool {
    !text.is_empty() && text.chars().count() <= most && !text.contains(char::is_control)
}

/// Reason why an agent is not registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegisterError {
    /// A field is wrong.
    Invalid {
        /// Its name.
        field: &'static str,
        /// What is wrong with it, for a person.
        message: String,
    },
    /// There is one of that id that was not registered.
    Taken,
    /// There are as many as there may be.
    Full,
    /// It cannot be kept.
    Database(database::Error),
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid { field, message } => write!(f, "`{field}` is wrong: {message}"),
            Self::Taken => f.write_str("an agent of this id is configured or built in"),
            Self::Full => {
                let most = super::MAX_REGISTERED;
                write!(f, "{most} agents are registered, which is the most: unregister one")
            }
            Self::Database(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RegisterError {}

/// Reason why an agent is not unregistered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnregisterError {
    /// There is none of that id.
    Unknown,
    /// It was not registered.
    NotRegistered,
    /// It cannot be forgotten.
    Database(database::Error),
}

impl fmt::Display for UnregisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("there is no agent of this id"),
            Self::NotRegistered => {
                f.write_str("this agent is configured or built in, and cannot be unregistered")
            }
            Self::Database(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for UnregisterError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn registration() -> Registration {
        Registration {
            id: "my-agent".into(),
            name: "My Custom Agent".into(),
            kind: Kind::Process,
            capabilities: vec!["code-generation".into()],
            endpoint: "http://127.0.0.1:8080".into(),
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(registration().check(false).is_ok());
        type Change = fn(&mut Registration);
        let changes: [(&str, Change); 9] = [
            ("id", |r| r.id = "a b".into()),
            ("id", |r| r.id = "gateway".into()),
            ("name", |r| r.name = String::new()),
            ("name", |r| r.name = "a\nb".into()),
            ("name", |r| r.name = "ä".repeat(201)),
            ("capabilities", |r| r.capabilities = vec!["a".into(); 65]),
            ("capabilities", |r| r.capabilities = vec![String::new()]),
            ("endpoint", |r| r.endpoint = "localhost:8080".into()),
            ("endpoint", |r| r.endpoint = format!("http://127.0.0.1/{}", "x".repeat(2048))),
        ];
        for (expected, change) in changes {
            let mut wrong = registration();
            change(&mut wrong);
            let Err(RegisterError::Invalid { field, .. }) = wrong.check(false) else {
                panic!("{wrong:?} is taken");
            };
            assert_eq!(field, expected);
        }
    }
}

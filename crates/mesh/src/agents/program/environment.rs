//! The environment of a program: the variables that programs need to run at all, and no keys.

use std::ffi::{OsStr, OsString};

use indexmap::IndexMap;

use switchtower_config::Secret;

/// Where programs are, their user, his languages and directories; the others are Windows'.
const INHERITED: [&str; 24] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "TMPDIR",
    "TZ",
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "WINDIR",
    "COMSPEC",
    "PATHEXT",
    "TEMP",
    "TMP",
    "USERNAME",
    "USERPROFILE",
    "HOMEDRIVE",
    "HOMEPATH",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMDATA",
    "PROGRAMFILES",
    "NUMBER_OF_PROCESSORS",
];

/// Where each run says which task it is for.
const TASK: &str = "SWITCHTOWER_TASK_ID";
/// Where each run says which agent it is.
const AGENT: &str = "SWITCHTOWER_AGENT_ID";

/// The environment of a program: a part of this one, and what is configured for the agent, which
/// wins.
pub(in crate::agents) fn environment(
    all: impl IntoIterator<Item = (OsString, OsString)>,
    own: &IndexMap<String, Secret>,
) -> IndexMap<OsString, OsString> {
    // The output is not a terminal, so it is plain.
    let plain =
        [("TERM", "dumb"), ("NO_COLOR", "1")].map(|(name, value)| (name.into(), value.into()));
    let own = own.iter().map(|(name, value)| (name.into(), value.expose().into()));
    all.into_iter().filter(|(name, _)| is_inherited(name)).chain(plain).chain(own).collect()
}

fn is_inherited(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    let is_known = |known: &&str| match cfg!(windows) {
        true => name.eq_ignore_ascii_case(known),
        false => name == *known,
    };
    INHERITED.iter().any(is_known) || name.starts_with("LC_") || name.starts_with("XDG_")
}

/// What marks all processes of a run, as variables and their values.
pub(super) fn marks(task: &str, agent: &str) -> [(&'static str, String); 2] {
    [(TASK, task.to_owned()), (AGENT, agent.to_owned())]
}

/// The same, as they stand in an environment.
pub(in crate::agents) fn marked(task: &str, agent: &str) -> Vec<String> {
    marks(task, agent).map(|(name, value)| format!("{name}={value}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_here_unless_they_are_named() {
        let all = [
            "PATH",
            "HOME",
            "LC_ALL",
            "XDG_RUNTIME_DIR",
            "TERM",
            "OPENAI_API_KEY",
            "SSH_AUTH_SOCK",
        ];
        let all = all.map(|name| (name.into(), "x".into()));
        let own = IndexMap::from([
            ("DEEPSEEK_API_KEY".to_owned(), Secret::new("k")),
            ("HOME".to_owned(), Secret::new("/agent")),
        ]);
        let environment = environment(all, &own);
        let text = |text: &OsString| text.to_str().unwrap().to_owned();
        let pairs: Vec<_> = environment
            .iter()
            .map(|(name, value)| format!("{}={}", text(name), text(value)))
            .collect();
        assert_eq!(
            pairs,
            [
                "PATH=x",
                "HOME=/agent",
                "LC_ALL=x",
                "XDG_RUNTIME_DIR=x",
                "TERM=dumb",
                "NO_COLOR=1",
                "DEEPSEEK_API_KEY=k"
            ]
        );
    }
}

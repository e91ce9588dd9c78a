//! The tools, and where they keep their configuration.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::profile::{self, Syntax};
use super::text::split_mark;
use super::undo::Edit;
use super::{codex, opencode};
use crate::config::suggest;

/// What can be connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    Codex,
    OpenCode,
    Shell,
}

/// Why others cannot be connected.
const NOT_YET: [(&str, &str); 6] = [
    ("aider", "it reads OPENAI_API_BASE, which `switchtower connect shell` sets"),
    ("claude", CLAUDE),
    ("claude-code", CLAUDE),
    ("cursor", "its settings are in no file that can be edited; enter the address there"),
    ("gemini", "it speaks Google's API, which the gateway does not answer"),
    ("openclaw", "how it keeps its providers is not known well enough to edit it"),
];

const CLAUDE: &str = "it speaks Anthropic's Messages API, which the gateway does not answer";

impl Tool {
    pub(super) const ALL: [Self; 3] = [Self::Codex, Self::OpenCode, Self::Shell];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Codex => "codex",
            Self::OpenCode => "opencode",
            Self::Shell => "shell",
        }
    }

    /// The tool of this name.
    ///
    /// # Errors
    ///
    /// Why there is none, in a sentence.
    pub(super) fn named(name: &str) -> Result<Self, String> {
        if let Some(tool) = Self::ALL.into_iter().find(|tool| tool.name() == name) {
            return Ok(tool);
        }
        if let Some((_, why)) = NOT_YET.iter().find(|(tool, _)| *tool == name) {
            return Err(format!("`{name}` cannot be connected yet: {why}"));
        }
        let all = suggest::help(name, Self::ALL.map(Self::name), "the tools are");
        Err(format!("`{name}` cannot be connected yet; {}", all.unwrap_or_default()))
    }

    /// The file to edit, and how.
    ///
    /// # Errors
    ///
    /// When it cannot be known, because HOME is not set or the shell is an uncommon one.
    pub(super) fn place(self) -> Result<(PathBuf, Format), String> {
        match self {
            Self::Codex => Ok((codex_home()?.join("config.toml"), Format::Codex)),
            Self::OpenCode => {
                let directory = config_home()?.join("opencode");
                // Both are read, and the second one wins.
                let commented = directory.join("opencode.jsonc");
                let file =
                    if commented.exists() { commented } else { directory.join("opencode.json") };
                Ok((file, Format::OpenCode(Vec::new())))
            }
            Self::Shell => {
                let shell = variable("SHELL").unwrap_or_default();
                let name = Path::new(&shell).file_name().unwrap_or_default().to_string_lossy();
                let file = match &*name {
                    "bash" => home()?.join(".bashrc"),
                    "zsh" => {
                        variable("ZDOTDIR").map_or_else(home, |zsh| Ok(zsh.into()))?.join(".zshrc")
                    }
                    "fish" => config_home()?.join("fish/config.fish"),
                    "" | "sh" | "dash" | "ash" | "ksh" => home()?.join(".profile"),
                    _ => {
                        return Err(format!(
                            "the profile of {name} cannot be edited yet; those of bash, zsh, fish and sh can"
                        ));
                    }
                };
                let syntax = if name == "fish" { Syntax::Fish } else { Syntax::Posix };
                Ok((file, Format::Profile(syntax)))
            }
        }
    }

    /// Whether it has been used, or could be. A shell is always there, so it says nothing.
    pub(super) fn is_installed(self) -> bool {
        let command = || {
            let path = variable("PATH").unwrap_or_default();
            env::split_paths(&path).any(|directory| directory.join(self.name()).is_file())
        };
        let used = || self.place().is_ok_and(|(file, _)| file.parent().is_some_and(Path::is_dir));
        self != Self::Shell && (used() || command())
    }
}

/// How a file is edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Codex,
    /// With the models that it shall offer.
    OpenCode(Vec<String>),
    Profile(Syntax),
}

/// Editors of Windows put a byte order mark in front of a text, which is no part of it: it stays where
/// it is, whatever the format.
impl Edit for Format {
    fn is_connected(&self, text: &str) -> bool {
        let (_, text) = split_mark(text);
        match self {
            Self::Codex => codex::is_connected(text),
            Self::OpenCode(_) => opencode::is_connected(text),
            Self::Profile(_) => profile::is_connected(text),
        }
    }

    fn connect(&self, text: &str, url: &str) -> Result<String, String> {
        let (mark, text) = split_mark(text);
        let connected = match self {
            Self::Codex => codex::connect(text, url),
            Self::OpenCode(models) => opencode::connect(text, url, models),
            Self::Profile(syntax) => profile::connect(text, url, *syntax),
        };
        connected.map(|text| format!("{mark}{text}"))
    }

    fn disconnect(&self, text: &str, original: &str) -> Result<String, String> {
        let ((mark, text), (_, original)) = (split_mark(text), split_mark(original));
        let left = match self {
            Self::Codex => codex::disconnect(text, original),
            Self::OpenCode(_) => opencode::disconnect(text, original),
            Self::Profile(_) => profile::disconnect(text, original),
        };
        left.map(|text| format!("{mark}{text}"))
    }
}

fn codex_home() -> Result<PathBuf, String> {
    variable("CODEX_HOME").map_or_else(|| Ok(home()?.join(".codex")), |path| Ok(path.into()))
}

fn config_home() -> Result<PathBuf, String> {
    variable("XDG_CONFIG_HOME").map_or_else(|| Ok(home()?.join(".config")), |path| Ok(path.into()))
}

fn home() -> Result<PathBuf, String> {
    let home = variable("HOME").or_else(|| variable("USERPROFILE"));
    home.map(PathBuf::from).ok_or_else(|| "HOME is not set, so its file cannot be found".to_owned())
}

/// One that is set and not empty.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

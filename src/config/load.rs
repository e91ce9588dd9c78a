//! The ways to a [`Config`].

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::{Config, ConfigError, Env, check, yaml};

/// A configuration is never larger than this, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// What runs without a file.
const BUILTIN: &str = include_str!("builtin.yaml");

impl Config {
    /// Reads and checks a file. Keys come from the environment of the process, from a `.env` beside
    /// the file and from one in the working directory, in this order.
    ///
    /// # Errors
    /// The file cannot be read, is larger than 1 MiB, or is wrong.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::of_file(path, &text(path)?)
    }

    /// The same for a gateway that runs already. A file with nothing in it is refused: it is taken
    /// for one that somebody has just begun to write, and without keys everything would be open.
    ///
    /// # Errors
    /// Those of [`load`](Self::load), and an empty file.
    pub fn load_again(path: &Path) -> Result<Self, ConfigError> {
        let text = text(path)?;
        if text.trim().is_empty() {
            return Err(ConfigError::unreadable(&path.display().to_string(), "is empty"));
        }
        Self::of_file(path, &text)
    }

    fn of_file(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let beside = path.parent().unwrap_or(Path::new(""));
        let env = Env::process().with_dotenv(beside).with_dotenv(Path::new(""));
        let mut config = Self::from_yaml(&path.display().to_string(), text, &env)?;
        if let Some(tls) = &mut config.tls {
            tls.beside(beside);
            config.warnings.extend(tls.warning());
        }
        Ok(config)
    }

    /// Checks a text; `name` stands for it in errors. An empty text is [`Config::default`].
    ///
    /// # Errors
    /// The text is larger than 1 MiB or wrong: the first mistake of syntax or type, else everything
    /// else that is wrong together.
    pub fn from_yaml(name: &str, text: &str, env: &Env) -> Result<Self, ConfigError> {
        if text.len() > MAX_BYTES {
            return Err(ConfigError::unreadable(name, "is larger than 1 MiB"));
        }
        let text = text.trim_start_matches('\u{feff}');
        yaml::parse(text)
            .and_then(|raw| check::config(raw, env))
            .map_err(|problems| ConfigError::new(name, text, problems))
    }

    /// What runs without a file: the well-known providers whose keys are in the environment.
    /// `None` if there is no such key.
    ///
    /// # Errors
    /// A key cannot be sent in a header.
    pub fn builtin(env: &Env) -> Result<Option<Self>, ConfigError> {
        let mut config = Self::from_yaml("(built-in configuration)", BUILTIN, env)?;
        let models = &mut config.models;
        let Some(first) = models.providers.values().find(|provider| provider.is_usable()) else {
            return Ok(None);
        };
        // The default has to be a model that somebody with a key knows.
        models.default_model = first.models.iter().chain(first.aliases.keys()).next().cloned();
        Ok(Some(config))
    }
}

fn text(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |reason| ConfigError::unreadable(&path.display().to_string(), reason);
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(format!("cannot be read: {error}")))?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].iter().filter(|b| **b == b'\n').count() + 1;
        unreadable(format!("line {line} is not UTF-8 text"))
    })
}

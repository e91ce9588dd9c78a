//! The ways to a [`Config`].

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::{Config, ConfigError, Env, Overrides, check, yaml};

/// A configuration is never larger than this, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// What runs without a file.
const BUILTIN: &str = include_str!("builtin.yaml");

impl Config {
    /// Reads and checks a file. Keys and proxies come from the environment of the process, from a `.env` beside
    /// the file and from one in the working directory, in this order.
    ///
    /// # Errors
    /// The file cannot be read, is larger than 1 MiB, or is wrong.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::load_with(path, Overrides::default())
    }

    /// Like [`load`](Self::load), with settings that override those of the file.
    ///
    /// # Errors
    /// Those of [`load`](Self::load).
    pub fn load_with(path: &Path, overrides: Overrides) -> Result<Self, ConfigError> {
        Self::of_file(path, &text(path)?, overrides)
    }

    /// Like [`load`](Self::load), for a gateway that is running. A file with nothing in it is
    /// refused: it is taken for one that somebody has just begun to write, and without keys
    /// everything would be open.
    ///
    /// # Errors
    /// Those of [`load`](Self::load), and an empty file.
    pub fn load_again(path: &Path) -> Result<Self, ConfigError> {
        Self::load_again_with(path, Overrides::default())
    }

    /// Like [`load_again`](Self::load_again), with settings that override those of the file.
    ///
    /// # Errors
    /// Those of [`load_again`](Self::load_again).
    pub fn load_again_with(path: &Path, overrides: Overrides) -> Result<Self, ConfigError> {
        let text = text(path)?;
        if text.trim().is_empty() {
            return Err(ConfigError::unreadable(&path.display().to_string(), "is empty"));
        }
        Self::of_file(path, &text, overrides)
    }

    fn of_file(path: &Path, text: &str, overrides: Overrides) -> Result<Self, ConfigError> {
        let beside = path.parent().unwrap_or(Path::new(""));
        let env = Env::process().with_dotenv(beside).with_dotenv(Path::new(""));
        let name = path.display().to_string();
        let mut config = Self::read(&name, text, &env, overrides, beside)?;
        if let Some(tls) = &mut config.tls {
            tls.beside(beside);
            config.warnings.extend(tls.warning());
        }
        Ok(config)
    }

    /// Checks a text; `name` is its file name in errors. An empty text is [`Config::default`].
    /// Relative paths are resolved against the working directory.
    ///
    /// # Errors
    /// The text is larger than 1 MiB or wrong: the first mistake of syntax or type, else everything
    /// else that is wrong together.
    pub fn from_yaml(name: &str, text: &str, env: &Env) -> Result<Self, ConfigError> {
        Self::from_yaml_with(name, text, env, Overrides::default())
    }

    /// Like [`from_yaml`](Self::from_yaml), with settings that override those of the text.
    ///
    /// # Errors
    /// Those of [`from_yaml`](Self::from_yaml).
    pub fn from_yaml_with(
        name: &str,
        text: &str,
        env: &Env,
        overrides: Overrides,
    ) -> Result<Self, ConfigError> {
        Self::read(name, text, env, overrides, Path::new(""))
    }

    /// The same, with the directory in which files are looked for.
    fn read(
        name: &str,
        text: &str,
        env: &Env,
        overrides: Overrides,
        beside: &Path,
    ) -> Result<Self, ConfigError> {
        if text.len() > MAX_BYTES {
            return Err(ConfigError::unreadable(name, "is larger than 1 MiB"));
        }
        let text = text.trim_start_matches('\u{feff}');
        yaml::parse(text)
            .and_then(|mut raw| {
                overrides.apply(&mut raw);
                check::config(raw, env, beside)
            })
            .map_err(|problems| ConfigError::new(name, text, problems))
    }

    /// The configuration without a file: the well-known providers whose keys are in the
    /// environment. `None` if there is no such key.
    ///
    /// # Errors
    /// A key cannot be sent in a header.
    pub fn builtin(env: &Env) -> Result<Option<Self>, ConfigError> {
        Self::builtin_with(env, Overrides::default())
    }

    /// Like [`builtin`](Self::builtin), with settings of the command line.
    ///
    /// # Errors
    /// Those of [`builtin`](Self::builtin), and an address that would let others in.
    pub fn builtin_with(env: &Env, overrides: Overrides) -> Result<Option<Self>, ConfigError> {
        let name = "(built-in configuration)";
        let mut config = Self::from_yaml_with(name, BUILTIN, env, overrides)?;
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

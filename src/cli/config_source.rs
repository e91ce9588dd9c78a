//! Source of the configuration: a file, the well-known providers, or the demo.

use std::fmt;
use std::path::{Path, PathBuf};

use super::args::ServeArgs;
use crate::config::{Config, ConfigError, Env, Overrides};

/// Where the configuration came from.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// This file.
    File(PathBuf),
    /// There is no file, but a key of a well-known provider in the environment.
    Builtin,
    /// There is neither: the demo provider answers.
    Demo,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Builtin => f.write_str("no file; providers by the keys in the environment"),
            Self::Demo => f.write_str("no file and no key in the environment; the demo provider"),
        }
    }
}

/// Finds and reads it. The demo's providers are not running yet: see [`demo`].
pub(super) fn find(explicit: Option<&Path>) -> Result<(Origin, Config), ConfigError> {
    find_with(explicit, Overrides::default())
}

/// The same for a gateway that runs, or is to run, with these arguments.
pub(super) fn find_for(args: &ServeArgs) -> Result<(Origin, Config), ConfigError> {
    find_with(args.file.config.as_deref(), args.overrides())
}

fn find_with(
    explicit: Option<&Path>,
    overrides: Overrides,
) -> Result<(Origin, Config), ConfigError> {
    if let Some(path) = Config::locate(explicit) {
        let config = Config::load_with(&path, overrides)?;
        return Ok((Origin::File(path), config));
    }
    let env = Env::process().with_dotenv(Path::new(""));
    if let Some(config) = Config::builtin_with(&env, overrides)? {
        return Ok((Origin::Builtin, config));
    }
    let config = demo("http://127.0.0.1/v1", "http://127.0.0.1/v1", overrides)?;
    Ok((Origin::Demo, config))
}

/// The configuration of the demo, whose providers are at these URLs. The second one takes over
/// `demo-failover`, which the first one always rejects. Without retries and cooldowns, so that each
/// try shows the same, and at once.
pub(super) fn demo(
    base_url: &str,
    backup_url: &str,
    overrides: Overrides,
) -> Result<Config, ConfigError> {
    let text = format!(
        "models:
  default_model: demo
  retry: {{max_retries: 0}}
  circuit_breaker: {{failure_threshold: 0}}
  providers:
    demo:
      base_url: {base_url}
      api_key: demo
      models: [demo, demo-slow, demo-429, demo-500, demo-cut, demo-failover]
    demo-backup:
      base_url: {backup_url}
      api_key: demo
      models: [demo, demo-slow, demo-429, demo-500, demo-cut]
      aliases: {{demo-failover: demo}}
"
    );
    Config::from_yaml_with("(demo)", &text, &Env::empty(), overrides)
}

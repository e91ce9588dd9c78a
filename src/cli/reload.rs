//! The configuration of a gateway that runs: its file, followed.

use std::cell::Cell;
use std::path::Path;

use tokio::task::spawn_blocking;

use super::args::ServeArgs;
use super::config_source::Origin;
use super::signals::Hangups;
use crate::config::{Config, ConfigError, Env, Overrides};
use crate::reload::{Files, Reloader};

/// What is looked at: the file that is going to be found, and the `.env` files that keys may come
/// from.
pub(super) fn files(explicit: Option<&Path>) -> Files {
    match Config::locate(explicit) {
        Some(path) => Files::of_config(&path),
        None => Files::new([".env".into()]),
    }
}

/// Reads the configuration again whenever its files change, or a signal asks for it, and gives it
/// to the gateway. `drain_ms` is that of the one that runs.
pub(super) async fn follow(
    args: &ServeArgs,
    origin: &Origin,
    mut files: Files,
    mut hangups: Hangups,
    reloader: &Reloader,
    drain_ms: &Cell<u64>,
) {
    if matches!(origin, Origin::Demo) {
        // There is nothing to read, but a signal must not end it.
        loop {
            hangups.reload().await;
            tracing::warn!("the demo has no configuration that could be read again");
        }
    }
    loop {
        tokio::select! {
            () = files.changed() => {}
            () = hangups.reload() => { files.read().await; }
        }
        match read(origin, args.overrides()).await {
            Ok(config) => {
                let next = config.drain_ms;
                // A failure is logged, and kept in the reload status.
                if reloader.reload(config).await.is_ok() {
                    drain_ms.set(next);
                }
            }
            Err(error) => reloader.refuse(&error),
        }
    }
}

async fn read(origin: &Origin, overrides: Overrides) -> Result<Config, String> {
    let origin = origin.clone();
    let load = move || -> Result<Option<Config>, ConfigError> {
        match origin {
            Origin::File(path) => Config::load_again_with(&path, overrides).map(Some),
            _ => Config::builtin_with(&Env::process().with_dotenv(Path::new("")), overrides),
        }
    };
    match spawn_blocking(load).await {
        Ok(Ok(Some(config))) => Ok(config),
        Ok(Ok(None)) => Err("no provider has a key any more".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

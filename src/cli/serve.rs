//! `switchtower serve`.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;

use tokio::runtime::Runtime;

use super::args::ServeArgs;
use super::config_source::{self, Origin};
use super::output::{Failure, print};
use super::reload;
use super::signals::{Hangups, Signals};
use super::startup;
use crate::app::{Gateway, WsPortError};
use crate::config::Config;
use crate::database;
use crate::demo::Provider;
use crate::mesh;
use crate::reload::Files;
use crate::telemetry;

/// Runs the gateway until a signal, then lets streams finish.
pub(super) fn run(args: &ServeArgs) -> Result<(), Failure> {
    // Before it is read, so that no change in between is missed.
    let files = reload::files(args.file.config.as_deref());
    let (origin, config) = config_source::find_for(args)?;
    let logs = telemetry::init(&config).map_err(|error| no_logs(&config, &error))?;
    if config.log_bodies {
        tracing::warn!("prompts and answers are logged: `log_bodies` is on");
    }
    let runtime = Runtime::new().map_err(|error| Failure(format!("cannot start: {error}")))?;
    let result = runtime.block_on(serve(args, &origin, config, files));
    // Something slow in the background, such as a DNS look-up, must not hold up the exit.
    runtime.shutdown_background();
    drop(logs);
    result
}

async fn serve(
    args: &ServeArgs,
    origin: &Origin,
    mut config: Config,
    files: Files,
) -> Result<(), Failure> {
    let no_signals = |error| Failure(format!("cannot wait for signals: {error}"));
    let signals = Signals::new().map_err(no_signals)?;
    let hangups = Hangups::new().map_err(no_signals)?;
    // Held until the end: they stop when they are dropped.
    let _demo = if matches!(origin, Origin::Demo) {
        let (main, backup) = (demo_provider().await?, demo_provider().await?);
        config = config_source::demo(&main.base_url(), &backup.base_url(), args.overrides())?;
        Some((main, backup))
    } else {
        None
    };
    config.may_listen_on(config.host).map_err(|reason| {
        let help = "add `auth.keys` to the configuration; `switchtower key new` makes one";
        Failure(format!("{reason}\n  help: {help}"))
    })?;

    let gateway = Gateway::bind(&config).await.map_err(|error| no_start(&config, &error))?;
    // Stdout may be closed; the gateway serves all the same.
    let _ = print(&startup::text(origin, &config, gateway.local_addr(), gateway.ws_addr()));
    let reloader = gateway.reloader();
    reloader.set_origin(origin.to_string());
    let drain_ms = Cell::new(config.drain_ms);
    let agents_stopped = gateway.agents_stopped();
    let stop = async {
        tokio::select! {
            () = signals.stop(agents_stopped) => {}
            () = reload::follow(args, origin, files, hangups, &reloader, &drain_ms) => {}
        }
        let seconds = drain_ms.get().div_ceil(1000);
        let _ = print(&format!(
            "Stopping; streams may finish for {seconds} s. Ctrl-C again stops at once.\n"
        ));
    };
    gateway.run(stop).await;
    Ok(())
}

async fn demo_provider() -> Result<Provider, Failure> {
    let started = crate::demo::start().await;
    started.map_err(|error| Failure(format!("cannot start the demo provider: {error}")))
}

fn no_logs(config: &Config, error: &io::Error) -> Failure {
    let directory = config.log_dir.clone().unwrap_or_default();
    Failure(format!(
        "cannot write log files to {}: {error}\n  help: change `logDir`, or leave it out for \
         standard error only",
        directory.display()
    ))
}

fn no_start(config: &Config, error: &io::Error) -> Failure {
    let cause = error.get_ref();
    if let Some(cause) = cause
        && (cause.is::<database::Error>() || cause.is::<mesh::database::Error>())
    {
        return Failure(cause.to_string());
    }
    if let Some(cause) = cause
        && cause.is::<WsPortError>()
    {
        let help = "choose another `wsPort`, or leave it out: the main port has the WebSocket, too";
        return Failure(format!("{cause}\n  help: {help}"));
    }
    let address = SocketAddr::new(config.host, config.port);
    let hint = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "\n  help: another program has this port, `switchtower doctor` says which; choose one with \
             --port"
        }
        io::ErrorKind::PermissionDenied => {
            "\n  help: ports below 1024 are reserved; choose one with --port"
        }
        _ => "\n  help: `switchtower doctor` looks for the cause",
    };
    Failure(format!("cannot start on {address}: {error}{hint}"))
}

//! The command line.
//!
//! Reports go to stdout, errors to stderr. The status is 0 for success, 1 for an error, 2 for a
//! command line that makes no sense, and 130 when Ctrl-C has ended a task, or a second one cuts the
//! gateway's shutdown short.

mod agents;
mod args;
mod check;
mod client;
mod config_source;
mod connect;
mod doctor;
mod events;
mod file;
mod health;
mod key;
mod models;
mod output;
mod quota;
mod reach;
mod reload;
mod serve;
mod setup;
mod signals;
mod space;
mod startup;
mod task;
mod tasks;
mod url;

use std::process::ExitCode;

use clap::CommandFactory;

use args::{Cli, Command};
use output::{Failure, complain, print};

/// Runs the command that the arguments of this process ask for.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let cli = match args::parse(&arguments) {
        Ok(cli) => cli,
        // `--help` comes this way, too; clap knows which stream and which status it wants.
        Err(error) => {
            let _ = error.print();
            return u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    match run(cli) {
        Ok(status) => status,
        Err(failure) => {
            complain(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let done = match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        // What these find out is in the status, too.
        Command::Task(args) => return task::run(&args, None),
        Command::To(args) => return task::run(&args.task, Some(&args.agent)),
        Command::Health(args) => return health::run(&args),
        Command::Setup(args) => return setup::run(&args),
        Command::Doctor(args) => return doctor::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Check(file) => check::run(&file),
        Command::Models(file) => models::run(&file),
        Command::Key(args) => key::run(&args),
        Command::Connect(args) => connect::connect(&args),
        Command::Disconnect(args) => connect::disconnect(&args),
        Command::Tasks(args) => tasks::run(&args),
        Command::Agents(args) => agents::run(&args),
        Command::Space(command) => space::run(&command),
        Command::Events(args) => events::run(&args),
        Command::Quota(args) => quota::run(&args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "switchtower", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
    };
    done.map(|()| ExitCode::SUCCESS)
}

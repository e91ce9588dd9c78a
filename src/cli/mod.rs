//! The command line.
//!
//! Reports go to stdout, errors to stderr. The status is 0 for success, 1 for an error, 2 for a
//! command line that makes no sense, and 130 when a second Ctrl-C cuts the shutdown short.

mod args;
mod check;
mod connect;
mod key;
mod models;
mod output;
mod serve;
mod setup;
mod signals;
mod startup;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Cli, Command};
use output::{Failure, complain, print};

/// Runs the command that the arguments of this process ask for.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // `--help` comes this way, too; clap knows which stream and which status it wants.
        Err(error) => {
            let _ = error.print();
            return u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(args) => serve::run(&args),
        Command::Check(file) => check::run(&file),
        Command::Models(file) => models::run(&file),
        Command::Key(args) => key::run(&args),
        Command::Connect(args) => connect::connect(&args),
        Command::Disconnect(args) => connect::disconnect(&args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "switchtower", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
    }
}

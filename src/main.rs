//! The `switchtower` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    switchtower::cli::main()
}

//! `switchtower doctor`.

use clap::Args;

use super::ServeArgs;

pub(super) const EXAMPLES: &str = "\
Each line says `ok`, `warn` or `fail`, what was found, and what to do about it. It takes 10 seconds
at most, changes nothing, and prints no key. The status is 1 when something fails.

Examples:
  switchtower doctor
  switchtower doctor --config prod.yaml --port 8080
  switchtower doctor --json | jq '.findings[] | select(.level == \"fail\")'
";

#[derive(Args, Debug)]
pub(in crate::cli) struct DoctorArgs {
    #[command(flatten)]
    pub(in crate::cli) serve: ServeArgs,
    /// Ask neither the providers nor the agents that are endpoints
    #[arg(long)]
    pub(in crate::cli) offline: bool,
    /// Print JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

//! Command-line arguments, and their help.

mod doctor;
mod mesh;
mod order;
mod setup;

use std::net::IpAddr;
use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

use crate::config::{Overrides, Scope, address};
pub(super) use doctor::DoctorArgs;
pub(super) use mesh::{
    EventsArgs, GatewayArgs, HealthArgs, ShowArgs, SpaceCommand, TaskArgs, TaskOptions, TasksArgs,
    TasksCommand, ToArgs,
};
pub(super) use order::parse;
pub(super) use setup::{Preset, SetupArgs};

const EXAMPLES: &str = "\
Examples:
  switchtower
      Listen on http://127.0.0.1:3000. Without a configuration and without a key in the
      environment, a built-in demo provider answers, so there is something to try at once.

  OPENAI_API_KEY=sk-... switchtower
      Without a configuration, but with a key: use that provider. DEEPSEEK_API_KEY and
      OPENROUTER_API_KEY work as well.

  switchtower setup
      Write a configuration, by asking for what it needs.

  switchtower check
      Say what is wrong with the configuration, and where a request for each model goes.

  switchtower doctor
      When something does not work: try keys, providers, port and agents, and say what to do.

  switchtower serve --config prod.yaml --port 8080
      Use this file, but another port.

  switchtower task \"review this diff\" --file changes.diff
      While the gateway runs: give an agent a task, and wait for its result.

Configuration:
  --config, else ./gateway.yaml, ./config/gateway.yaml or ~/.config/switchtower/gateway.yaml,
  whichever is found first. gateway.example.yaml in the repository explains every setting.

Changing it:
  Save the file: within two seconds the gateway goes on with it, and no request is lost. SIGHUP
  has it read at once. One that is wrong changes nothing, and the log says why.

Client keys:
  Commands that talk to a running gateway send $SWITCHTOWER_API_KEY, which may stand in a .env file.

Stopping:
  Ctrl-C or SIGTERM lets streams finish for a while; a second Ctrl-C does not wait.
";

const CONNECT: &str = "\
Tools:
  codex     config.toml in $CODEX_HOME or ~/.codex: model_provider, and the provider's table
  opencode  opencode.json in ~/.config/opencode: a provider with the configured models
  shell     the profile of $SHELL: OPENAI_BASE_URL and OPENAI_API_BASE; only when it is named

The file as it was is kept beside it, as <file>.switchtower-backup, until `disconnect`.

Examples:
  switchtower connect codex --dry-run
  switchtower connect codex
  switchtower disconnect
";

const KEY: &str = "\
Examples:
  switchtower key new --name laptop
      The key goes to stdout, once; what to add to the configuration goes to stderr.

  switchtower key new --name ci --scope models --scope admin --json
  switchtower key hash < key.txt
";

/// A gateway for language-model traffic: one address in front of every OpenAI-compatible provider.
///
/// Point an OpenAI SDK at it. Requests go to the providers that have the model they ask for.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES, args_conflicts_with_subcommands = true, max_term_width = 100)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the gateway; this is what happens without a command, too
    Serve(ServeArgs),
    /// Check the configuration, and show where a request for each model goes
    Check(FileArgs),
    /// Look at everything that the gateway needs, and say what to do about what is wrong
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(DoctorArgs),
    /// List the models, with their providers and whether those have a key
    Models(FileArgs),
    /// Make a client key, or the hash of one, for `auth.keys`
    #[command(after_help = KEY)]
    Key(KeyArgs),
    /// Write a configuration, by asking for what it needs
    #[command(after_help = setup::EXAMPLES)]
    Setup(SetupArgs),
    /// Point tools at the gateway, in their own configuration files
    #[command(after_help = CONNECT)]
    Connect(ConnectArgs),
    /// Put back what `connect` changed, and nothing else
    Disconnect(DisconnectArgs),
    /// Give a task to the agent that the rules choose, and wait for its result
    #[command(after_help = mesh::TASK)]
    Task(TaskArgs),
    /// Give a task to one agent, and wait for its result
    #[command(after_help = mesh::TO)]
    To(ToArgs),
    /// List the tasks, show one, or cancel one
    #[command(after_help = mesh::TASKS, args_conflicts_with_subcommands = true)]
    Tasks(TasksArgs),
    /// List the agents, and whether they are there
    #[command(after_help = mesh::AGENTS)]
    Agents(ShowArgs),
    /// Make, show or search what tasks have in common
    #[command(subcommand, after_help = mesh::SPACE)]
    Space(SpaceCommand),
    /// Show what happens, as it happens, until Ctrl-C
    #[command(after_help = mesh::EVENTS)]
    Events(EventsArgs),
    /// Show which providers and agents can be used; the status is 1 when none can
    #[command(after_help = mesh::HEALTH)]
    Health(HealthArgs),
    /// Show what the providers have left, and what was used of the budgets
    #[command(after_help = mesh::QUOTA)]
    Quota(ShowArgs),
    /// Print a completion script for a shell
    #[command(after_help = "Example:
  switchtower completions bash > ~/.local/share/bash-completion/completions/switchtower")]
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Args, Debug)]
pub(super) struct FileArgs {
    /// The configuration file [default: the first that is found, see --help]
    #[arg(short, long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(super) config: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    pub(super) file: FileArgs,
    /// The address to listen on, instead of the configured one; loopback only, unless there are client keys
    #[arg(long, value_name = "IP", value_parser = address)]
    pub(super) host: Option<IpAddr>,
    /// The port to listen on, instead of the configured one; 0 lets the system choose
    #[arg(short, long, value_name = "N")]
    pub(super) port: Option<u16>,
}

impl ServeArgs {
    /// The settings that come before those of the file.
    pub(super) fn overrides(&self) -> Overrides {
        Overrides { host: self.host, port: self.port }
    }
}

#[derive(Args, Debug)]
pub(super) struct KeyArgs {
    #[command(subcommand)]
    pub(super) command: KeyCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Make a new key
    New {
        /// What the key is called in the configuration, in budgets and in logs
        #[arg(long, default_value = "client")]
        name: String,
        /// What it opens: models (/v1), agents (agents, tasks, spaces, events), admin (metrics,
        /// dashboard, /model-gateway); may be given more than once
        #[arg(long = "scope", value_name = "SCOPE", default_value = "models")]
        scopes: Vec<ScopeArg>,
        /// Print one JSON object, and nothing to stderr
        #[arg(long)]
        json: bool,
    },
    /// Print the hash of a key that is read from stdin
    Hash {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args, Debug)]
pub(super) struct ConnectArgs {
    /// codex, opencode or shell [default: those of the first two that are installed]
    #[arg(value_name = "TOOL")]
    pub(super) tools: Vec<String>,
    #[command(flatten)]
    pub(super) file: FileArgs,
    /// Where the gateway is, instead of where the configuration says it listens
    #[arg(long, value_hint = ValueHint::Url)]
    pub(super) url: Option<String>,
    /// Show what would change, as a diff, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

#[derive(Args, Debug)]
pub(super) struct DisconnectArgs {
    /// codex, opencode or shell [default: all that are connected]
    #[arg(value_name = "TOOL")]
    pub(super) tools: Vec<String>,
    /// Show what would change, as a diff, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// A [`Scope`] as an argument.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScopeArg(pub(super) Scope);

impl ValueEnum for ScopeArg {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [ScopeArg; Scope::ALL.len()] =
            [ScopeArg(Scope::ALL[0]), ScopeArg(Scope::ALL[1]), ScopeArg(Scope::ALL[2])];
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    /// What the files in `packaging/` run: the command lines of units, and those of the image.
    #[test]
    fn what_is_packaged_is_understood() {
        let files = [
            include_str!("../../../packaging/switchtower.service"),
            include_str!("../../../packaging/README.md"),
            include_str!("../../../packaging/Containerfile"),
        ];
        let lines = || files.iter().flat_map(|file| file.lines());
        let units = lines().filter_map(|line| line.strip_prefix("ExecStart="));
        let mut commands: Vec<Vec<String>> =
            units.map(|line| line.split(' ').map(str::to_owned).collect()).collect();
        let json = |line: &str| serde_json::from_str::<Vec<String>>(line).ok();
        let health = lines().filter(|line| line.starts_with("HEALTHCHECK "));
        commands.extend(health.filter_map(|line| json(line.split_once("CMD ")?.1)));
        let mut entry: Vec<String> =
            lines().filter_map(|line| json(line.strip_prefix("ENTRYPOINT ")?)).flatten().collect();
        entry.extend(lines().filter_map(|line| json(line.strip_prefix("CMD ")?)).flatten());
        commands.push(entry);
        assert_eq!(commands.len(), 4, "{commands:?}");
        for command in commands {
            assert!(command[0].ends_with("/bin/switchtower"), "{command:?}");
            let cli = Cli::try_parse_from(&command).unwrap_or_else(|error| panic!("{error}"));
            assert!(matches!(cli.command, Some(Command::Serve(_) | Command::Health(_))));
        }
    }

    #[test]
    fn serve_is_what_happens_without_a_command() {
        let cli = Cli::try_parse_from(["switchtower", "--port", "8080"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.serve.port, Some(8080));
        let cli = Cli::try_parse_from(["switchtower", "serve", "--host", "localhost"]).unwrap();
        assert!(matches!(cli.command, Some(Command::Serve(args)) if args.host.is_some()));
        let error = Cli::try_parse_from(["switchtower", "--host", "example.org"]).unwrap_err();
        assert!(error.to_string().contains("is no IP address"), "{error}");
    }
}

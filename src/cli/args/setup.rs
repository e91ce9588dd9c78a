//! `switchtower setup`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

pub(super) const EXAMPLES: &str = "\
Keys go to .env, which only its owner may read; what else stands there stays. Nothing is overwritten
without asking.

Examples:
  switchtower setup
  switchtower setup --provider deepseek --key-env DEEPSEEK_API_KEY --yes
  pass deepseek | switchtower setup --provider deepseek --key-stdin --yes --dir ~/.config/switchtower
";

#[derive(Args, Debug)]
pub(in crate::cli) struct SetupArgs {
    /// Provider of models; can be given more than once
    #[arg(long = "provider", value_name = "NAME")]
    pub(in crate::cli) providers: Vec<Preset>,
    /// The environment variable with the provider's key [default: the provider's usual one]
    #[arg(long, value_name = "NAME", requires = "providers")]
    pub(in crate::cli) key_env: Option<String>,
    /// Read the provider's key from stdin, and keep it in .env
    #[arg(long, requires = "providers")]
    pub(in crate::cli) key_stdin: bool,
    /// Where the provider is, instead of where it usually is
    #[arg(long, value_name = "URL", requires = "providers", value_hint = ValueHint::Url)]
    pub(in crate::cli) base_url: Option<String>,
    /// The model of requests that name none
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) model: Option<String>,
    /// The port to listen on
    #[arg(long, value_name = "N")]
    pub(in crate::cli) port: Option<u16>,
    /// Ask nothing: what no argument says is as it would be suggested
    #[arg(long, short)]
    pub(in crate::cli) yes: bool,
    /// Overwrite what is there, and keep a key that the provider refuses
    #[arg(long)]
    pub(in crate::cli) force: bool,
    /// Where to write [default: the working directory]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::DirPath)]
    pub(in crate::cli) dir: Option<PathBuf>,
    /// Show what would be written, without the keys, and write nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
}

/// A provider that is known well enough to set it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Preset {
    Deepseek,
    Openai,
    Openrouter,
    Ollama,
}

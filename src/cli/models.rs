//! `switchtower models`.

use super::args::FileArgs;
use super::config_source;
use super::output::{Failure, columns, print};
use crate::config::{Config, Provider};

/// Lists every name that the configuration knows.
pub(super) fn run(args: &FileArgs) -> Result<(), Failure> {
    let (_, config) = config_source::find(args.config.as_deref())?;
    print(&list(&config))
}

fn list(config: &Config) -> String {
    let models = &config.models;
    let mut rows = vec![["MODEL", "PROVIDER", "KEY", "SENT AS"].map(str::to_owned)];
    for (name, provider) in &models.providers {
        let row = |model: &str, sent_as: &str| {
            [model.to_owned(), name.clone(), key(provider), sent_as.to_owned()]
        };
        rows.extend(provider.models.iter().map(|model| row(model, "")));
        rows.extend(provider.aliases.iter().map(|(alias, model)| row(alias, model)));
        let listed = |(_, real): &(&String, &String)| provider.models.contains(real);
        let aliases = models.model_aliases.iter().filter(listed);
        rows.extend(aliases.map(|(alias, model)| row(alias, model)));
        if provider.models.is_empty() {
            rows.push(row("(any other)", ""));
        }
    }
    if rows.len() == 1 {
        return "There are no providers, and so no models.\n".to_owned();
    }
    columns(&rows)
}

/// Whether it has one, and if not, what to do.
pub(super) fn key(provider: &Provider) -> String {
    match provider.key_hint() {
        _ if !provider.enabled => "disabled".to_owned(),
        Some(hint) => format!("no key: {hint}"),
        None => "has a key".to_owned(),
    }
}

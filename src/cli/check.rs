//! `switchtower check`.

use indexmap::{IndexMap, IndexSet};

use super::args::FileArgs;
use super::config_source;
use super::output::{Failure, columns, print};
use crate::app::routing_table;
use crate::config::Config;
use crate::server::Certificate;

/// Says what is wrong, else what is odd and where a request for each model goes.
pub(super) fn run(args: &FileArgs) -> Result<(), Failure> {
    let (origin, config) = config_source::find(args.config.as_deref())?;
    if let Some(tls) = &config.tls {
        Certificate::load(tls).map_err(|error| Failure(format!("tls: {error}")))?;
    }
    print(&format!("Configuration: {origin}\n\n{}", report(&config)))
}

fn report(config: &Config) -> String {
    let plans = Plans::of(config);
    let mut text = String::new();
    if plans.rows.is_empty() {
        text.push_str("No model is configured.\n");
    } else {
        text.push_str("A request for each model goes to the first of these that answers:\n\n");
        text.push_str(&columns(&plans.rows));
    }
    let unchanged = plans.unchanged.iter().map(|(provider, names)| {
        let names: Vec<_> = names.iter().copied().collect();
        format!(
            "`{provider}` is sent names that it neither lists nor aliases: {}",
            names.join(", ")
        )
    });
    let warnings: Vec<_> = config.warnings.iter().cloned().chain(unchanged).collect();
    if !warnings.is_empty() {
        text.push('\n');
    }
    for warning in warnings {
        text.push_str(&format!("warning: {warning}\n"));
    }
    text
}

/// The plan of each configured model, and the names that go somewhere unchanged and unknown.
#[derive(Default)]
struct Plans<'a> {
    rows: Vec<[String; 2]>,
    unchanged: IndexMap<String, IndexSet<&'a str>>,
}

impl<'a> Plans<'a> {
    fn of(config: &'a Config) -> Self {
        let table = routing_table(config);
        let mut plans = Self::default();
        for name in names(config) {
            let plan = table.plan(name);
            for target in &plan.targets {
                let provider = &*target.provider;
                // `provider/model` pins the provider; what it is asked for is the rest.
                let pin = name.strip_prefix(provider).and_then(|rest| rest.strip_prefix('/'));
                let asked = pin.unwrap_or(name);
                if !table.knows(provider, asked) {
                    plans.unchanged.entry(provider.to_owned()).or_default().insert(asked);
                }
            }
            let targets = if plan.targets.is_empty() {
                let reasons: Vec<_> = plan.skipped.iter().map(ToString::to_string).collect();
                match reasons.is_empty() {
                    true => "-> nobody: no provider is configured".to_owned(),
                    false => format!("-> nobody: {}", reasons.join("; ")),
                }
            } else {
                format!("-> {plan}")
            };
            plans.rows.push([name.to_owned(), targets]);
        }
        plans
    }
}

/// Every name that the configuration mentions, once.
pub(super) fn names(config: &Config) -> IndexSet<&str> {
    let models = &config.models;
    let at_providers = models
        .providers
        .values()
        .flat_map(|provider| provider.models.iter().chain(provider.aliases.keys()));
    let all = models.default_model.iter().chain(at_providers).chain(models.model_aliases.keys());
    all.map(String::as_str).collect()
}

//! `switchtower health`.

use std::process::ExitCode;

use serde::Deserialize;
use serde_json::json;

use super::args::ShowArgs;
use super::client::{self, Agent, Client};
use super::output::{Failure, columns, line, print, print_json};

#[derive(Deserialize)]
struct Health {
    /// Not there where this client may not see them.
    agents: Option<Vec<Agent>>,
}

#[derive(Deserialize)]
struct Providers {
    providers_available: Vec<Provider>,
    providers_unavailable: Vec<Provider>,
}

#[derive(Deserialize)]
struct Provider {
    name: String,
    summary: String,
}

/// Shows what can be used; whether anything can.
pub(super) fn run(args: &ShowArgs) -> Result<ExitCode, Failure> {
    let (gateway, models) = client::run(async {
        let client = Client::new(&args.gateway)?;
        let gateway = client.get("/health").await?;
        Ok((gateway, client.get("/model-gateway/health").await?))
    })?;
    let (health, providers): (Health, Providers) =
        (client::read(&gateway)?, client::read(&models)?);
    if args.json {
        print_json(&json!({"gateway": gateway, "providers": models}))?;
    } else {
        print(&page(&health, &providers))?;
    }
    let agent = health.agents.iter().flatten().any(|agent| agent.status != "offline");
    let usable = agent || !providers.providers_available.is_empty();
    Ok(if usable { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn page(health: &Health, providers: &Providers) -> String {
    let mut text = String::from("Providers:\n");
    let row = |status: &str, provider: &Provider| {
        [line(&provider.name), status.to_owned(), line(&provider.summary)]
    };
    let available = providers.providers_available.iter().map(|p| row("available", p));
    let others = providers.providers_unavailable.iter().map(|p| row("unavailable", p));
    match available.chain(others).collect::<Vec<_>>() {
        rows if rows.is_empty() => text.push_str("  none\n"),
        rows => text.push_str(&columns(&rows)),
    }
    text.push_str("\nAgents:\n");
    let Some(agents) = &health.agents else {
        text.push_str("  not shown: the key has no scope `agents`\n");
        return text;
    };
    let rows =
        agents.iter().map(|a| [line(&a.id), line(&a.status), line(&a.name)]).collect::<Vec<_>>();
    match rows.is_empty() {
        true => text.push_str("  none\n"),
        false => text.push_str(&columns(&rows)),
    }
    text
}

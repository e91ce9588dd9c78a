//! `switchtower agents`.

use super::args::ShowArgs;
use super::client::{self, Agent, Client};
use super::output::{Failure, ago, columns, line, print, print_json};

/// Lists them, and whether they are there.
pub(super) fn run(args: &ShowArgs) -> Result<(), Failure> {
    let list = client::run(async { Ok(Client::new(&args.gateway)?.get("/agents").await?) })?;
    if args.json {
        return print_json(&list);
    }
    let agents: Vec<Agent> = client::read(&list)?;
    if agents.is_empty() {
        return print(
            "There are no agents: install claude, codex or another, or list one under `agents`.\n",
        );
    }
    print(&table(&agents))
}

fn table(agents: &[Agent]) -> String {
    let head = ["ID", "NAME", "TYPE", "STATUS", "LAST SEEN", "CAPABILITIES"].map(str::to_owned);
    let rows = agents.iter().map(|agent| {
        let seen = agent.last_seen.map_or_else(|| "never".to_owned(), ago);
        let capabilities = line(&agent.capabilities.join(", "));
        let [id, name, kind, status] =
            [&agent.id, &agent.name, &agent.r#type, &agent.status].map(|text| line(text));
        [id, name, kind, status, seen, capabilities]
    });
    columns(&[head].into_iter().chain(rows).collect::<Vec<_>>())
}

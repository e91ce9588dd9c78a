//! `switchtower tasks`.

use clap::ValueEnum;
use serde_json::json;

use super::args::{ShowArgs, TasksArgs, TasksCommand};
use super::client::{self, Client, Task, encode, query};
use super::output::{Failure, ago, columns, line, plain, print, print_json, start};
use super::task::written;

/// How much of its text stands in the list.
const COLUMNS: usize = 60;

/// Lists them, shows one, or cancels one.
pub(super) fn run(args: &TasksArgs) -> Result<(), Failure> {
    match (&args.command, &args.id) {
        (Some(TasksCommand::Cancel { id, show }), _) => cancel(id, show),
        (None, Some(id)) => one(id, &args.show),
        (None, None) => list(args),
    }
}

fn list(args: &TasksArgs) -> Result<(), Failure> {
    let status = args.status.and_then(|status| status.to_possible_value());
    let status = status.map(|status| status.get_name().to_owned());
    let query = query([("status", status), ("limit", Some(args.limit.to_string()))]);
    let path = format!("/tasks{query}");
    let list = client::run(async { Ok(Client::new(&args.show.gateway)?.get(&path).await?) })?;
    if args.show.json {
        return print_json(&list);
    }
    let tasks: Vec<Task> = client::read(&list)?;
    if tasks.is_empty() {
        return print("There are no such tasks.\n");
    }
    print(&table(&tasks))
}

fn table(tasks: &[Task]) -> String {
    let head = ["ID", "STATUS", "AGENT", "AGE", "TASK"].map(str::to_owned);
    let rows = tasks.iter().map(|task| {
        let agents = line(&task.assigned_agents.join(", "));
        [
            line(&task.id),
            line(&task.status),
            agents,
            ago(task.created_at),
            start(&task.task, COLUMNS),
        ]
    });
    columns(&[head].into_iter().chain(rows).collect::<Vec<_>>())
}

fn one(id: &str, show: &ShowArgs) -> Result<(), Failure> {
    let path = format!("/tasks/{}", encode(id));
    let view = client::run(async { Ok(Client::new(&show.gateway)?.get(&path).await?) })?;
    if show.json {
        return print_json(&view);
    }
    print(&page(&client::read(&view)?))
}

fn page(task: &Task) -> String {
    let agents = match &task.assigned_agents[..] {
        [] => "nobody yet".to_owned(),
        agents => line(&agents.join(", ")),
    };
    let rows = [
        ["id", &line(&task.id)],
        ["status", &line(&task.status)],
        ["given to", &agents],
        ["accepted", &ago(task.created_at)],
        ["changed", &ago(task.updated_at)],
    ];
    let mut text = columns(&rows.map(|row| row.map(str::to_owned)));
    if !task.task.trim().is_empty() {
        text.push_str(&format!("\n{}\n", plain(&task.task).trim_end()));
    }
    if let Some(error) = &task.error {
        text.push_str(&format!("\n{} ({})\n", plain(&error.message), line(&error.code)));
    }
    let answer = plain(&written(&task.answers()));
    if !answer.trim().is_empty() {
        text.push_str(&format!("\n{}\n", answer.trim_end()));
    }
    text
}

fn cancel(id: &str, show: &ShowArgs) -> Result<(), Failure> {
    let path = format!("/tasks/{}/cancel", encode(id));
    let body = json!({});
    let view = client::run(async { Ok(Client::new(&show.gateway)?.post(&path, &body).await?) })?;
    if show.json {
        return print_json(&view);
    }
    let task: Task = client::read(&view)?;
    print(&format!("{} is {}\n", line(&task.id), line(&task.status)))
}

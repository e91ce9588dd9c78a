//! `switchtower task` and `switchtower to`.
//!
//! | module | |
//! |---|---|
//! | `text` | what the agent is told |
//! | `watch` | waits for what comes of it |
//! | `progress` | what is shown of it: events to pieces |
//! | `screen` | shows it |
//! | `interrupt` | what Ctrl-C means |

mod interrupt;
mod progress;
mod screen;
mod text;
mod watch;

use std::process::ExitCode;

use serde_json::{Value, json};

use super::args::{TaskArgs, TaskOptions};
use super::client::{self, Client};
use super::output::{Failure, complain, misuse, plain, print};
use super::signals::INTERRUPTED;
use interrupt::Interrupts;
pub(super) use progress::written;
use watch::Watch;

/// Gives it to this agent, or to whom the rules choose.
pub(super) fn run(args: &TaskArgs, target: Option<&str>) -> Result<ExitCode, Failure> {
    let options = &args.options;
    let Some(text) = text::find(args.text.as_deref())? else {
        return Ok(misuse("there is nothing to do: say it in an argument, or pipe it in"));
    };
    let body = body(&text, target, options, text::files(&options.files)?);
    client::run(async {
        let client = Client::new(&options.gateway)?;
        let mut interrupts = Interrupts::new()?;
        let accepted = tokio::select! {
            accepted = client.post("/tasks", &body) => accepted?,
            () = interrupts.next() => {
                complain("the gateway has not answered yet; whether it has the task is told by: switchtower tasks");
                return Ok(interrupted());
            }
        };
        let Some(id) = accepted["task_id"].as_str() else {
            return Err(Failure("the gateway's answer names no task".to_owned()));
        };
        if options.detach {
            print(&format!("{}\n", plain(id)))?;
            return Ok(ExitCode::SUCCESS);
        }
        Watch::new(client, id, options.json).run(interrupts).await
    })
}

fn body(text: &str, target: Option<&str>, options: &TaskOptions, files: Vec<String>) -> Value {
    let mut payload = json!({"task": text});
    if let Some(space) = &options.space {
        payload["context"] = json!({"shared_space_id": space});
    }
    if !files.is_empty() {
        payload["files"] = files.into();
    }
    if let Some(timeout) = options.timeout {
        payload["options"] = json!({"timeout": timeout});
    }
    let mut body = json!({"source": "cli", "payload": payload});
    if let Some(target) = target {
        body["target"] = target.into();
    }
    body
}

/// What a command that Ctrl-C ended says.
fn interrupted() -> ExitCode {
    u8::try_from(INTERRUPTED).map_or(ExitCode::FAILURE, ExitCode::from)
}

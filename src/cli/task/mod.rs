//! `switchtower task` and `switchtower to`.
//!
//! | module | |
//! |---|---|
//! | `directory` | where the agent works |
//! | `text` | the prompt for the agent |
//! | `watch` | waits for the result |
//! | `progress` | what is shown of it: events to pieces |
//! | `screen` | shows it |
//! | `interrupt` | what Ctrl-C means |

mod directory;
mod interrupt;
mod progress;
mod terminal;
mod text;
mod watch;

use std::process::ExitCode;

use serde_json::{Value, json};

use super::args::{TaskArgs, TaskOptions};
use super::client::{self, Client};
use super::output::{Failure, complain, misuse, note, plain, print};
use super::signals::INTERRUPTED;
use directory::Directory;
use interrupt::Interrupts;
pub(super) use progress::written;
use watch::Watch;

/// In a task's options.
const CWD: &str = "cwd";

/// Gives it to this agent, or to whom the rules choose.
pub(super) fn run(args: &TaskArgs, target: Option<&str>) -> Result<ExitCode, Failure> {
    let options = &args.options;
    let Some(text) = text::find(args.text.as_deref())? else {
        return Ok(misuse("there is nothing to do: say it in an argument, or pipe it in"));
    };
    let mut body = body(&text, target, options, text::files(&options.files)?);
    client::run(async {
        let client = Client::new(&options.gateway)?;
        let directory = directory::find(options.cwd.as_deref(), client.base())?;
        if let Some(directory) = &directory {
            body["payload"]["options"][CWD] = directory.path.as_str().into();
        }
        let mut interrupts = Interrupts::new()?;
        let accepted = tokio::select! {
            accepted = submit(&client, body, directory) => accepted?,
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

/// Hands the task in. One that only happens to be given from a directory that the gateway cannot use,
/// because it runs in a container or as another user, is done all the same.
async fn submit(
    client: &Client,
    mut body: Value,
    directory: Option<Directory>,
) -> Result<Value, client::Error> {
    let accepted = client.post("/tasks", &body).await;
    match (accepted, directory) {
        (
            Err(client::Error::Refused { param: Some(param), message, .. }),
            Some(Directory { is_given: false, .. }),
        ) if param == "payload.options.cwd" => {
            if let Some(options) = body["payload"]["options"].as_object_mut() {
                options.remove(CWD);
            }
            note(&format!(
                "note: the agent works in the gateway's directory, not in this one: {}\n  help: name another with --cwd\n",
                plain(&message)
            ));
            client.post("/tasks", &body).await
        }
        (accepted, _) => accepted,
    }
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

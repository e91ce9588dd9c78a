use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use switchtower_layers::{Code, Rejection};
use utoipa::ToSchema;

use crate::api::extract::Object;
use crate::mesh::agents::check_directory;
use crate::mesh::tasks::Submission;

/// Maximum lengths: of the task in bytes, of other texts in characters.
const MAX_TASK_LEN: usize = 1 << 20;
const MAX_WORD_CHARS: usize = 256;
const FILES: usize = 256;
const MAX_PATH_CHARS: usize = 4096;
const CWD: &str = "payload.options.cwd";
/// Maximum `timeout`, in seconds: one day.
const MAX_TIMEOUT_S: f64 = 86_400.0;

/// What somebody wants done. Only `payload.task` is required; more fields than these may be sent.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct TaskRequest {
    /// Your own word for what sort of task it is.
    #[schema(max_length = 256)]
    r#type: Option<String>,
    /// Sender of the task.
    #[schema(max_length = 256)]
    source: Option<String>,
    /// Id of the agent. The configured rules decide if it is absent or `gateway`.
    #[schema(max_length = 256)]
    target: Option<String>,
    /// Your own name for it.
    #[schema(max_length = 256)]
    correlation_id: Option<String>,
    #[schema(value_type = TaskPayload)]
    payload: Object<TaskPayload>,
}

/// The task itself.
#[derive(Debug, Deserialize, ToSchema)]
struct TaskPayload {
    /// What is to be done: text that is not blank, at most 1 MiB.
    #[schema(
        min_length = 1,
        max_length = 1_048_576,
        pattern = r"[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]"
    )]
    task: String,
    #[schema(value_type = Option<TaskContext>)]
    context: Option<Object<TaskContext>>,
    /// Files that the agent is pointed to.
    #[schema(max_items = 256, value_type = Option<Vec<TaskFile>>)]
    files: Option<Vec<String>>,
    #[schema(value_type = Option<TaskOptions>)]
    options: Option<Object<TaskOptions>>,
}

/// The name of a file.
#[derive(ToSchema)]
#[schema(min_length = 1, max_length = 4096)]
#[expect(dead_code, reason = "describes what is read as text")]
struct TaskFile(String);

/// What the task belongs to.
#[derive(Debug, Deserialize, ToSchema)]
struct TaskContext {
    /// Space whose latest messages are added to the agent's prompt. The task and its result are
    /// added to the space.
    shared_space_id: Option<String>,
}

/// How the task is done.
#[derive(Debug, Deserialize, ToSchema)]
struct TaskOptions {
    /// Whether there are `task.progress` events. They are sent unless this is false.
    stream: Option<bool>,
    /// How long an agent may take, in seconds, if not as long as is configured.
    #[schema(exclusive_minimum = 0, maximum = 86400)]
    timeout: Option<f64>,
    /// The working directory of the agent, if it is a program: an absolute path on the gateway's
    /// machine, where it must be a directory that the gateway may enter. Agents that are endpoints
    /// receive it as `cwd`. Without it programs start in the gateway's own working directory.
    ///
    /// It grants no rights: a client that may submit tasks runs agents with those of the gateway's
    /// user already.
    #[schema(min_length = 1, max_length = 4096, pattern = r"^(/|[A-Za-z]:[/\\]|\\\\)")]
    cwd: Option<String>,
}

impl TaskRequest {
    pub(super) fn check(self) -> Result<Submission, Rejection> {
        for (field, text) in [
            ("type", &self.r#type),
            ("source", &self.source),
            ("target", &self.target),
            ("correlation_id", &self.correlation_id),
        ] {
            if text.as_ref().is_some_and(|text| text.chars().count() > MAX_WORD_CHARS) {
                return Err(wrong(field, format!("has more than {MAX_WORD_CHARS} characters")));
            }
        }
        let Object(TaskPayload { task, context, files, options }) = self.payload;
        if task.chars().all(is_blank) {
            return Err(wrong("payload.task", "has no text"));
        }
        if task.len() > MAX_TASK_LEN {
            let message = "`payload.task` has more than 1 MiB";
            return Err(Rejection::new(Code::PayloadTooLarge, message).param("payload.task"));
        }
        let files = files.unwrap_or_default();
        if files.len() > FILES {
            return Err(wrong("payload.files", format!("has more than {FILES} files")));
        }
        if !files.iter().all(|file| (1..=MAX_PATH_CHARS).contains(&file.chars().count())) {
            let message =
                format!("has a name that is empty or has more than {MAX_PATH_CHARS} characters");
            return Err(wrong("payload.files", message));
        }
        let options = options.map(|Object(options)| options);
        Ok(Submission {
            text: task,
            kind: self.r#type,
            source: self.source,
            target: self.target,
            correlation_id: self.correlation_id,
            space: context.and_then(|Object(context)| context.shared_space_id),
            files,
            stream: options.as_ref().and_then(|options| options.stream).unwrap_or(true),
            timeout: options
                .as_ref()
                .and_then(|options| options.timeout)
                .map(timeout)
                .transpose()?,
            cwd: options.and_then(|options| options.cwd).map(absolute).transpose()?,
        })
    }
}

/// Whether it exists is looked at later.
fn absolute(cwd: String) -> Result<String, Rejection> {
    if cwd.chars().count() > MAX_PATH_CHARS {
        return Err(wrong(CWD, format!("has more than {MAX_PATH_CHARS} characters")));
    }
    if !Path::new(&cwd).is_absolute() {
        return Err(wrong(CWD, "has to be an absolute path"));
    }
    Ok(cwd)
}

/// Refuses a task whose directory an agent cannot be started in.
pub(super) async fn check_cwd(submission: &Submission) -> Result<(), Rejection> {
    let Some(cwd) = &submission.cwd else { return Ok(()) };
    check_directory(Path::new(cwd)).await.map_err(|why| wrong(CWD, format!("{why}: {cwd}")))
}

fn timeout(seconds: f64) -> Result<Duration, Rejection> {
    if seconds > 0.0 && seconds <= MAX_TIMEOUT_S {
        return Ok(Duration::from_secs_f64(seconds).max(Duration::from_millis(1)));
    }
    Err(wrong("payload.options.timeout", "has to be more than 0 and at most 86400 seconds"))
}

fn wrong(field: &'static str, why: impl std::fmt::Display) -> Rejection {
    Rejection::new(Code::InvalidRequest, format!("`{field}` {why}")).param(field)
}

/// As the document's pattern has it, which must mean the same in all languages.
fn is_blank(c: char) -> bool {
    c <= ' ' || ('\u{7f}'..='\u{a0}').contains(&c) || c.is_whitespace() || c == '\u{feff}'
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(body: &Value) -> Result<Submission, String> {
        let text = body.to_string();
        let mut json = serde_json::Deserializer::from_str(&text);
        let Object(request): Object<TaskRequest> = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| {
                let message = error.inner().to_string();
                let message = message.split(" at line ").next().unwrap_or_default().to_owned();
                format!("{}: {message}", error.path())
            })?;
        request.check().map_err(|rejection| format!("{} {}", rejection.code(), rejection.message()))
    }

    fn payload(payload: &Value) -> Result<Submission, String> {
        read(&json!({"payload": payload}))
    }

    #[test]
    fn only_the_task_is_required() {
        let submission = payload(&json!({"task": " Do it "})).unwrap();
        assert_eq!(submission, Submission::new(" Do it "));
        let nulls = json!({"type": null, "source": null, "target": null, "correlation_id": null,
            "payload": {"task": "x", "context": null, "files": null, "options": null}, "more": [1]});
        assert_eq!(read(&nulls).unwrap(), Submission::new("x"));
        let nulls = json!({"task": "x", "context": {"shared_space_id": null}, "options": {"stream": null, "cwd": null}});
        assert_eq!(payload(&nulls).unwrap(), Submission::new("x"));
    }

    #[test]
    fn all_is_taken() {
        let body = json!({"type": "task", "source": "me", "target": "codex", "correlation_id": "7",
            "payload": {"task": "审查", "context": {"shared_space_id": "space_1"},
                "files": ["a.rs"], "options": {"stream": false, "timeout": 1.5, "cwd": "/src"}}});
        let expected = Submission {
            text: "审查".into(),
            kind: Some("task".into()),
            source: Some("me".into()),
            target: Some("codex".into()),
            correlation_id: Some("7".into()),
            space: Some("space_1".into()),
            files: vec!["a.rs".into()],
            stream: false,
            timeout: Some(Duration::from_millis(1500)),
            cwd: Some("/src".into()),
        };
        assert_eq!(read(&body).unwrap(), expected);
        let tiny = payload(&json!({"task": "x", "options": {"timeout": 1e-300}})).unwrap();
        assert_eq!(tiny.timeout, Some(Duration::from_millis(1)));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let long = "x".repeat(MAX_WORD_CHARS + 1);
        for (body, error) in [
            (json!({}), ".: missing field `payload`"),
            (json!({"payload": {}}), "payload: missing field `task`"),
            (
                json!([null, null, null, null, {"task": "x"}]),
                ".: invalid type: sequence, expected an object",
            ),
            (json!({"payload": ["x"]}), "payload: invalid type: sequence, expected an object"),
            (
                json!({"payload": {"task": 7}}),
                "payload.task: invalid type: integer `7`, expected a string",
            ),
            (
                json!({"payload": {"task": "x", "options": []}}),
                "payload.options: invalid type: sequence, expected an object",
            ),
            (
                json!({"payload": {"task": "x", "options": {"timeout": "1"}}}),
                "payload.options.timeout: invalid type: string \"1\", expected f64",
            ),
            (
                json!({"payload": {"task": "x", "options": {"cwd": ["/"]}}}),
                "payload.options.cwd: invalid type: sequence, expected a string",
            ),
            (
                json!({"payload": {"task": "x", "files": [1]}}),
                "payload.files[0]: invalid type: integer `1`, expected a string",
            ),
            (
                json!({"payload": {"task": "x"}, "source": long}),
                "INVALID_REQUEST `source` has more than 256 characters",
            ),
        ] {
            let found = read(&body).unwrap_err();
            assert_eq!(found, error, "{body}");
        }
        for blank in ["", " ", "\n\t", "\u{3000}\u{a0}", "\u{0}", "\u{1c}\u{feff}\u{85}"] {
            let found = payload(&json!({"task": blank})).unwrap_err();
            assert_eq!(found, "INVALID_REQUEST `payload.task` has no text", "{blank:?}");
        }
        for seconds in [0.0, -1.0, 86_400.1, 1e300] {
            let found = payload(&json!({"task": "x", "options": {"timeout": seconds}}));
            assert!(found.unwrap_err().contains("at most 86400 seconds"), "{seconds}");
        }
        for cwd in ["", ".", "src", "../src", "~/src", "file:///src", "C:\\src"] {
            let found = payload(&json!({"task": "x", "options": {"cwd": cwd}})).unwrap_err();
            let expected = "INVALID_REQUEST `payload.options.cwd` has to be an absolute path";
            assert_eq!(found, expected, "{cwd}");
        }
        let long = format!("/{}", "x".repeat(MAX_PATH_CHARS));
        let found = payload(&json!({"task": "x", "options": {"cwd": long}})).unwrap_err();
        assert!(found.contains("`payload.options.cwd` has more than 4096 characters"), "{found}");
        let large = payload(&json!({"task": "x".repeat(MAX_TASK_LEN + 1)})).unwrap_err();
        assert_eq!(large, "PAYLOAD_TOO_LARGE `payload.task` has more than 1 MiB");
        for files in
            [json!([""]), json!(["x".repeat(MAX_PATH_CHARS + 1)]), json!(vec!["x"; FILES + 1])]
        {
            let found = payload(&json!({"task": "x", "files": files})).unwrap_err();
            assert!(found.starts_with("INVALID_REQUEST `payload.files` has"), "{found}");
        }
    }
}

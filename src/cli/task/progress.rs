//! Turns a task's events into output. Knows nothing of streams and terminals.

use indexmap::IndexMap;

use crate::cli::client::{Event, Task};
use crate::cli::output::{Plain, line};

/// How much of an answer is remembered, in bytes: more than the gateway keeps of it.
const KEPT: usize = 16 << 20;

/// Something to be shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Of what the agents answer.
    Answer(String),
    /// Of what they say besides.
    Aside(String),
    /// How far it is, on a line of its own.
    Note(String),
    /// The same, where nothing else shows that it goes on.
    Step(String),
}

/// What was shown so far.
#[derive(Debug)]
pub(super) struct Progress {
    /// Whether answers are shown as they come, to a terminal; else they come whole, byte for byte.
    streams: bool,
    /// Agents that the task was given to.
    agents: Vec<String>,
    /// Agents that are running.
    busy: Vec<String>,
    /// What each agent has answered so far.
    said: IndexMap<String, AgentText>,
    /// Whose answer was shown last.
    speaker: Option<String>,
    /// Whether the next character of an answer begins a line.
    at_start: bool,
}

#[derive(Debug, Default)]
struct AgentText {
    answer: String,
    answers: Plain,
    asides: Plain,
}

impl Progress {
    pub(super) fn new(streams: bool) -> Self {
        let (agents, busy, said) = Default::default();
        Self { streams, agents, busy, said, speaker: None, at_start: true }
    }

    /// What is going on, in a few words.
    pub(super) fn state(&self) -> String {
        match (&self.busy[..], &self.agents[..]) {
            ([], []) => "waiting for an agent".to_owned(),
            ([], agents) => format!("waiting for {}", names(agents)),
            (busy, _) => format!("{} at work", names(busy)),
        }
    }

    pub(super) fn event(&mut self, event: &Event) -> Vec<Piece> {
        let text = |field: &str| event[field].as_str().unwrap_or_default();
        match text("type") {
            "task_status" => {
                let agents = list(&event["task"]["assigned_agents"]);
                if event["task"]["status"] == "running" {
                    self.busy.clone_from(&agents);
                }
                self.assigned(agents, "")
            }
            "task.assigned" => {
                let why = match text("reason") {
                    "" | "target" => String::new(),
                    "default" => " by default".to_owned(),
                    "online" => ", who is online".to_owned(),
                    rule => format!(" by the rule `{}`", line(rule)),
                };
                self.assigned(list(&event["agents"]), &why)
            }
            "task.started" => {
                let agent = text("agent_id");
                if !self.busy.iter().any(|busy| busy == agent) {
                    self.busy.push(agent.to_owned());
                }
                vec![Piece::Step(format!("{} is at work", line(agent)))]
            }
            "task.progress" => match text("stream") {
                "stderr" => {
                    let said = self.said.entry(text("agent_id").to_owned()).or_default();
                    vec![Piece::Aside(said.asides.text(text("text")))]
                }
                _ if self.streams => self.speak(text("agent_id"), text("text")),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// What is still to be shown once the task has ended.
    pub(super) fn end(&mut self, task: &Task) -> Vec<Piece> {
        let answers = task.answers();
        if !self.streams {
            return whole(&answers);
        }
        let only = task.assigned_agents.first().cloned().unwrap_or_default();
        let mut pieces = Vec::new();
        for (agent, answer) in &answers {
            let agent = agent.unwrap_or(&only);
            let said = self.said.get(agent).map_or("", |said| said.answer.trim_start());
            let answer = answer.trim();
            match answer.strip_prefix(said) {
                // Long ones are cut in the gateway, after they were shown.
                _ if said.trim_end().len() >= answer.len() => {}
                Some(rest) => {
                    let rest = rest.to_owned();
                    pieces.extend(self.speak(agent, &rest));
                }
                // Some of it was missed, so that what was shown is not what was answered.
                None => {
                    pieces.extend(self.end_line());
                    pieces.push(Piece::Note(format!("the whole answer of {}:", line(agent))));
                    pieces.extend(self.speak(agent, answer));
                }
            }
        }
        pieces.extend(self.end_line());
        pieces
    }

    fn assigned(&mut self, agents: Vec<String>, why: &str) -> Vec<Piece> {
        if agents.is_empty() || agents == self.agents {
            return Vec::new();
        }
        self.agents = agents;
        vec![Piece::Note(format!("given to {}{why}", names(&self.agents)))]
    }

    /// With several agents, a heading marks each change of the speaker.
    fn speak(&mut self, agent: &str, text: &str) -> Vec<Piece> {
        let said = self.said.entry(agent.to_owned()).or_default();
        if said.answer.len() < KEPT {
            said.answer.push_str(text);
        }
        let shown = said.answers.text(text);
        if shown.is_empty() {
            return Vec::new();
        }
        let mut pieces = Vec::new();
        if self.agents.len() > 1 && self.speaker.as_deref() != Some(agent) {
            pieces.extend(self.end_line());
            pieces.push(Piece::Answer(format!("[{}]\n", line(agent))));
        }
        self.speaker = Some(agent.to_owned());
        self.at_start = shown.ends_with('\n');
        pieces.push(Piece::Answer(shown));
        pieces
    }

    fn end_line(&mut self) -> Option<Piece> {
        let is_open = !std::mem::replace(&mut self.at_start, true);
        is_open.then(|| Piece::Answer("\n".to_owned()))
    }
}

/// The answer as it is; several ones with headings.
pub(in crate::cli) fn written(answers: &[(Option<&str>, String)]) -> String {
    let mut text = String::new();
    for (agent, answer) in answers {
        let Some(agent) = agent else {
            text.push_str(answer);
            continue;
        };
        let gap = if text.is_empty() { "" } else { "\n" };
        let end = if answer.ends_with('\n') { "" } else { "\n" };
        text.push_str(&format!("{gap}[{agent}]\n{answer}{end}"));
    }
    text
}

fn whole(answers: &[(Option<&str>, String)]) -> Vec<Piece> {
    match written(answers) {
        text if text.is_empty() => Vec::new(),
        text => vec![Piece::Answer(text)],
    }
}

fn list(value: &Event) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

fn names(agents: &[String]) -> String {
    line(&agents.join(", "))
}

#[cfg(test)]
mod tests;

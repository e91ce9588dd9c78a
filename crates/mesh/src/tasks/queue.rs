//! Which agent begins next, without anybody at work.

use std::collections::{BTreeSet, HashMap};

use tokio_util::sync::CancellationToken;

/// How many agents of one id are at work at a time, where that is less than all slots.
pub(super) type Caps = HashMap<String, usize>;

/// What waits for a slot, and what has one. First come, first served, by the tasks' ids, which
/// sort by the time of acceptance; those for an agent that may do no more at a time are passed
/// over. A broadcast takes a slot per agent, as they become free: it never holds some while it
/// waits for more.
#[derive(Debug)]
pub(super) struct Queue {
    slots: usize,
    limit: usize,
    caps: Caps,
    is_closed: bool,
    /// Tasks that were accepted and of which no agent has begun, also those that are not yet in
    /// `waiting`.
    places: usize,
    waiting: HashMap<String, Waiting>,
    /// The same by agents, of those that have anything to do.
    lines: HashMap<String, Line>,
    running: usize,
    /// What ends a task's agents, and how many are at work.
    cancels: HashMap<String, (CancellationToken, usize)>,
}

#[derive(Debug)]
struct Waiting {
    /// Those that have not begun, each with its rank.
    agents: Vec<(usize, String)>,
    has_place: bool,
}

/// What one agent has to do.
#[derive(Debug, Default)]
struct Line {
    /// The tasks, each with the agent's rank in it.
    waiting: BTreeSet<(String, usize)>,
    running: usize,
}

/// An agent that has a slot for a task. It has to be given back.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    pub(super) task: String,
    pub(super) agent: String,
    pub(super) cancel: CancellationToken,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPlace {
    Full,
    Closed,
}

impl Queue {
    /// `slots` agents at work at a time, and `limit` tasks that wait.
    pub(super) fn new(slots: usize, limit: usize, caps: Caps) -> Self {
        Self {
            slots: slots.max(1),
            limit,
            caps,
            is_closed: false,
            places: 0,
            waiting: HashMap::new(),
            lines: HashMap::new(),
            running: 0,
            cancels: HashMap::new(),
        }
    }

    /// Other bounds. Those that are at work or wait are not touched, however many they are.
    pub(super) fn reconfigure(&mut self, slots: usize, limit: usize, caps: Caps) {
        self.slots = slots.max(1);
        self.limit = limit;
        self.caps = caps;
    }

    /// A place for a task that is about to be accepted.
    pub(super) fn reserve(&mut self) -> Result<(), NoPlace> {
        // One for which a slot is free waits for nothing.
        let room = self.limit.saturating_add(self.slots.saturating_sub(self.running));
        if self.is_closed {
            return Err(NoPlace::Closed);
        }
        if self.places >= room {
            return Err(NoPlace::Full);
        }
        self.places += 1;
        Ok(())
    }

    /// Gives a place back.
    pub(super) fn release(&mut self) {
        self.places = self.places.saturating_sub(1);
    }

    /// A task that has a place. It names each agent once.
    pub(super) fn push(&mut self, task: &str, agents: Vec<String>) {
        for (rank, agent) in agents.iter().enumerate() {
            let line = self.lines.entry(agent.clone()).or_default();
            line.waiting.insert((task.to_owned(), rank));
        }
        let agents = agents.into_iter().enumerate().collect();
        self.waiting.insert(task.to_owned(), Waiting { agents, has_place: true });
    }

    /// A task that was accepted before, whether or not there is a place.
    pub(super) fn push_again(&mut self, task: &str, agents: Vec<String>) {
        self.places += 1;
        self.push(task, agents);
    }

    /// The next one, if there is a slot.
    pub(super) fn pop(&mut self) -> Option<Ticket> {
        if self.is_closed || self.running >= self.slots {
            return None;
        }
        let may_begin = |(agent, line): &(&String, &Line)| {
            self.caps.get(*agent).is_none_or(|cap| line.running < *cap)
        };
        let able = self.lines.iter().filter(may_begin);
        let firsts = able.filter_map(|(agent, line)| Some((line.waiting.first()?, agent)));
        let agent = firsts.min()?.1.clone();
        let line = self.lines.get_mut(&agent)?;
        let (task, _) = line.waiting.pop_first()?;
        line.running += 1;
        self.running += 1;
        self.begin(&task, &agent);
        let (cancel, count) = self.cancels.entry(task.clone()).or_default();
        *count += 1;
        let cancel = cancel.clone();
        Some(Ticket { task, agent, cancel })
    }

    /// The first of a task's agents to begin gives its place back.
    fn begin(&mut self, task: &str, agent: &str) {
        let Some(waiting) = self.waiting.get_mut(task) else { return };
        waiting.agents.retain(|(_, other)| other != agent);
        let gives_place = std::mem::take(&mut waiting.has_place);
        if waiting.agents.is_empty() {
            self.waiting.remove(task);
        }
        if gives_place {
            self.release();
        }
    }

    /// Gives a slot back.
    pub(super) fn done(&mut self, ticket: &Ticket) {
        self.running = self.running.saturating_sub(1);
        if let Some(line) = self.lines.get_mut(&ticket.agent) {
            line.running = line.running.saturating_sub(1);
        }
        self.tidy(&ticket.agent);
        if let Some((_, count)) = self.cancels.get_mut(&ticket.task) {
            *count -= 1;
            if *count == 0 {
                self.cancels.remove(&ticket.task);
            }
        }
    }

    /// Its waiting agents never begin, and running ones are asked to stop.
    pub(super) fn cancel(&mut self, task: &str) {
        if let Some(waiting) = self.waiting.remove(task) {
            for (rank, agent) in waiting.agents {
                if let Some(line) = self.lines.get_mut(&agent) {
                    line.waiting.remove(&(task.to_owned(), rank));
                }
                self.tidy(&agent);
            }
            if waiting.has_place {
                self.release();
            }
        }
        if let Some((cancel, _)) = self.cancels.get(task) {
            cancel.cancel();
        }
    }

    /// Forgets an agent that has nothing to do.
    fn tidy(&mut self, agent: &str) {
        if self.lines.get(agent).is_some_and(|line| line.running == 0 && line.waiting.is_empty()) {
            self.lines.remove(agent);
        }
    }

    /// Whether it was closed.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Closes the queue: no agent gets a place or a slot from now on, and all running ones are
    /// asked to stop.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
        self.cancels.values().for_each(|(cancel, _)| cancel.cancel());
    }
}

#[cfg(test)]
mod tests;

//! Which agent begins next, without anybody at work.

use std::collections::{BTreeMap, HashMap, VecDeque};

use tokio_util::sync::CancellationToken;

/// What waits for a slot, and what has one. First come, first served, by the tasks' ids, which
/// sort by the time of acceptance. A broadcast takes a slot per agent, as they become free: it
/// never holds some while it waits for more.
#[derive(Debug)]
pub(super) struct Queue {
    slots: usize,
    limit: usize,
    is_closed: bool,
    /// Tasks that were accepted and of which no agent has begun, also those that are not yet in
    /// `waiting`.
    places: usize,
    waiting: BTreeMap<String, Waiting>,
    running: usize,
    /// What ends a task's agents, and how many are at work.
    cancels: HashMap<String, (CancellationToken, usize)>,
}

#[derive(Debug)]
struct Waiting {
    agents: VecDeque<String>,
    has_place: bool,
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
    pub(super) fn new(slots: usize, limit: usize) -> Self {
        Self {
            slots: slots.max(1),
            limit,
            is_closed: false,
            places: 0,
            waiting: BTreeMap::new(),
            running: 0,
            cancels: HashMap::new(),
        }
    }

    /// A place for a task that is about to be accepted.
    pub(super) fn reserve(&mut self) -> Result<(), NoPlace> {
        // One for which a slot is free waits for nothing.
        let room = self.limit.saturating_add(self.slots - self.running);
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

    /// A task that has a place.
    pub(super) fn push(&mut self, task: &str, agents: impl IntoIterator<Item = String>) {
        let agents = agents.into_iter().collect();
        self.waiting.insert(task.to_owned(), Waiting { agents, has_place: true });
    }

    /// A task that was accepted before, whether or not there is a place.
    pub(super) fn push_again(&mut self, task: &str, agents: impl IntoIterator<Item = String>) {
        self.places += 1;
        self.push(task, agents);
    }

    /// The next one, if there is a slot.
    pub(super) fn pop(&mut self) -> Option<Ticket> {
        if self.is_closed || self.running >= self.slots {
            return None;
        }
        let mut first = self.waiting.first_entry()?;
        let task = first.key().clone();
        let waiting = first.get_mut();
        let gives_place = std::mem::take(&mut waiting.has_place);
        let agent = waiting.agents.pop_front();
        if waiting.agents.is_empty() {
            first.remove();
        }
        if gives_place {
            self.release();
        }
        let agent = agent?;
        self.running += 1;
        let (cancel, count) = self.cancels.entry(task.clone()).or_default();
        *count += 1;
        let cancel = cancel.clone();
        Some(Ticket { task, agent, cancel })
    }

    /// Gives a slot back.
    pub(super) fn done(&mut self, task: &str) {
        self.running = self.running.saturating_sub(1);
        if let Some((_, count)) = self.cancels.get_mut(task) {
            *count -= 1;
            if *count == 0 {
                self.cancels.remove(task);
            }
        }
    }

    /// Those of its agents that wait never begin, and those at work are told to end.
    pub(super) fn cancel(&mut self, task: &str) {
        if self.waiting.remove(task).is_some_and(|waiting| waiting.has_place) {
            self.release();
        }
        if let Some((cancel, _)) = self.cancels.get(task) {
            cancel.cancel();
        }
    }

    /// Whether it was closed.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Nobody gets a place or a slot from now on, and all at work are told to end.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
        self.cancels.values().for_each(|(cancel, _)| cancel.cancel());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(agents: &[&str]) -> Vec<String> {
        agents.iter().map(|agent| (*agent).into()).collect()
    }

    fn next(queue: &mut Queue) -> Option<String> {
        queue.pop().map(|ticket| format!("{} {}", ticket.task, ticket.agent))
    }

    #[test]
    fn first_come_first_served_whenever_they_were_put_there() {
        let mut queue = Queue::new(3, 10);
        for task in ["3", "1", "2"] {
            queue.reserve().unwrap();
            queue.push(task, names(&["a"]));
        }
        let order: Vec<_> = std::iter::from_fn(|| next(&mut queue)).collect();
        assert_eq!(order, ["1 a", "2 a", "3 a"]);
    }

    #[test]
    fn a_broadcast_takes_slots_as_they_come() {
        let mut queue = Queue::new(2, 1);
        queue.reserve().unwrap();
        queue.push("1", names(&["a", "b", "c"]));
        assert_eq!(next(&mut queue).as_deref(), Some("1 a"));
        assert_eq!(queue.reserve(), Ok(()), "it does not wait any more");
        queue.push("2", names(&["a"]));
        assert_eq!(next(&mut queue).as_deref(), Some("1 b"));
        assert_eq!(next(&mut queue), None);
        assert_eq!(queue.reserve(), Err(NoPlace::Full));
        queue.done("1");
        assert_eq!(next(&mut queue).as_deref(), Some("1 c"));
        queue.done("1");
        assert_eq!(next(&mut queue).as_deref(), Some("2 a"));
    }

    #[test]
    fn a_cancel_frees_the_place_at_once_and_the_slot_when_it_is_given_back() {
        let mut queue = Queue::new(1, 1);
        for task in ["1", "2"] {
            queue.reserve().unwrap();
            queue.push(task, names(&["a"]));
        }
        let first = queue.pop().unwrap();
        assert_eq!(queue.reserve(), Err(NoPlace::Full));
        queue.cancel("2");
        assert_eq!(queue.reserve(), Ok(()));
        queue.push("3", names(&["a"]));
        queue.cancel("1");
        assert!(first.cancel.is_cancelled());
        assert!(queue.pop().is_none());
        queue.done("1");
        assert!(!queue.pop().unwrap().cancel.is_cancelled());
    }

    #[test]
    fn a_closed_one_gives_nothing() {
        let mut queue = Queue::new(2, 5);
        queue.push_again("1", names(&["a"]));
        let running = queue.pop().unwrap();
        queue.push_again("2", names(&["a"]));
        queue.close();
        assert!(running.cancel.is_cancelled());
        assert!(queue.pop().is_none());
        assert_eq!(queue.reserve(), Err(NoPlace::Closed));
    }

    proptest! {
        /// Whatever happens: no more at work than slots, no place lost, nobody twice.
        #[test]
        fn the_books_balance(steps in prop::collection::vec((0..4u8, 0..8usize), 0..80)) {
            let mut queue = Queue::new(3, 4);
            let (mut at_work, mut count) = (Vec::new(), 0usize);
            for (step, which) in steps {
                match step {
                    0 => if queue.reserve().is_ok() {
                        count += 1;
                        queue.push(&format!("{count:04}"), names(&["a", "b", "c"][..=which % 3]));
                    },
                    1 => if let Some(ticket) = queue.pop() {
                        let (task, agent) = (ticket.task, ticket.agent);
                        prop_assert!(!at_work.contains(&(task.clone(), agent.clone())));
                        at_work.push((task, agent));
                    },
                    2 if which < at_work.len() => {
                        let (task, _) = at_work.swap_remove(which);
                        queue.done(&task);
                    }
                    _ => queue.cancel(&format!("{:04}", count.saturating_sub(which))),
                }
                prop_assert!(at_work.len() <= 3);
                prop_assert_eq!(queue.running, at_work.len());
                let held = queue.waiting.values().filter(|waiting| waiting.has_place).count();
                prop_assert_eq!(queue.places, held);
                let cancels: usize = queue.cancels.values().map(|(_, count)| count).sum();
                prop_assert_eq!(cancels, at_work.len());
            }
        }
    }
}

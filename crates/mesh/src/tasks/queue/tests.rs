use proptest::prelude::*;

use super::*;

fn names(agents: &[&str]) -> Vec<String> {
    agents.iter().map(|agent| (*agent).into()).collect()
}

fn uncapped(slots: usize, limit: usize) -> Queue {
    Queue::new(slots, limit, Caps::new())
}

/// The next one's task and agent, and the ticket.
fn next(queue: &mut Queue) -> Option<(String, Ticket)> {
    queue.pop().map(|ticket| (format!("{} {}", ticket.task, ticket.agent), ticket))
}

fn order(queue: &mut Queue) -> Vec<String> {
    std::iter::from_fn(|| next(queue)).map(|(words, _)| words).collect()
}

fn put(queue: &mut Queue, tasks: &[(&str, &[&str])]) {
    for (task, agents) in tasks {
        queue.reserve().unwrap();
        queue.push(task, names(agents));
    }
}

#[test]
fn first_come_first_served_whenever_they_were_put_there() {
    let mut queue = uncapped(3, 10);
    put(&mut queue, &[("3", &["a"]), ("1", &["a"]), ("2", &["a"])]);
    assert_eq!(order(&mut queue), ["1 a", "2 a", "3 a"]);
}

#[test]
fn a_broadcast_takes_slots_as_they_come() {
    let mut queue = uncapped(2, 1);
    put(&mut queue, &[("1", &["c", "b", "a"])]);
    let (words, first) = next(&mut queue).unwrap();
    assert_eq!(words, "1 c");
    assert_eq!(queue.reserve(), Ok(()), "it does not wait any more");
    queue.push("2", names(&["a"]));
    let (words, second) = next(&mut queue).unwrap();
    assert_eq!(words, "1 b");
    assert!(queue.pop().is_none());
    assert_eq!(queue.reserve(), Err(NoPlace::Full));
    queue.done(&first);
    assert_eq!(order(&mut queue), ["1 a"]);
    queue.done(&second);
    assert_eq!(order(&mut queue), ["2 a"]);
}

#[test]
fn one_at_its_cap_is_passed_over_and_keeps_its_turn() {
    let mut queue = Queue::new(3, 10, Caps::from([("a".into(), 1)]));
    put(&mut queue, &[("1", &["a"]), ("2", &["a"]), ("3", &["a", "b"]), ("4", &["c"])]);
    let (words, first) = next(&mut queue).unwrap();
    assert_eq!(words, "1 a");
    let (words, second) = next(&mut queue).unwrap();
    assert_eq!(words, "3 b");
    assert_eq!(order(&mut queue), ["4 c"]);
    queue.done(&second);
    assert_eq!(order(&mut queue), [""; 0]);
    queue.done(&first);
    assert_eq!(order(&mut queue), ["2 a"]);
    queue.cancel("3");
    queue.reconfigure(3, 10, Caps::new());
    assert_eq!(order(&mut queue), [""; 0]);
}

#[test]
fn other_bounds_count_from_then_on() {
    let mut queue = uncapped(2, 1);
    put(&mut queue, &[("1", &["a"]), ("2", &["a"]), ("3", &["a"])]);
    let (_, first) = next(&mut queue).unwrap();
    let (_, second) = next(&mut queue).unwrap();
    queue.reconfigure(1, 2, Caps::new());
    queue.done(&first);
    assert!(queue.pop().is_none(), "one is still at work");
    put(&mut queue, &[("4", &["a"])]);
    assert_eq!(queue.reserve(), Err(NoPlace::Full));
    queue.done(&second);
    assert_eq!(order(&mut queue), ["3 a"]);
    queue.reconfigure(3, 2, Caps::from([("a".into(), 2)]));
    assert_eq!(order(&mut queue), ["4 a"]);
}

#[test]
fn a_cancel_frees_the_place_at_once_and_the_slot_when_it_is_given_back() {
    let mut queue = uncapped(1, 1);
    put(&mut queue, &[("1", &["a"]), ("2", &["a"])]);
    let first = queue.pop().unwrap();
    assert_eq!(queue.reserve(), Err(NoPlace::Full));
    queue.cancel("2");
    put(&mut queue, &[("3", &["a"])]);
    queue.cancel("1");
    assert!(first.cancel.is_cancelled());
    assert!(queue.pop().is_none());
    queue.done(&first);
    assert!(!queue.pop().unwrap().cancel.is_cancelled());
}

#[test]
fn a_closed_one_gives_nothing() {
    let mut queue = uncapped(2, 5);
    queue.push_again("1", names(&["a"]));
    let running = queue.pop().unwrap();
    queue.push_again("2", names(&["a"]));
    queue.close();
    assert!(running.cancel.is_cancelled());
    assert!(queue.pop().is_none());
    assert_eq!(queue.reserve(), Err(NoPlace::Closed));
}

const AGENTS: [&str; 3] = ["a", "b", "c"];

fn caps(which: usize) -> Caps {
    let some = [("a", which % 3), ("b", which / 3)].into_iter();
    some.filter(|(_, cap)| *cap > 0).map(|(agent, cap)| (agent.to_owned(), cap)).collect()
}

proptest! {
    /// For any sequence: no bound is exceeded, no agent that may begin waits for one that may not,
    /// no place is lost, and nothing runs twice.
    #[test]
    fn the_books_balance(steps in prop::collection::vec((0..5u8, 0..8usize), 0..80)) {
        let mut queue = uncapped(3, 4);
        let (mut at_work, mut count): (Vec<Ticket>, _) = (Vec::new(), 0usize);
        for (step, which) in steps {
            match step {
                0 => if queue.reserve().is_ok() {
                    count += 1;
                    queue.push(&format!("{count:04}"), names(&AGENTS[which % 3..]));
                },
                1 => {
                    let busy = |agent: &str| at_work.iter().filter(|t| t.agent == agent).count();
                    let able = |agent: &str| {
                        queue.caps.get(agent).is_none_or(|cap| busy(agent) < *cap)
                    };
                    let waiting = queue.waiting.iter().flat_map(|(task, waiting)| {
                        waiting.agents.iter().map(move |(rank, agent)| (task, rank, agent))
                    });
                    let expected = waiting
                        .filter(|(.., agent)| able(agent) && at_work.len() < queue.slots)
                        .min()
                        .map(|(task, _, agent)| (task.clone(), agent.clone()));
                    let ticket = queue.pop();
                    let found = ticket.as_ref().map(|t| (t.task.clone(), t.agent.clone()));
                    prop_assert_eq!(found, expected);
                    at_work.extend(ticket);
                }
                2 if which < at_work.len() => queue.done(&at_work.swap_remove(which)),
                3 => queue.reconfigure(1 + which % 4, 4, caps(which)),
                _ => queue.cancel(&format!("{:04}", count.saturating_sub(which))),
            }
            prop_assert_eq!(queue.running, at_work.len());
            let held = queue.waiting.values().filter(|waiting| waiting.has_place).count();
            prop_assert_eq!(queue.places, held);
            let cancels: usize = queue.cancels.values().map(|(_, count)| count).sum();
            prop_assert_eq!(cancels, at_work.len());
            let running: usize = queue.lines.values().map(|line| line.running).sum();
            prop_assert_eq!(running, at_work.len());
            let waiting: usize = queue.waiting.values().map(|waiting| waiting.agents.len()).sum();
            let in_line: usize = queue.lines.values().map(|line| line.waiting.len()).sum();
            prop_assert_eq!(waiting, in_line);
            prop_assert!(queue.lines.len() <= in_line + running, "nobody idle is remembered");
        }
    }
}

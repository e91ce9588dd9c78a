//! Log of past events, within bounds.

use std::collections::VecDeque;

use super::filter::Filter;
use super::frame::Frame;

/// The log's bounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) count: usize,
    pub(super) bytes: usize,
}

/// Two rings, so that what agents say while they work does not push out what became of it.
#[derive(Debug)]
pub(super) struct Log {
    lasting: Ring,
    chatter: Ring,
    /// The last number that was given.
    last: u64,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: u64,
    pub(super) frame: Frame,
    pub(super) task: Option<String>,
    pub(super) space: Option<String>,
}

impl Log {
    /// The first event gets the number after `start`, and nothing is known of those up to it.
    pub(super) fn new(start: u64, bounds: Bounds) -> Self {
        Self { lasting: Ring::new(start, bounds), chatter: Ring::new(start, bounds), last: start }
    }

    pub(super) fn next_id(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Entries come in order of their numbers.
    pub(super) fn push(&mut self, entry: Entry, chatter: bool) {
        let ring = if chatter { &mut self.chatter } else { &mut self.lasting };
        ring.push(entry);
    }

    /// What came after this number and is still known, and whether that is all.
    pub(super) fn since(&self, id: u64, filter: &Filter) -> (VecDeque<Frame>, bool) {
        let rings = [&self.lasting, &self.chatter];
        let mut entries: Vec<&Entry> = rings
            .iter()
            .flat_map(|ring| ring.entries.iter().rev().take_while(|entry| entry.id > id))
            .filter(|entry| filter.wants(entry.task.as_deref(), entry.space.as_deref()))
            .collect();
        entries.sort_unstable_by_key(|entry| entry.id);
        let is_all = id <= self.last && rings.iter().all(|ring| ring.lost <= id);
        (entries.into_iter().map(|entry| entry.frame.clone()).collect(), is_all)
    }
}

#[derive(Debug)]
struct Ring {
    entries: VecDeque<Entry>,
    bytes: usize,
    bounds: Bounds,
    /// The highest number that is not known any more.
    lost: u64,
}

impl Ring {
    fn new(lost: u64, bounds: Bounds) -> Self {
        Self { entries: VecDeque::new(), bytes: 0, bounds, lost }
    }

    fn push(&mut self, entry: Entry) {
        // One that there is no room for at all would push out all others in vain.
        if entry.frame.len() > self.bounds.bytes {
            self.lost = entry.id;
            return;
        }
        self.bytes += entry.frame.len();
        self.entries.push_back(entry);
        while self.entries.len() > self.bounds.count || self.bytes > self.bounds.bytes {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.frame.len();
            self.lost = self.lost.max(oldest.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::{Event, frame::Text};
    use super::*;

    const START: u64 = 1000;

    fn push(log: &mut Log, task: Option<&str>, chatter: bool) -> u64 {
        let id = log.next_id();
        let event = Event::Custom { r#type: "x".into(), data: json!(id) };
        let frame = Frame::numbered(id, &Text::new(&event));
        log.push(Entry { id, frame, task: task.map(Into::into), space: None }, chatter);
        id
    }

    fn ids(frames: &VecDeque<Frame>) -> Vec<u64> {
        let data = |frame: &Frame| serde_json::from_slice::<serde_json::Value>(&frame.json());
        frames.iter().map(|frame| data(frame).unwrap()["id"].as_u64().unwrap()).collect()
    }

    const ROOM: Bounds = Bounds { count: 3, bytes: 10_000 };

    #[test]
    fn what_is_missed_follows_in_order() {
        let mut log = Log::new(START, ROOM);
        for chatter in [false, true, false, true] {
            push(&mut log, None, chatter);
        }
        let (frames, is_all) = log.since(START + 1, &Filter::default());
        assert_eq!((ids(&frames), is_all), (vec![START + 2, START + 3, START + 4], true));
        let (frames, is_all) = log.since(START + 4, &Filter::default());
        assert_eq!((ids(&frames), is_all), (vec![], true), "nothing was missed");
    }

    #[test]
    fn what_is_not_known_is_admitted() {
        let mut log = Log::new(START, ROOM);
        push(&mut log, None, false);
        for id in [0, START - 1, START + 2, u64::MAX] {
            assert!(!log.since(id, &Filter::default()).1, "{id} was never given, or by another");
        }
        assert!(log.since(START, &Filter::default()).1);
    }

    #[test]
    fn chatter_pushes_out_chatter_only() {
        let mut log = Log::new(START, ROOM);
        let kept = push(&mut log, None, false);
        for _ in 0..10 {
            push(&mut log, None, true);
        }
        let (frames, is_all) = log.since(START, &Filter::default());
        assert_eq!(ids(&frames), [kept, START + 9, START + 10, START + 11]);
        assert!(!is_all);
    }

    #[test]
    fn one_that_is_too_large_pushes_out_nothing() {
        let mut log = Log::new(START, Bounds { bytes: 200, ..ROOM });
        let kept = push(&mut log, None, false);
        let id = log.next_id();
        let event = Event::Custom { r#type: "x".into(), data: json!("x".repeat(200)) };
        let frame = Frame::numbered(id, &Text::new(&event));
        log.push(Entry { id, frame, task: None, space: None }, false);
        let next = push(&mut log, None, false);
        let (frames, is_all) = log.since(START, &Filter::default());
        assert_eq!((ids(&frames), is_all), (vec![kept, next], false));
        assert!(log.since(id, &Filter::default()).1);
    }

    #[test]
    fn only_what_is_wanted_follows() {
        let mut log = Log::new(START, ROOM);
        push(&mut log, Some("a"), false);
        let wanted = push(&mut log, Some("b"), false);
        let filter = Filter { task: Some("b".into()), space: None };
        assert_eq!(ids(&log.since(START, &filter).0), [wanted]);
    }

    proptest! {
        #[test]
        fn it_keeps_its_bounds_and_tells_the_truth(
            chatter in proptest::collection::vec(any::<bool>(), 0..40),
            count in 1_usize..8,
            bytes in 0_usize..600,
            back in 0_u64..45,
        ) {
            let mut log = Log::new(START, Bounds { count, bytes });
            for chatter in &chatter {
                push(&mut log, None, *chatter);
                for ring in [&log.lasting, &log.chatter] {
                    prop_assert!(ring.entries.len() <= count && ring.bytes <= bytes);
                    prop_assert_eq!(ring.bytes, ring.entries.iter().map(|e| e.frame.len()).sum::<usize>());
                }
            }
            let last = START + chatter.len() as u64;
            let from = last - back.min(chatter.len() as u64);
            let (frames, is_all) = log.since(from, &Filter::default());
            let all: Vec<u64> = (from + 1..=last).collect();
            prop_assert_eq!(is_all, ids(&frames) == all);
        }
    }
}

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::Snapshot;

/// Snapshots of all sources, by name. The time is passed in.
#[derive(Debug, Default)]
pub(super) struct SnapshotTable {
    /// What the sources call a provider, in order of preference.
    names: HashMap<Box<str>, Box<[Arc<str>]>>,
    /// The first one counts.
    sources: Vec<Source>,
    /// How many there ever were.
    number: u64,
    /// The word that counts.
    told: HashMap<Arc<str>, Arc<Snapshot>>,
}

#[derive(Debug)]
struct Source {
    number: u64,
    entries: HashMap<Arc<str>, Entry>,
}

#[derive(Debug)]
struct Entry {
    snapshot: Arc<Snapshot>,
    read_at: Instant,
}

impl SnapshotTable {
    pub(super) fn new(names: HashMap<Box<str>, Box<[Arc<str>]>>) -> Self {
        Self { names, ..Self::default() }
    }

    pub(super) fn set_names(&mut self, names: HashMap<Box<str>, Box<[Arc<str>]>>) {
        self.names = names;
    }

    /// A place for another source, before or behind all others; its number.
    pub(super) fn add(&mut self, first: bool) -> u64 {
        self.number += 1;
        let place = if first { 0 } else { self.sources.len() };
        self.sources.insert(place, Source { number: self.number, entries: HashMap::new() });
        self.number
    }

    /// Removes a source and all of its snapshots.
    pub(super) fn remove(&mut self, source: u64) {
        self.sources.retain(|known| known.number != source);
        self.merge();
    }

    /// Stores a source's latest report. Names that are missing from it keep their snapshots for as
    /// long as those of a source that fails.
    pub(super) fn read(
        &mut self,
        source: u64,
        snapshots: Vec<(String, Snapshot)>,
        keep: Duration,
        now: Instant,
    ) {
        let entries = snapshots.into_iter().map(|(name, snapshot)| {
            (name.into(), Entry { snapshot: Arc::new(snapshot), read_at: now })
        });
        if let Some(known) = self.entries(source) {
            known.extend(entries);
        }
        self.forget(source, keep, now);
    }

    /// A source failed: its last report stays until it is older than `keep`.
    pub(super) fn forget(&mut self, source: u64, keep: Duration, now: Instant) {
        if let Some(known) = self.entries(source) {
            known.retain(|_, entry| now.saturating_duration_since(entry.read_at) <= keep);
        }
        self.merge();
    }

    /// A source that was removed may have a last word on its way.
    fn entries(&mut self, source: u64) -> Option<&mut HashMap<Arc<str>, Entry>> {
        let mut sources = self.sources.iter_mut();
        sources.find(|known| known.number == source).map(|known| &mut known.entries)
    }

    fn merge(&mut self) {
        // The first source counts, so it comes last.
        let entries = self.sources.iter().rev().flat_map(|source| &source.entries);
        self.told = entries.map(|(name, entry)| (name.clone(), entry.snapshot.clone())).collect();
    }

    /// The snapshot of a provider, by any of its names.
    pub(super) fn of(&self, provider: &str) -> Option<&Arc<Snapshot>> {
        match self.names.get(provider) {
            None => self.told.get(provider),
            Some(names) => names.iter().find_map(|name| self.told.get(name)),
        }
    }

    /// All of it, in the order of the names.
    pub(super) fn list(&self) -> Vec<(Arc<str>, Arc<Snapshot>)> {
        let mut list: Vec<_> =
            self.told.iter().map(|(name, snapshot)| (name.clone(), snapshot.clone())).collect();
        list.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEEP_FOR: Duration = Duration::from_secs(3);

    fn told(summary: &str) -> Vec<(String, Snapshot)> {
        vec![("a".to_owned(), Snapshot::new(true, summary))]
    }

    fn summary(board: &SnapshotTable) -> Option<&str> {
        board.of("a").map(|snapshot| snapshot.summary.as_str())
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_source_counts_while_it_has_a_word() {
        let (mut board, now) = (SnapshotTable::default(), Instant::now());
        let (first, second) = (board.add(false), board.add(false));
        board.read(second, told("second"), KEEP_FOR, now);
        assert_eq!(summary(&board), Some("second"));
        board.read(first, told("first"), KEEP_FOR, now);
        board.read(second, told("second again"), KEEP_FOR, now);
        assert_eq!((summary(&board), board.list().len()), (Some("first"), 1));
        board.forget(first, KEEP_FOR, now + 2 * KEEP_FOR);
        assert_eq!(summary(&board), Some("second again"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_word_stays_until_it_is_too_old() {
        let (mut board, now) = (SnapshotTable::default(), Instant::now());
        let source = board.add(false);
        board.read(source, told("old"), KEEP_FOR, now);
        board.forget(source, KEEP_FOR, now + KEEP_FOR);
        assert_eq!(summary(&board), Some("old"));
        // An empty report counts as a failure.
        board.read(source, Vec::new(), KEEP_FOR, now + KEEP_FOR);
        assert_eq!(summary(&board), Some("old"));
        board.read(source, Vec::new(), KEEP_FOR, now + KEEP_FOR + Duration::from_nanos(1));
        assert_eq!(summary(&board), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_is_gone_has_no_word_and_a_new_one_may_come_first() {
        let (mut board, now) = (SnapshotTable::default(), Instant::now());
        let old = board.add(false);
        board.read(old, told("old"), KEEP_FOR, now);
        let new = board.add(true);
        board.read(new, told("new"), KEEP_FOR, now);
        assert_eq!(summary(&board), Some("new"));
        board.remove(new);
        assert_eq!(summary(&board), Some("old"));
        board.read(new, told("late"), KEEP_FOR, now);
        board.remove(old);
        assert_eq!(summary(&board), None);
    }
}

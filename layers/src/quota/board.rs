use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::Snapshot;

/// What all sources have told, by name. The time comes from outside.
#[derive(Debug, Default)]
pub(super) struct Board {
    /// By source, in the order in which they are watched.
    sources: Vec<HashMap<Arc<str>, Entry>>,
    /// The word that counts.
    told: HashMap<Arc<str>, Arc<Snapshot>>,
}

#[derive(Debug)]
struct Entry {
    snapshot: Arc<Snapshot>,
    read_at: Instant,
}

impl Board {
    /// A place for another source.
    pub(super) fn add(&mut self) -> usize {
        self.sources.push(HashMap::new());
        self.sources.len() - 1
    }

    /// What a source has just told. Names that it did not tell of this time keep their snapshots
    /// for as long as those of a source that fails.
    pub(super) fn read(
        &mut self,
        source: usize,
        snapshots: Vec<(String, Snapshot)>,
        keep: Duration,
        now: Instant,
    ) {
        let entries = snapshots.into_iter().map(|(name, snapshot)| {
            (name.into(), Entry { snapshot: Arc::new(snapshot), read_at: now })
        });
        self.sources[source].extend(entries);
        self.forget(source, keep, now);
    }

    /// A source told nothing: what it said last stays until it is older than `keep`.
    pub(super) fn forget(&mut self, source: usize, keep: Duration, now: Instant) {
        self.sources[source]
            .retain(|_, entry| now.saturating_duration_since(entry.read_at) <= keep);
        self.merge();
    }

    /// A source will not tell anything any more.
    pub(super) fn clear(&mut self, source: usize) {
        self.sources[source].clear();
        self.merge();
    }

    fn merge(&mut self) {
        // The first source counts, so it comes last.
        let entries = self.sources.iter().rev().flatten();
        self.told = entries.map(|(name, entry)| (name.clone(), entry.snapshot.clone())).collect();
    }

    pub(super) fn get(&self, name: &str) -> Option<&Arc<Snapshot>> {
        self.told.get(name)
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

    const KEEP: Duration = Duration::from_secs(3);

    fn told(summary: &str) -> Vec<(String, Snapshot)> {
        vec![("a".to_owned(), Snapshot::new(true, summary))]
    }

    fn summary(board: &Board) -> Option<&str> {
        board.get("a").map(|snapshot| snapshot.summary.as_str())
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_source_counts_while_it_has_a_word() {
        let (mut board, now) = (Board::default(), Instant::now());
        let (first, second) = (board.add(), board.add());
        board.read(second, told("second"), KEEP, now);
        assert_eq!(summary(&board), Some("second"));
        board.read(first, told("first"), KEEP, now);
        board.read(second, told("second again"), KEEP, now);
        assert_eq!((summary(&board), board.list().len()), (Some("first"), 1));
        board.forget(first, KEEP, now + 2 * KEEP);
        assert_eq!(summary(&board), Some("second again"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_word_stays_until_it_is_too_old() {
        let (mut board, now) = (Board::default(), Instant::now());
        let source = board.add();
        board.read(source, told("old"), KEEP, now);
        board.forget(source, KEEP, now + KEEP);
        assert_eq!(summary(&board), Some("old"));
        // Told of nothing is as good as failed.
        board.read(source, Vec::new(), KEEP, now + KEEP);
        assert_eq!(summary(&board), Some("old"));
        board.read(source, Vec::new(), KEEP, now + KEEP + Duration::from_nanos(1));
        assert_eq!(summary(&board), None);
    }
}

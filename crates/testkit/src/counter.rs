//! A number that can be awaited.

use tokio::sync::watch;

/// Counts something; clones count together.
#[derive(Clone, Debug)]
pub(super) struct Tally(watch::Sender<usize>);

impl Tally {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(0))
    }

    pub(super) fn get(&self) -> usize {
        *self.0.borrow()
    }

    /// Adds one and returns what was counted before.
    pub(super) fn add(&self) -> usize {
        let mut before = 0;
        self.0.send_modify(|count| {
            before = *count;
            *count += 1;
        });
        before
    }

    /// Adds one for as long as the returned guard lives.
    pub(super) fn hold(&self) -> Held {
        self.add();
        Held(self.clone())
    }

    /// Waits until at least `count` were counted.
    pub(super) async fn reached(&self, count: usize) {
        // The sender is `self`, so the channel cannot close meanwhile.
        let _ = self.0.subscribe().wait_for(|now| *now >= count).await;
    }
}

/// Gives back on drop what [`Tally::hold`] added.
#[derive(Debug)]
pub(super) struct Held(Tally);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}

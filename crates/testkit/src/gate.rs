//! A gate in a scripted reply, opened by the test.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// Holds a [`Reply`](super::Reply) back until the test opens it. Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Semaphore>);

impl Gate {
    /// A shut gate.
    pub fn new() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Lets one waiting reply through, or the next one that comes.
    pub fn open_one(&self) {
        self.0.add_permits(1);
    }

    /// Opens the gate permanently.
    pub fn open(&self) {
        self.0.close();
    }

    /// Waits to be let through.
    pub async fn pass(&self) {
        // A closed semaphore is a gate that stays open.
        if let Ok(permit) = self.0.acquire().await {
            permit.forget();
        }
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::{SystemTime, UNIX_EPOCH},
};

use tokio::{
    task::JoinHandle,
    time::{Timeout, timeout},
};

use super::{capture::Delivered, keep::Keep};

/// A response on its way into the store. It goes on in a task of its own, so that it gets there
/// even when nobody waits any longer.
#[derive(Debug)]
// Boxed, as most bodies never have one.
pub(super) struct Writing(Pin<Box<Timeout<JoinHandle<()>>>>);

impl Writing {
    pub(super) fn start(keep: Keep, delivered: Delivered) -> Self {
        let Keep { store, owner, patience, asked } = keep;
        let id = delivered.id.clone();
        let write = async move {
            let stored = asked.answered(delivered, now());
            if let Err(error) = store.put(&owner, stored).await {
                tracing::error!(%id, %error, "a response could not be stored");
            }
        };
        Self(Box::pin(timeout(patience, tokio::spawn(write))))
    }

    /// Ready when it is stored, could not be stored, or took too long.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match ready!(self.0.as_mut().poll(cx)) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "a response could not be stored"),
            Err(_) => tracing::warn!("storing a response takes long: nobody waits for it any more"),
        }
        Poll::Ready(())
    }
}

/// In seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::{SystemTime, UNIX_EPOCH},
};

use tokio::{
    task::{JoinError, JoinHandle},
    time::{Timeout, error::Elapsed, timeout},
};

use super::{capture::Delivered, persist::Persist};

/// A response on its way into the store. It is written by a task of its own, so that it completes
/// even when the client has disconnected.
// Boxed, as most bodies never have one.
#[derive(Debug)]
pub(super) enum StoreWrite {
    /// The client has not read the answer to its end.
    Due(Box<(Persist, Delivered)>),
    Started(Pin<Box<Timeout<JoinHandle<()>>>>),
}

impl StoreWrite {
    pub(super) fn of(keep: Persist, delivered: Delivered) -> Self {
        Self::Due(Box::new((keep, delivered)))
    }

    /// Ready when it is stored, could not be stored, or took too long.
    pub(super) fn poll(writing: &mut Option<Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut task = match writing.take() {
            None => return Poll::Ready(()),
            Some(Self::Due(due)) => start(due.0, due.1),
            Some(Self::Started(task)) => task,
        };
        match task.as_mut().poll(cx) {
            Poll::Ready(ended) => report(ended),
            Poll::Pending => {
                *writing = Some(Self::Started(task));
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }
}

fn start(keep: Persist, delivered: Delivered) -> Pin<Box<Timeout<JoinHandle<()>>>> {
    let Persist { store, owner, store_timeout, asked } = keep;
    let id = delivered.id.clone();
    let write = async move {
        let stored = asked.answered(delivered, now());
        if let Err(error) = store.put(&owner, stored).await {
            tracing::error!(%id, error = &*error, "a response could not be stored");
        }
    };
    Box::pin(timeout(store_timeout, tokio::spawn(write)))
}

fn report(ended: Result<Result<(), JoinError>, Elapsed>) {
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "a response could not be stored"),
        Err(_) => tracing::warn!("a response takes long to store: nobody waits any more"),
    }
}

/// In seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

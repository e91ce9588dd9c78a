//! Queue of one listener.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use super::frame::Frame;
use super::log::Bounds;

/// Filled by publishers, without waiting, and emptied by its listener.
#[derive(Debug)]
pub(super) struct Queue {
    bounds: Bounds,
    state: Mutex<QueueState>,
}

#[derive(Debug, Default)]
struct QueueState {
    frames: VecDeque<Frame>,
    bytes: usize,
    end: Option<End>,
    waker: Option<Waker>,
}

/// Reason for the end of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The gateway stops.
    Closed,
    /// The listener was too slow. What was waiting for it is gone: it has to come back for it.
    Overrun,
}

impl Queue {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, state: Mutex::default() }
    }

    /// Whether it found room; else the queue has ended. The waker is to be woken without any lock.
    pub(super) fn push(&self, frame: &Frame) -> (bool, Option<Waker>) {
        let mut state = self.state.lock();
        if state.end.is_some() {
            return (false, None);
        }
        // A single event that exceeds the byte limit still reaches a waiting listener.
        let bytes = state.bytes + frame.len();
        let is_over = state.frames.len() >= self.bounds.count || bytes > self.bounds.bytes;
        if is_over && !state.frames.is_empty() {
            state.frames = VecDeque::new();
            state.bytes = 0;
            state.end = Some(End::Overrun);
        } else {
            state.bytes = bytes;
            state.frames.push_back(frame.clone());
        }
        (state.end.is_none(), state.waker.take())
    }

    /// What is in it can still be heard.
    pub(super) fn close(&self) -> Option<Waker> {
        let mut state = self.state.lock();
        state.end.get_or_insert(End::Closed);
        state.waker.take()
    }

    pub(super) fn poll_next(&self, cx: &Context<'_>) -> Poll<Result<Frame, End>> {
        let mut state = self.state.lock();
        if let Some(frame) = state.frames.pop_front() {
            state.bytes -= frame.len();
            return Poll::Ready(Ok(frame));
        }
        if let Some(end) = state.end {
            return Poll::Ready(Err(end));
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

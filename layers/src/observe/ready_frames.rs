use std::collections::VecDeque;

use bytes::Bytes;

/// Frames that may pass, in order. Nearly always it is one at a time, which costs no allocation.
#[derive(Debug, Default)]
pub(super) struct ReadyFrames {
    next: Option<Bytes>,
    more: VecDeque<Bytes>,
}

impl ReadyFrames {
    pub(super) fn push(&mut self, frame: Bytes) {
        if self.next.is_none() {
            self.next = Some(frame);
        } else {
            self.more.push_back(frame);
        }
    }

    pub(super) fn pop(&mut self) -> Option<Bytes> {
        let next = self.next.take();
        self.next = self.more.pop_front();
        next
    }

    pub(super) fn is_empty(&self) -> bool {
        self.next.is_none()
    }
}

use std::collections::VecDeque;

use bytes::Bytes;

/// Frames of an answer that are kept back until it is committed.
#[derive(Debug, Default)]
pub(super) struct HeldFrames {
    frames: VecDeque<Bytes>,
    size: u64,
}

impl HeldFrames {
    /// Empty frames only say that something came.
    pub(super) fn push(&mut self, frame: Bytes) {
        if !frame.is_empty() {
            self.size += frame.len() as u64;
            self.frames.push_back(frame);
        }
    }

    pub(super) fn pop(&mut self) -> Option<Bytes> {
        let frame = self.frames.pop_front()?;
        self.size -= frame.len() as u64;
        Some(frame)
    }

    /// The frames in one piece; they stay.
    pub(super) fn to_bytes(&self) -> Bytes {
        match self.frames.len() {
            0 => Bytes::new(),
            1 => self.frames[0].clone(),
            _ => self.frames.iter().flatten().copied().collect(),
        }
    }

    /// Bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }
}

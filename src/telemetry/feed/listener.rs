use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::{
    sync::mpsc::Receiver,
    time::{Duration, Instant, Interval, MissedTickBehavior, interval_at},
};

use super::{Event, RequestFeed};

/// Interval of heartbeats, which keep proxies and clients from closing the stream.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// A listener's subscription. Its slot is free again when this is dropped.
#[derive(Debug)]
pub struct Listener {
    opening: Option<Bytes>,
    told: Receiver<Bytes>,
    heartbeat: Interval,
    live: RequestFeed,
}

impl Listener {
    pub(super) fn new(told: Receiver<Bytes>, live: RequestFeed, left_out: u64) -> Self {
        let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { opening: Some(Event::Connected { left_out }.sse()), told, heartbeat, live }
    }

    /// The next event as its lines in an event stream; `None` when there will be none.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(opening) = self.opening.take() {
            return Poll::Ready(Some(opening));
        }
        if let Poll::Ready(told) = self.told.poll_recv(cx) {
            return Poll::Ready(told);
        }
        self.heartbeat.poll_tick(cx).map(|_| {
            let left_out = self.live.left_out();
            Some(Event::Heartbeat { left_out }.sse())
        })
    }
}

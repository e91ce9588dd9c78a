use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::frame::Frame;
use super::queue::End;
use super::{Event, Subscription};

/// Interval of heartbeats, which keep proxies and clients from closing the stream.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Event stream of one client, over any transport.
#[derive(Debug)]
pub struct EventStream {
    ready: VecDeque<Frame>,
    live: Subscription,
    heartbeat: Interval,
}

impl EventStream {
    pub(super) fn new(ready: VecDeque<Frame>, live: Subscription) -> Self {
        let mut heartbeat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ready, live, heartbeat }
    }

    /// The next event, or why there will be none.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Frame, End>> {
        if let Some(frame) = self.ready.pop_front() {
            return Poll::Ready(Ok(frame));
        }
        if self.heartbeat.poll_tick(cx).is_ready() {
            return Poll::Ready(Ok(Frame::passing(&Event::Heartbeat {})));
        }
        Poll::Ready(ready!(self.live.poll_next(cx)))
    }

    /// Like `poll_next`, to be awaited. Cancel-safe.
    ///
    /// # Errors
    ///
    /// When there will be none.
    pub async fn next(&mut self) -> Result<Frame, End> {
        poll_fn(|cx| self.poll_next(cx)).await
    }
}

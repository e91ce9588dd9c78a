//! The requests are bytes that are written as they are, and answers are read no further than to their
//! end: what makes the load should cost next to nothing.

use std::net::SocketAddr;
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::provider::find;

/// Enough to keep two cores busy.
const CONNECTIONS: usize = 8;

/// Nanoseconds.
pub(crate) type Delays = Histogram<u64>;

const MINUTE: u64 = 60_000_000_000;

/// What is found at one rate.
#[derive(Clone)]
pub(crate) struct Delay {
    pub(crate) first: Delays,
    pub(crate) whole: Delays,
}

impl Delay {
    pub(crate) fn new() -> Self {
        let empty = || Delays::new_with_bounds(1, MINUTE, 3).expect("sound bounds");
        Self { first: empty(), whole: empty() }
    }
}

/// As many requests as there is time for; how many that were.
pub(crate) async fn closed(address: SocketAddr, request: &[u8], time: Duration) -> u64 {
    let end = Instant::now() + time;
    let mut clients = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let request = request.to_vec();
        clients.spawn(async move {
            let mut client = Client::connect(address).await;
            let mut done = 0;
            while Instant::now() < end {
                client.exchange(&request).await;
                done += 1;
            }
            done
        });
    }
    clients.join_all().await.into_iter().sum()
}

/// Requests at a fixed rate, whatever becomes of them. A request that has to wait for the one before
/// it has waited since it was due; what the timer is late does not count.
pub(crate) async fn open(
    address: SocketAddr,
    request: &[u8],
    rate: u32,
    time: Duration,
    into: &mut Delay,
) {
    let start = Instant::now() + Duration::from_millis(5);
    let interval = Duration::from_secs(1) / rate;
    let mut clients = JoinSet::new();
    for lane in 0..CONNECTIONS as u32 {
        let request = request.to_vec();
        clients.spawn(async move {
            let mut client = Client::connect(address).await;
            let mut delay = Delay::new();
            let mut due = start + interval * lane;
            while due < start + time {
                let is_free = Instant::now() < due;
                sleep_until(due).await;
                let begin = if is_free { Instant::now() } else { due };
                let first = client.exchange(&request).await;
                record(&mut delay.first, first - begin);
                record(&mut delay.whole, begin.elapsed());
                due += interval * CONNECTIONS as u32;
            }
            delay
        });
    }
    for delay in clients.join_all().await {
        into.first.add(delay.first).expect("the same digits");
        into.whole.add(delay.whole).expect("the same digits");
    }
}

fn record(delays: &mut Delays, delay: Duration) {
    delays.saturating_record(u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX));
}

/// One connection.
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("it listens");
        stream.set_nodelay(true).expect("a socket");
        Self { stream, buffer: Vec::with_capacity(64 << 10) }
    }

    /// Sends the request and reads the whole answer; when the first of its body came.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Instant {
        let (head, rest) = self.begin(request).await;
        let first = Instant::now();
        match rest {
            Rest::Bytes(length) => {
                while self.buffer.len() < head + length {
                    self.read().await;
                }
            }
            Rest::Chunks => {
                while !self.buffer.ends_with(b"\r\n0\r\n\r\n") {
                    self.read().await;
                }
            }
        }
        first
    }

    /// Sends the request and reads until the body begins: where that is, and what it will be.
    pub(crate) async fn begin(&mut self, request: &[u8]) -> (usize, Rest) {
        self.stream.write_all(request).await.expect("it reads");
        self.buffer.clear();
        loop {
            self.read().await;
            let Some(end) =
                find(&self.buffer, b"\r\n\r\n").filter(|end| self.buffer.len() > end + 4)
            else {
                continue;
            };
            let head = String::from_utf8_lossy(&self.buffer[..end]).to_ascii_lowercase();
            let body = || String::from_utf8_lossy(&self.buffer[end..]).into_owned();
            assert!(head.starts_with("http/1.1 200 "), "{head}{}", body());
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let rest =
                length.map_or(Rest::Chunks, |value| Rest::Bytes(value.parse().expect("a number")));
            return (end + 4, rest);
        }
    }

    async fn read(&mut self) {
        let read = self.stream.read_buf(&mut self.buffer).await.expect("it answers");
        assert!(read > 0, "it hung up");
    }
}

pub(crate) enum Rest {
    Bytes(usize),
    Chunks,
}

//! Passes on output of a running agent, in a bounded number of pieces.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Instant, timeout_at};

use super::capture::Capture;
use super::utf8::{self, Decoder};
use crate::agents::Stream;

/// At most one piece of a stream in this time, if the pieces are not large.
const INTERVAL: Duration = Duration::from_millis(50);
/// The largest piece, in bytes, but for what one read more brings.
const PIECE: usize = 64 << 10;

/// Callback for output.
pub(in crate::agents) type Listener = Box<dyn Fn(Stream, String) + Send + Sync>;

/// Passes on so much, and then only says that there is more.
pub(super) struct Progress {
    listener: Listener,
    /// In bytes. `None` once it was said that there is more.
    left: Mutex<Option<usize>>,
}

impl Progress {
    pub(super) fn new(listener: Listener, limit: usize) -> Self {
        Self { listener, left: Mutex::new(Some(limit)) }
    }

    fn is_over(&self) -> bool {
        self.left.lock().is_none()
    }

    fn say(&self, stream: Stream, text: String) {
        if text.is_empty() {
            return;
        }
        let mut left = self.left.lock();
        let Some(room) = *left else { return };
        *left = room.checked_sub(text.len());
        let is_last = left.is_none();
        drop(left);
        if is_last {
            let shown = utf8::start(&text, room);
            (self.listener)(stream, format!("{shown}\n[... no more of this is shown ...]\n"));
        } else {
            (self.listener)(stream, text);
        }
    }
}

/// Reads to the end, however much that is, and never waits for a listener.
pub(super) async fn listen(
    mut pipe: impl AsyncRead + Unpin,
    stream: Stream,
    kept: &Mutex<Capture>,
    progress: &Progress,
) {
    let mut buffer = vec![0; 16 << 10];
    let mut decoder = Decoder::default();
    let mut pending = String::new();
    let mut due = Instant::now();
    loop {
        let reading = pipe.read(&mut buffer);
        let read = match pending.is_empty() {
            true => Ok(reading.await),
            false => timeout_at(due, reading).await,
        };
        match read {
            Ok(Ok(0) | Err(_)) => break,
            Ok(Ok(length)) => {
                let bytes = &buffer[..length];
                kept.lock().push(bytes);
                if !progress.is_over() {
                    pending.push_str(&decoder.push(bytes));
                }
                if pending.len() < PIECE && Instant::now() < due {
                    continue;
                }
            }
            Err(_) => {}
        }
        progress.say(stream, std::mem::take(&mut pending));
        due = Instant::now() + INTERVAL;
    }
    pending.push_str(&decoder.finish());
    progress.say(stream, pending);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::AsyncWriteExt;

    use super::*;

    type Heard = Arc<Mutex<Vec<(Duration, String)>>>;

    fn ear(limit: usize) -> (Heard, Progress) {
        let heard = Heard::default();
        let (all, begin) = (heard.clone(), Instant::now());
        let listener = move |_, text| all.lock().push((begin.elapsed(), text));
        (heard, Progress::new(Box::new(listener), limit))
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_comes_at_once_and_others_together() {
        let (heard, progress) = ear(1000);
        let kept = Mutex::new(Capture::both_ends(1000));
        let (mut write, read) = tokio::io::duplex(64);
        let talk = async move {
            for word in ["a", "b", "c", "\u{20ac}"] {
                for byte in word.bytes() {
                    write.write_all(&[byte]).await.unwrap();
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        };
        tokio::join!(talk, listen(read, Stream::Stdout, &kept, &progress));
        let ms = Duration::from_millis;
        let expected = [(ms(0), "a"), (ms(50), "bc"), (ms(100), "€")];
        assert_eq!(*heard.lock(), expected.map(|(at, text)| (at, text.to_owned())));
        assert_eq!(kept.lock().text(), "abc€");
    }

    #[tokio::test(start_paused = true)]
    async fn a_fast_talker_is_cut_short_but_read_to_the_end() {
        let (heard, progress) = ear(100);
        let kept = Mutex::new(Capture::both_ends(200));
        let bytes = "ä".repeat(1 << 20).into_bytes();
        listen(&bytes[..], Stream::Stdout, &kept, &progress).await;
        let heard = heard.lock();
        assert_eq!(heard.len(), 1);
        let expected = format!("{}\n[... no more of this is shown ...]\n", "ä".repeat(50));
        assert_eq!(heard[0].1, expected);
        assert!(kept.lock().text().contains("bytes are left out"));
    }
}

//! A close after which the client can still read the answer.

use std::{
    future::Future,
    io,
    mem::MaybeUninit,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// How long the rest of a request is read after the answer.
const LINGER_TIMEOUT: Duration = Duration::from_secs(2);
/// How much of it, in bytes.
const MAX_LINGER_BYTES: usize = 128 << 20;
const READ_BYTES: usize = 16 << 10;

/// Whether the last request of a connection was answered before its body was read. A handle.
#[derive(Clone, Debug, Default)]
pub(super) struct UnreadBody(Arc<AtomicBool>);

impl UnreadBody {
    pub(super) fn set(&self, is_unread: bool) {
        self.0.store(is_unread, Ordering::Relaxed);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A connection that reads on for a moment after it was shut down for writing, and drops what comes.
///
/// A socket that is closed while bytes are unread, or still come, resets the connection. Then the
/// client fails to send, and does not get to see the answer which says why. So the answer and the
/// end of the stream go out first, and the socket is closed when the client has closed its own side,
/// within [`LINGER_TIMEOUT`] and [`MAX_LINGER_BYTES`].
///
/// A connection whose requests were read to their end, and on which nothing else has come, is closed
/// at once.
pub(super) struct LingeringClose<T> {
    inner: T,
    unread: UnreadBody,
    is_shut: bool,
    left: usize,
    /// Runs while it lingers.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<T> LingeringClose<T> {
    pub(super) fn new(inner: T, unread: UnreadBody) -> Self {
        Self { inner, unread, is_shut: false, left: MAX_LINGER_BYTES, timer: None }
    }
}

impl<T: AsyncRead + Unpin> LingeringClose<T> {
    /// Resolves when the client has nothing more to say, or has said too much.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // First: reads may be ready each time.
        if let Some(timer) = &mut self.timer
            && timer.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(());
        }
        let before = self.left;
        loop {
            let mut space = [MaybeUninit::uninit(); READ_BYTES];
            let mut buffer = ReadBuf::uninit(&mut space);
            match Pin::new(&mut self.inner).poll_read(cx, &mut buffer) {
                Poll::Pending => break,
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Ready(Ok(())) => match (buffer.filled().len(), &mut self.left) {
                    (0, _) => return Poll::Ready(()),
                    (read, left) if read < *left => *left -= read,
                    _ => return Poll::Ready(()),
                },
            }
        }
        if self.timer.is_none() {
            if self.left == before && !self.unread.get() {
                return Poll::Ready(());
            }
            let timer = self.timer.insert(Box::pin(sleep(LINGER_TIMEOUT)));
            ready!(timer.as_mut().poll(cx));
        }
        Poll::Pending
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for LingeringClose<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for LingeringClose<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_shut {
            ready!(Pin::new(&mut self.inner).poll_shutdown(cx))?;
            self.is_shut = true;
        }
        self.poll_linger(cx).map(Ok)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
        time::Instant,
    };

    use super::*;

    fn connection(is_unread: bool) -> (DuplexStream, LingeringClose<DuplexStream>) {
        let (client, server) = duplex(64 << 10);
        let unread = UnreadBody::default();
        unread.set(is_unread);
        (client, LingeringClose::new(server, unread))
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_when_the_client_has_read_the_answer() {
        let (mut client, mut server) = connection(true);
        let started = Instant::now();
        let sending = async {
            client.write_all(&[b'x'; 1 << 20]).await.unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            drop(client);
            answer
        };
        let closing = async {
            server.write_all(b"413").await.unwrap();
            server.shutdown().await.unwrap();
        };
        let (answer, ()) = tokio::join!(sending, closing);
        assert_eq!((&*answer, started.elapsed()), ("413", Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_neither_sends_nor_closes_is_left() {
        let (_client, mut server) = connection(true);
        let started = Instant::now();
        server.shutdown().await.unwrap();
        assert_eq!(started.elapsed().as_secs(), LINGER_TIMEOUT.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_sends_for_ever_is_cut() {
        for pause in [0, 100] {
            let (mut client, mut server) = connection(true);
            let started = Instant::now();
            let sending = tokio::spawn(async move {
                let mut sent = 0;
                while client.write_all(&[b'x'; 64 << 10]).await.is_ok() {
                    sent += 64 << 10;
                    if pause > 0 {
                        sleep(Duration::from_millis(pause)).await;
                    }
                }
                sent
            });
            server.shutdown().await.unwrap();
            assert!(started.elapsed() <= LINGER_TIMEOUT + Duration::from_millis(1));
            drop(server);
            let sent = sending.await.unwrap();
            assert!(sent <= MAX_LINGER_BYTES + (128 << 10), "{sent}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_was_read_is_closed_at_once() {
        let (mut client, mut server) = connection(false);
        let started = Instant::now();
        server.shutdown().await.unwrap();
        assert_eq!(started.elapsed(), Duration::ZERO);
        drop(server);
        assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_that_nobody_asked_for_are_read_as_well() {
        let (mut client, mut server) = connection(false);
        client.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        let started = Instant::now();
        let closing = async { server.shutdown().await.unwrap() };
        let leaving = async {
            sleep(Duration::from_secs(1)).await;
            drop(client);
        };
        tokio::join!(closing, leaving);
        assert_eq!(started.elapsed().as_secs(), 1);
    }
}

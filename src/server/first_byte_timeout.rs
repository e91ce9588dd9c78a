use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// Length of the HTTP/2 preface (RFC 9113, 3.4), in bytes: after it hyper has chosen a protocol. No
/// HTTP/1.1 request is shorter.
const PREFACE_LEN: usize = 24;

pin_project! {
    /// A connection that has to say something at first. Once it has, the server has deadlines of
    /// its own; before, it waits for ever to learn the version.
    ///
    /// It holds what has to last as long as it does.
    pub(super) struct FirstByteTimeout<T, H> {
        #[pin]
        inner: T,
        #[pin]
        timer: Option<Sleep>,
        read: usize,
        held: H,
    }
}

impl<T, H> FirstByteTimeout<T, H> {
    /// Zero switches it off.
    pub(super) fn new(inner: T, limit: Duration, held: H) -> Self {
        Self { inner, timer: (!limit.is_zero()).then(|| sleep(limit)), read: 0, held }
    }
}

impl<T: AsyncRead, H> AsyncRead for FirstByteTimeout<T, H> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut this = self.project();
        let before = buffer.filled().len();
        let polled = this.inner.poll_read(cx, buffer);
        let Some(timer) = this.timer.as_mut().as_pin_mut() else { return polled };
        if polled.is_pending() {
            ready!(timer.poll(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        *this.read += buffer.filled().len() - before;
        if *this.read >= PREFACE_LEN {
            this.timer.set(None);
        }
        polled
    }
}

impl<T: AsyncWrite, H> AsyncWrite for FirstByteTimeout<T, H> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.project().inner.poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.project().inner.poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        time::Instant,
    };

    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn silence_ends_it_and_so_does_half_a_preface() {
        for said in [&b""[..], b"PRI * HTTP/2.0\r\n"] {
            let (mut client, server) = duplex(64);
            let mut server = Box::pin(FirstByteTimeout::new(server, LIMIT, ()));
            let started = Instant::now();
            client.write_all(said).await.unwrap();
            let mut read = Vec::new();
            let error = server.read_to_end(&mut read).await.unwrap_err();
            assert_eq!((error.kind(), &*read), (io::ErrorKind::TimedOut, said));
            assert_eq!(started.elapsed().as_secs(), 30);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_its_beginning_it_may_be_silent() {
        for limit in [LIMIT, Duration::ZERO] {
            let (mut client, server) = duplex(64);
            let mut server = Box::pin(FirstByteTimeout::new(server, limit, ()));
            client.write_all(&[b'a'; PREFACE_LEN]).await.unwrap();
            server.read_exact(&mut [0; PREFACE_LEN]).await.unwrap();
            let late = async {
                sleep(10 * LIMIT).await;
                client.write_all(b"late").await.unwrap();
            };
            let mut word = [0; 4];
            let (_, read) = tokio::join!(late, server.read_exact(&mut word));
            assert_eq!((read.unwrap(), &word), (4, b"late"));
        }
    }
}

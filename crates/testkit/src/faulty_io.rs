//! The socket as hyper sees it, and the line by which a reply can reach behind hyper's back.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::{mpsc, watch},
};

use super::fault::Fault;

/// A wait inside a reply; there are few, and a name for each would say nothing.
pub(super) type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The socket, lent to hyper: the connection task keeps it, and gets it back when hyper's part is dropped.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Arc<TcpStream>,
    flushes: watch::Sender<()>,
}

/// What a reply knows of its connection.
#[derive(Clone, Debug)]
pub(super) struct Line {
    flushes: watch::Receiver<()>,
    faults: mpsc::Sender<Fault>,
}

/// A wire over `stream`, its line, and where the connection task hears of faults.
pub(super) fn connect(stream: Arc<TcpStream>) -> (Wire, Line, mpsc::Receiver<Fault>) {
    let (flushes, flushed) = watch::channel(());
    let (faults, fault) = mpsc::channel(1);
    (Wire { stream, flushes }, Line { flushes: flushed, faults }, fault)
}

impl Line {
    /// Ends the connection with this fault; the first one counts.
    pub(super) fn cut(&self, fault: Fault) {
        let _ = self.faults.try_send(fault);
    }

    /// Waits until what hyper holds now has been given to the kernel.
    pub(super) fn flushed(&self) -> Wait {
        let mut flushes = self.flushes.clone();
        flushes.mark_unchanged();
        Box::pin(async move {
            let _ = flushes.changed().await;
        })
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.stream.poll_read_ready(cx))?;
            match self.stream.try_read(buf.initialize_unfilled()) {
                Ok(read) => {
                    buf.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            match self.stream.try_write(buf) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }

    /// hyper flushes when it has written everything: the moment that replies wait for.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flushes.send_replace(());
        Poll::Ready(Ok(()))
    }

    /// Nothing to do: the connection task closes the socket as soon as hyper is done.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

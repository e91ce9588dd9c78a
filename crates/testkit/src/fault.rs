//! The ways in which a provider breaks HTTP.

use std::{io, net::SocketAddr, time::Duration};

use bytes::Bytes;
use tokio::{
    io::{AsyncWriteExt, copy, sink},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// Time for which a closed connection waits for the client to close its side.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A fault of a connection instead of an answer, or in the middle of one.
///
/// A fault ends the connection, with everything else that HTTP/2 may carry on it; only
/// [`Fault::Silence`] leaves it open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// RST: the client's read fails with "connection reset".
    ///
    /// As with every RST, a client that writes meanwhile, as HTTP/2 clients do, may lose what it has not
    /// read yet.
    Reset,
    /// FIN: the client reads an end where there should be none.
    Close,
    /// Nothing more is ever said; the connection stays open until the client leaves.
    Silence,
    /// These bytes are written to the socket as they are, and then FIN.
    Raw(Bytes),
}

impl Fault {
    /// Bytes that are no HTTP.
    pub fn garbage() -> Self {
        Self::Raw(Bytes::from_static(b"\x00\x01\xfe\xffthis is no protocol you know\r\n\r\n"))
    }

    /// The fatal alert `protocol_version`, which a TLS server sends in answer to plain text.
    pub fn tls() -> Self {
        Self::Raw(Bytes::from_static(&[0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46]))
    }

    /// Does to the socket what the fault says. Failures mean that the client left first.
    pub(super) async fn inflict(self, mut stream: TcpStream) {
        match self {
            Self::Reset => {
                let _ = stream.set_zero_linger();
            }
            Self::Close => close(stream).await,
            Self::Silence => {
                let _ = copy(&mut stream, &mut sink()).await;
            }
            Self::Raw(bytes) => {
                let _ = stream.write_all(&bytes).await;
                close(stream).await;
            }
        }
    }
}

/// Sends FIN, then reads what the client still sends: unread bytes would turn the FIN into a RST.
async fn close(mut stream: TcpStream) {
    let _ = stream.shutdown().await;
    let _ = timeout(CLOSE_TIMEOUT, copy(&mut stream, &mut sink())).await;
}

/// A closed port: an address that refuses connections, as its port is taken but not listened on.
///
/// The port stays taken for as long as this lives, so that no other test gets it.
#[derive(Debug)]
pub struct Refused {
    addr: SocketAddr,
    _socket: TcpSocket,
}

impl Refused {
    /// Takes a free port on the loopback address.
    pub fn new() -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        Ok(Self { addr: socket.local_addr()?, _socket: socket })
    }

    /// The address that refuses.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The base URL of a provider that is down.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.addr)
    }
}

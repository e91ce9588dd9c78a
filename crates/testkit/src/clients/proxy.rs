//! A proxy between the gateway and its providers. It connects every request to one address, whatever
//! host is asked for: the hosts of the tests do not exist.

use std::{io, net::SocketAddr, sync::Arc};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

use super::Authority;

/// A listening proxy. It is gone when this is dropped.
#[derive(Debug)]
pub struct TestProxy {
    /// Listening address.
    pub addr: SocketAddr,
    heads: Heads,
    listener: JoinHandle<()>,
}

type Heads = Arc<Mutex<Vec<String>>>;

/// Behaviour of a proxy for one connection.
#[derive(Clone, Debug)]
pub enum ProxyScript {
    /// Connects it to this address.
    Forward(SocketAddr),
    /// Connects it if the request has this value of `Proxy-Authorization`, else answers with 407.
    Authorized(&'static str, SocketAddr),
    /// Answers with these bytes and closes it.
    Answer(&'static str),
    /// Reads, and says nothing.
    Silent,
    /// Speaks SOCKS 5, and wants this user and password if there are any.
    Socks(Option<(&'static str, &'static str)>, SocketAddr),
}

impl TestProxy {
    /// Starts it on a free loopback port.
    pub async fn start(script: ProxyScript) -> Self {
        Self::listen(script, None).await
    }

    /// A proxy that speaks TLS, as 127.0.0.1.
    pub async fn over_tls(script: ProxyScript, authority: &Authority) -> Self {
        Self::listen(script, Some(authority.acceptor("127.0.0.1", &[]))).await
    }

    async fn listen(script: ProxyScript, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let addr = listener.local_addr().unwrap();
        let heads = Heads::default();
        let listener = tokio::spawn(accept(listener, script, tls, heads.clone()));
        Self { addr, heads, listener }
    }

    /// `scheme://address`.
    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.addr)
    }

    /// The head of the first request of each connection; of SOCKS, the host and port.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().clone()
    }

    /// Their first lines.
    pub fn asked(&self) -> Vec<String> {
        let line = |head: &String| head.lines().next().unwrap_or_default().to_owned();
        self.heads.lock().iter().map(line).collect()
    }
}

impl Drop for TestProxy {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn accept(
    listener: TcpListener,
    script: ProxyScript,
    tls: Option<TlsAcceptor>,
    heads: Heads,
) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (script, tls, heads) = (script.clone(), tls.clone(), heads.clone());
        connections.spawn(async move {
            stream.set_nodelay(true).unwrap();
            // The disconnect is asserted on the other side.
            let _ = match tls {
                None => serve(stream, script, &heads).await,
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => serve(stream, script, &heads).await,
                    Err(error) => Err(error),
                },
            };
        });
    }
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    script: ProxyScript,
    heads: &Heads,
) -> io::Result<()> {
    if let ProxyScript::Socks(wanted, target) = script {
        let asked = socks(&mut stream, wanted).await?;
        heads.lock().push(asked);
        let mut target = connected(target).await;
        stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
        return copy_bidirectional(&mut stream, &mut target).await.map(drop);
    }
    let mut read = Vec::new();
    while !read.windows(4).any(|window| window == b"\r\n\r\n") {
        if stream.read_buf(&mut read).await? == 0 {
            return Ok(());
        }
    }
    let end = read.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    let head = String::from_utf8(read[..end].to_vec()).expect("a head of text");
    heads.lock().push(head.clone());
    let target = match script {
        ProxyScript::Forward(target) => target,
        ProxyScript::Authorized(authorization, target)
            if header(&head, "proxy-authorization") == Some(authorization) =>
        {
            target
        }
        ProxyScript::Authorized(..) => {
            let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\n\
                           proxy-authenticate: Basic realm=\"x\"\r\ncontent-length: 3\r\n\r\nno\n";
            stream.write_all(refusal.as_bytes()).await?;
            return stream.shutdown().await;
        }
        ProxyScript::Answer(answer) => {
            stream.write_all(answer.as_bytes()).await?;
            return stream.shutdown().await;
        }
        ProxyScript::Silent | ProxyScript::Socks(..) => {
            while stream.read_buf(&mut read).await? > 0 {}
            return Ok(());
        }
    };
    let mut target = connected(target).await;
    if head.starts_with("CONNECT ") {
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
        target.write_all(&read[end..]).await?;
    } else {
        target.write_all(&read).await?;
    }
    copy_bidirectional(&mut stream, &mut target).await.map(drop)
}

async fn connected(target: SocketAddr) -> TcpStream {
    let target = TcpStream::connect(target).await.expect("the target");
    target.set_nodelay(true).unwrap();
    target
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(line, _)| line.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
}

/// The handshake up to the request (RFC 1928 and 1929); `host:port` of that.
async fn socks(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    wanted: Option<(&str, &str)>,
) -> io::Result<String> {
    assert_eq!(stream.read_u8().await?, 5);
    let methods = text(stream).await?;
    let method = if wanted.is_some() { 2 } else { 0 };
    let method = if methods.as_bytes().contains(&method) { method } else { 0xff };
    stream.write_all(&[5, method]).await?;
    if let Some((user, password)) = wanted {
        assert_eq!(stream.read_u8().await?, 1);
        let given = (text(stream).await?, text(stream).await?);
        let is_right = given == (user.to_owned(), password.to_owned());
        stream.write_all(&[1, u8::from(!is_right)]).await?;
    }
    let mut request = [0; 4];
    stream.read_exact(&mut request).await?;
    assert_eq!(request, [5, 1, 0, 3], "a connection to a name");
    let host = text(stream).await?;
    Ok(format!("{host}:{}", stream.read_u16().await?))
}

async fn text(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut text = vec![0; stream.read_u8().await?.into()];
    stream.read_exact(&mut text).await?;
    Ok(String::from_utf8(text).expect("text"))
}

//! A provider behind TLS.

use std::{io, net::SocketAddr, path::Path, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName},
};
use tempfile::NamedTempFile;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::{TlsAcceptor, TlsConnector, client::TlsStream};

use super::Provider;

/// An unknown certificate authority.
#[derive(Debug)]
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    pem: NamedTempFile,
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    /// A new authority.
    pub fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let pem = NamedTempFile::new().expect("a temporary file");
        std::fs::write(&pem, issuer.pem()).unwrap();
        Self { issuer, pem }
    }

    /// The file that a program has to be given so that it trusts this authority.
    pub fn file(&self) -> &str {
        self.pem.path().to_str().expect("a path of text")
    }

    /// Writes `cert.pem` and `key.pem` for this name into a directory.
    pub fn issue(&self, name: &str, directory: &Path) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        std::fs::write(directory.join("cert.pem"), certificate.pem()).unwrap();
        std::fs::write(directory.join("key.pem"), key.serialize_pem()).unwrap();
    }

    /// A TLS connection to a server that proves this name by this authority.
    pub async fn connect(
        &self,
        addr: SocketAddr,
        name: &'static str,
        alpn: &[&str],
    ) -> io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(addr).await?;
        let name = ServerName::try_from(name).unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// An acceptor with a certificate for this name.
    pub fn acceptor(&self, name: &str, alpn: &[&str]) -> TlsAcceptor {
        TlsAcceptor::from(Arc::new(self.config(name, alpn)))
    }

    fn config(&self, name: &str, alpn: &[&str]) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        config
    }
}

/// TLS in front of a provider that speaks plain HTTP, of whichever version. It is gone when this is
/// dropped.
#[derive(Debug)]
pub struct TlsFront {
    /// Listening address.
    pub addr: SocketAddr,
    listener: JoinHandle<()>,
}

impl TlsFront {
    /// A server with a certificate for this name, and a choice of these protocols.
    pub async fn start(
        provider: &Provider,
        authority: &Authority,
        name: &str,
        alpn: &[&str],
    ) -> Self {
        Self::changing(provider, authority, name, [alpn]).await
    }

    /// Like `start`, with another choice for each connection; the last one is for all others, too.
    pub async fn changing<'a>(
        provider: &Provider,
        authority: &Authority,
        name: &str,
        alpn: impl IntoIterator<Item = &'a [&'a str]>,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let addr = listener.local_addr().unwrap();
        let acceptor = |alpn| authority.acceptor(name, alpn);
        let acceptors = alpn.into_iter().map(acceptor).collect();
        let listener = tokio::spawn(accept(listener, acceptors, provider.addr()));
        Self { addr, listener }
    }

    /// Base URL, with `/v1`.
    pub fn base_url(&self) -> String {
        format!("https://{}/v1", self.addr)
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn accept(listener: TcpListener, mut acceptors: Vec<TlsAcceptor>, provider: SocketAddr) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = acceptors[0].clone();
        if acceptors.len() > 1 {
            acceptors.remove(0);
        }
        connections.spawn(async move {
            stream.set_nodelay(true).unwrap();
            // A client that does not trust this certificate leaves here.
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let mut provider = TcpStream::connect(provider).await.expect("the provider");
            provider.set_nodelay(true).unwrap();
            let _ = copy_bidirectional(&mut stream, &mut provider).await;
        });
    }
}

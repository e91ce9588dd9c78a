use std::{io, path::Path, sync::Arc};

use parking_lot::RwLock;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::config;

/// What is spoken over TLS, the preferred one first.
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The server's TLS certificate. A handle: clones have the same certificate.
#[derive(Clone, Debug)]
pub struct Certificate(Arc<RwLock<Arc<ServerConfig>>>);

impl Certificate {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or is no PEM, or the key is not that of the certificate. The
    /// error names the file.
    pub fn load(tls: &config::Tls) -> io::Result<Self> {
        Ok(Self(Arc::new(RwLock::new(load(tls)?))))
    }

    /// Takes the place of what it was. Handshakes from now on use the other one, open connections
    /// stay as they are.
    pub fn replace(&self, other: &Self) {
        let other = other.current();
        *self.0.write() = other;
    }

    pub(super) fn current(&self) -> Arc<ServerConfig> {
        self.0.read().clone()
    }
}

fn load(tls: &config::Tls) -> io::Result<Arc<ServerConfig>> {
    let pem = |file: &Path, error| invalid(file, &error);
    let chain = CertificateDer::pem_file_iter(&tls.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| pem(&tls.cert, error))?;
    if chain.is_empty() {
        return Err(invalid(&tls.cert, &"there is no certificate in it"));
    }
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|error| pem(&tls.key, error))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| {
            invalid(&tls.cert, &format!("with the key {}: {error}", tls.key.display()))
        })?;
    config.alpn_protocols = ALPN.map(<[u8]>::to_vec).to_vec();
    Ok(Arc::new(config))
}

fn invalid(file: &Path, error: &dyn std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {error}", file.display()))
}

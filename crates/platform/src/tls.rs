//! TLS client configuration.

use std::{io, sync::Arc};

use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer};
use rustls_native_certs::load_native_certs;

/// The certificate authorities of the system (`SSL_CERT_FILE` is honoured), so that a company's own
/// one works. A system without any gets Mozilla's.
#[derive(Debug)]
pub struct Roots(RootCertStore);

impl Roots {
    /// Loads the certificate authorities, which takes a while; none if TLS is not needed.
    pub fn load(is_needed: bool) -> Self {
        let mut roots = RootCertStore::empty();
        if !is_needed {
            return Self(roots);
        }
        let found = load_native_certs();
        // One that is malformed is of no use, and no harm.
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            let errors = found.errors;
            tracing::warn!(
                "using Mozilla's certificate authorities: the system has none {errors:?}"
            );
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        Self(roots)
    }

    /// TLS client configuration: ring, with these authorities and those in `more`.
    ///
    /// # Errors
    ///
    /// When a certificate is no certificate authority.
    pub fn config(&self, more: &[CertificateDer<'static>]) -> io::Result<ClientConfig> {
        let mut roots = self.0.clone();
        for certificate in more {
            roots.add(certificate.clone()).map_err(io::Error::other)?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        Ok(builder.with_root_certificates(roots).with_no_client_auth())
    }
}

/// TLS client configuration with the authorities of the system.
///
/// # Errors
///
/// When TLS cannot be set up.
pub fn config(is_needed: bool) -> io::Result<ClientConfig> {
    Roots::load(is_needed).config(&[])
}

use std::{io, sync::Arc};

use hyper_rustls::ConfigBuilderExt;
use rustls::{ClientConfig, RootCertStore, crypto::ring};

/// TLS as providers need it: ring, and the system's roots (`SSL_CERT_FILE` is honoured), so that
/// a company's own authority works. A system without any gets Mozilla's.
///
/// Reading the roots takes a while, so without a provider that is spoken to in TLS there are none.
pub(crate) fn config(is_needed: bool) -> io::Result<ClientConfig> {
    let builder = || {
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)
    };
    if !is_needed {
        let none = RootCertStore::empty();
        return Ok(builder()?.with_root_certificates(none).with_no_client_auth());
    }
    let roots = match builder()?.with_native_roots() {
        Ok(roots) => roots,
        Err(error) => {
            tracing::warn!("using Mozilla's certificate authorities: {error}");
            builder()?.with_webpki_roots()
        }
    };
    Ok(roots.with_no_client_auth())
}

//! Certificate authorities besides the system's: `providers.X.ca`.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, pem::PemObject};

/// More than a bundle of all public authorities, in bytes.
const MAX_BYTES: u64 = 4 << 20;

/// The certificates of a PEM file, read with the configuration: another content is another
/// configuration.
#[derive(Clone, PartialEq, Eq)]
pub struct CertificateAuthority {
    file: PathBuf,
    certificates: Vec<CertificateDer<'static>>,
}

impl CertificateAuthority {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// Goes on after the name of the file.
    pub(super) fn read(file: &Path) -> Result<Self, String> {
        let mut pem = Vec::new();
        File::open(file)
            .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut pem))
            .map_err(|error| format!("cannot be read: {error}"))?;
        if pem.len() as u64 > MAX_BYTES {
            return Err("is larger than 4 MiB".to_owned());
        }
        // The reader's own message would show a line, and the file may be a key.
        let certificates = CertificateDer::pem_slice_iter(&pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| "is not PEM".to_owned())?;
        if certificates.is_empty() {
            return Err("has no certificate in PEM (`-----BEGIN CERTIFICATE-----`)".to_owned());
        }
        for (at, certificate) in certificates.iter().enumerate() {
            RootCertStore::empty()
                .add(certificate.clone())
                .map_err(|_| format!("has a malformed certificate, number {}", at + 1))?;
        }
        Ok(Self { file: file.to_owned(), certificates })
    }

    /// The file that they came from.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The certificates; at least one.
    #[must_use]
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }
}

impl fmt::Debug for CertificateAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateAuthority")
            .field("file", &self.file)
            .field("certificates", &self.certificates.len())
            .finish()
    }
}

//! The gateway's own certificate: whether it fits its key, and until when it is valid.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::{CertificateDer, pem::PemObject};
use x509_cert::Certificate as X509;
use x509_cert::der::Decode;

use super::finding::{Finding, Group};
use crate::config::Tls;
use crate::server::Certificate;

/// Time before expiry from which a certificate is reported.
const EXPIRY_WARNING: Duration = Duration::from_secs(14 * DAY);
const DAY: u64 = 86_400;

pub(super) fn look(tls: &Tls) -> Finding {
    let files = format!("{} and {}", tls.cert.display(), tls.key.display());
    if let Err(error) = Certificate::load(tls) {
        let next = "give `tls` a certificate and the key that belongs to it, in PEM";
        return Finding::fail(Group::Listening, format!("TLS: {error}"), next);
    }
    match validity(tls) {
        Some(validity) => judge(validity, SystemTime::now()),
        None => Finding::ok(Group::Listening, format!("TLS: {files} belong together")),
    }
}

/// From when until when, of the first certificate of the file: the gateway's own.
fn validity(tls: &Tls) -> Option<(SystemTime, SystemTime)> {
    let own = CertificateDer::pem_file_iter(&tls.cert).ok()?.next()?.ok()?;
    let own = X509::from_der(&own).ok()?;
    let validity = own.tbs_certificate().validity();
    let at = |time: x509_cert::time::Time| UNIX_EPOCH.checked_add(time.to_unix_duration());
    Some((at(validity.not_before)?, at(validity.not_after)?))
}

fn judge((from, until): (SystemTime, SystemTime), now: SystemTime) -> Finding {
    let days = |span: Duration| match span.as_secs() / DAY {
        0 => "less than a day".to_owned(),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    };
    let renew = "renew it; the gateway takes it up within two seconds";
    if let Ok(early) = from.duration_since(now).map(days) {
        let what = format!("TLS: the certificate is not valid for another {early}");
        return Finding::fail(Group::Listening, what, "see whether the clock is right");
    }
    match until.duration_since(now) {
        Err(late) => {
            let late = days(late.duration());
            let what = format!("TLS: the certificate has been invalid for {late}");
            Finding::fail(Group::Listening, what, renew)
        }
        Ok(left) if left < EXPIRY_WARNING => {
            let what = format!("TLS: the certificate ends in {}", days(left));
            Finding::warn(Group::Listening, what, renew)
        }
        Ok(left) => {
            let what = format!("TLS: the certificate is valid for {}", days(left));
            Finding::ok(Group::Listening, what)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_and_after() {
        let day = |day: u64| UNIX_EPOCH + Duration::from_secs(day * DAY);
        let says = |now| {
            let Finding { level, what, .. } = judge((day(100), day(200)), now);
            format!("{level} {what}")
        };
        for (now, said) in [
            (day(98), "fail TLS: the certificate is not valid for another 2 days"),
            (day(100) + Duration::from_secs(1), "ok TLS: the certificate is valid for 99 days"),
            (day(186), "ok TLS: the certificate is valid for 14 days"),
            (day(187), "warn TLS: the certificate ends in 13 days"),
            (
                day(199) + Duration::from_secs(9),
                "warn TLS: the certificate ends in less than a day",
            ),
            (day(201), "fail TLS: the certificate has been invalid for 1 day"),
        ] {
            assert_eq!(says(now), said);
        }
    }

    #[test]
    fn a_real_one_is_read() {
        let home = tempfile::tempdir().unwrap();
        let tls = Tls { cert: home.path().join("cert.pem"), key: home.path().join("key.pem") };
        assert!(look(&tls).what.contains("cert.pem"), "there is none");
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(&tls.cert, own.cert.pem()).unwrap();
        std::fs::write(&tls.key, own.signing_key.serialize_pem()).unwrap();
        let what = look(&tls).what;
        assert!(what.starts_with("TLS: the certificate is valid for "), "{what}");
    }
}

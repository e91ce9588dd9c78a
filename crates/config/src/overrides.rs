//! Settings that come before those of the file.

use std::net::IpAddr;

use serde_saphyr::{Location, Spanned};

use super::raw::Raw;

/// Settings of the command line. They replace the file's before it is checked, so that a value that
/// is not used is not refused either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Instead of `host`. Whether the gateway may listen there is checked when it is about to:
    /// [`Config::may_listen_on`](super::Config::may_listen_on).
    pub host: Option<IpAddr>,
    /// Instead of `port`.
    pub port: Option<u16>,
}

impl Overrides {
    pub(super) fn apply(self, raw: &mut Raw) {
        if let Some(host) = self.host {
            raw.host = Some(without_place(host.to_string()));
        }
        if let Some(port) = self.port {
            raw.port = Some(without_place(port));
        }
    }
}

/// A value that has no place in the file.
fn without_place<T>(value: T) -> Spanned<T> {
    Spanned::new(value, Location::UNKNOWN, Location::UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, Env};

    fn checked(text: &str, host: Option<&str>, port: Option<u16>) -> Result<Config, String> {
        let host = host.map(|host| host.parse().unwrap());
        let overrides = Overrides { host, port };
        Config::from_yaml_with("gateway.yaml", text, &Env::empty(), overrides)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_value_of_the_file_that_is_replaced_is_not_checked() {
        for host in ["0.0.0.0", "192.168.0.7", "'::'", "example.org"] {
            let config = checked(&format!("host: {host}"), Some("127.0.0.1"), None).unwrap();
            assert!(config.host.is_loopback());
            assert_eq!(config.warnings, [""; 0], "{host}");
        }
        let config = checked("port: 3001\nwsPort: 3001", None, Some(3000)).unwrap();
        assert_eq!((config.port, config.ws_port), (3000, Some(3001)));
        let config = checked("host: ::1", None, Some(0)).unwrap();
        assert!(config.host.is_ipv6() && config.port == 0);
    }

    #[test]
    fn what_replaces_it_is_checked_as_if_it_stood_there() {
        let exposed = checked("host: 127.0.0.1", Some("0.0.0.0"), None).unwrap();
        let reason = exposed.may_listen_on(exposed.host).unwrap_err();
        assert!(reason.starts_with("0.0.0.0 would let others in"), "{reason}");
        let twice = checked("port: 3000\nwsPort: 3001", None, Some(3001)).unwrap_err();
        assert!(twice.contains("`port` and `wsPort` are both 3001"), "{twice}");
        let keys = format!("auth: {{keys: [{{name: a, hash: 'sha256:{}'}}]}}", "0".repeat(64));
        let config = checked(&keys, Some("0.0.0.0"), None).unwrap();
        assert_eq!(
            config.warnings,
            ["client keys go to 0.0.0.0 in plain text: add `tls`, or a proxy that has it"]
        );
    }
}

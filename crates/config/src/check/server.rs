//! The settings at the top of the file.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::Checker;
use crate::Config;
use crate::error::SourcePosition;
use crate::raw::{Raw, Text};

impl Checker<'_> {
    /// Moves the checked settings into `config` and gives back the rest.
    pub(super) fn server(&mut self, mut raw: Raw, config: &mut Config) -> Raw {
        if let Some(host) = &raw.host {
            match address(&host.value) {
                Ok(address) => config.host = address,
                Err(reason) => {
                    self.wrong(host, reason);
                }
            }
            // The command line's value has no position in the file: binding reports it.
            let is_written = SourcePosition::of(host).is_some();
            if is_written && !config.host.is_loopback() && self.clients.is_empty() {
                self.wrong(host, lets_others_in(config.host))
                    .help("add `auth.keys`; `switchtower key new` makes one".to_owned());
            }
        }
        let ws_port =
            self.either(("wsPort", raw.ws_port.take()), ("ws_port", raw.ws_port_twin.take()));
        config.port = raw.port.take().map_or(config.port, |port| port.value);
        if let Some(ws_port) = &ws_port
            && ws_port.value == config.port
            && config.port != 0
        {
            self.wrong(ws_port, format!("`port` and `wsPort` are both {}", config.port));
        }
        config.ws_port = ws_port.map(|port| port.value);

        if let Some(directory) =
            self.either(("dataDir", raw.data_dir.take()), ("data_dir", raw.data_dir_twin.take()))
        {
            config.data_dir = self.directory(directory);
        }
        if let Some(directory) =
            self.either(("logDir", raw.log_dir.take()), ("log_dir", raw.log_dir_twin.take()))
        {
            config.log_dir = Some(self.directory(directory));
        }
        if let Some(level) = self
            .either(("logLevel", raw.log_level.take()), ("log_level", raw.log_level_twin.take()))
        {
            config.log_level = level.value;
        }

        let formats =
            (("logFormat", raw.log_format.take()), ("log_format", raw.log_format_twin.take()));
        if let Some(format) = self.either(formats.0, formats.1) {
            config.log_format = format.value;
        }
        config.log_bodies = raw.log_bodies.take().unwrap_or_default();
        if config.log_bodies {
            let warning = "`log_bodies` is on: prompts and answers are written to the log";
            self.warnings.push(warning.to_owned());
        }

        if let Some(limit) = raw.body_limit_mb.take() {
            if !(1..=4096).contains(&limit.value) {
                self.wrong(&limit, "`body_limit_mb` has to be from 1 to 4096");
            }
            config.body_limit_mb = limit.value;
        }
        config.drain_ms = raw.drain_ms.take().unwrap_or(config.drain_ms);
        for proxy in raw.trusted_proxies.take().unwrap_or_default() {
            match network(&proxy.value) {
                Some(network) => config.trusted_proxies.push(network),
                None => {
                    self.wrong(&proxy, format!("`{}` is no address and no network", proxy.value))
                        .help("write 10.0.0.7 or 10.0.0.0/8".to_owned());
                }
            }
        }
        raw
    }

    /// Keys that everyone on the way can read are odd, unless a proxy in front has hidden them.
    pub(super) fn plain_text(&mut self, config: &Config) {
        let is_hidden = config.tls.is_some() || !config.trusted_proxies.is_empty();
        if config.has_keys() && !config.host.is_loopback() && !is_hidden {
            self.warnings.push(format!(
                "client keys go to {} in plain text: add `tls`, or a proxy that has it",
                config.host
            ));
        }
    }

    /// A directory or file; `~/` is the home directory, as in a shell.
    pub(super) fn directory(&mut self, directory: Text) -> PathBuf {
        let text = self.named("directory", directory);
        match (text.strip_prefix("~/"), self.env.var("HOME")) {
            (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
            _ => text.into(),
        }
    }
}

/// Reads the address to listen on.
///
/// # Errors
/// When it is no address.
pub fn address(host: &str) -> Result<IpAddr, String> {
    if host == "localhost" {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    host.parse().map_err(|_| format!("`{host}` is no IP address; write 127.0.0.1 or ::1"))
}

/// Why an address cannot be listened on without client keys.
pub(crate) fn lets_others_in(address: IpAddr) -> String {
    format!(
        "{address} would let others in: without client keys, the gateway only listens on loopback \
         (127.0.0.1 or ::1)"
    )
}

/// Reads an address or a network; of IPv4 mapped into IPv6, that of IPv4, as which addresses are
/// compared.
fn network(text: &str) -> Option<IpNet> {
    let network = text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))?;
    Some(match network {
        IpNet::V6(mapped) => unmapped(mapped).map_or(network, IpNet::V4),
        IpNet::V4(_) => network,
    })
}

fn unmapped(network: Ipv6Net) -> Option<Ipv4Net> {
    let prefix = network.prefix_len().checked_sub(MAPPED_PREFIX_LEN)?;
    Ipv4Net::new(network.addr().to_ipv4_mapped()?, prefix).ok()
}

/// IPv4 addresses are mapped to `::ffff:0:0/96`.
const MAPPED_PREFIX_LEN: u8 = 96;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapped_networks_are_those_of_ipv4() {
        for (text, expected) in [
            ("10.0.0.7", "10.0.0.7/32"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("::ffff:10.0.0.7", "10.0.0.7/32"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("fd00::/8", "fd00::/8"),
            ("::1", "::1/128"),
        ] {
            let network = network(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(network.to_string(), expected, "{text}");
        }
        assert!(["", "10.0.0.0/33", "proxy", "10.0.0.7:80"].iter().all(|t| network(t).is_none()));
    }
}

//! URL of the gateway.

use std::env;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::Uri;

use super::args::GatewayArgs;
use super::config_source;
use super::output::Failure;
use crate::config::Config;

/// Names the gateway where no argument does.
const VARIABLE: &str = "SWITCHTOWER_URL";

/// The gateway that a command talks to, as the beginning of its URLs.
pub(super) fn gateway(args: &GatewayArgs) -> Result<String, Failure> {
    let variable = || env::var(VARIABLE).ok().filter(|url| !url.trim().is_empty());
    let url = match args.url.clone().or_else(variable) {
        Some(url) => given(&url),
        None => configured(&config_source::find(args.file.config.as_deref())?.1),
    };
    let url = url.map_err(Failure)?;
    // Tools are configured with the models' URL; the agents' API is beside it.
    Ok(url.strip_suffix("/v1").unwrap_or(&url).to_owned())
}

/// The URL that was asked for, without a slash at its end; `/v1` is added to a bare address.
///
/// # Errors
///
/// When it is no http URL, or has characters in it that mean something in a file it is written to.
pub(super) fn given(text: &str) -> Result<String, String> {
    let wrong = || format!("`{text}` is not a URL like http://127.0.0.1:3000/v1");
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/[]%+,=@".contains(c);
    let http = matches!(uri.scheme_str(), Some("http" | "https"));
    if !http || uri.host().is_none_or(str::is_empty) || !text.chars().all(plain) {
        return Err(wrong());
    }
    let path = if matches!(uri.path(), "" | "/") { "/v1" } else { "" };
    Ok(format!("{}{path}", text.trim_end_matches('/')))
}

/// The URL of a gateway that runs on this configuration.
///
/// # Errors
///
/// When its port is the system's choice.
pub(super) fn configured(config: &Config) -> Result<String, String> {
    match config.port {
        0 => {
            Err("the configured port is 0, any that is free; say where it is with --url".to_owned())
        }
        port => Ok(format!("{}/v1", base(config, SocketAddr::new(config.host, port)))),
    }
}

/// How programs on this machine reach a gateway that listens there.
pub(crate) fn base(config: &Config, mut address: SocketAddr) -> String {
    // All addresses are none to connect to.
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    format!("{}://{address}", config.scheme())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Env;

    #[test]
    fn a_given_url() {
        for (text, url) in [
            ("http://127.0.0.1:4000", "http://127.0.0.1:4000/v1"),
            ("http://[::1]:4000/", "http://[::1]:4000/v1"),
            ("https://gateway.example/llm/v1/", "https://gateway.example/llm/v1"),
        ] {
            assert_eq!(given(text).as_deref(), Ok(url));
        }
        for text in [
            "",
            "127.0.0.1:3000",
            "ftp://x/v1",
            "http:///v1",
            "http://x/'$(id)'",
            "http://x/\"",
            "http://x/?a=b",
        ] {
            assert!(given(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_configured_url() {
        let url = |yaml: &str| configured(&Config::from_yaml("c", yaml, &Env::empty()).unwrap());
        assert_eq!(url("{}").as_deref(), Ok("http://127.0.0.1:3000/v1"));
        assert_eq!(url("{host: '::1', port: 8080}").as_deref(), Ok("http://[::1]:8080/v1"));
        let keys = format!("auth: {{keys: [{{name: a, hash: 'sha256:{}'}}]}}", "0".repeat(64));
        let all = format!("{{host: '::', tls: {{cert: c, key: k}}, {keys}}}");
        assert_eq!(url(&all).as_deref(), Ok("https://[::1]:3000/v1"));
        assert!(url("port: 0").unwrap_err().contains("--url"));
    }
}

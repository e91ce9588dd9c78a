use std::{fmt, net::Ipv6Addr};

use super::{Credentials, Proxy, ProxyScheme, ProxySource};
use crate::Secret;

/// SOCKS 5 gives each of user and password one byte for its length (RFC 1929).
const MAX_SOCKS_BYTES: usize = 255;

/// Why a text is no proxy. It shows nothing of the text but its scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum InvalidProxy {
    Scheme(String),
    NoScheme,
    NoHost,
    Host,
    Port,
    Path,
    Credentials,
    LongCredentials,
}

impl InvalidProxy {
    /// What would be right.
    pub(crate) fn help(&self) -> &'static str {
        match self {
            Self::Scheme(_) | Self::NoScheme => {
                "write http://, https://, socks5:// or socks5h://, and a host and a port"
            }
            // The likely cause: a user or a password with such a character in it.
            Self::Host | Self::Port | Self::Path | Self::Credentials => {
                "in a user or a password write %40 for @, %3A for :, %2F for /, %3F for ? and %23 for #"
            }
            Self::NoHost | Self::LongCredentials => "write, for example, http://10.0.0.1:3128",
        }
    }
}

/// Goes on after "the proxy", or the name of a variable.
impl fmt::Display for InvalidProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme(scheme) if is_word(scheme) => {
                return write!(f, "has the scheme `{scheme}`, which is not supported");
            }
            Self::Scheme(_) => "has a scheme that is not supported",
            Self::NoScheme => "has no scheme",
            Self::NoHost => "has no host",
            Self::Host => "has a host that is no name and no address",
            Self::Port => "has a port that is no number from 1 to 65535",
            Self::Path => "has a path",
            Self::Credentials => "has a user or a password that is not UTF-8 text",
            Self::LongCredentials => "has a user or a password of more than 255 bytes",
        })
    }
}

/// Whether a text can be the name of a scheme, and hardly anything else.
fn is_word(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    (1..=12).contains(&text.len()) && text.chars().all(fits)
}

/// Reads the URL of a proxy. In a variable the scheme may be missing, which means `http`.
pub(crate) fn parse(text: &str, source: ProxySource) -> Result<Proxy, InvalidProxy> {
    let text = text.trim();
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (self::scheme(scheme)?, rest),
        None if source == ProxySource::Setting => return Err(InvalidProxy::NoScheme),
        None => (ProxyScheme::Http, text),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (userinfo, place) = match authority.rsplit_once('@') {
        Some((userinfo, place)) => (Some(userinfo), place),
        None => (None, authority),
    };
    let (host, port) = host_and_port(place)?;
    if !matches!(path, "" | "/") {
        return Err(InvalidProxy::Path);
    }
    let credentials = userinfo.filter(|text| !text.is_empty()).map(credentials).transpose()?;
    let is_long = |secret: &Secret| secret.expose().len() > MAX_SOCKS_BYTES;
    if scheme == ProxyScheme::Socks5
        && credentials.as_ref().is_some_and(|c| is_long(&c.user) || is_long(&c.password))
    {
        return Err(InvalidProxy::LongCredentials);
    }
    let port = port.unwrap_or(scheme.default_port());
    Ok(Proxy { scheme, host, port, credentials, source })
}

fn scheme(text: &str) -> Result<ProxyScheme, InvalidProxy> {
    match text.to_ascii_lowercase().as_str() {
        "http" => Ok(ProxyScheme::Http),
        "https" => Ok(ProxyScheme::Https),
        "socks5" | "socks5h" => Ok(ProxyScheme::Socks5),
        _ => Err(InvalidProxy::Scheme(text.to_owned())),
    }
}

fn host_and_port(place: &str) -> Result<(String, Option<u16>), InvalidProxy> {
    // Behind the bracket of an IPv6 address, or behind the only colon.
    let bracket = place.find(']').map_or(0, |at| at + 1);
    let (host, port) = match place[bracket..].find(':').map(|at| bracket + at) {
        Some(at) => (&place[..at], Some(&place[at + 1..])),
        None => (place, None),
    };
    if host.is_empty() {
        return Err(InvalidProxy::NoHost);
    }
    let port = match port.filter(|port| !port.is_empty()) {
        Some(text) => match text.parse() {
            Ok(port) if port > 0 && text.bytes().all(|b| b.is_ascii_digit()) => Some(port),
            _ => return Err(InvalidProxy::Port),
        },
        None => None,
    };
    let bare = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) if address.parse::<Ipv6Addr>().is_ok() => address,
        None if host.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)) => host,
        _ => return Err(InvalidProxy::Host),
    };
    Ok((bare.to_owned(), port))
}

fn credentials(written: &str) -> Result<Credentials, InvalidProxy> {
    let (user, password) = written.split_once(':').unwrap_or((written, ""));
    let text = |text| String::from_utf8(decoded(text)).map_err(|_| InvalidProxy::Credentials);
    Ok(Credentials {
        user: Secret::new(text(user)?),
        password: Secret::new(text(password)?),
        written: Secret::new(written),
    })
}

/// Percent-decodes; a `%` without two hex digits is kept.
fn decoded(text: &str) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|b| char::from(*b).to_digit(16));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        let pair = digit(after.first()).zip(digit(after.get(1)));
        match pair.and_then(|(high, low)| u8::try_from(high << 4 | low).ok()) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => bytes.push(first),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VARIABLE: ProxySource = ProxySource::Variable { name: "HTTPS_PROXY", file: None };

    #[test]
    fn what_is_a_proxy() {
        for (text, url, credentials) in [
            ("http://10.0.0.1:3128", "http://10.0.0.1:3128", None),
            (" HTTP://proxy.corp:8080/ ", "http://proxy.corp:8080", None),
            ("http://proxy.corp", "http://proxy.corp:80", None),
            ("http://proxy.corp:", "http://proxy.corp:80", None),
            ("https://proxy.corp", "https://proxy.corp:443", None),
            ("socks5://proxy.corp", "socks5://proxy.corp:1080", None),
            ("socks5h://[::1]:9050", "socks5://[::1]:9050", None),
            ("http://[fe80::1]", "http://[fe80::1]:80", None),
            ("http://u:p@h:1", "http://h:1", Some(("u", "p"))),
            ("http://u@h:1", "http://h:1", Some(("u", ""))),
            ("http://u:@h:1", "http://h:1", Some(("u", ""))),
            ("http://@h:1", "http://h:1", None),
            (
                "http://CORP%5Cme:p%40ss%3A%2f%zz%@h:1",
                "http://h:1",
                Some(("CORP\\me", "p@ss:/%zz%")),
            ),
            ("http://u:a@b:c@h:1", "http://h:1", Some(("u", "a@b:c"))),
            ("http://u:%E4%BD%A0@h:1", "http://h:1", Some(("u", "你"))),
        ] {
            for source in [ProxySource::Setting, VARIABLE] {
                let proxy = parse(text, source).unwrap_or_else(|e| panic!("{text} {e}"));
                assert_eq!(
                    (&*proxy.to_string(), proxy.credentials()),
                    (url, credentials),
                    "{text}"
                );
                let shown = format!("{proxy} {proxy:?} {:?}", proxy.authorization());
                let secret = credentials.map(|(_, password)| password).filter(|p| p.len() > 3);
                assert!(secret.is_none_or(|secret| !shown.contains(secret)), "{shown}");
            }
        }
        assert_eq!(parse("10.0.0.1:3128", VARIABLE).unwrap().to_string(), "http://10.0.0.1:3128");
        let proxy = parse("u:p@proxy:3128", VARIABLE).unwrap();
        assert_eq!((proxy.host(), proxy.credentials()), ("proxy", Some(("u", "p"))));
    }

    #[test]
    fn the_credentials_are_those_of_rfc_7617() {
        let proxy = parse("http://Aladdin:open%20sesame@h", VARIABLE).unwrap();
        assert_eq!(proxy.authorization().unwrap(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        let secrets = proxy.secrets();
        let secrets: Vec<_> = secrets.iter().map(Secret::expose).collect();
        assert_eq!(
            secrets,
            ["Aladdin", "open sesame", "Aladdin:open%20sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="]
        );
    }

    #[test]
    fn what_is_none() {
        let long = format!("socks5://u:{}@h", "x".repeat(256));
        for (text, why) in [
            ("socks4://h:1", "has the scheme `socks4`, which is not supported"),
            ("ftp://h", "has the scheme `ftp`, which is not supported"),
            ("://h", "has a scheme that is not supported"),
            ("my secret words://h", "has a scheme that is not supported"),
            ("http://", "has no host"),
            ("http://:3128", "has no host"),
            ("http://u:p@:3128", "has no host"),
            ("http://h:0", "has a port that is no number from 1 to 65535"),
            ("http://h:+80", "has a port that is no number from 1 to 65535"),
            ("http://h:99999", "has a port that is no number from 1 to 65535"),
            ("http://u:p#ss@h:1", "has a port that is no number from 1 to 65535"),
            ("http://a b:1", "has a host that is no name and no address"),
            ("http://höst:1", "has a host that is no name and no address"),
            ("http://[::1]x:1", "has a host that is no name and no address"),
            ("http://h:1/path", "has a path"),
            ("http://h:1?x", "has a path"),
            ("http://u:%ff@h:1", "has a user or a password that is not UTF-8 text"),
            (&long, "has a user or a password of more than 255 bytes"),
        ] {
            let error = parse(text, VARIABLE).expect_err(text);
            assert_eq!(error.to_string(), why, "{text}");
        }
        assert_eq!(parse("h:3128", ProxySource::Setting), Err(InvalidProxy::NoScheme));
        assert!(parse("", VARIABLE).is_err());
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in "\\PC{0,20}", tail in "(http://)?[\\[\\]:@/%a1]{0,12}") {
            for text in [text, tail] {
                if let Ok(proxy) = parse(&text, VARIABLE) {
                    let uri = proxy.to_string().replace("socks5:", "http:");
                    prop_assert!(uri.parse::<http::Uri>().is_ok(), "{}", text);
                }
            }
        }
    }
}

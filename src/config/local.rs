//! Which providers run on this machine.

use std::net::IpAddr;

use http::Uri;

/// Whether a base URL points at this machine: a loopback address or `localhost`.
pub fn is_local(base_url: &Uri) -> bool {
    let host = base_url.host().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_local() {
        for (url, local) in [
            ("http://127.0.0.1:11434/v1", true),
            ("http://localhost:1", true),
            ("http://[::1]:1", true),
            ("http://10.0.0.1", false),
            ("https://api.deepseek.com/v1", false),
        ] {
            assert_eq!(is_local(&Uri::from_static(url)), local, "{url}");
        }
    }
}

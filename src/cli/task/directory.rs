//! The directory that the agent works in.

use std::env;
use std::net::IpAddr;
use std::path::{self, Path, PathBuf};

use http::Uri;

use crate::cli::output::Failure;

/// A directory to send with a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Directory {
    pub(super) path: String,
    /// Whether it was asked for. The task goes on without one that was not.
    pub(super) is_given: bool,
}

/// The directory for a task at the gateway of this URL: the given one, else this process's own if the
/// gateway is on the same machine.
pub(super) fn find(given: Option<&Path>, gateway: &str) -> Result<Option<Directory>, Failure> {
    let is_local = is_loopback(gateway);
    let Some(given) = given else {
        // One that was removed meanwhile, or whose name JSON cannot have, is no reason to fail.
        let own = env::current_dir().ok().filter(|_| is_local);
        let own = own.and_then(|own| own.into_os_string().into_string().ok());
        return Ok(own.map(|path| Directory { path, is_given: false }));
    };
    let wrong = |why: &str| Failure(format!("--cwd {}: {why}", given.display()));
    let absolute = match is_local {
        true => path::absolute(given).map_err(|error| wrong(&error.to_string()))?,
        false if is_absolute(given) => given.to_owned(),
        false => return Err(wrong("has to be absolute, since the gateway is on another machine")),
    };
    let path = PathBuf::into_os_string(absolute).into_string();
    let path = path.map_err(|_| wrong("its name is not UTF-8"))?;
    Ok(Some(Directory { path, is_given: true }))
}

/// By the rules of either system: a gateway elsewhere may run on the other one.
fn is_absolute(path: &Path) -> bool {
    let text = path.as_os_str().as_encoded_bytes();
    let has_drive = matches!(text, [drive, b':', b'/' | b'\\', ..] if drive.is_ascii_alphabetic());
    path.has_root() || text.starts_with(b"/") || has_drive
}

/// Whether what this URL names is on this machine, by the URL alone: no name is looked up.
fn is_loopback(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default();
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&host);
    match bare.parse::<IpAddr>() {
        // A connection to "any address" goes to this machine.
        Ok(ip) => ip.to_canonical().is_loopback() || ip.is_unspecified(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "http://127.0.0.1:3000";
    const ELSEWHERE: &str = "http://gateway.example:3000";

    #[test]
    fn loopback_is_what_the_url_says() {
        for url in [
            HERE,
            "http://127.8.0.1",
            "https://localhost:8443",
            "http://LocalHost.:3000",
            "http://gateway.localhost",
            "http://[::1]:3000/base",
            "http://[::ffff:127.0.0.1]:3000",
            "http://0.0.0.0:3000",
        ] {
            assert!(is_loopback(url), "{url}");
        }
        for url in [
            ELSEWHERE,
            "http://192.168.1.5:3000",
            "http://localhost.example",
            "http://127.0.0.1.example",
            "http://notlocalhost",
            "http://user@gateway.example",
            "http://localhost@gateway.example",
            "http://[2001:db8::1]",
            "",
        ] {
            assert!(!is_loopback(url), "{url}");
        }
    }

    #[test]
    fn a_directory_is_sent_where_it_means_the_same() {
        let own = env::current_dir().unwrap().into_os_string().into_string().unwrap();
        let found = find(None, HERE).unwrap().unwrap();
        assert_eq!(found, Directory { path: own.clone(), is_given: false });
        assert_eq!(find(None, ELSEWHERE).unwrap(), None);
        for (given, gateway, path) in [
            ("src", HERE, format!("{own}/src")),
            ("/src", HERE, "/src".to_owned()),
            ("/src", ELSEWHERE, "/src".to_owned()),
            ("C:\\src", ELSEWHERE, "C:\\src".to_owned()),
        ] {
            let found = find(Some(Path::new(given)), gateway).unwrap();
            assert_eq!(found, Some(Directory { path, is_given: true }), "{given} {gateway}");
        }
        for given in ["src", ".", "../x", "C:src", "~"] {
            let error = find(Some(Path::new(given)), ELSEWHERE).unwrap_err().to_string();
            assert!(error.starts_with("--cwd ") && error.contains("absolute"), "{error}");
        }
    }
}

//! Checks that no key appears in any output of a test.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    time::Duration,
};

/// Shorter ones stand in other words, too.
const MIN_KEY_LEN: usize = 6;

/// The keys that a gateway was given.
#[derive(Debug)]
pub(super) struct Keys(Vec<String>);

impl Keys {
    pub(super) fn of(yaml: &str, env: &[(&str, &str)]) -> Self {
        let is_end = |c: char| c.is_whitespace() || ",}'\"".contains(c);
        let written = yaml.split("api_key:").skip(1).map(|rest| {
            let rest = rest.trim_start_matches([' ', '\'', '"']);
            rest.split(is_end).next().unwrap_or_default()
        });
        let is_key = |name: &str| name.ends_with("KEY") || name.ends_with("TOKEN");
        let set = env.iter().filter(|(name, _)| is_key(name)).map(|&(_, value)| value);
        Self(written.chain(set).filter(|key| key.len() >= MIN_KEY_LEN).map(str::to_owned).collect())
    }

    /// Looks through what it has logged, in its home, and its metrics, if it runs.
    pub(super) fn were_not_told(&self, home: &Path, running: Option<SocketAddr>) {
        let mut told: Vec<_> =
            fs::read_to_string(home.join(super::binary::LOG)).into_iter().collect();
        let files = fs::read_dir(home.join("logs")).into_iter().flatten().flatten();
        told.extend(files.filter_map(|file| fs::read_to_string(file.path()).ok()));
        told.extend(running.and_then(metrics));
        told.iter().for_each(|text| self.are_not_in(text));
    }

    pub(super) fn are_not_in(&self, text: &str) {
        let tells = |line: &&str| self.0.iter().any(|key| line.contains(&**key));
        assert_eq!(text.lines().find(tells), None, "a key was told");
    }
}

/// Whatever is answered; nothing where TLS is spoken.
fn metrics(addr: SocketAddr) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&addr, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .ok()?;
    let mut text = Vec::new();
    stream.read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

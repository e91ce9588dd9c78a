//! Checks the listening address and its access control.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use http::{StatusCode, Uri};
use rustls::ClientConfig;
use serde::Deserialize;

use super::certificate;
use super::finding::{Finding, Group};
use crate::cli::{reach, url};
use crate::config::{AuthKey, Config, Scope};
use switchtower_platform::process;

/// Timeout of identifying the process that has the port.
const LIMIT: Duration = Duration::from_secs(3);

const NOT_HERE: &str = "it is none of this machine's addresses: correct `host`";

/// The process that has the port.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Holder {
    /// A gateway of this version.
    Gateway(String),
    /// Something that does not say that it is one.
    Stranger,
}

#[derive(Deserialize)]
struct Health {
    status: String,
    version: String,
}

/// What was found, and whether a gateway runs there already.
pub(super) async fn look(config: &Config, tls: &Arc<ClientConfig>) -> (Vec<Finding>, bool) {
    let mut findings = Vec::new();
    if let Err(reason) = config.may_listen_on(config.host) {
        let next = "add `auth.keys`; `switchtower key new` makes one";
        findings.push(Finding::fail(Group::Listening, reason, next));
    }
    let address = SocketAddr::new(config.host, config.port);
    let (finding, runs) = match TcpListener::bind(address) {
        Ok(_) if config.port == 0 => (any_port(config), false),
        Ok(_) => (Finding::ok(Group::Listening, format!("{address} is free")), false),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let program = process::listener(address);
            let holder = holder(config, address, program.as_ref(), tls).await;
            (taken(address, &holder, program.as_ref()), holder != Holder::Stranger)
        }
        Err(error) => {
            let next = match error.kind() {
                ErrorKind::PermissionDenied => {
                    "ports below 1024 are reserved: choose another one, by `port` or --port"
                }
                ErrorKind::AddrNotAvailable => NOT_HERE,
                _ => "choose another one, by `host` and `port`",
            };
            (Finding::fail(Group::Listening, unusable(address, &error), next), false)
        }
    };
    findings.push(finding);
    findings.extend(config.ws_port.map(|port| sockets(config, port, runs)));
    findings.extend(config.tls.as_ref().map(certificate::look));
    findings.push(keys(config));
    (findings, runs)
}

fn any_port(config: &Config) -> Finding {
    Finding::ok(Group::Listening, format!("{}: any port that is free", config.host))
}

fn unusable(address: SocketAddr, error: &io::Error) -> String {
    format!("{address} cannot be listened on: {error}")
}

/// The port of `wsPort`. Where a gateway runs already, the port should be that gateway's.
fn sockets(config: &Config, port: u16, runs: bool) -> Finding {
    const NEXT: &str = "choose another `wsPort`, or leave it out";
    let address = SocketAddr::new(config.host, port);
    let found = match TcpListener::bind(address) {
        Ok(_) if port == 0 => any_port(config),
        Ok(_) => Finding::ok(Group::Listening, format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let program = process::listener(address);
            // Where the process cannot be seen, it is most likely the running gateway.
            let own = |program: &process::Program| program.name == env!("CARGO_PKG_NAME");
            if runs && program.as_ref().is_none_or(own) {
                Finding::ok(Group::Listening, format!("{address}: switchtower runs there"))
            } else {
                let stranger = taken(address, &Holder::Stranger, program.as_ref());
                Finding { next: Some(NEXT.to_owned()), ..stranger }
            }
        }
        Err(error) => {
            let next = match error.kind() {
                ErrorKind::AddrNotAvailable => NOT_HERE,
                _ => NEXT,
            };
            Finding::fail(Group::Listening, unusable(address, &error), next)
        }
    };
    Finding { what: format!("wsPort: {}", found.what), ..found }
}

/// By what it says of itself; by its name, if it cannot be understood: its certificate need not be
/// for the address.
async fn holder(
    config: &Config,
    address: SocketAddr,
    program: Option<&process::Program>,
    tls: &Arc<ClientConfig>,
) -> Holder {
    let uri = format!("{}/health", url::base(config, address)).parse::<Uri>();
    let answer = match uri {
        Ok(uri) => reach::get(&uri, None, None, tls, LIMIT).await.ok(),
        Err(_) => None,
    };
    let health = answer.filter(|answer| answer.status == StatusCode::OK);
    let health = health.and_then(|health| serde_json::from_slice::<Health>(&health.body).ok());
    match health.filter(|health| health.status == "ok") {
        Some(health) => Holder::Gateway(health.version),
        None if program.is_some_and(|program| program.name == env!("CARGO_PKG_NAME")) => {
            Holder::Gateway(env!("CARGO_PKG_VERSION").to_owned())
        }
        None => Holder::Stranger,
    }
}

fn taken(address: SocketAddr, holder: &Holder, program: Option<&process::Program>) -> Finding {
    let own = env!("CARGO_PKG_VERSION");
    let pid = program.map(|program| format!(" (pid {})", program.id)).unwrap_or_default();
    match holder {
        Holder::Gateway(version) if version == own => {
            let what = format!("{address}: switchtower {version} runs there{pid}");
            Finding::ok(Group::Listening, what)
        }
        Holder::Gateway(version) => {
            let what = format!("{address}: switchtower {version} runs there{pid}, this is {own}");
            Finding::warn(Group::Listening, what, "restart it to run this version")
        }
        Holder::Stranger => {
            let who = match program {
                Some(program) => format!("{}{pid}", program.name),
                None => "another program".to_owned(),
            };
            Finding::fail(
                Group::Listening,
                format!("{address} is taken by {who}"),
                "stop that, or choose another port, by `port` or --port",
            )
        }
    }
}

fn keys(config: &Config) -> Finding {
    let keys = &config.auth.keys;
    if keys.is_empty() {
        let what = "client keys: none, so every program on this machine may use it";
        return Finding::ok(Group::Listening, what);
    }
    let shown = |(name, key): (&String, &AuthKey)| {
        let scopes: Vec<_> = key.scopes.iter().copied().map(Scope::as_str).collect();
        format!("{name} ({})", scopes.join(", "))
    };
    let shown: Vec<_> = keys.iter().map(shown).collect();
    Finding::ok(Group::Listening, format!("client keys: {}", shown.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Env;

    #[test]
    fn who_has_the_port() {
        let address = SocketAddr::from(([127, 0, 0, 1], 3000));
        let python = process::Program { id: 7, name: "python3".to_owned() };
        let own = Holder::Gateway(env!("CARGO_PKG_VERSION").to_owned());
        for (holder, program, said) in [
            (&own, Some(&python), "ok 127.0.0.1:3000: switchtower"),
            (&Holder::Gateway("9.9.9".into()), None, "warn 127.0.0.1:3000: switchtower 9.9.9 runs"),
            (&Holder::Stranger, Some(&python), "fail 127.0.0.1:3000 is taken by python3 (pid 7)"),
            (&Holder::Stranger, None, "fail 127.0.0.1:3000 is taken by another program"),
        ] {
            let Finding { level, what, .. } = taken(address, holder, program);
            assert!(format!("{level} {what}").starts_with(said), "{level} {what}");
        }
    }

    #[test]
    fn the_port_of_sockets_is_looked_at() {
        let config = Config::default();
        let holder = TcpListener::bind((config.host, 0)).unwrap();
        let port = holder.local_addr().unwrap().port();
        for runs in [false, true] {
            let Finding { level, what, next, .. } = sockets(&config, port, runs);
            let said = format!("{level} {what}");
            assert!(
                said.starts_with(&format!("fail wsPort: 127.0.0.1:{port} is taken by")),
                "{said}"
            );
            assert!(next.unwrap().contains("`wsPort`"));
        }
        drop(holder);
        let Finding { level, what, .. } = sockets(&config, port, false);
        assert_eq!(format!("{level} {what}"), format!("ok wsPort: 127.0.0.1:{port} is free"));
        let any = sockets(&config, 0, false).what;
        assert_eq!(any, "wsPort: 127.0.0.1: any port that is free");
    }

    #[test]
    fn keys_are_named_and_not_shown() {
        assert!(keys(&Config::default()).what.contains("none"));
        let hash = "0".repeat(64);
        let yaml = format!("auth: {{keys: [{{name: a, hash: 'sha256:{hash}'}}]}}");
        let config = Config::from_yaml("c", &yaml, &Env::empty()).unwrap();
        assert_eq!(keys(&config).what, "client keys: a (models)");
    }
}

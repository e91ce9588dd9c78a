//! The way to a provider: proxies, certificate authorities, and how long it may take.

use std::fs;

use insta::assert_snapshot;
use switchtower::config::{Config, DirectReason, Env, ProxyRoute, Timeouts};

use super::{accepted, refused::refused, refused::refused_with};

const LOCAL: Timeouts =
    Timeouts { connect_ms: 5000, headers_ms: 300_000, first_token_ms: 300_000, idle_ms: 300_000 };

fn read(text: &str, env: &Env) -> Config {
    Config::from_yaml("gateway.yaml", text, env).unwrap_or_else(|error| panic!("{error}"))
}

fn one(settings: &str) -> String {
    format!("models:\n  providers:\n    p:\n      api_key: k\n      {settings}")
}

fn route(config: &Config) -> &ProxyRoute {
    &config.models.providers["p"].proxy
}

#[test]
fn a_provider_that_may_have_to_load_a_model_has_time_for_it() {
    let timeouts = |url: &str, general: &str, own: &str| {
        let text = format!(
            "models: {{timeouts: {{{general}}}, providers: {{p: {{base_url: '{url}', timeouts: {{{own}}}}}}}}}"
        );
        accepted(&text).models.providers["p"].timeouts
    };
    for near in ["http://127.0.0.1:11434/v1", "http://192.168.1.7:8080", "http://mac.local/v1"] {
        assert_eq!(timeouts(near, "", ""), LOCAL, "{near}");
    }
    for far in ["https://api.deepseek.com/v1", "http://8.8.8.8", "http://a"] {
        assert_eq!(timeouts(far, "", ""), Timeouts::default(), "{far}");
    }
    let url = "http://localhost:1234/v1";
    assert_eq!(timeouts(url, "idle_ms: 7", ""), Timeouts { idle_ms: 7, ..LOCAL });
    assert_eq!(timeouts(url, "idle_ms: 7", "idle_ms: 9"), Timeouts { idle_ms: 9, ..LOCAL });
    assert_eq!(timeouts(url, "headers_ms: 60000", ""), Timeouts { headers_ms: 60_000, ..LOCAL });
    assert_eq!(timeouts(url, "", "first_token_ms: 0"), Timeouts { first_token_ms: 0, ..LOCAL });
    let Timeouts { headers_ms, first_token_ms, idle_ms, .. } = Timeouts::default();
    assert_eq!((headers_ms, first_token_ms, idle_ms), (60_000, 180_000, 60_000));
}

#[test]
fn a_proxy_of_its_own_goes_before_the_environment() {
    let env = Env::fixed([("HTTPS_PROXY", "http://env:1"), ("NO_PROXY", "b.example")]);
    let at = |host: &str, more: &str| one(&format!("base_url: https://{host}.example/v1{more}"));
    let proxied = |text: &str| {
        let config = read(text, &env);
        route(&config).proxy().map(|proxy| format!("{proxy} by {}", proxy.source()))
    };
    assert_eq!(proxied(&at("a", "")).unwrap(), "http://env:1 by HTTPS_PROXY");
    assert_eq!(proxied(&at("b", "")), None);
    let own = "\n      proxy: socks5://own";
    assert_eq!(proxied(&at("a", own)).unwrap(), "socks5://own:1080 by its `proxy`");
    assert_eq!(proxied(&at("b", own)).unwrap(), "socks5://own:1080 by its `proxy`");
    let config = read(&at("a", "\n      proxy: none"), &env);
    assert_eq!(*route(&config), ProxyRoute::Direct(DirectReason::Setting));
    let config = read(&one("base_url: http://127.0.0.1:1/v1\n      proxy: http://p:1"), &env);
    assert_eq!(*route(&config), ProxyRoute::Direct(DirectReason::Loopback));
    assert_eq!(
        config.warnings,
        ["the `proxy` of `p` is not used: the provider is on this machine"]
    );
}

#[test]
fn a_proxy_shows_neither_user_nor_password() {
    let env = Env::fixed([("HTTPS_PROXY", "http://secret-user:secret-word@env:1")]);
    let text = one("base_url: https://a.example/v1");
    let own = one("base_url: https://a.example\n      proxy: http://secret-user:secret-word@p:1");
    for text in [text, own] {
        let config = read(&text, &env);
        let proxy = route(&config).proxy().expect("a proxy");
        assert_eq!(proxy.credentials(), Some(("secret-user", "secret-word")));
        let shown = format!("{config:?} {:?} {proxy}", proxy.authorization());
        assert!(!shown.contains("secret"), "{shown}");
        assert!(!shown.contains("c2VjcmV0"), "{shown}");
    }
}

#[test]
fn wrong_proxies() {
    assert_snapshot!(refused(&one("base_url: https://a.example\n      proxy: socks4://p:1")), @r"
    gateway.yaml:6:14: this proxy has the scheme `socks4`, which is not supported
      6 |       proxy: socks4://p:1
        |              ^^^^^^^^^^^^
      help: write http://, https://, socks5:// or socks5h://, and a host and a port; `none` goes without one
    ");
    assert_snapshot!(refused(&one("base_url: https://a.example\n      proxy: p:3128")), @r"
    gateway.yaml:6:14: this proxy has no scheme
      6 |       proxy: p:3128
        |              ^^^^^^
      help: write http://, https://, socks5:// or socks5h://, and a host and a port; `none` goes without one
    ");
    assert_snapshot!(refused(&one("base_url: https://a.example\n      proxy: 'http://:3128'")), @r"
    gateway.yaml:6:14: this proxy has no host
      6 |       proxy: 'http://:3128'
        |              ^^^^^^^^^^^^^^
      help: write, for example, http://10.0.0.1:3128; `none` goes without one
    ");
    assert_snapshot!(refused(&one("base_url: https://a.example\n      proxy: ''")), @r"
    gateway.yaml:6:14: this proxy has no scheme
      6 |       proxy: ''
        |              ^^
      help: write http://, https://, socks5:// or socks5h://, and a host and a port; `none` goes without one
    ");
    assert_snapshot!(refused(&one("base_url: https://a.example\n      proxy: $HTTPS_PROXY")), @r"
    gateway.yaml:6:14: variables are not expanded in this file
      6 |       proxy: $HTTPS_PROXY
        |              ^^^^^^^^^^^^
      help: without `proxy`, HTTPS_PROXY and the like count
    ");
    // One that is wrong may be a password in the wrong place.
    for proxy in [
        "'http://user:hidden#word@p:1'",
        "ftp://user:hidden@p",
        "user:hidden@p:1",
        "'http://user:hidden@p:port'",
        "'http://user:hidden@'",
    ] {
        let told = refused(&one(&format!("base_url: https://a.example\n      proxy: {proxy}")));
        assert!(told.starts_with("gateway.yaml:6:14: this proxy has "), "{told}");
        assert!(!told.contains("hidden"), "{told}");
    }
    // Nor is one shown that stands beside something else that is wrong.
    let line =
        "models: {providers: {p: {base_url: 'https://a', proxy: 'http://user:hidden@p', prot: 1}}}";
    let told = refused(line);
    assert!(told.contains("unknown setting `prot`") && !told.contains("hidden"), "{told}");
}

#[test]
fn a_wrong_variable_is_named_without_its_value() {
    let two = "models: {providers: {a: {base_url: 'https://a.example', api_key: k}, \
               b: {base_url: 'https://b.example', api_key: k}}}";
    let env = |value| Env::fixed([("HTTPS_PROXY", value)]);
    assert_snapshot!(refused_with(two, &env("socks4://user:hidden@proxy:1")), @r"
    gateway.yaml: HTTPS_PROXY has the scheme `socks4`, which is not supported
      help: write http://, https://, socks5:// or socks5h://, and a host and a port; or give the providers a `proxy` of their own
    ");
    for value in
        ["http://user:hid/den@proxy:1", "http://user:hidden@:1", "hidden words", "hidden://"]
    {
        let told = refused_with(two, &env(value));
        assert!(told.starts_with("gateway.yaml: HTTPS_PROXY has "), "{told}");
        assert!(!told.contains("hid/") && !told.contains("hidden@"), "{told}");
    }
    // It matters only to those for whom it counts.
    let wrong = env("socks4://proxy");
    for text in [
        "",
        "models: {providers: {a: {base_url: 'https://a.example'}}}",
        "models: {providers: {a: {base_url: 'https://a.example', api_key: k, enabled: false}}}",
        "models: {providers: {a: {base_url: 'https://a.example', api_key: k, proxy: none}}}",
        "models: {providers: {a: {base_url: 'http://a.example', api_key: k}}}",
        "models: {providers: {a: {base_url: 'https://127.0.0.1:1', api_key: k}}}",
    ] {
        read(text, &wrong);
    }
    assert!(Config::builtin(&wrong).expect("no key, no provider").is_none());
    let builtin = Env::fixed([("HTTPS_PROXY", "socks4://p"), ("OPENAI_API_KEY", "k")]);
    let error = Config::builtin(&builtin).expect_err("it counts").to_string();
    assert!(error.contains("HTTPS_PROXY has the scheme `socks4`"), "{error}");
}

#[test]
fn an_authority_is_read_from_beside_the_file() {
    let home = tempfile::tempdir().unwrap();
    let pem = || {
        let own = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
        (own.cert.pem(), own.signing_key.serialize_pem())
    };
    let ((one_pem, key), (other, _)) = (pem(), pem());
    fs::create_dir(home.path().join("tls")).unwrap();
    fs::write(home.path().join("tls/ca.pem"), format!("# ours\n{one_pem}\n{other}")).unwrap();
    let file = home.path().join("gateway.yaml");
    let load = |ca: &str, url: &str| {
        fs::write(&file, one(&format!("base_url: {url}\n      ca: {ca}"))).unwrap();
        Config::load(&file)
            .map_err(|error| error.to_string().replace(&home.path().display().to_string(), "HOME"))
    };
    let config = load("tls/ca.pem", "https://a.example").unwrap();
    let ca = config.models.providers["p"].ca.clone().expect("an authority");
    assert_eq!((ca.file(), ca.certificates().len()), (&*home.path().join("tls/ca.pem"), 2));
    assert_eq!(config.warnings, [""; 0]);
    let absolute = home.path().join("tls/ca.pem").display().to_string();
    assert_eq!(load(&absolute, "https://a.example").unwrap().models.providers["p"].ca, Some(ca));
    assert_eq!(
        load("tls/ca.pem", "http://a.example").unwrap().warnings,
        ["the `ca` of `p` is not used: it is not spoken to over https"]
    );

    let cut = one_pem.replace("-----END CERTIFICATE-----", "");
    let malformed =
        format!("{one_pem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    for (name, text) in [
        ("empty.pem", String::new()),
        ("key.pem", key),
        ("text.pem", "not a certificate".to_owned()),
        ("cut.pem", cut),
        ("malformed.pem", malformed),
    ] {
        fs::write(home.path().join(name), text).unwrap();
    }
    let wrong = ["none.pem", "empty.pem", "key.pem", "text.pem", "cut.pem", "malformed.pem", "tls"];
    let told: Vec<_> = wrong
        .into_iter()
        .map(|name| {
            let told = load(name, "https://a.example").expect_err(name);
            told.lines().next().unwrap_or_default().to_owned()
        })
        .collect();
    assert_snapshot!(told.join("\n"), @r"
    HOME/gateway.yaml:6:11: HOME/none.pem cannot be read: No such file or directory (os error 2)
    HOME/gateway.yaml:6:11: HOME/empty.pem has no certificate in PEM (`-----BEGIN CERTIFICATE-----`)
    HOME/gateway.yaml:6:11: HOME/key.pem has no certificate in PEM (`-----BEGIN CERTIFICATE-----`)
    HOME/gateway.yaml:6:11: HOME/text.pem has no certificate in PEM (`-----BEGIN CERTIFICATE-----`)
    HOME/gateway.yaml:6:11: HOME/cut.pem is not PEM
    HOME/gateway.yaml:6:11: HOME/malformed.pem has a malformed certificate, number 2
    HOME/gateway.yaml:6:11: HOME/tls cannot be read: Is a directory (os error 21)
    ");
}

//! A gateway embedded in a program, reloaded through its API. A process of its own, because it measures its
//! resident memory.

use switchtower::{
    app::Gateway,
    config::{Config, Env},
    reload::ReloadError,
};
use tokio::sync::oneshot;

use switchtower_testkit::clients::{CHAT, Provider, Reply, always, ask, post, send, soon};

/// A configuration with these providers, of which each lists the model `m`.
fn yaml(providers: &[(&str, &Provider)]) -> String {
    let entry = |(name, provider): &(&str, &Provider)| {
        format!(
            "    {name}: {{base_url: \"{}\", api_key: sk-{name}, models: [m]}}\n",
            provider.base_url()
        )
    };
    let entries: String = providers.iter().map(entry).collect();
    format!("models:\n  retry: {{max_retries: 0}}\n  providers:\n{entries}")
}

fn config(yaml: &str) -> Config {
    let config = Config::from_yaml("test.yaml", yaml, &Env::empty());
    Config { port: 0, ..config.unwrap_or_else(|error| panic!("{error}")) }
}

/// Resident memory in MiB, `None` where the system does not report it.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib >> 10)
}

/// As many as somebody's editor makes in years.
#[tokio::test]
async fn many_reloads_leave_nothing_behind() {
    let (a, b) = (always(Reply::chat("A")).await, always(Reply::chat("B")).await);
    let settings = "auth: {keys: [{name: k, hash: 'sha256:HASH', rate_limit: {rpm: 9}}]}\n";
    let settings = settings.replace("HASH", &"0".repeat(64));
    let configs = [
        config(&yaml(&[("a", &a)])),
        config(&format!("{}{settings}", yaml(&[("a", &b), ("b", &b)]))),
    ];
    let gateway = Gateway::bind(&configs[0]).await.expect("a free port");
    let (addr, reloader) = (gateway.local_addr(), gateway.reloader());
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(gateway.run(async {
        let _ = stopped.await;
    }));
    let mut before = None;
    for round in 0..600 {
        for config in configs.iter().rev() {
            soon(reloader.reload(config.clone())).await.unwrap();
        }
        if round % 100 == 0 {
            let answer = send(addr, post(CHAT, &ask())).await;
            assert_eq!(answer.status(), 200);
        }
        if round == 200 {
            before = resident();
        }
    }
    if let (Some(before), Some(after)) = (before, resident()) {
        assert!(after < before + 16, "{before} MiB, then {after} MiB");
    }
    drop(stop);
    soon(running).await.unwrap();
}

#[tokio::test]
async fn it_is_told_what_changed() {
    let (a, b) = (always(Reply::chat("A")).await, always(Reply::chat("B")).await);
    let gateway = Gateway::bind(&config(&yaml(&[("a", &a)]))).await.expect("a free port");
    let (addr, reloader) = (gateway.local_addr(), gateway.reloader());
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(gateway.run(async {
        let _ = stopped.await;
    }));
    let changes = soon(reloader.reload(config(&yaml(&[("a", &a), ("b", &b)])))).await.unwrap();
    assert_eq!(changes.settings, ["models.providers.b (added)"]);
    assert!(
        soon(reloader.reload(config(&yaml(&[("a", &a), ("b", &b)])))).await.unwrap().is_empty()
    );
    let answer = send(addr, post(CHAT, &ask())).await;
    assert_eq!(answer.headers()["x-switchtower-provider"], "a");
    let report = reloader.status().report();
    assert_eq!((report.origin, report.reloads), (None, 2));
    drop(stop);
    soon(running).await.unwrap();
    let late = soon(reloader.reload(config(&yaml(&[("b", &b)])))).await;
    assert!(matches!(late, Err(ReloadError::Stopped)), "{late:?}");
}

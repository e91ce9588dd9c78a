//! A gateway in a program that has its own ways to a configuration.

use switchtower::{
    config::{Config, Env},
    reload::ReloadError,
    server::Gateway,
};
use tokio::sync::oneshot;

use crate::{
    house::yaml,
    support::{CHAT, Reply, always, post, send, soon},
};

fn config(yaml: &str) -> Config {
    let config = Config::from_yaml("test.yaml", yaml, &Env::empty());
    Config { port: 0, ..config.unwrap_or_else(|error| panic!("{error}")) }
}

#[tokio::test]
async fn it_is_told_what_changed() {
    let (a, b) = (always(Reply::chat("A")).await, always(Reply::chat("B")).await);
    let gateway = Gateway::bind(&config(&yaml(&[("a", &a)], &[]))).await.expect("a free port");
    let (addr, reloader) = (gateway.local_addr(), gateway.reloader());
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(gateway.run(async {
        let _ = stopped.await;
    }));
    let changes = soon(reloader.reload(config(&yaml(&[("a", &a), ("b", &b)], &[])))).await.unwrap();
    assert_eq!(changes.settings, ["models.providers.b (added)"]);
    assert!(
        soon(reloader.reload(config(&yaml(&[("a", &a), ("b", &b)], &[]))))
            .await
            .unwrap()
            .is_empty()
    );
    let answer = send(addr, post(CHAT, &crate::house::question(false))).await;
    assert_eq!(answer.headers()["x-switchtower-provider"], "a");
    let report = reloader.status().report();
    assert_eq!((report.origin, report.reloads), (None, 2));
    drop(stop);
    soon(running).await.unwrap();
    let late = soon(reloader.reload(config(&yaml(&[("b", &b)], &[])))).await;
    assert!(matches!(late, Err(ReloadError::Stopped)), "{late:?}");
}

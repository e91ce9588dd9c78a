//! `setup`, by its flags.

use std::path::Path;

use insta::assert_snapshot;
use serde_json::json;

use crate::cli_mesh::gateway::Gateway;
use crate::cli_mesh::shell::Shell;
use crate::support::{ProxyScript, TestProxy};

fn read(shell: &Shell, name: &str) -> String {
    std::fs::read_to_string(shell.path().join(name)).expect("a file")
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

/// A provider that takes one key.
async fn provider() -> (Gateway, String) {
    let models = json!({"data": [{"id": "\u{1b}]0;title\u{7}"}, {"id": "m-1"}, {"id": "m-2"}]});
    let gateway = Gateway::start().await.says("GET /v1/models", 200, models);
    let url = format!("http://{}/v1", gateway.addr);
    (gateway, url)
}

#[tokio::test]
async fn a_key_from_stdin_goes_to_a_private_file() {
    let (gateway, url) = provider().await;
    let shell = Shell::new();
    std::fs::write(shell.path().join(".env"), "# mine\nOTHER='1'").expect("a file");
    let arguments = [
        "setup",
        "--provider",
        "deepseek",
        "--key-stdin",
        "--base-url",
        &url,
        "--port",
        "4000",
        "--yes",
    ];
    let ended = shell.pipe("sk-1\n", &arguments).await;
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert_snapshot!(ended.stdout, @r"
    .env has the key; only you can read it
    gateway.yaml is written

    Next:
      switchtower
          starts the gateway on http://127.0.0.1:4000
      switchtower connect shell
          points OpenAI SDKs at it
    ");
    assert_eq!(read(&shell, ".env"), "# mine\nOTHER='1'\nDEEPSEEK_API_KEY=sk-1\n");
    assert_snapshot!(read(&shell, "gateway.yaml").replace(&url, "URL"), @r#"
    # Written by `switchtower setup`. gateway.example.yaml explains every setting.

    port: 4000

    models:
      default_model: deepseek-chat
      providers:
        deepseek:
          base_url: "URL"
          api_key_env: DEEPSEEK_API_KEY
          models: [deepseek-chat, deepseek-reasoner]
    "#);
    #[cfg(unix)]
    for name in [".env", "gateway.yaml"] {
        assert_eq!(mode(&shell.path().join(name)), 0o600);
    }
    assert_eq!(gateway.asked()[0].what, "GET /v1/models");
    let check = shell.says(&["check"]).await;
    assert!(!check.contains("warning"), "{check}");

    // Nothing is overwritten unless that is said.
    let error = shell.pipe("sk-2", &arguments).await;
    assert_eq!(error.stderr, "error: gateway.yaml is there already; --force overwrites it\n");
    std::fs::remove_file(shell.path().join("gateway.yaml")).expect("a file");
    let error = shell.pipe("sk-2", &arguments).await;
    assert_eq!(
        (error.status, error.stderr.as_str()),
        (Some(1), "error: .env has another DEEPSEEK_API_KEY; --force overwrites it\n")
    );
    assert!(!shell.path().join("gateway.yaml").exists(), "it is all or nothing");
    let forced = shell.pipe("sk-2", &[&arguments[..], &["--force"]].concat()).await;
    assert_eq!(forced.status, Some(0));
    assert_eq!(read(&shell, ".env"), "# mine\nOTHER='1'\nDEEPSEEK_API_KEY=sk-2\n");
}

#[tokio::test]
async fn a_refused_key_is_not_kept() {
    let gateway = Gateway::start().await.refuses("GET /v1/models", 401, "no", "no");
    let url = format!("http://{}/v1", gateway.addr);
    let shell = Shell::new();
    let arguments = ["setup", "--provider", "openai", "--key-stdin", "--base-url", &url, "--yes"];
    let ended = shell.pipe("sk-secret", &arguments).await;
    assert_eq!(ended.status, Some(1));
    assert_snapshot!(ended.stderr, @r"
    error: openai refuses this key
      help: --force keeps one that is refused
    ");
    assert!(!shell.path().join(".env").exists());
    let ended = shell.pipe("sk-secret", &[&arguments[..], &["--force"]].concat()).await;
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), "note: openai refuses this key\n"));
}

#[tokio::test]
async fn offline_is_no_error_and_a_dry_run_writes_nothing() {
    let shell = Shell::new();
    let arguments = [
        "setup",
        "--provider",
        "openai",
        "--key-stdin",
        "--base-url",
        "http://127.0.0.1:9/v1",
        "--model",
        "true: x",
        "--yes",
        "--dry-run",
    ];
    let ended = shell.pipe("sk-secret", &arguments).await;
    assert_eq!(
        ended.stderr,
        "note: the key for openai is not checked: 127.0.0.1 cannot be reached\n"
    );
    assert_snapshot!(ended.stdout, @r#"
    gateway.yaml:

    # Written by `switchtower setup`. gateway.example.yaml explains every setting.

    port: 3000

    models:
      default_model: "true: x"
      providers:
        openai:
          base_url: "http://127.0.0.1:9/v1"
          api_key_env: OPENAI_API_KEY
          dialect: responses
          models: ["true: x", gpt-5.1, o4-mini]

    .env:

    OPENAI_API_KEY=***
    "#);
    assert_eq!(std::fs::read_dir(shell.path()).expect("a directory").count(), 0);
}

#[tokio::test]
async fn a_key_in_the_environment_stays_there() {
    let (_gateway, url) = provider().await;
    let shell = Shell::new();
    let arguments = [
        "setup",
        "--provider",
        "deepseek",
        "--key-env",
        "MY_KEY",
        "--base-url",
        &url,
        "--yes",
        "--dir",
        "deep/er",
    ];
    let ended = shell.command(&arguments).env("MY_KEY", "sk-1").output().await.expect("it runs");
    assert_eq!(ended.status.code(), Some(0));
    assert!(read(&shell, "deep/er/gateway.yaml").contains("api_key_env: MY_KEY\n"));
    assert!(!shell.path().join("deep/er/.env").exists());
    shell.says(&["check", "--config", "deep/er/gateway.yaml"]).await;
    let error =
        shell.run(&["setup", "--provider", "deepseek", "--key-env", "not a name", "--yes"]).await;
    assert!(error.stderr.contains("is not the name of an environment variable"), "{error:?}");
}

#[tokio::test]
async fn ollama_needs_no_key_and_tells_its_models() {
    let (_gateway, url) = provider().await;
    let shell = Shell::new();
    shell.says(&["setup", "--provider", "ollama", "--base-url", &url, "--yes"]).await;
    let yaml = read(&shell, "gateway.yaml");
    assert!(
        yaml.contains("default_model: m-1\n") && yaml.contains("models: [m-1, m-2]\n"),
        "{yaml}"
    );
    shell.says(&["check"]).await;
}

#[tokio::test]
async fn what_makes_no_sense_is_told() {
    let shell = Shell::new();
    for arguments in [
        &["setup"][..],
        &["setup", "--yes"],
        &["setup", "--provider", "nobody"],
        &["setup", "--key-stdin"],
        &["setup", "--provider", "openai", "--provider", "deepseek", "--key-stdin", "--yes"],
        &["setup", "--provider", "ollama", "--key-stdin"],
    ] {
        shell.complains(2, arguments).await;
    }
    assert_eq!(std::fs::read_dir(shell.path()).expect("a directory").count(), 0);
}

#[tokio::test]
async fn a_key_is_checked_through_the_proxy_of_the_environment() {
    let (gateway, _) = provider().await;
    let proxy = TestProxy::start(ProxyScript::Forward(gateway.addr)).await;
    let shell = Shell::new();
    let variable = format!("HTTP_PROXY=http://me:hidden-word@{}\n", proxy.addr);
    std::fs::write(shell.path().join(".env"), variable).expect("a file");
    let url = "http://llm.example.test/v1";
    let arguments =
        ["setup", "--provider", "deepseek", "--key-stdin", "--base-url", url, "--yes", "--dry-run"];
    let ended = shell.pipe("sk-1\n", &arguments).await;
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert_eq!(proxy.asked(), ["GET http://llm.example.test/v1/models HTTP/1.1"]);
    drop(gateway);
    let refusing = TestProxy::start(ProxyScript::Authorized("Basic x", proxy.addr)).await;
    let variable = format!("HTTP_PROXY=http://me:hidden-word@{}\n", refusing.addr);
    std::fs::write(shell.path().join(".env"), variable).expect("a file");
    let ended = shell.pipe("sk-1\n", &arguments).await;
    let says = format!("proxy {} answered 407", refusing.addr);
    assert!(ended.stderr.contains(&says), "{}", ended.stderr);
    assert!(!ended.stderr.contains("hidden"), "{}", ended.stderr);
}

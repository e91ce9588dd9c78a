//! Keys with blanks around them, wherever they come from.

use std::fs;

use crate::support::{Binary, CHAT, Gateway, Provider, Reply, always, ask, post, send};

fn yaml(provider: &Provider, key: &str) -> String {
    let url = provider.base_url();
    format!("models: {{providers: {{a: {{base_url: '{url}', {key}, models: [m]}}}}}}")
}

fn sent(provider: &Provider) -> Option<String> {
    provider.received().pop()?.header("authorization").map(ToOwned::to_owned)
}

#[tokio::test]
async fn a_key_of_the_environment_is_sent_without_its_blanks() {
    let provider = always(Reply::chat("Hi")).await;
    for value in [" sk-test-0123456789 ", "\tsk-test-0123456789", "sk-test-0123456789\u{a0}"] {
        let yaml = yaml(&provider, "api_key_env: A_KEY");
        let gateway = Binary::start(&yaml, &[("A_KEY", value)]).await;
        assert_eq!(send(gateway.addr, post(CHAT, &ask())).await.status(), 200, "{value:?}");
        assert_eq!(sent(&provider).as_deref(), Some("Bearer sk-test-0123456789"), "{value:?}");
    }
}

#[tokio::test]
async fn and_so_is_one_of_a_dotenv_file_or_of_the_configuration() {
    let provider = always(Reply::chat("Hi")).await;
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join(".env"), "A_KEY=\" sk-test-0123456789\t\"\n").unwrap();
    let gateway = Binary::start_in(home, &yaml(&provider, "api_key_env: A_KEY"), &[]).await;
    assert_eq!(send(gateway.addr, post(CHAT, &ask())).await.status(), 200);
    assert_eq!(sent(&provider).as_deref(), Some("Bearer sk-test-0123456789"));

    let gateway = Gateway::start(&yaml(&provider, "api_key: ' sk-test-9876543210 '")).await;
    assert_eq!(send(gateway.addr, post(CHAT, &ask())).await.status(), 200);
    assert_eq!(sent(&provider).as_deref(), Some("Bearer sk-test-9876543210"));
}

/// A client key that stands in the environment with blanks is the key without them.
#[tokio::test]
async fn a_client_key_of_the_environment_is_known_without_its_blanks() {
    let provider = always(Reply::chat("Hi")).await;
    let keys = "\nauth: {keys: [{name: me, key_env: MY_KEY}]}";
    let yaml = yaml(&provider, "api_key: sk-main-0123456789") + keys;
    let gateway = Binary::start(&yaml, &[("MY_KEY", " st-0123456789abcdef0123 ")]).await;
    let with_key = |key: &str| {
        let mut request = post(CHAT, &ask());
        request.headers_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
        send(gateway.addr, request)
    };
    assert_eq!(with_key("st-0123456789abcdef0123").await.status(), 200);
    assert_eq!(with_key(" st-0123456789abcdef0123 ").await.status(), 200);
    assert_eq!(with_key("st-0123456789abcdef").await.status(), 401);
}

//! Clients' keys that come and go.

use std::net::SocketAddr;

use http::{HeaderValue, header::AUTHORIZATION};
use switchtower::config::KeyHash;

use crate::reload::house::{House, question, yaml};
use crate::support::{CHAT, H2, Reply, always, client::Outgoing, eventually, post};

const OLD: &str = "a-key-that-is-taken-back";
const NEW: &str = "a-key-that-comes-instead";

fn with_key(yaml: &str, key: &str) -> String {
    let hash = KeyHash::of(key.as_bytes());
    format!("{yaml}auth: {{keys: [{{name: a, hash: '{hash}', scopes: [models, admin]}}]}}\n")
}

fn request(key: &str) -> Outgoing {
    let mut request = post(CHAT, &question(false));
    let bearer = HeaderValue::try_from(format!("Bearer {key}")).expect("a header");
    request.headers_mut().insert(AUTHORIZATION, bearer);
    request
}

/// Also on a connection that was there before.
#[tokio::test]
async fn a_key_that_is_taken_back_opens_nothing() {
    let a = always(Reply::chat("A")).await;
    let open = yaml(&[("a", &a)], &[]);
    let house = House::start(&with_key(&open, OLD)).await;
    let h2 = H2::connect(house.addr()).await.unwrap();
    let status = async |key: &str| h2.send(request(key)).await.unwrap().status().as_u16();
    assert_eq!((status(OLD).await, status(NEW).await), (200, 401));
    house.write(&with_key(&open, NEW));
    house.binary.signal("HUP").await;
    eventually(|| house.binary.log().contains("the configuration was reloaded")).await;
    assert_eq!(status(NEW).await, 200);
    assert_eq!(status(OLD).await, 401);
}

/// Others could reach it then.
#[tokio::test]
async fn the_last_key_stays_where_others_reach_it() {
    let a = always(Reply::chat("A")).await;
    let open = yaml(&[("a", &a)], &[]) + "host: 0.0.0.0\n";
    let house = House::start(&with_key(&open, OLD)).await;
    house.write(&open);
    house.binary.signal("HUP").await;
    eventually(|| house.binary.log().contains("the configuration stays as it was")).await;
    let addr = SocketAddr::from(([127, 0, 0, 1], house.addr().port()));
    let h2 = H2::connect(addr).await.unwrap();
    for (key, status) in [(OLD, 200), (NEW, 401)] {
        assert_eq!(h2.send(request(key)).await.unwrap().status(), status);
    }
}

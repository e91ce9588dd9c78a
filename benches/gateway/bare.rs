//! The floor: hyper's server and hyper-util's client, and nothing between them.

use hyper::{Request, Uri, body::Incoming, header::HOST, service::service_fn};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use tokio::net::TcpListener;

use crate::process;

pub(crate) async fn run(provider: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    process::announce(listener.local_addr().expect("an address"));
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<_, Incoming> =
        Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
    let provider: &'static str = provider.to_owned().leak();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let client = client.clone();
        tokio::spawn(async move {
            let service = service_fn(move |mut request: Request<Incoming>| {
                let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
                let uri = format!("http://{provider}{path}");
                *request.uri_mut() = Uri::try_from(uri).expect("a path");
                request.headers_mut().remove(HOST);
                client.request(request)
            });
            let server = hyper::server::conn::http1::Builder::new();
            // The load generator disconnects in the middle.
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

//! The engine: a loopback listener, hyper's server, and the books that tests read.

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use parking_lot::Mutex;
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
    time::sleep,
};

use super::{
    body::ReplyBody,
    counter::Tally,
    fault::Fault,
    faulty_io::{self, Line},
    recorded_request::Received,
    reply::Reply,
};

/// A provider on a loopback port. It is gone, with all its connections, when this is dropped.
///
/// It speaks HTTP/1.1 and HTTP/2 with prior knowledge.
#[derive(Debug)]
pub struct Provider {
    addr: SocketAddr,
    shared: Arc<Shared>,
    listener: JoinHandle<()>,
}

/// What all connections share.
struct Shared {
    script: Box<dyn Fn(Received) -> Reply + Send + Sync>,
    on_connect: Box<dyn Fn(usize) -> Option<Fault> + Send + Sync>,
    /// The requests so far; none is kept by the embedded provider, which runs for long.
    log: Option<Mutex<Vec<Received>>>,
    requests: Tally,
    aborted: Tally,
    accepted: Tally,
    open: Tally,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("requests", &self.requests.get())
            .field("connections", &self.open.get())
            .finish_non_exhaustive()
    }
}

/// Starting and stopping.
impl Provider {
    /// A provider that answers each request as the script says, and keeps none of them: for a
    /// provider that runs for long.
    ///
    /// # Errors
    ///
    /// When no loopback port is free.
    pub async fn serve(
        script: impl Fn(Received) -> Reply + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::listen(Box::new(script), Box::new(|_| None), None).await
    }

    /// A provider that answers each request as the script says.
    pub async fn start(
        script: impl Fn(Received) -> Reply + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::start_with(|_| None, script).await
    }

    /// A provider whose connections may break before anything is read: `on_connect` gets the number of
    /// connections that came before.
    pub async fn start_with(
        on_connect: impl Fn(usize) -> Option<Fault> + Send + Sync + 'static,
        script: impl Fn(Received) -> Reply + Send + Sync + 'static,
    ) -> io::Result<Self> {
        Self::listen(Box::new(script), Box::new(on_connect), Some(Mutex::default())).await
    }

    async fn listen(
        script: Box<dyn Fn(Received) -> Reply + Send + Sync>,
        on_connect: Box<dyn Fn(usize) -> Option<Fault> + Send + Sync>,
        log: Option<Mutex<Vec<Received>>>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared {
            script,
            on_connect,
            log,
            requests: Tally::new(),
            aborted: Tally::new(),
            accepted: Tally::new(),
            open: Tally::new(),
        });
        let listener = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { addr, shared, listener })
    }

    /// Stops listening and breaks all connections; afterwards the port refuses.
    pub async fn stop(mut self) {
        self.listener.abort();
        let _ = (&mut self.listener).await;
    }
}

/// Where it is, and what happened so far.
impl Provider {
    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The base URL to configure.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.addr)
    }

    /// The requests so far, in order. Empty for [`serve`](Self::serve), which keeps none.
    pub fn received(&self) -> Vec<Received> {
        self.shared.log.as_ref().map(|log| log.lock().clone()).unwrap_or_default()
    }

    /// Waits until at least `count` requests have come.
    pub async fn requested(&self, count: usize) {
        self.shared.requests.reached(count).await;
    }

    /// Number of open connections.
    pub fn connections(&self) -> usize {
        self.shared.open.get()
    }

    /// Number of connections that were ever accepted.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.get()
    }

    /// Number of replies that the client gave up before their last step.
    pub fn aborted(&self) -> usize {
        self.shared.aborted.get()
    }

    /// Waits until the client has given up at least `count` replies that were still going on.
    pub async fn disconnected(&self, count: usize) {
        self.shared.aborted.reached(count).await;
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// Accepts connections until it is aborted, which aborts them too.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&shared)));
                }
                // Out of descriptors, most likely: it passes when connections close.
                Err(_) => sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection, until it ends or a reply breaks it.
async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let _open = shared.open.hold();
    let nth = shared.accepted.add();
    if let Some(fault) = (shared.on_connect)(nth) {
        return fault.inflict(stream).await;
    }
    let _ = stream.set_nodelay(true);
    let stream = Arc::new(stream);
    let (wire, line, mut faults) = faulty_io::connect(Arc::clone(&stream));
    let service = service_fn(move |request| answer(Arc::clone(&shared), line.clone(), request));
    let server = auto::Builder::new(TokioExecutor::new());
    let fault = tokio::select! {
        _ = server.serve_connection(TokioIo::new(wire), service) => None,
        fault = faults.recv() => fault,
    };
    // hyper is dropped by now, and its hold on the socket with it.
    if let (Some(fault), Some(stream)) = (fault, Arc::into_inner(stream)) {
        fault.inflict(stream).await;
    }
}

async fn answer(
    shared: Arc<Shared>,
    line: Line,
    request: Request<Incoming>,
) -> hyper::Result<Response<ReplyBody>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let request = shared.note(Received {
        nth: 0,
        method: parts.method,
        uri: parts.uri,
        version: parts.version,
        headers: parts.headers,
        body,
    });
    let reply = (shared.script)(request);
    Ok(reply.play(line, shared.aborted.clone()).await)
}

impl Shared {
    /// Numbers a request, and enters it into the log under that number.
    fn note(&self, mut request: Received) -> Received {
        let Some(log) = &self.log else {
            request.nth = self.requests.add();
            return request;
        };
        let mut log = log.lock();
        request.nth = log.len();
        log.push(request.clone());
        drop(log);
        self.requests.add();
        request
    }
}

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use switchtower_layers::BoxError;
use tower::Service;

use super::connection_count::{Connections, CountedConnection};

/// Bounds the time to connect (DNS, TCP, the proxy and TLS together), and counts the connections.
#[derive(Clone, Debug)]
pub(super) struct ConnectDeadline<C> {
    inner: C,
    limit: Option<Duration>,
    /// `host:port` of what is in between.
    proxy: Option<Arc<str>>,
    connections: Connections,
}

impl<C> ConnectDeadline<C> {
    pub(super) fn new(
        inner: C,
        limit: Option<Duration>,
        proxy: Option<Arc<str>>,
        connections: Connections,
    ) -> Self {
        Self { inner, limit, proxy, connections }
    }
}

/// The connect deadline passed.
#[derive(Clone, Debug)]
pub(super) struct ConnectTimedOut {
    limit: Duration,
    proxy: Option<Arc<str>>,
}

impl fmt::Display for ConnectTimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not connected within {} ms", self.limit.as_millis())?;
        match &self.proxy {
            Some(proxy) => write!(f, " through proxy {proxy}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ConnectTimedOut {}

impl<C> Service<Uri> for ConnectDeadline<C>
where
    C: Service<Uri, Error: Into<BoxError>, Future: Send + 'static>,
{
    type Response = CountedConnection<C::Response>;
    type Error = BoxError;
    // hyper-util wants a future that is `Unpin`; connections are rare, so the box costs nothing.
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.inner.call(uri);
        let (limit, proxy, connections) =
            (self.limit, self.proxy.clone(), self.connections.clone());
        Box::pin(async move {
            let connected = match limit {
                None => connecting.await,
                Some(limit) => match tokio::time::timeout(limit, connecting).await {
                    Ok(connected) => connected,
                    Err(_) => return Err(ConnectTimedOut { limit, proxy }.into()),
                },
            };
            connected.map(|connection| connections.count(connection)).map_err(Into::into)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use tower::{ServiceExt, service_fn};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_deadline_is_named_and_can_be_off() {
        let limit = Duration::from_secs(5);
        let slow = service_fn(async |_: Uri| {
            tokio::time::sleep(Duration::from_secs(60)).await;
            Ok::<_, Infallible>(())
        });
        let bounded = ConnectDeadline::new(slow, Some(limit), None, Connections::default());
        let error = bounded.oneshot(Uri::from_static("http://a")).await.unwrap_err();
        assert_eq!(error.to_string(), "not connected within 5000 ms");
        assert!(error.is::<ConnectTimedOut>());
        let proxy = Some("10.0.0.1:3128".into());
        let bounded = ConnectDeadline::new(slow, Some(limit), proxy, Connections::default());
        let error = bounded.oneshot(Uri::from_static("http://a")).await.unwrap_err();
        assert_eq!(error.to_string(), "not connected within 5000 ms through proxy 10.0.0.1:3128");
        let unbounded = ConnectDeadline::new(slow, None, None, Connections::default());
        assert!(unbounded.oneshot(Uri::from_static("http://a")).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_in_the_same_moment_wins() {
        let limit = Duration::from_secs(5);
        let just_in_time = service_fn(move |_: Uri| async move {
            tokio::time::sleep(limit).await;
            Ok::<_, Infallible>(())
        });
        let bounded = ConnectDeadline::new(just_in_time, Some(limit), None, Connections::default());
        assert!(bounded.oneshot(Uri::from_static("http://a")).await.is_ok());
    }
}

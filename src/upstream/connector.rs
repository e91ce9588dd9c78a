use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use switchtower_layers::BoxError;
use tower::Service;

use super::counted::{Connections, Counted};

/// Bounds the time to connect (DNS, TCP and TLS together), and counts the connections.
#[derive(Clone, Debug)]
pub(super) struct ConnectDeadline<C> {
    inner: C,
    limit: Option<Duration>,
    connections: Connections,
}

impl<C> ConnectDeadline<C> {
    pub(super) fn new(inner: C, limit: Option<Duration>, connections: Connections) -> Self {
        Self { inner, limit, connections }
    }
}

/// The connect deadline passed.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConnectTimedOut(Duration);

impl fmt::Display for ConnectTimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not connected within {} ms", self.0.as_millis())
    }
}

impl std::error::Error for ConnectTimedOut {}

impl<C> Service<Uri> for ConnectDeadline<C>
where
    C: Service<Uri, Error: Into<BoxError>, Future: Send + 'static>,
{
    type Response = Counted<C::Response>;
    type Error = BoxError;
    // hyper-util wants a future that is `Unpin`; connections are rare, so the box costs nothing.
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.inner.call(uri);
        let (limit, connections) = (self.limit, self.connections.clone());
        Box::pin(async move {
            let connected = match limit {
                None => connecting.await,
                Some(limit) => match tokio::time::timeout(limit, connecting).await {
                    Ok(connected) => connected,
                    Err(_) => return Err(ConnectTimedOut(limit).into()),
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
        let bounded = ConnectDeadline::new(slow, Some(limit), Connections::default());
        let error = bounded.oneshot(Uri::from_static("http://a")).await.unwrap_err();
        assert_eq!(error.to_string(), "not connected within 5000 ms");
        assert!(error.is::<ConnectTimedOut>());
        let unbounded = ConnectDeadline::new(slow, None, Connections::default());
        assert!(unbounded.oneshot(Uri::from_static("http://a")).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_in_the_same_moment_wins() {
        let limit = Duration::from_secs(5);
        let just_in_time = service_fn(move |_: Uri| async move {
            tokio::time::sleep(limit).await;
            Ok::<_, Infallible>(())
        });
        let bounded = ConnectDeadline::new(just_in_time, Some(limit), Connections::default());
        assert!(bounded.oneshot(Uri::from_static("http://a")).await.is_ok());
    }
}

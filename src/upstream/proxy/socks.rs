use std::{future::ready, io};

use http::Uri;
use hyper_util::{client::legacy::connect::proxy::SocksV5, rt::TokioIo};
use tower::{Service, service_fn};

use super::{authority, error::ProxyFailure, stream::Stream};

/// Connects to the target by its name through a SOCKS proxy, which looks the name up.
pub(super) async fn connect(
    stream: Stream,
    proxy: &Uri,
    target: &Uri,
    credentials: Option<(String, String)>,
) -> Result<Stream, ProxyFailure> {
    let failure = |error: &dyn std::fmt::Display| ProxyFailure::Socks(error.to_string());
    // hyper-util assumes 443 where a URI has no port.
    let target =
        Uri::try_from(format!("http://{}/", authority(target))).map_err(|e| failure(&e))?;
    let mut stream = Some(TokioIo::new(stream));
    let connected = service_fn(move |_: Uri| {
        ready(stream.take().ok_or_else(|| io::Error::other("it is taken already")))
    });
    let mut socks = SocksV5::new(proxy.clone(), connected);
    if let Some((user, password)) = credentials {
        socks = socks.with_auth(user, password);
    }
    socks.call(target).await.map(TokioIo::into_inner).map_err(|error| failure(&error))
}

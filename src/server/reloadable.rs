use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;
use http::Request;
use tower::{Service, ServiceExt, util::Oneshot};

/// A service that can be exchanged while it runs: each call goes to the one that is there when it
/// comes, and stays with it to its end.
///
/// A handle: clones exchange together, also those of connections that are open. A call takes no
/// lock, and clones the service once, which hyper's server would do otherwise.
pub(crate) struct Reloadable<S>(Arc<ArcSwap<S>>);

impl<S> Reloadable<S> {
    /// Begins with this service.
    pub(crate) fn new(service: S) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(service)))
    }

    /// Calls go to this service from now on.
    pub(crate) fn set(&self, service: S) {
        self.0.store(Arc::new(service));
    }
}

impl<S> Clone for Reloadable<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S> fmt::Debug for Reloadable<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloadable").finish_non_exhaustive()
    }
}

impl<S> Reloadable<S> {
    /// Calls the service that is there now.
    pub(crate) fn call<B>(&self, request: Request<B>) -> Oneshot<S, Request<B>>
    where
        S: Service<Request<B>> + Clone,
    {
        S::clone(&self.0.load()).oneshot(request)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        sync::atomic::{AtomicUsize, Ordering},
        task::{Context, Poll},
    };

    use super::*;

    /// A service that answers with its number, and counts how many of it there are.
    #[derive(Debug)]
    struct Numbered(usize, Arc<AtomicUsize>);

    impl Numbered {
        fn new(number: usize, alive: &Arc<AtomicUsize>) -> Self {
            alive.fetch_add(1, Ordering::Relaxed);
            Self(number, alive.clone())
        }
    }

    impl Clone for Numbered {
        fn clone(&self) -> Self {
            Self::new(self.0, &self.1)
        }
    }

    impl Drop for Numbered {
        fn drop(&mut self) {
            self.1.fetch_sub(1, Ordering::Relaxed);
        }
    }

    impl Service<Request<()>> for Numbered {
        type Response = usize;
        type Error = Infallible;
        type Future = std::future::Ready<Result<usize, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<()>) -> Self::Future {
            std::future::ready(Ok(self.0))
        }
    }

    #[tokio::test]
    async fn a_call_stays_where_it_began_and_the_next_one_goes_to_the_new_service() {
        let alive = Arc::new(AtomicUsize::new(0));
        let swap = Reloadable::new(Numbered::new(1, &alive));
        let connection = swap.clone();
        let under_way = connection.call(Request::new(()));
        swap.set(Numbered::new(2, &alive));
        assert_eq!(connection.call(Request::new(())).await, Ok(2));
        assert_eq!(under_way.await, Ok(1));
        assert_eq!(alive.load(Ordering::Relaxed), 1, "nobody holds the old one");
    }

    /// What hyper's server did with the service itself: a clone for each request.
    #[tokio::test]
    async fn a_call_costs_one_clone_of_the_service_and_nothing_else() {
        #[derive(Clone)]
        struct Owning(Box<u8>);
        impl Service<Request<()>> for Owning {
            type Response = u8;
            type Error = Infallible;
            type Future = std::future::Ready<Result<u8, Infallible>>;

            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, _: Request<()>) -> Self::Future {
                std::future::ready(Ok(*self.0))
            }
        }
        let connection = Reloadable::new(Owning(Box::new(7)));
        let call = || {
            let future = std::pin::pin!(connection.call(Request::new(())));
            let mut cx = Context::from_waker(std::task::Waker::noop());
            assert!(future.poll(&mut cx).is_ready());
        };
        // The first one on a thread makes a place for it.
        call();
        assert_eq!(allocation_counter::measure(call).count_total, 1);
    }
}

//! What a success pays for the chance of another attempt.

use std::{convert::Infallible, future, sync::Arc};

use http::{Request, Response};
use switchtower_layers::{
    Buffered,
    retry::{RetryLayer, Settings},
};
use tower::retry::{
    self,
    budget::{Budget, TpsBudget},
};

use crate::{
    call::{self, NoOp},
    contest::{self, Contests},
    inputs::{answer, prompt, request},
};

/// The work of [`RetryLayer`] as a policy of tower's: statuses and a budget, no delays.
#[derive(Clone)]
struct Peer {
    left: u32,
    budget: Arc<TpsBudget>,
}

impl<B: Clone, R, E> retry::Policy<Request<B>, Response<R>, E> for Peer {
    type Future = future::Ready<()>;

    fn retry(
        &mut self,
        _: &mut Request<B>,
        result: &mut Result<Response<R>, E>,
    ) -> Option<Self::Future> {
        let failed = result.as_ref().map_or(true, |r| r.status().is_server_error());
        if !failed {
            self.budget.deposit();
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        self.budget.withdraw().then(|| future::ready(()))
    }

    fn clone_request(&mut self, request: &Request<B>) -> Option<Request<B>> {
        (self.left > 0).then(|| request.clone())
    }
}

pub(crate) fn hold(contests: &mut Contests) {
    for (title, size) in [("retry, 1 KB", 1 << 10), ("retry, 5 MB", 5 << 20)] {
        contests.hold(title, |contest| {
            let (answer, ask) = (answer(), request(Buffered::from(prompt(size))));
            contest.add("no-op", call::of(&NoOp, &answer, &ask));
            contest.add("layer", call::of(&RetryLayer::default(), &answer, &ask));
            let off = Settings { max_retries: 0, budget: None, ..Settings::default() };
            contest.add("layer, off", call::of(&RetryLayer::new(off), &answer, &ask));
            let head = ask.clone();
            contest.add("a clone of the request", contest::work(move || head.clone()));
            let peer = retry::RetryLayer::new(Peer { left: 3, budget: Arc::default() });
            contest.add("tower", call::of(&peer, &answer, &ask));
            let peer: tower_resilience_retry::RetryLayer<_, _, Infallible> =
                tower_resilience_retry::RetryLayer::exponential_backoff()
                    .retry_on_response(|response: &Response<_>| response.status().is_server_error())
                    .build();
            contest.add("tower-resilience", call::of(&peer, &answer, &ask));
        });
    }
}

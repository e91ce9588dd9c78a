use std::{net::IpAddr, num::NonZeroU32, sync::Arc, time::Duration};

use bytes::Bytes;
use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::NoOpMiddleware,
    state::keyed::DashMapStateStore,
};
use http::{Request, Response};
use http_body_util::Full;
use switchtower_layers::rate_limit::{ByIp, Limit, Limiter, RateLimitLayer};
use tower::{layer::util::Stack, limit, util::MapResponseLayer};
use tower_governor::{
    GovernorError, GovernorLayer, governor::GovernorConfigBuilder, key_extractor::KeyExtractor,
};

use crate::{
    call::{self, NoOp, at_once, by_two},
    contest::{self, Contests},
    inputs::{address, answer, bare_request, request, with},
};

/// Per second, so many that all pass.
const UNLIMITED_PER_SECOND: u32 = 1_000_000_000;

/// The key that [`ByIp`] takes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PeerIp;

impl KeyExtractor for PeerIp {
    type Key = IpAddr;

    fn extract<T>(&self, request: &Request<T>) -> Result<IpAddr, GovernorError> {
        let address = request.extensions().get::<IpAddr>().copied();
        address.ok_or(GovernorError::UnableToExtractKey)
    }
}

fn layer() -> RateLimitLayer<IpAddr, ByIp> {
    RateLimitLayer::new(Limiter::new(Limit::per_second(UNLIMITED_PER_SECOND)), ByIp)
}

/// It answers with axum's body only.
fn axum_body()
-> MapResponseLayer<impl Fn(Response<Full<Bytes>>) -> axum::response::Response + Clone> {
    MapResponseLayer::new(|response: Response<Full<Bytes>>| response.map(axum::body::Body::new))
}

/// It has one limit for all.
fn resilience() -> tower_resilience_ratelimiter::RateLimiterLayer {
    let layer = tower_resilience_ratelimiter::RateLimiterLayer::builder();
    let layer = layer.limit_for_period(usize::MAX / 2).refresh_period(Duration::from_secs(1));
    layer.build().expect("a limit")
}

fn quota() -> Quota {
    Quota::per_second(NonZeroU32::new(UNLIMITED_PER_SECOND).expect("not zero"))
}

macro_rules! tower_governor {
    () => {{
        let mut config = GovernorConfigBuilder::default();
        let mut config =
            config.period(Duration::from_nanos(1)).burst_size(u32::MAX).key_extractor(PeerIp);
        let governor = GovernorLayer::new(config.finish().expect("a limit"));
        Stack::new(axum_body(), governor)
    }};
}

pub(crate) fn hold(contests: &mut Contests) {
    contests.hold("rate limit", |contest| {
        let ask = with(request(Bytes::new()), address(1));
        let answer = answer();
        contest.add("no-op", call::of(&NoOp, &answer, &ask));
        contest.add("layer", call::of(&layer(), &answer, &ask));
        contest.add("layer, headers off", call::of(&layer().headers(false), &answer, &ask));
        let over = RateLimitLayer::new(Limiter::new(Limit::per_day(1)), ByIp);
        contest.add("layer, rejection", call::of(&over, &answer, &ask));
        let governor = RateLimiter::dashmap(quota());
        let key = address(1);
        contest.add("governor's check_key", contest::work(move || governor.check_key(&key)));
        let states: DashMapStateStore<IpAddr> = DashMapStateStore::default();
        let governor: RateLimiter<_, _, _, NoOpMiddleware<<MonotonicClock as Clock>::Instant>> =
            RateLimiter::new(quota(), states, MonotonicClock);
        contest.add("the same, by std's clock", contest::work(move || governor.check_key(&key)));
        contest.add("no-op, axum's body", call::of(&axum_body(), &answer, &ask));
        contest.add("tower_governor", call::of(&tower_governor!(), &answer, &ask));
        contest.add("tower-resilience", call::of(&resilience(), &answer, &ask));
        // It has one limit for each service.
        let tower = limit::RateLimitLayer::new(u64::MAX, Duration::from_secs(1));
        contest.add("tower", call::of(&tower, &answer, &ask));
    });

    contests.hold("rate limit, 2 threads", |contest| {
        let keys = |keys: [u8; 2]| keys.map(address);
        let ask = |of: [u8; 2]| keys(of).map(|key| with(bare_request(Bytes::new()), key));
        let (same, own) = ([1, 1], [1, 2]);
        contest.add("no-op", by_two(&NoOp, ask(own)));
        contest.add("layer, one key", by_two(&layer().headers(false), ask(same)));
        contest.add("layer, two keys", by_two(&layer().headers(false), ask(own)));
        for (name, of) in [("check_key, one key", same), ("check_key, two keys", own)] {
            let governor = Arc::new(RateLimiter::dashmap(quota()));
            contest.add(
                name,
                at_once(keys(of).map(|key| {
                    let governor = Arc::clone(&governor);
                    move || governor.check_key(&key).expect("a pass")
                })),
            );
        }
        contest.add("tower_governor, one key", by_two(&tower_governor!(), ask(same)));
        contest.add("tower_governor, two keys", by_two(&tower_governor!(), ask(own)));
        contest.add("tower-resilience", by_two(&resilience(), ask(own)));
    });
}

//! Counting an attempt, a request, and a scrape of what was counted.

use bytes::Bytes;
use switchtower::{
    config::Config,
    telemetry::{
        AccessLogLayer,
        feed::RequestFeed,
        metrics::{Gauges, Metrics},
        stats::{Stats, StatsLayer},
    },
};
use switchtower_layers::Exchange;

use crate::{
    call::{self, NoOp},
    contest::{self, Contests},
    inputs::{answer, request, target, with},
};

pub(crate) fn hold(contests: &mut Contests) {
    contests.hold("telemetry", |contest| {
        let ask = with(with(request(Bytes::new()), target("p")), Exchange::default());
        let metrics = Metrics::new(&Config::default());
        let stats = Stats::new(metrics.clone());
        let record = AccessLogLayer::new(metrics.clone(), stats.clone(), RequestFeed::new());
        let answer = answer();
        contest.add("no-op", call::of(&NoOp, &answer, &ask));
        contest.add("an attempt", call::of(&StatsLayer::new(stats), &answer, &ask));
        contest.add("a request", call::of(&record, &answer, &ask));
        contest.add("a scrape", contest::work(move || metrics.render(&Gauges::default())));
    });
}

use prometheus::{
    HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, core::Collector,
};

pub(super) const PROVIDER: &str = "gen_ai_provider_name";
pub(super) const MODEL: &str = "gen_ai_request_model";
const OPERATION: &str = "gen_ai_operation_name";

/// In seconds: from what a cache answers to what a long chain of reasoning takes.
const DURATIONS: [f64; 15] =
    [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1., 2., 5., 10., 20., 30., 60., 120., 300.];
/// In seconds.
const PAUSES: [f64; 13] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1., 5., 20., 60.];
/// Those of the conventions.
const TOKENS: [f64; 14] = [
    1.,
    4.,
    16.,
    64.,
    256.,
    1024.,
    4096.,
    16384.,
    65536.,
    262_144.,
    1_048_576.,
    4_194_304.,
    16_777_216.,
    67_108_864.,
];

/// Everything that is counted as it happens.
pub(super) struct Families {
    pub(super) requests: IntCounterVec,
    pub(super) request_duration: HistogramVec,
    pub(super) request_first_token: HistogramVec,
    pub(super) in_flight: IntGauge,
    pub(super) streams: IntGauge,
    pub(super) rejections: IntCounterVec,
    pub(super) attempts: IntCounterVec,
    pub(super) retries: IntCounterVec,
    pub(super) failovers: IntCounterVec,
    pub(super) malformed: IntCounterVec,
    pub(super) duration: HistogramVec,
    pub(super) first_chunk: HistogramVec,
    pub(super) per_chunk: HistogramVec,
    pub(super) tokens: HistogramVec,
}

impl Families {
    pub(super) fn new(registry: &Registry) -> Self {
        let counter = |name, help, labels: &[&str]| {
            added(registry, IntCounterVec::new(Opts::new(name, help), labels))
        };
        let histogram = |name, help, labels: &[&str], buckets: &[f64]| {
            let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
            added(registry, HistogramVec::new(options, labels))
        };
        let gauge = |name, help| added(registry, IntGauge::new(name, help));
        Self {
            requests: counter(
                "switchtower_requests_total",
                "Requests that have ended, by kind of path, class of status and outcome.",
                &["route", "status", "outcome"],
            ),
            request_duration: histogram(
                "switchtower_request_duration_seconds",
                "From a request's head to the end of its answer's body.",
                &["route"],
                &DURATIONS,
            ),
            request_first_token: histogram(
                "switchtower_request_time_to_first_token_seconds",
                "From a streamed request's head to the first content for it, over all attempts.",
                &["route"],
                &DURATIONS,
            ),
            in_flight: gauge(
                "switchtower_requests_in_flight",
                "Requests whose answer's body has not ended.",
            ),
            streams: gauge(
                "switchtower_streams_in_flight",
                "Those of them that are event streams.",
            ),
            rejections: counter(
                "switchtower_rejections_total",
                "Requests, or targets of their plans, that a layer has rejected.",
                &["layer", "code"],
            ),
            attempts: counter(
                "switchtower_attempts_total",
                "Attempts that have ended, by outcome.",
                &[PROVIDER, MODEL, "outcome"],
            ),
            retries: counter(
                "switchtower_retries_total",
                "Attempts of a request that had one at the same target before.",
                &[PROVIDER, MODEL],
            ),
            failovers: counter(
                "switchtower_failovers_total",
                "Requests that moved on from a target to another one, by why they did.",
                &[PROVIDER, MODEL, "cause"],
            ),
            malformed: counter(
                "switchtower_malformed_events_total",
                "Events of streams that were not JSON of the expected shape, skipped or not.",
                &[PROVIDER, MODEL],
            ),
            duration: histogram(
                "gen_ai_client_operation_duration_seconds",
                "Attempts, from the request to the end of the body.",
                &[OPERATION, PROVIDER, MODEL, "error_type"],
                &DURATIONS,
            ),
            first_chunk: histogram(
                "gen_ai_client_operation_time_to_first_chunk_seconds",
                "Streamed attempts, from the request to the first content.",
                &[OPERATION, PROVIDER, MODEL],
                &DURATIONS,
            ),
            per_chunk: histogram(
                "gen_ai_client_operation_time_per_output_chunk_seconds",
                "Between two chunks of a stream.",
                &[OPERATION, PROVIDER, MODEL],
                &PAUSES,
            ),
            tokens: histogram(
                "gen_ai_client_token_usage",
                "Tokens that a provider says an attempt used.",
                &[OPERATION, PROVIDER, MODEL, "gen_ai_token_type"],
                &TOKENS,
            ),
        }
    }
}

/// Puts a family into a registry. Names and labels are written down here, so they are valid and
/// each is there once.
pub(super) fn added<C: Collector + Clone + 'static>(
    registry: &Registry,
    family: prometheus::Result<C>,
) -> C {
    let family = family.expect("a valid name");
    registry.register(Box::new(family.clone())).expect("a name of its own");
    family
}

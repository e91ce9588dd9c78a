use bytes::Bytes;
use switchtower_layers::{request::Streamed, stream_adapter::StreamAdapterLayer};

use crate::{
    call::{self, NoOp},
    contest::Contests,
    inputs::{answer, answer_of, request, stream, stream_of, with},
};

const COMPLETION: &[u8] = br#"{"id":"c","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}]}"#;

pub(crate) fn hold(contests: &mut Contests) {
    contests.hold("stream_adapter", |contest| {
        let ask = request(Bytes::new());
        let (plain, streamed) = (with(ask.clone(), Streamed(false)), with(ask, Streamed(true)));
        let layer = StreamAdapterLayer::new();
        let events = stream_of(stream(64));
        let completion = answer_of("application/json", Bytes::from_static(COMPLETION));
        contest.add("no-op", call::of(&NoOp, &answer(), &plain));
        contest.add("layer, JSON as asked for", call::of(&layer, &answer(), &plain));
        contest.add("layer, a stream as asked for", call::of(&layer, &events, &streamed));
        contest.add("layer, JSON to events", call::of(&layer, &completion, &streamed));
        contest.add("layer, 64 events to JSON", call::of(&layer, &events, &plain));
    });
}

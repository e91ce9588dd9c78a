//! Framing an event stream. The peers give back owned strings and take a `Stream` of chunks; the
//! framer lends what stands in the chunk, so it is here a second time with what it is lent copied.

use std::convert::Infallible;

use bytes::Bytes;
use eventsource_stream::EventStream;
use futures_util::{FutureExt, Stream, StreamExt, stream};
use sse_stream::SseByteStream;
use switchtower_layers::sse::{Event, Framer};

use crate::{
    contest::{Contest, Contests, work},
    inputs::text_stream,
};

/// Events, and the bytes of their data: that all of them were found.
type Found = (usize, usize);
type Frames = fn(&[Bytes]) -> Found;

fn framed(chunks: &[Bytes], mut on_event: impl FnMut(Event<'_>) -> usize) -> Found {
    let (mut framer, mut found) = (Framer::new(1 << 20), (0, 0));
    for chunk in chunks {
        let fed = framer.feed(chunk, |event| {
            found.0 += 1;
            found.1 += on_event(event);
        });
        fed.expect("events of a good size");
    }
    found
}

fn ours(chunks: &[Bytes]) -> Found {
    framed(chunks, |event| event.data.len())
}

fn ours_copied(chunks: &[Bytes]) -> Found {
    framed(chunks, |event| {
        let data = str::from_utf8(event.data).expect("UTF-8").to_owned();
        std::hint::black_box(data).len()
    })
}

fn source(chunks: &[Bytes]) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::iter(chunks.iter().cloned().map(Ok))
}

/// Reads a stream that never waits.
fn read<T, E: std::fmt::Debug>(
    events: impl Stream<Item = Result<T, E>> + Unpin,
    data: impl Fn(T) -> usize,
) -> Found {
    let all = events.fold((0, 0), |found, event| {
        let event = event.expect("a good event");
        std::future::ready((found.0 + 1, found.1 + data(event)))
    });
    all.now_or_never().expect("all of it is ready")
}

fn sse_stream(chunks: &[Bytes]) -> Found {
    read(SseByteStream::new(source(chunks)), |event| event.data.map_or(0, |data| data.len()))
}

fn eventsource_stream(chunks: &[Bytes]) -> Found {
    read(EventStream::new(source(chunks)), |event| event.data.len())
}

fn enter(contest: &mut Contest, chunks: &[Bytes], expected: Found) {
    contest.events(expected.0, chunks.iter().map(Bytes::len).sum());
    let contestants: [(_, Frames); 4] = [
        ("ours", ours),
        ("ours, copied", ours_copied),
        ("sse-stream", sse_stream),
        ("eventsource-stream", eventsource_stream),
    ];
    for (name, frame) in contestants {
        assert_eq!(frame(chunks), expected, "{name} finds all");
        let chunks = chunks.to_vec();
        contest.add(name, work(move || frame(&chunks)));
    }
}

pub(crate) fn hold(contests: &mut Contests) {
    for words in [64, 500] {
        let mut datas = text_stream(words).chunks;
        datas.push("[DONE]".to_owned());
        let expected = (datas.len(), datas.iter().map(String::len).sum());
        let events: Vec<_> =
            datas.iter().map(|data| Bytes::from(format!("data: {data}\n\n"))).collect();
        let translate_response = Bytes::from(events.concat());
        let pieces = |size: usize| {
            let starts = (0..translate_response.len()).step_by(size);
            starts
                .map(|at| translate_response.slice(at..translate_response.len().min(at + size)))
                .collect::<Vec<_>>()
        };
        for (name, chunks) in [
            ("one chunk", pieces(translate_response.len())),
            ("a chunk each", events.clone()),
            ("97-byte chunks", pieces(97)),
        ] {
            contests.hold(&format!("framing {words} words, {name}"), |contest| {
                enter(contest, &chunks, expected);
            });
        }
    }
}

//! Layers that read what is in a request or an answer.

use std::rc::Rc;

use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use switchtower_layers::{
    Buffered, Exchange,
    buffer::BufferLayer,
    observe::ObserveLayer,
    request::ModelRequest,
    responses::store::{MemoryStore, StoreLayer},
    route::{Provider, RouteLayer, RoutingTable},
};
use tokio::runtime::Runtime;

use crate::{
    call::{self, NoOp},
    contest::{self, Contests},
    inputs::{answer, prompt, request, stream, stream_of, stream_of_call, target, with},
};

const SIZES: [(&str, usize); 3] = [("1 KB", 1 << 10), ("100 KB", 100 << 10), ("5 MB", 5 << 20)];

pub(crate) fn hold(contests: &mut Contests, runtime: &Rc<Runtime>) {
    buffer(contests);
    route(contests);
    observe(contests);
    responses_state(contests, runtime);
}

fn buffer(contests: &mut Contests) {
    for (name, size) in SIZES {
        contests.hold(&format!("buffer, {name}"), |contest| {
            let (answer, ask) = (answer(), request(Full::new(prompt(size))));
            contest.add("no-op", call::of(&NoOp, &answer, &ask));
            contest.add("layer", call::of(&BufferLayer::new(64 << 20), &answer, &ask));
        });
    }
}

fn table() -> RoutingTable {
    RoutingTable::builder()
        .provider(Provider::new("deepseek").models(["deepseek-chat", "deepseek-reasoner"]))
        .provider(Provider::new("openai").models(["gpt-5.1", "o4-mini"]))
        .provider(Provider::new("openrouter"))
        .provider(Provider::new("ollama").alias("gpt-5.5", "qwen3:14b"))
        .alias("gpt-5.4", "deepseek-chat")
        .fallback(["deepseek", "openrouter", "ollama"])
        .route("deepseek", ["deepseek"])
        .route("gpt-", ["openai", "deepseek"])
        .build()
        .expect("the providers are there")
}

fn route(contests: &mut Contests) {
    for (name, size) in SIZES {
        contests.hold(&format!("route, {name}"), |contest| {
            contest.bytes(size);
            let body = Buffered::from(prompt(size));
            let (answer, ask) = (stream_of(stream(1)), request(body.clone()));
            contest.add("no-op", call::of(&NoOp, &answer, &ask));
            contest.add("layer", call::of(&RouteLayer::new(table()), &answer, &ask));
            contest.add("reading the model", contest::work(move || ModelRequest::read(&body)));
            let table = table();
            contest.add("making the plan", contest::work(move || table.plan("gpt-5.1")));
        });
    }
}

fn observe(contests: &mut Contests) {
    contests.hold("observe", |contest| {
        let ask = with(request(Buffered::default()), target("p"));
        let ask = with(ask, Exchange::default());
        let text = stream(64);
        contest.events(66, text.len());
        let answer = stream_of(text);
        contest.add("no-op", call::of(&NoOp, &answer, &ask));
        contest.add("layer", call::of(&ObserveLayer::new(), &answer, &ask));
        let answer = stream_of(stream_of_call(64));
        contest.add("layer, pieces of a call", call::of(&ObserveLayer::new(), &answer, &ask));
    });
}

fn responses_state(contests: &mut Contests, runtime: &Rc<Runtime>) {
    let ask = |size: usize, store: bool| {
        let text = "x".repeat(size);
        let body = format!(
            r#"{{"model":"m","input":[{{"role":"user","content":"{text}"}}],"store":{store}}}"#
        );
        let mut ask = request(Buffered::from(body));
        *ask.uri_mut() = Uri::from_static("/v1/responses");
        ask
    };
    let delta = r#"data: {"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":" word","sequence_number":7}"#;
    let last = r#"data: {"type":"response.completed","response":{"id":"resp_1","status":"completed","output":[]}}"#;
    let text = Bytes::from(format!("{}{last}\n\n", format!("{delta}\n\n").repeat(1000)));
    let kinds = [("1 KB", 1 << 10, false), ("5 MB", 5 << 20, false), ("stored", 1 << 10, true)];
    for (name, size, store) in kinds {
        contests.hold(&format!("responses state, {name}"), |contest| {
            let answer = stream_of(if store { text.clone() } else { Bytes::new() });
            let ask = ask(size, store);
            contest.add("no-op", call::with_tasks(&NoOp, &answer, &ask, runtime));
            let layer = StoreLayer::new(MemoryStore::default());
            contest.add("layer", call::with_tasks(&layer, &answer, &ask, runtime));
        });
    }
}

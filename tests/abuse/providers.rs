//! The providers: one that always answers, and one that does what the prompt says.

use std::time::Duration;

use switchtower_testkit::clients::{Fault, Provider, Received, Reply};

/// What a provider may do to a prompt. It is the prompt's last word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    Good,
    Slow,
    Status(u16),
    Limited,
    Html,
    Empty,
    Reset,
    Close,
    Garbage,
    Silence,
    /// Breaks, or goes silent, before it has said anything.
    CutEarly,
    Silent,
    /// The same in the middle of a word.
    Cut,
    CutCleanly,
    Stalls,
    Error,
}

pub(crate) const FATES: [(&str, Fate); 21] = [
    ("good", Fate::Good),
    ("fine", Fate::Good),
    ("well", Fate::Good),
    ("slow", Fate::Slow),
    ("500", Fate::Status(500)),
    ("502", Fate::Status(502)),
    ("503", Fate::Status(503)),
    ("401", Fate::Status(401)),
    ("limited", Fate::Limited),
    ("html", Fate::Html),
    ("empty", Fate::Empty),
    ("reset", Fate::Reset),
    ("close", Fate::Close),
    ("garbage", Fate::Garbage),
    ("silence", Fate::Silence),
    ("early", Fate::CutEarly),
    ("silent", Fate::Silent),
    ("cut", Fate::Cut),
    ("cleanly", Fate::CutCleanly),
    ("stalls", Fate::Stalls),
    ("error", Fate::Error),
];

impl Fate {
    fn of(prompt: &str) -> Self {
        let last = prompt.rsplit(' ').next();
        FATES.iter().find(|(word, _)| Some(*word) == last).map_or(Self::Good, |(_, fate)| *fate)
    }

    /// Whether a stream may break although the client has seen some of it.
    pub(crate) fn may_break(self) -> bool {
        matches!(self, Self::Cut | Self::CutCleanly | Self::Stalls | Self::Error)
    }
}

/// What the answer to a prompt says.
pub(crate) fn echo(prompt: &str) -> String {
    format!("You said: {prompt}")
}

/// How much a prompt that asks for a lot gets.
pub(crate) const LARGE: usize = 2 << 20;

/// Always answers with an echo.
pub(crate) async fn good() -> Provider {
    switchtower_testkit::clients::provider(|request| answer(&request, Fate::Good)).await
}

/// Does what the prompt says, and breaks some connections before anything is read.
pub(crate) async fn flaky() -> Provider {
    let on_connect = |nth| match nth % 16 {
        7 => Some(Fault::Reset),
        12 => Some(Fault::Close),
        _ => None,
    };
    let script = |request: Received| answer(&request, Fate::of(&prompt(&request)));
    Provider::start_with(on_connect, script).await.expect("a loopback port")
}

fn prompt(request: &Received) -> String {
    let request = request.json();
    let messages = request["messages"].as_array();
    let content = messages.and_then(|all| all.last()).map(|message| &message["content"]);
    let text = content.and_then(|content| content.as_str().or(content[0]["text"].as_str()));
    text.unwrap_or_default().to_owned()
}

fn answer(request: &Received, fate: Fate) -> Reply {
    let prompt = prompt(request);
    let text = echo(&prompt);
    let is_stream = request.json()["stream"] == true;
    let whole = || match is_stream {
        true if prompt.ends_with("large") => large(&text),
        true => Reply::chat_stream(text.split_inclusive(' ')),
        false => Reply::chat(&text),
    };
    let begun = |cut: fn(Reply) -> Reply| match is_stream {
        true => cut(Reply::events().role().delta(&text[..9])),
        false => cut(Reply::chat(&text).cut_after(40, Fault::Close)),
    };
    match fate {
        Fate::Good => whole(),
        Fate::Slow if is_stream => {
            let words = text.split_inclusive(' ').fold(Reply::events().role(), |reply, word| {
                reply.delta(word).pause(Duration::from_millis(30))
            });
            words.finish("stop").usage(9, 3).done()
        }
        Fate::Slow => whole().after(Duration::from_millis(100)),
        Fate::Status(status) => Reply::error(status, "it_flaps"),
        Fate::Limited => Reply::error(429, "rate_limit_exceeded").header("retry-after-ms", 50),
        Fate::Html => Reply::html("<h1>Log in</h1>"),
        Fate::Empty => Reply::new(200).content_type("application/json").sized(),
        Fate::Reset => Reply::fault(Fault::Reset),
        Fate::Close => Reply::fault(Fault::Close),
        Fate::Garbage => Reply::fault(Fault::garbage()),
        Fate::Silence => Reply::fault(Fault::Silence),
        Fate::CutEarly => Reply::events().role().cut(Fault::Reset),
        Fate::Silent => Reply::events().role().stall(),
        Fate::Cut => begun(|reply| reply.cut(Fault::Reset)),
        Fate::CutCleanly => begun(|reply| reply),
        Fate::Stalls => begun(Reply::stall),
        Fate::Error => begun(|reply| reply.error_event("server_error")),
    }
}

fn large(text: &str) -> Reply {
    let piece = "x".repeat(64 << 10);
    let first = Reply::events().role().delta(text);
    let all = (0..LARGE / piece.len()).fold(first, |reply, _| reply.delta(&piece));
    all.finish("stop").done()
}

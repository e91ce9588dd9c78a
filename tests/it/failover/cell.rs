//! One cell of the table: two providers, a gateway, a request, and a strict look at the answer.

use std::{fmt, time::Duration};

use bytes::Bytes;
use serde_json::json;
use switchtower_layers::route::Commit;
use tokio::time::Instant;

use crate::failover::{
    faults::{How, Row},
    rules::{Second, View, expected},
};
use crate::{
    recorded_response::{Seen, envelope},
    support::{Gateway, Provider, Refused, Reply, TEST_TIMEOUT, post, send},
};

/// What the short deadlines are set to.
const LIMIT: Duration = Duration::from_millis(250);

#[derive(Clone)]
pub(crate) struct Cell {
    pub(crate) row: Row,
    pub(crate) commit: Commit,
    pub(crate) second: Second,
    pub(crate) stream: bool,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { row, commit, second, stream } = self;
        let kind = if *stream { "streamed" } else { "plain" };
        write!(f, "{kind}, {}, {commit}, second {second:?}", row.name)
    }
}

/// A target: a provider that answers, or none.
enum Target {
    Up(Provider),
    Down(Refused),
}

impl Target {
    async fn of(how: &How) -> Self {
        let start = |on_connect: Option<crate::support::Fault>, reply: Reply| {
            Provider::start_with(move |_| on_connect.clone(), move |_| reply.clone())
        };
        let started = match how {
            How::Refused => return Self::Down(Refused::new().expect("a port")),
            How::Connection(fault) => start(Some(fault.clone()), Reply::new(200)).await,
            How::Reply(reply) => start(None, reply.clone()).await,
        };
        Self::Up(started.expect("a port"))
    }

    fn base_url(&self) -> String {
        match self {
            Self::Up(provider) => provider.base_url(),
            Self::Down(refused) => refused.base_url(),
        }
    }

    /// How often it was asked, as far as it can know.
    fn asked(&self, how: &How) -> Option<usize> {
        match (self, how) {
            (Self::Up(provider), How::Connection(_)) => Some(provider.accepted()),
            (Self::Up(provider), _) => Some(provider.received().len()),
            (Self::Down(_), _) => None,
        }
    }
}

impl Cell {
    pub(crate) async fn run(&self) {
        let Self { row, commit, second, stream } = self;
        let healthy = if *stream { Reply::chat_stream(["Yes"]) } else { Reply::chat("Yes") };
        let other = match second {
            Second::Healthy => Some(How::Reply(healthy.clone())),
            Second::BrokenToo => Some(row.how.clone()),
            Second::Nobody => None,
        };
        let deadline = row.deadline.map(|name| format!("{name}: {}", LIMIT.as_millis()));
        let deadline = deadline.unwrap_or_default();
        let first = Target::of(&row.how).await;
        let mut config = format!(
            "models:\n  commit: {commit}\n  providers:\n    \
             a: {{base_url: \"{}\", api_key: sk-key-of-a, models: [m], timeouts: {{{deadline}}}}}\n",
            first.base_url(),
        );
        let mut targets = vec![(first, &row.how)];
        if let Some(how) = &other {
            let target = Target::of(how).await;
            // A healthy one has time, however loaded the machine is.
            let own = if *second == Second::Healthy { "" } else { &*deadline };
            config += &format!(
                "    b: {{base_url: \"{}\", api_key: sk-key-of-b, aliases: {{m: m-at-b}}, \
                 timeouts: {{{own}}}}}\n",
                target.base_url()
            );
            targets.push((target, how));
        }
        let gateway = Gateway::start(&config).await;

        let (view, attempts) = expected(&row.effect, *commit, *second);
        // It asks for the usage, so that an answer passes byte for byte.
        let options = stream.then(|| json!({"include_usage": true}));
        let request =
            json!({"model": "m", "stream": stream, "stream_options": options, "messages": []});
        let started = Instant::now();
        let seen =
            Seen::read(send(gateway.addr, post("/v1/chat/completions", &request)).await).await;
        let took = started.elapsed();

        assert!(took < TEST_TIMEOUT, "{took:?}");
        if row.deadline.is_some() {
            let silent = attempts[0] + if *second == Second::Healthy { 0 } else { attempts[1] };
            assert!(took >= LIMIT * silent as u32, "{took:?}");
        }
        assert_eq!(seen.attempts(), attempts.iter().sum::<usize>());
        let last = if attempts[1] > 0 { "b/m-at-b" } else { "a/m" };
        assert_eq!(seen.target(), last);
        for (nth, (target, how)) in targets.iter().enumerate() {
            let asked = target.asked(how).unwrap_or(attempts[nth]);
            assert_eq!(asked, attempts[nth], "attempts at target {nth}");
        }
        for key in ["sk-key-of-a", "sk-key-of-b"] {
            assert!(!seen.text().contains(key) && !format!("{:?}", seen.headers).contains(key));
        }
        self.check(&view, &seen, &healthy.body(), &last[..1]);
    }

    fn check(&self, view: &View, seen: &Seen, healthy: &Bytes, last: &str) {
        let broken = match &self.row.how {
            How::Reply(reply) => reply.body(),
            _ => Bytes::new(),
        };
        // Not by `assert_eq`: bodies may be large.
        let exactly = |body: &Bytes| assert!(seen.body == body, "{}", excerpt(seen.text()));
        match *view {
            View::Healthy => {
                assert_eq!(seen.status, 200);
                assert!(seen.is_complete);
                exactly(healthy);
            }
            View::AsItCame(status) => {
                assert_eq!(seen.status, status);
                assert!(seen.is_complete);
                exactly(&broken);
                if self.row.name == "429, wait" {
                    assert_eq!(seen.header("retry-after"), "7");
                }
            }
            View::Own(status) => {
                assert_eq!(seen.status, status, "{}", excerpt(seen.text()));
                let error = seen.error();
                assert_eq!(error["code"], "PROVIDER_ERROR");
                let message = error["message"].as_str().expect("a text");
                assert!(message.contains(&format!("{last}: ")), "{message}");
            }
            View::ErrorEvent(whole) => {
                assert_eq!(seen.status, 200);
                assert!(seen.is_complete, "the error is the last word, not a cut");
                let (before, event) =
                    seen.text().split_at_checked(whole).expect("the whole events");
                assert!(before.as_bytes() == &broken[..whole], "{}", excerpt(before));
                let data = event.strip_prefix("data: ").and_then(|e| e.strip_suffix("\n\n"));
                let error = envelope(data.unwrap_or_else(|| panic!("no event: {event:?}")));
                assert_eq!(error["code"], "PROVIDER_ERROR");
                let message = error["message"].as_str().expect("a text");
                assert!(message.starts_with(&format!("{last}: ")), "{message}");
                assert!(!seen.text().contains("[DONE]"));
            }
            View::Cut => {
                assert_eq!(seen.status, 200);
                assert!(!seen.is_complete, "a clean end of half an answer");
            }
        }
    }
}

fn excerpt(text: &str) -> String {
    text.chars().take(500).collect()
}

//! A reply on its way out.

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame, SizeHint};

use super::{
    counter::Tally,
    fault::Fault,
    faulty_io::{Line, Wait},
    reply::{Reply, Step},
};

/// Counts a reply as aborted unless it came to its end.
#[derive(Debug)]
struct Ongoing {
    aborted: Tally,
    over: bool,
}

impl Drop for Ongoing {
    fn drop(&mut self) {
        if !self.over {
            self.aborted.add();
        }
    }
}

impl Reply {
    /// Plays the reply up to its head; the body plays the rest.
    pub(super) async fn play(self, line: Line, aborted: Tally) -> Response<ReplyBody> {
        let mut ongoing = Ongoing { aborted, over: false };
        for step in self.before {
            ongoing.over = break_off(&line, &step);
            step.wait().await;
        }
        let steps = VecDeque::from(self.steps);
        ongoing.over = steps.is_empty();
        // The head goes out with the first data, but before anything else.
        let wait = match steps.front() {
            None | Some(Step::Data(_)) => None,
            Some(_) => Some(line.flushed()),
        };
        let mut response =
            Response::new(ReplyBody { steps, wait, left: self.length, line, ongoing });
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// Hands a fault to the connection, and says whether that ended the reply. Silence is not handed on: it is
/// only a wait, and its reply goes on until the client leaves.
fn break_off(line: &Line, step: &Step) -> bool {
    match step {
        Step::Fault(Fault::Silence) | Step::Data(_) | Step::Pause(_) | Step::Gate(_) => false,
        Step::Fault(fault) => {
            line.cut(fault.clone());
            true
        }
    }
}

/// The steps of a reply as a body. A step begins when the one before it has been written out.
pub(super) struct ReplyBody {
    steps: VecDeque<Step>,
    wait: Option<Wait>,
    /// How much of the declared length is still to come.
    left: Option<u64>,
    line: Line,
    ongoing: Ongoing,
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        loop {
            if let Some(wait) = &mut this.wait {
                ready!(wait.as_mut().poll(cx));
                this.wait = None;
            }
            let step = this.steps.pop_front();
            this.ongoing.over = this.steps.is_empty();
            match step {
                None => return Poll::Ready(None),
                Some(Step::Data(data)) => {
                    if !this.steps.is_empty() {
                        this.wait = Some(this.line.flushed());
                    }
                    this.left = this.left.map(|left| left.saturating_sub(data.len() as u64));
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Some(step) => {
                    this.ongoing.over = break_off(&this.line, &step);
                    this.wait = Some(step.wait());
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty() && self.wait.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

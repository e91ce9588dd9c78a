use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use atomic_waker::AtomicWaker;
use pin_project_lite::pin_project;

/// Maximum number of polls in a row before the task is rescheduled. A request with a body takes
/// two, and so does its response.
const MAX_POLLS: usize = 8;

pin_project! {
    /// Polls a future again at once if it was woken while it was polled.
    ///
    /// A connection whose requests are served by the same task wakes itself: a body's reader asks
    /// hyper for more, and hyper wakes the reader when there is some. By way of the scheduler, that
    /// costs waking another worker thread, which then takes the connection over.
    pub(super) struct CoalesceWakes<F> {
        #[pin]
        future: F,
        signal: Arc<Signal>,
        waker: Waker,
    }
}

impl<F> CoalesceWakes<F> {
    pub(super) fn new(future: F) -> Self {
        let signal = Arc::new(Signal::default());
        Self { future, waker: Waker::from(signal.clone()), signal }
    }
}

impl<F: Future> Future for CoalesceWakes<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        this.signal.task.register(cx.waker());
        for _ in 0..MAX_POLLS {
            this.signal.begin();
            let polled = this.future.as_mut().poll(&mut Context::from_waker(this.waker));
            if polled.is_ready() || this.signal.rest() {
                return polled;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// What the future is woken by.
#[derive(Default)]
struct Signal {
    state: AtomicU8,
    task: AtomicWaker,
}

/// Not being polled: a wake wakes the task.
const RESTING: u8 = 0;
const POLLED: u8 = 1;
/// Woken since it was last polled. The task knows, or learns it when it has polled.
const WOKEN: u8 = 2;

impl Signal {
    /// Whatever it was woken for until now, the poll that follows sees to.
    fn begin(&self) {
        self.state.swap(POLLED, Ordering::AcqRel);
    }

    /// False if it was woken meanwhile.
    fn rest(&self) -> bool {
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        self.state.compare_exchange(POLLED, RESTING, success, failure).is_ok()
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.swap(WOKEN, Ordering::AcqRel) == RESTING {
            self.task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future::poll_fn, sync::atomic::AtomicUsize, thread};

    use tokio::task::JoinSet;
    use tokio_test::{assert_pending, assert_ready, task};

    use super::*;

    /// Ends with this poll, and is woken during each before.
    fn restless(until: usize, polls: &Cell<usize>) -> CoalesceWakes<impl Future<Output = ()>> {
        CoalesceWakes::new(poll_fn(move |cx| {
            polls.set(polls.get() + 1);
            cx.waker().wake_by_ref();
            if polls.get() == until { Poll::Ready(()) } else { Poll::Pending }
        }))
    }

    #[test]
    fn what_was_woken_meanwhile_is_polled_again_at_once() {
        let polls = Cell::new(0);
        let mut task = task::spawn(restless(3, &polls));
        assert_ready!(task.poll());
        assert!(!task.is_woken());
    }

    #[test]
    fn but_so_often_in_a_row() {
        let polls = Cell::new(0);
        let mut task = task::spawn(restless(MAX_POLLS + 2, &polls));
        assert_pending!(task.poll());
        assert_eq!((polls.get(), task.is_woken()), (MAX_POLLS, true));
        assert_ready!(task.poll());
    }

    #[test]
    fn a_wake_between_polls_reaches_the_task_that_polled_last() {
        let waker = Cell::new(None);
        let mut repoll = CoalesceWakes::new(poll_fn(|cx| {
            waker.set(Some(cx.waker().clone()));
            Poll::<()>::Pending
        }));
        for _ in 0..2 {
            let mut task = task::spawn(Pin::new(&mut repoll));
            assert_pending!(task.poll());
            assert!(!task.is_woken());
            waker.take().unwrap().wake();
            assert!(task.is_woken());
            assert_pending!(task.poll());
            waker.take().unwrap().wake();
            assert!(task.is_woken());
        }
    }

    /// Each wake is followed by a poll that sees what it was for, wherever it falls.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_wake_is_lost() {
        const STEPS: usize = 2000;
        let mut all = JoinSet::new();
        for _ in 0..4 {
            let done = Arc::new(AtomicUsize::new(0));
            let mut seen = 0;
            all.spawn(CoalesceWakes::new(poll_fn(move |cx| {
                let now = done.load(Ordering::Acquire);
                if now == STEPS {
                    return Poll::Ready(());
                }
                // The next step is done by somebody else, at about the time this poll ends.
                if now == seen {
                    seen += 1;
                    let (done, waker) = (done.clone(), cx.waker().clone());
                    tokio::spawn(async move {
                        done.fetch_add(1, Ordering::AcqRel);
                        waker.wake();
                    });
                    thread::yield_now();
                }
                Poll::Pending
            })));
        }
        while let Some(ended) = all.join_next().await {
            ended.unwrap();
        }
    }
}

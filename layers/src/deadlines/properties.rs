use proptest::prelude::*;
use tokio::time::Instant;

use super::{
    Deadline, Settings,
    schedule::Schedule,
    script::{End, Script, ms},
};

/// The rules of the deadlines, millisecond by millisecond.
fn expected(script: &Script) -> (End, u64) {
    let Settings { headers, first_token, idle } = script.settings;
    let reached = |from: u64, now: u64, limit: Option<_>| {
        limit.is_some_and(|limit| limit != ms(0) && ms(now - from) >= limit)
    };
    let (mut head, mut content, mut last, mut frames) = (false, !script.streamed, 0, 0);
    for now in 0.. {
        if !head && now == script.head {
            (head, last) = (true, now);
        }
        while head && script.frames.get(frames).is_some_and(|frame| last + frame.0 == now) {
            content |= script.frames[frames].1;
            (last, frames) = (now, frames + 1);
        }
        if head && script.ends && frames == script.frames.len() {
            return (End::Whole, now);
        }
        let passed = [
            (!head && script.streamed && reached(0, now, headers), Deadline::Headers),
            ((!head || !content) && reached(0, now, first_token), Deadline::FirstToken),
            (
                head && (content || first_token.is_none_or(|limit| limit.is_zero()))
                    && reached(last, now, idle),
                Deadline::Idle,
            ),
            (reached(0, now, Some(ms(script.total))), Deadline::RequestDeadline),
        ];
        if let Some((_, which)) = passed.into_iter().find(|(passed, _)| *passed) {
            return (if head { End::Cut(which) } else { End::Refused(which) }, now);
        }
    }
    unreachable!("the total deadline is always set")
}

/// The same script through the state machine, from one event to the next.
fn driven(script: &Script) -> (End, u64) {
    let start = Instant::now();
    let total = Some(start + ms(script.total));
    let mut schedule = Schedule::new(script.settings, script.streamed, start, total);
    let since = |at: Instant| (at - start).as_millis() as u64;
    let mut now = start + ms(script.head);
    let due = schedule.next().unwrap();
    if due.at < now {
        return (End::Refused(due.error.which), since(due.at));
    }
    schedule.head(now);
    for &(gap, content) in &script.frames {
        let due = schedule.next().unwrap();
        if due.at < now + ms(gap) {
            return (End::Cut(due.error.which), since(due.at));
        }
        now += ms(gap);
        assert_eq!(schedule.frame(now, content && schedule.awaits_content()), None);
    }
    if script.ends {
        return (End::Whole, since(now));
    }
    let due = schedule.next().unwrap();
    (End::Cut(due.error.which), since(due.at))
}

fn scripts() -> impl Strategy<Value = Script> {
    let limit = |most: u64| prop::option::weighted(0.8, (0..most).prop_map(ms));
    let settings = (limit(40), limit(120), limit(40))
        .prop_map(|(headers, first_token, idle)| Settings { headers, first_token, idle });
    let frames = prop::collection::vec((0..50u64, prop::bool::weighted(0.2)), 0..8);
    (settings, 1..300u64, any::<[bool; 2]>(), 0..50u64, frames).prop_map(
        |(settings, total, [streamed, ends], head, frames)| Script {
            settings,
            total,
            streamed,
            head,
            frames,
            ends,
            ..Script::default()
        },
    )
}

proptest! {
    #[test]
    fn the_schedule_never_fires_early_and_always_at_the_earliest(script in scripts()) {
        prop_assert_eq!(driven(&script), expected(&script));
    }

    #[test]
    fn nor_does_the_layer(script in scripts()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        prop_assert_eq!(runtime.block_on(script.run()), expected(&script));
    }
}

//! DESIGN section 4 as a function: what a client sees, and after which attempts.

use switchtower_layers::route::Commit;

use crate::failover::faults::{Effect, Last};

/// The other targets of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Second {
    Healthy,
    BrokenToo,
    Nobody,
}

/// What the client has to see.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// The healthy target's whole answer.
    Healthy,
    /// All that the broken target sent, with its status.
    AsItCame(u16),
    /// The gateway's own error, with the status.
    Own(u16),
    /// So many bytes of the broken target's stream, and then an error event.
    ErrorEvent(usize),
    /// A body that does not come to its end.
    Cut,
}

/// What becomes of one attempt at the broken target.
enum Fate {
    Leaves(View),
    Fails { again: bool },
}

fn fate(effect: &Effect, commit: Commit) -> Fate {
    let at_once = commit == Commit::Headers;
    match *effect {
        Effect::Whole => Fate::Leaves(View::AsItCame(200)),
        Effect::ClientError(status) => Fate::Leaves(View::AsItCame(status)),
        Effect::Refusal(_) => Fate::Fails { again: false },
        Effect::WrongShape if at_once => Fate::Leaves(View::AsItCame(200)),
        Effect::WrongShape => Fate::Fails { again: false },
        Effect::Broken { whole, content, again } => {
            let committed = at_once || content && commit == Commit::FirstToken;
            if committed { Fate::Leaves(View::ErrorEvent(whole)) } else { Fate::Fails { again } }
        }
        Effect::Cut { .. } if at_once => Fate::Leaves(View::Cut),
        Effect::Cut { again } => Fate::Fails { again },
    }
}

/// The view, and the attempts at the first and at the second target.
pub(crate) fn expected(effect: &Effect, commit: Commit, second: Second) -> (View, [usize; 2]) {
    let mut attempts = [1, 0];
    let mut at = 0;
    let mut may_ask_again = true;
    loop {
        let again = match fate(effect, commit) {
            Fate::Leaves(view) => return (view, attempts),
            Fate::Fails { again } => again,
        };
        if at == 0 && second != Second::Nobody {
            at = 1;
        } else if again && may_ask_again {
            may_ask_again = false;
        } else {
            return (exhausted(effect), attempts);
        }
        attempts[at] += 1;
        if at == 1 && second == Second::Healthy {
            return (View::Healthy, attempts);
        }
    }
}

fn exhausted(effect: &Effect) -> View {
    match effect {
        Effect::Refusal(Last::AsItCame(status)) => View::AsItCame(*status),
        _ => View::Own(502),
    }
}

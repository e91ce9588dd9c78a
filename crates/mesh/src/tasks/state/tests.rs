use proptest::prelude::*;

use super::*;

fn names(agents: &[&str]) -> Vec<String> {
    agents.iter().map(|agent| (*agent).into()).collect()
}

fn started(agents: &[&str], is_broadcast: bool) -> TaskState {
    let mut state = TaskState::new(&names(agents), is_broadcast, 1);
    assert_eq!(state.apply(Step::Assigned, 2), Some(Change::Assigned));
    for agent in names(agents) {
        let change = state.apply(Step::Started(agent.clone()), 3);
        assert_eq!(change, Some(Change::Started(agent)));
    }
    state
}

fn ended(agent: &str, result: Result<&str, &str>) -> Step {
    Step::Ended(agent.into(), result.map(Into::into).map_err(Into::into))
}

#[test]
fn an_answer_completes_it() {
    let mut state = started(&["a"], false);
    assert_eq!(state.apply(ended("b", Ok("no")), 4), None);
    assert_eq!(state.apply(ended("a", Ok("yes")), 5), Some(Change::Completed));
    assert_eq!((state.result(), state.error()), (json!("yes"), None));
    assert_eq!((state.status, state.updated_at), (TaskStatus::Completed, 5));
}

#[test]
fn a_fault_fails_it() {
    let mut state = started(&["a"], false);
    assert_eq!(state.apply(ended("a", Err("exit status 3")), 4), Some(Change::Failed));
    assert_eq!(state.result(), Value::Null);
    assert_eq!(state.error(), Some(TaskError::new("exit status 3")));
}

#[test]
fn what_comes_after_a_cancel_is_ignored() {
    let mut state = started(&["a"], false);
    assert_eq!(state.apply(Step::Cancelled, 4), Some(Change::Cancelled));
    let cancelled = state.clone();
    for late in [ended("a", Ok("late")), Step::Cancelled, Step::Stopped("late".into())] {
        assert_eq!(state.apply(late, 5), None);
        assert_eq!(state, cancelled);
    }
    assert_eq!((state.result(), state.error()), (Value::Null, None));
}

#[test]
fn a_broadcast_ends_with_its_last_agent() {
    let mut state = started(&["a", "b", "c"], true);
    assert_eq!(state.apply(ended("b", Ok("two")), 4), Some(Change::Part));
    assert_eq!(state.apply(ended("b", Ok("again")), 4), None);
    assert_eq!(state.apply(ended("a", Err("no")), 5), Some(Change::Part));
    assert_eq!((state.status, state.result()), (TaskStatus::Running, Value::Null));
    assert_eq!(state.apply(ended("c", Ok("three")), 6), Some(Change::Completed));
    let failed = json!({"error": {"code": "TASK_FAILED", "message": "no"}});
    assert_eq!(state.result(), json!({"a": failed, "b": "two", "c": "three"}));
    assert_eq!(state.error(), None);
}

#[test]
fn a_broadcast_fails_when_all_failed() {
    let mut state = started(&["a", "b"], true);
    state.apply(ended("b", Err("late")), 4);
    assert_eq!(state.apply(ended("a", Err("no")), 5), Some(Change::Failed));
    assert_eq!(state.result(), Value::Null);
    assert_eq!(state.error(), Some(TaskError::new("a: no\nb: late")));
}

#[test]
fn a_broadcast_to_one_agent_has_a_result_per_agent() {
    let mut state = started(&["a"], true);
    state.apply(ended("a", Ok("one")), 4);
    assert_eq!(state.result(), json!({"a": "one"}));
}

#[test]
fn one_that_is_stopped_keeps_what_was_answered() {
    let mut state = started(&["a", "b"], true);
    state.apply(ended("a", Ok("one")), 4);
    assert_eq!(state.apply(Step::Stopped("enough".into()), 5), Some(Change::Failed));
    assert_eq!(state.result(), json!({"a": "one"}));
    assert_eq!(state.error(), Some(TaskError::new("enough")));
    let mut waiting = TaskState::new(&names(&["a"]), false, 1);
    assert_eq!(waiting.apply(Step::Stopped("enough".into()), 5), None);
}

fn step() -> impl Strategy<Value = Step> {
    let agent = || prop::sample::select(vec!["a", "b", "c", "nobody"]).prop_map(String::from);
    let result = prop_oneof![
        Just(Ok::<_, String>("answer".to_owned())),
        Just(Err::<String, _>("fault".to_owned())),
    ];
    prop_oneof![
        4 => Just(Step::Assigned),
        8 => agent().prop_map(Step::Started),
        8 => (agent(), result).prop_map(|(agent, result)| Step::Ended(agent, result)),
        1 => Just(Step::Cancelled),
        1 => Just(Step::Stopped("stopped".into())),
    ]
}

proptest! {
    #[test]
    fn any_order_of_steps_keeps_the_rules(
        agents in 1..=3usize,
        is_broadcast: bool,
        steps in prop::collection::vec((step(), 0..100u64), 0..60),
    ) {
        let mut state = TaskState::new(&names(&["a", "b", "c"])[..agents], is_broadcast, 50);
        for (step, now) in steps {
            let before = state.clone();
            let change = state.apply(step.clone(), now);
            prop_assert!(state.updated_at >= before.updated_at);
            prop_assert!(state.status >= before.status, "{:?} to {:?}", before.status, state.status);
            if change.is_none() {
                prop_assert_eq!(&state, &before);
            }
            prop_assert!(change.is_none() || !before.status.is_final(), "final is final");
            let waits =
                state.runs.iter().any(|r| matches!(r.phase, Phase::Waiting | Phase::Running));
            match state.status {
                TaskStatus::Completed => prop_assert!(!waits && !state.result().is_null()),
                TaskStatus::Failed => prop_assert!(state.error().is_some()),
                TaskStatus::Running => {
                    prop_assert!(waits);
                    prop_assert!(state.runs.iter().any(|run| run.phase != Phase::Waiting));
                }
                TaskStatus::Pending | TaskStatus::Assigned => {
                    prop_assert!(state.runs.iter().all(|run| run.phase == Phase::Waiting));
                }
                TaskStatus::Cancelled => {}
            }
            prop_assert_eq!(state.error().is_some(), state.status == TaskStatus::Failed);
            prop_assert!(state.status.is_final() || state.result().is_null());
        }
    }
}

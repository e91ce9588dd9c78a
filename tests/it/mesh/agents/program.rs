//! Programs that succeed, fail, hang, fork, print too much, and do not listen.

use std::time::Duration;

use switchtower::mesh::agents::{Fault, Status, Stream};
use switchtower::mesh::tasks::Runner;
use tokio::time::{Instant, timeout};

use super::{Job, Rig, left};
use crate::support::{eventually, soon};

#[tokio::test]
async fn it_is_given_the_task_on_stdin_and_answers_on_stdout() {
    let rig = Rig::script("cat; echo; echo aside >&2", "").await;
    let mut job = Job::new("Grüß Gott");
    let output = soon(rig.agents.run(job.work)).await.unwrap();
    assert_eq!(output.text, "Grüß Gott");
    let mut said = Vec::new();
    while let Some(one) = job.said.recv().await {
        said.push(one);
    }
    said.sort_by_key(|(stream, _)| *stream == Stream::Stderr);
    let (text, aside): (Vec<_>, Vec<_>) =
        said.into_iter().partition(|(stream, _)| *stream == Stream::Stdout);
    let text: String = text.into_iter().map(|(_, text)| text).collect();
    assert_eq!(text, "Grüß Gott\n");
    assert_eq!(aside, [(Stream::Stderr, "aside\n".to_owned())]);
}

#[tokio::test]
async fn it_is_given_the_task_as_its_last_argument_where_that_is_so() {
    let rig = Rig::script("printf '<%s>' \"$@\"; cat", ", input: argument").await;
    assert_eq!(rig.answer("two words").await, "<two words>");
    let failure = rig.failure("--yolo").await;
    assert!(failure.contains("begins with `-`"), "{failure}");
    let failure = rig.failure(&"x".repeat(200_000)).await;
    assert!(failure.contains("128 KiB"), "{failure}");
}

#[tokio::test]
async fn it_has_an_environment_without_keys() {
    let rig = Rig::script("env", ", env: {OWN_KEY: k, PATH: /usr/bin:/bin}").await;
    let text = rig.answer("").await;
    let names: Vec<&str> =
        text.lines().map(|line| line.split('=').next().unwrap_or_default()).collect();
    // Cargo sets some more for this test; the shell, too, sets some.
    let expected = [
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "TMPDIR",
        "TZ",
        "TERM",
        "NO_COLOR",
        "OWN_KEY",
        "SWITCHTOWER_TASK_ID",
        "SWITCHTOWER_AGENT_ID",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
    ];
    let is_expected = |name: &&str| {
        expected.contains(name) || name.starts_with("LC_") || name.starts_with("XDG_")
    };
    assert!(names.iter().all(is_expected), "{text}");
    for line in
        ["OWN_KEY=k", "PATH=/usr/bin:/bin", "TERM=dumb", "NO_COLOR=1", "SWITCHTOWER_AGENT_ID=a"]
    {
        assert!(text.lines().any(|one| one == line), "{line} in {text}");
    }
    assert!(names.contains(&"SWITCHTOWER_TASK_ID"));
}

#[tokio::test]
async fn what_went_wrong_is_told() {
    let rig = Rig::script("echo why >&2; echo other; exit 3", "").await;
    assert_eq!(rig.failure("").await, "exit status 3: why");
    let rig = Rig::script("echo not signed in; exit 1", "").await;
    assert_eq!(rig.failure("").await, "exit status 1: not signed in");
    let rig = Rig::script("kill -9 $$", "").await;
    assert_eq!(rig.failure("").await, "killed by signal 9 (SIGKILL)");
    let rig = Rig::start("agents: [{id: a, type: process, command: /no/such}]").await;
    assert_eq!(rig.failure("").await, "`/no/such` is not found, or cannot be run");
    let rig = Rig::start("{}").await;
    assert_eq!(rig.failure("").await, "there is no agent `a`");
}

#[tokio::test]
async fn too_long_is_the_end_of_all_of_it() {
    // The shell and one of its children do not listen to SIGTERM.
    let script = "trap '' TERM; echo begun >&2; sleep 60 & setsid sleep 60 & sleep 60";
    let rig = Rig::script(script, "").await;
    let job = Job::new("").within(Duration::from_millis(500));
    let begin = Instant::now();
    let result = soon(rig.agents.run(job.work)).await;
    assert_eq!(result, Err(Fault::Failed("no answer within 0.5 s: begun".into())));
    assert!(begin.elapsed() > Duration::from_millis(2400), "it had time to end by itself");
    assert_eq!(left(&job.task), Vec::<String>::new());

    let rig = Rig::script("sleep 60", ", timeout: 1").await;
    assert_eq!(rig.failure("").await, "no answer within 1 s");
}

#[tokio::test]
async fn it_can_be_cancelled() {
    let rig = Rig::script("echo begun; sleep 60 & wait", "").await;
    let mut job = Job::new("");
    let running = rig.agents.run(job.work);
    let said = async {
        let said = job.said.recv().await;
        assert_eq!(rig.agents.get("a").unwrap().status, Status::Busy);
        job.cancel.cancel();
        said
    };
    let (result, said) = soon(async { tokio::join!(running, said) }).await;
    assert_eq!(said, Some((Stream::Stdout, "begun\n".into())));
    assert_eq!(result, Err(Fault::Cancelled));
    assert_eq!(left(&job.task), Vec::<String>::new());
    assert_eq!(rig.agents.get("a").unwrap().status, Status::Online);
}

#[tokio::test]
async fn nothing_is_left_of_one_that_nobody_waits_for() {
    let rig = Rig::script("trap '' TERM; setsid sleep 60 & echo begun; sleep 60", "").await;
    let mut job = Job::new("");
    let running = rig.agents.run(job.work);
    let dropped = timeout(Duration::from_secs(5), async {
        tokio::select! {
            _ = running => panic!("it ended"),
            said = job.said.recv() => assert!(said.is_some()),
        }
    });
    dropped.await.unwrap();
    eventually(|| left(&job.task).is_empty()).await;
    assert_eq!(rig.agents.get("a").unwrap().status, Status::Online);
}

#[tokio::test]
async fn the_end_of_all_agents_is_that_of_their_runs() {
    let rig = Rig::script("trap '' TERM; echo begun; sleep 60", "").await;
    let mut job = Job::new("");
    let running = tokio::spawn(rig.agents.run(job.work));
    assert!(soon(job.said.recv()).await.is_some());
    soon(rig.agents.stop()).await;
    assert_eq!(left(&job.task), Vec::<String>::new());
    assert_eq!(soon(running).await.unwrap(), Err(Fault::Cancelled));
    assert_eq!(rig.run("").await, Err(Fault::Cancelled));
}

#[tokio::test]
async fn children_in_the_background_keep_nobody_waiting() {
    let rig = Rig::script("sleep 60 & setsid sleep 60 & echo done", "").await;
    let begin = Instant::now();
    assert_eq!(rig.answer("").await, "done");
    assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_hundred_megabytes_are_read_and_the_ends_kept() {
    let rig =
        Rig::script("echo first; yes 0123456789abcdef | head -c 100000000; echo last", "").await;
    let mut job = Job::new("");
    let output = timeout(Duration::from_secs(60), rig.agents.run(job.work)).await.unwrap();
    let text = output.unwrap().text;
    assert!(text.len() <= 1 << 20 && text.len() > (1 << 20) - 200, "{}", text.len());
    assert!(text.starts_with("first\n0123") && text.ends_with("last"));
    assert!(text.contains(" bytes are left out ...]\n"));
    let mut pieces = Vec::new();
    while let Some((_, piece)) = job.said.recv().await {
        pieces.push(piece);
    }
    let total: usize = pieces.iter().map(String::len).sum();
    assert!(total < (1 << 20) + 100, "{total}");
    assert!(pieces.len() < 200, "{}", pieces.len());
    assert!(pieces.last().unwrap().ends_with("[... no more of this is shown ...]\n"));
}

#[tokio::test]
async fn what_is_no_text_is_replaced() {
    let rig = Rig::script(r"printf 'a\377b\303'", "").await;
    assert_eq!(rig.answer("").await, "a\u{fffd}b\u{fffd}");
}

#[tokio::test]
async fn it_need_not_read_what_it_is_told() {
    let long = "x".repeat(1 << 20);
    let rig = Rig::script("exec 0</dev/null; sleep 0.1; echo fine", "").await;
    assert_eq!(rig.answer(&long).await, "fine");
    let rig = Rig::script("exit 0", "").await;
    assert_eq!(rig.answer(&long).await, "");
    let rig = Rig::script("sleep 0.1; echo unread", "").await;
    assert_eq!(rig.answer(&long).await, "unread");
}

//! Every fault x every policy x every set of other targets.

use switchtower_layers::route::Commit;
use tokio::task::JoinSet;

use crate::failover::{
    cell::Cell,
    faults::{self, Row},
    rules::Second,
};

/// So many cells run at once in each test, so that short deadlines mean something on a loaded machine.
const AT_ONCE: usize = 6;

async fn holds(rows: Vec<Row>, commit: Commit, stream: bool) {
    let mut wrong = Vec::new();
    let mut running = JoinSet::new();
    let mut cells = rows.into_iter().flat_map(|row| {
        [Second::Healthy, Second::BrokenToo, Second::Nobody].map(|second| Cell {
            row: row.clone(),
            commit,
            second,
            stream,
        })
    });
    loop {
        while running.len() < AT_ONCE
            && let Some(cell) = cells.next()
        {
            running.spawn(async move {
                let name = cell.to_string();
                // In a task of its own, to report its panic here.
                (name, tokio::spawn(async move { cell.run().await }).await)
            });
        }
        let Some(done) = running.join_next().await else { break };
        if let (name, Err(panic)) = done.expect("it catches panics") {
            wrong.push(format!("{name}: {panic}"));
        }
    }
    assert!(wrong.is_empty(), "{} cells are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn streamed_first_token() {
    holds(faults::streamed(), Commit::FirstToken, true).await;
}

#[tokio::test]
async fn streamed_headers() {
    holds(faults::streamed(), Commit::Headers, true).await;
}

#[tokio::test]
async fn streamed_complete() {
    holds(faults::streamed(), Commit::Complete, true).await;
}

#[tokio::test]
async fn plain_first_token() {
    holds(faults::plain(), Commit::FirstToken, false).await;
}

#[tokio::test]
async fn plain_headers() {
    holds(faults::plain(), Commit::Headers, false).await;
}

#[tokio::test]
async fn plain_complete() {
    holds(faults::plain(), Commit::Complete, false).await;
}

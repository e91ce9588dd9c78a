//! Periodic health checks of agents.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::Inner;
use super::endpoint;
use super::program::{File, answers};
use super::registry::{Agent, Reachability, Transport};
use switchtower_platform::clock::now;

/// Between two looks at all of them.
const INTERVAL: Duration = Duration::from_secs(60);
/// So many are looked at at a time, for each may start a program.
const AT_A_TIME: usize = 4;

/// Checks all agents from time to time and when they have `changed`, and those in `asked` soon,
/// until the agents are dropped.
pub(super) async fn watch(
    inner: Weak<Inner>,
    mut asked: mpsc::Receiver<Arc<Agent>>,
    changed: Arc<Notify>,
) {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let failed = tokio::select! {
            _ = ticks.tick() => None,
            () = changed.notified() => None,
            agent = asked.recv() => match agent {
                Some(agent) => Some(agent),
                None => return,
            },
        };
        let Some(inner) = inner.upgrade() else { return };
        match failed {
            Some(agent) => look(&inner, &agent, true).await,
            None => {
                let all = inner.registry.lock().all();
                look_at(&inner, all).await;
            }
        }
    }
}

/// Looks at several of them.
pub(super) async fn look_at(inner: &Arc<Inner>, agents: Vec<Arc<Agent>>) {
    let permits = Arc::new(Semaphore::new(AT_A_TIME));
    let mut looks = JoinSet::new();
    for agent in agents {
        let (inner, permits) = (inner.clone(), permits.clone());
        looks.spawn(async move {
            let _permit = permits.acquire().await;
            look(&inner, &agent, false).await;
        });
    }
    while looks.join_next().await.is_some() {}
}

/// Looks at one of them. `has_failed`: what was found out before does not count.
pub(super) async fn look(inner: &Arc<Inner>, agent: &Arc<Agent>, has_failed: bool) {
    let sight = match &agent.reach {
        Transport::Endpoint(endpoint) => {
            match endpoint::answers(endpoint, inner.settings().client.allow_remote).await {
                Ok(true) => Reachability::There(None),
                Ok(false) => Reachability::Missing,
                Err(why) => {
                    if inner.registry.lock().sight(agent) != Some(Reachability::Barred) {
                        tracing::warn!("the agent `{}` is offline: {why}", agent.id);
                    }
                    Reachability::Barred
                }
            }
        }
        Transport::Program(launch) => {
            let search = {
                let launch = launch.clone();
                move || launch.find().and_then(File::at)
            };
            let file = tokio::task::spawn_blocking(search).await.ok().flatten();
            let known = inner.registry.lock().sight(agent).filter(|_| !has_failed);
            match file {
                None => Reachability::Missing,
                // The same file says the same.
                Some(file) if known == Some(Reachability::There(Some(file.clone()))) => {
                    Reachability::There(Some(file))
                }
                Some(file) if !launch.has_version || answers(launch, &file.path).await => {
                    Reachability::There(Some(file))
                }
                Some(_) => Reachability::Broken,
            }
        }
    };
    inner.registry.lock().saw(agent, sight, now());
}

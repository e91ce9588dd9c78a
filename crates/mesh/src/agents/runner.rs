//! Agents at work.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::directory::check_directory;
use super::orphans::RunRecord;
use super::registry::{Agent, Transport};
use super::{Agents, Fault, Inner, Output, Summary, Work, endpoint, program};
use crate::tasks::{Runner, Running};
use switchtower_platform::clock::now;

impl Runner for Agents {
    fn agents(&self) -> Vec<Summary> {
        self.list()
    }

    fn run(&self, work: Work) -> Running {
        let inner = self.inner.clone();
        Box::pin(async move {
            let known = { inner.registry.lock().get(&work.agent) };
            let Some(agent) = known else {
                return Err(Fault::Failed(format!("there is no agent `{}`", work.agent)));
            };
            let on = On::begin(&inner, &agent);
            let result = on.run(work).await;
            match &result {
                Ok(_) => inner.registry.lock().has_answered(&agent, now()),
                // Perhaps it is not there any more.
                Err(Fault::Failed(_)) => drop(inner.looks.try_send(agent.clone())),
                Err(Fault::Cancelled) => {}
            }
            result
        })
    }
}

/// An agent at work, which is busy for so long.
struct On<'a> {
    inner: &'a Inner,
    agent: &'a Arc<Agent>,
}

impl<'a> On<'a> {
    fn begin(inner: &'a Inner, agent: &'a Arc<Agent>) -> Self {
        inner.registry.lock().begin(&agent.id);
        Self { inner, agent }
    }

    async fn run(&self, work: Work) -> Result<Output, Fault> {
        let Self { inner, agent } = self;
        // Shutdown waits for this token.
        let token = inner.runs.token();
        let settings = inner.settings();
        let timeout = work.timeout.or(agent.timeout).unwrap_or(settings.config.tasks.timeout);
        let output_limit = settings.config.tasks.output_limit;
        let cancel = [work.cancel, inner.end.clone()];
        if cancel.iter().any(CancellationToken::is_cancelled) {
            return Err(Fault::Cancelled);
        }
        match &agent.reach {
            Transport::Endpoint(uri) => {
                let Work { task, text, cwd, .. } = work;
                let order = endpoint::Order { task, text, cwd, timeout, output_limit, cancel };
                endpoint::run(&settings.client, uri, order).await
            }
            Transport::Program(launch) => {
                let search = {
                    let launch = launch.clone();
                    move || launch.find()
                };
                let path = tokio::task::spawn_blocking(search).await.ok().flatten();
                let Some(path) = path else {
                    let command = &launch.program.command;
                    let message = format!("`{command}` is not found, or cannot be run");
                    return Err(Fault::Failed(message));
                };
                if let Some(cwd) = &work.cwd {
                    let gone = |why| format!("the task's directory `{}` {why}", cwd.display());
                    check_directory(cwd).await.map_err(|why| Fault::Failed(gone(why)))?;
                }
                let mut trace =
                    RunRecord::begin(&inner.database, &work.task, &agent.id, token).await;
                let Work { task, text, cwd, progress, .. } = work;
                let agent = agent.id.clone();
                let order = program::Order {
                    agent,
                    task,
                    text,
                    cwd,
                    timeout,
                    output_limit,
                    progress,
                    cancel,
                };
                program::run(launch, &path, order, &mut trace).await
            }
        }
    }
}

impl Drop for On<'_> {
    fn drop(&mut self) {
        self.inner.registry.lock().end(&self.agent.id);
    }
}

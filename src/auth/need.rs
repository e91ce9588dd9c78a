use crate::config::Scope;

/// What a path asks of who wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Nothing,
    AnyKey,
    Scope(Scope),
}

impl Need {
    /// By the path as it stands on the wire, which is what routes are matched with, too: none has
    /// an escape in its first segment.
    pub(crate) fn of(path: &str) -> Self {
        let first = path.strip_prefix('/').and_then(|path| path.split('/').next());
        match first.unwrap_or_default() {
            "health" | "openapi.json" if path.rfind('/') == Some(0) => Self::Nothing,
            // Only files are there, which ask for a key themselves.
            "dashboard" => Self::Nothing,
            "v1" => Self::Scope(Scope::Models),
            "agents" | "tasks" | "spaces" | "events" | "ws" | "ws-info" | "broadcast" => {
                Self::Scope(Scope::Agents)
            }
            "metrics" | "model-gateway" => Self::Scope(Scope::Admin),
            _ => Self::AnyKey,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_path_needs() {
        let (models, agents, admin) =
            (Need::Scope(Scope::Models), Need::Scope(Scope::Agents), Need::Scope(Scope::Admin));
        for (path, need) in [
            ("/health", Need::Nothing),
            ("/openapi.json", Need::Nothing),
            ("/health/", Need::AnyKey),
            ("/healthy", Need::AnyKey),
            ("/v1", models),
            ("/v1/", models),
            ("/v1/models", models),
            ("/v1/agents", models),
            ("/v1x", Need::AnyKey),
            ("/V1/models", Need::AnyKey),
            ("/agents", agents),
            ("/agents/a/b", agents),
            ("/tasks/1", agents),
            ("/spaces", agents),
            ("/events", agents),
            ("/ws", agents),
            ("/ws-info", agents),
            ("/broadcast", agents),
            ("/metrics", admin),
            ("/dashboard", Need::Nothing),
            ("/dashboard/app.js", Need::Nothing),
            ("/dashboards", Need::AnyKey),
            ("/model-gateway/health", admin),
            ("/model-gateway", admin),
            ("/%61gents", Need::AnyKey),
            ("//agents", Need::AnyKey),
            ("/", Need::AnyKey),
            ("*", Need::AnyKey),
            ("", Need::AnyKey),
        ] {
            assert_eq!(Need::of(path), need, "{path}");
        }
    }
}

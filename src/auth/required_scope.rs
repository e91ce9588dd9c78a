use crate::config::Scope;

/// The scope a path requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequiredScope {
    Nothing,
    AnyKey,
    Scope(Scope),
}

impl RequiredScope {
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
        let (models, agents, admin) = (
            RequiredScope::Scope(Scope::Models),
            RequiredScope::Scope(Scope::Agents),
            RequiredScope::Scope(Scope::Admin),
        );
        for (path, need) in [
            ("/health", RequiredScope::Nothing),
            ("/openapi.json", RequiredScope::Nothing),
            ("/health/", RequiredScope::AnyKey),
            ("/healthy", RequiredScope::AnyKey),
            ("/v1", models),
            ("/v1/", models),
            ("/v1/models", models),
            ("/v1/agents", models),
            ("/v1x", RequiredScope::AnyKey),
            ("/V1/models", RequiredScope::AnyKey),
            ("/agents", agents),
            ("/agents/a/b", agents),
            ("/tasks/1", agents),
            ("/spaces", agents),
            ("/events", agents),
            ("/ws", agents),
            ("/ws-info", agents),
            ("/broadcast", agents),
            ("/metrics", admin),
            ("/dashboard", RequiredScope::Nothing),
            ("/dashboard/app.js", RequiredScope::Nothing),
            ("/dashboards", RequiredScope::AnyKey),
            ("/model-gateway/health", admin),
            ("/model-gateway", admin),
            ("/%61gents", RequiredScope::AnyKey),
            ("//agents", RequiredScope::AnyKey),
            ("/", RequiredScope::AnyKey),
            ("*", RequiredScope::AnyKey),
            ("", RequiredScope::AnyKey),
        ] {
            assert_eq!(RequiredScope::of(path), need, "{path}");
        }
    }
}

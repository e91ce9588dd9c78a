/// What kind of path it is: one of a few words, whatever clients ask for.
pub(super) fn of(path: &str) -> &'static str {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let first = segments.next().unwrap_or_default();
    if first == "v1" {
        return match segments.next().unwrap_or_default() {
            "chat" => "chat",
            "responses" => "responses",
            "completions" => "completions",
            "embeddings" => "embeddings",
            "models" => "models",
            _ => "other_v1",
        };
    }
    match first {
        "metrics" => "metrics",
        "health" => "health",
        "model-gateway" => "model_gateway",
        "agents" => "agents",
        "tasks" => "tasks",
        "spaces" => "spaces",
        "events" => "events",
        "ws" => "ws",
        "broadcast" => "broadcast",
        _ => "other",
    }
}

/// Whether that is a call to a model: a list of models is none.
pub(super) fn is_model_call(route: &str) -> bool {
    matches!(route, "chat" | "responses" | "completions" | "embeddings" | "other_v1")
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn a_few_words_for_all_paths() {
        for (path, route) in [
            ("/v1/chat/completions", "chat"),
            ("/v1/responses/resp_1/input_items", "responses"),
            ("/v1/models/a/b", "models"),
            ("/v1/audio/speech", "other_v1"),
            ("/v1", "other_v1"),
            ("/model-gateway/stats", "model_gateway"),
            ("/metrics", "metrics"),
            ("/whatever", "other"),
            ("/", "other"),
        ] {
            assert_eq!(of(path), route, "{path}");
        }
    }
}

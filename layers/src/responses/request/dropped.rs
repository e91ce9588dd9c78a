/// What a request has and Chat Completions does not: logged once per request, however much it is.
#[derive(Debug, Default)]
pub(super) struct DroppedFields {
    kinds: Vec<String>,
    count: usize,
}

/// Maximum number of kinds that are logged, and of characters of each.
const MAX_KINDS: usize = 8;
const MAX_KIND_CHARS: usize = 40;

impl DroppedFields {
    pub(super) fn add(&mut self, kind: &str) {
        self.count += 1;
        let end = kind.char_indices().nth(MAX_KIND_CHARS).map_or(kind.len(), |(end, _)| end);
        let kind = &kind[..end];
        if self.kinds.len() < MAX_KINDS && !self.kinds.iter().any(|known| known == kind) {
            self.kinds.push(kind.to_owned());
        }
    }

    /// Warns if there is any; `what` they are.
    pub(super) fn warn(&self, what: &'static str) {
        if self.count > 0 {
            let (count, kinds) = (self.count, &self.kinds);
            tracing::warn!(what, count, ?kinds, "left out: Chat Completions has no place for it");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_named_once_and_not_too_many() {
        let mut dropped = DroppedFields::default();
        for n in 0..100 {
            dropped.add("web_search");
            dropped.add(&format!("{n}{}", "é".repeat(50)));
        }
        assert_eq!((dropped.count, dropped.kinds.len()), (200, MAX_KINDS));
        assert_eq!(dropped.kinds[0], "web_search");
        assert!(dropped.kinds.iter().all(|kind| kind.chars().count() <= MAX_KIND_CHARS));
    }
}

use std::{fmt, sync::Arc};

use super::{Pattern, Plan, RoutingTable};
use crate::{Code, Rejection};

/// The models that a client may use: an extension of the request, set by the layer that
/// authenticated the client. Without it a client may use all of them.
///
/// The name that was asked for has to be allowed (without the provider, where it pins one), and
/// the name that is sent as well: targets whose model is not allowed leave the plan. When none is
/// left, the answer is 403 `FORBIDDEN`; and when the body has a list of `models`, from which some
/// providers choose by themselves.
///
/// ```
/// use switchtower_layers::route::{ModelAllowlist, Pattern};
///
/// let allowed: ModelAllowlist = ["gpt-5", "*-mini"].map(Pattern::from).into_iter().collect();
/// assert!(allowed.allows("gpt-5.1") && allowed.allows("o4-mini"));
/// assert!(!allowed.allows("deepseek-chat"));
/// ```
#[derive(Clone)]
pub struct ModelAllowlist(Arc<dyn Fn(&str) -> bool + Send + Sync>);

impl ModelAllowlist {
    /// Allows the models for which this is true.
    pub fn new(allows: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(allows))
    }

    /// Whether this model may be used.
    pub fn allows(&self, model: &str) -> bool {
        (self.0)(model)
    }

    /// Takes out of the plan what may not be used.
    pub(super) fn restrict(
        &self,
        plan: &mut Plan,
        table: &RoutingTable,
        asked: &str,
    ) -> Result<(), Rejection> {
        let planned = plan.targets.len();
        if self.allows(table.without_pin(asked)) {
            plan.targets.retain(|target| self.allows(&target.model));
            // If no target was available anyway, that error is returned.
            if planned == 0 || !plan.targets.is_empty() {
                return Ok(());
            }
        }
        let message = format!("this client may not use the model `{asked}`");
        Err(Rejection::new(Code::Forbidden, message).param("model"))
    }
}

/// Those models whose names match any of the patterns.
impl FromIterator<Pattern> for ModelAllowlist {
    fn from_iter<I: IntoIterator<Item = Pattern>>(patterns: I) -> Self {
        let patterns: Box<[Pattern]> = patterns.into_iter().collect();
        Self::new(move |model| patterns.iter().any(|pattern| pattern.matches(model)))
    }
}

impl fmt::Debug for ModelAllowlist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelAllowlist").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Provider, *};

    fn table() -> RoutingTable {
        RoutingTable::builder()
            .provider(Provider::new("a").models(["real", "other"]))
            .provider(Provider::new("b").alias("name", "secret"))
            .provider(Provider::new("c").models(["locked"]).unavailable("no key"))
            .alias("alias", "real")
            .build()
            .unwrap()
    }

    /// The remaining plan, or the client's error.
    fn left(patterns: &[&str], asked: &str) -> String {
        let allowed: ModelAllowlist = patterns.iter().copied().map(Pattern::from).collect();
        let table = table();
        let mut plan = table.plan(asked);
        match allowed.restrict(&mut plan, &table, asked) {
            Ok(()) => plan.to_string(),
            Err(rejection) => format!("{}: {}", rejection.code(), rejection.message()),
        }
    }

    #[test]
    fn both_the_asked_and_the_sent_name_have_to_be_allowed() {
        let refused = |asked| format!("FORBIDDEN: this client may not use the model `{asked}`");
        for (patterns, asked, expected) in [
            (&["*"][..], "alias", "a/real, b/alias".to_owned()),
            (&["alias", "real"], "alias", "a/real, b/alias".to_owned()),
            // What stands behind the alias is not allowed: only those are left that do not know it.
            (&["alias"], "alias", "b/alias".to_owned()),
            (&["alias"], "a/alias", refused("a/alias")),
            (&["real"], "alias", refused("alias")),
            (&["name"], "name", "a/name".to_owned()),
            (&["name"], "b/name", refused("b/name")),
            (&["real"], "a/real", "a/real".to_owned()),
            (&["a/"], "a/real", refused("a/real")),
            (&["real"], "a/other", refused("a/other")),
            (&[], "real", refused("real")),
        ] {
            assert_eq!(left(patterns, asked), expected, "{patterns:?} {asked}");
        }
    }

    #[test]
    fn a_plan_without_targets_is_not_the_clients_fault() {
        assert_eq!(left(&["locked"], "c/locked"), "");
        assert!(left(&["real"], "c/locked").starts_with("FORBIDDEN"));
    }
}

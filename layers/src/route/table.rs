use std::{collections::HashMap, fmt, sync::Arc};

use super::{Commit, Pattern, Plan, Skipped};
use crate::{Dialect, Target};

/// A provider as the router sees it: a name, what it has, and whether it can be used.
///
/// ```
/// use switchtower_layers::{Dialect, route::Provider};
///
/// Provider::new("ollama").models(["qwen3:14b"]).alias("gpt-5.5", "qwen3:14b");
/// Provider::new("openai").dialect(Dialect::Responses).unavailable("OPENAI_API_KEY is not set");
/// ```
#[derive(Clone, Debug)]
pub struct Provider {
    name: Arc<str>,
    dialect: Dialect,
    models: Vec<Arc<str>>,
    aliases: HashMap<Box<str>, Arc<str>>,
    unavailable: Option<Arc<str>>,
    commit: Option<Commit>,
    include_usage: bool,
}

impl Provider {
    /// A usable provider that speaks Chat Completions and lists no model.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            dialect: Dialect::Chat,
            models: Vec::new(),
            aliases: HashMap::new(),
            unavailable: None,
            commit: None,
            include_usage: true,
        }
    }

    /// Sets its dialect. Default: [`Dialect::Chat`].
    #[must_use]
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    /// The models it is known to have, by the names it knows them by.
    #[must_use]
    pub fn models<M: Into<Arc<str>>>(mut self, models: impl IntoIterator<Item = M>) -> Self {
        self.models.extend(models.into_iter().map(Into::into));
        self
    }

    /// Adds an alias: at this provider, `name` means `model`.
    #[must_use]
    pub fn alias(mut self, name: impl Into<Box<str>>, model: impl Into<Arc<str>>) -> Self {
        self.aliases.insert(name.into(), model.into());
        self
    }

    /// Marks it as unusable, with the reason: no key, or disabled.
    #[must_use]
    pub fn unavailable(mut self, why: impl Into<Arc<str>>) -> Self {
        self.unavailable = Some(why.into());
        self
    }

    /// Sets the commit policy of its answers. Default: that of the layer.
    #[must_use]
    pub fn commit(mut self, commit: Commit) -> Self {
        self.commit = Some(commit);
        self
    }

    /// Sets whether it takes `stream_options`. Default: true.
    #[must_use]
    pub fn include_usage(mut self, takes: bool) -> Self {
        self.include_usage = takes;
        self
    }

    fn listed(&self, model: &str) -> Option<Arc<str>> {
        self.models.iter().find(|listed| &***listed == model).cloned()
    }
}

/// Which providers a model name leads to, in which order, and what the model is called there.
///
/// The plan for a name is, without repeats:
///
/// 1. the providers of the first [pattern](RoutingTableBuilder::route) that matches;
/// 2. the providers that list the name, or have an alias for it;
/// 3. the [fallback chain](RoutingTableBuilder::fallback);
/// 4. every other provider, in the order they were added.
///
/// `provider/model` pins a provider: the plan is that one alone. Unavailable providers are
/// skipped, with the reason. Patterns match the name the client sent.
///
/// ```
/// use switchtower_layers::route::{Provider, RoutingTable};
///
/// let table = RoutingTable::builder()
///     .provider(Provider::new("deepseek").models(["deepseek-chat"]))
///     .provider(Provider::new("openai").unavailable("OPENAI_API_KEY is not set"))
///     .provider(Provider::new("ollama").alias("gpt-5.1", "qwen3:14b"))
///     .alias("gpt-5.1", "deepseek-chat")
///     .route("gpt-", ["openai", "deepseek"])
///     .build()?;
/// let plan = table.plan("gpt-5.1");
/// assert_eq!(plan.to_string(), "deepseek/deepseek-chat, ollama/qwen3:14b");
/// assert_eq!(plan.skipped[0].to_string(), "openai: OPENAI_API_KEY is not set");
/// assert_eq!(table.plan("ollama/gemma").to_string(), "ollama/gemma");
/// # Ok::<_, switchtower_layers::route::UnknownProvider>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct RoutingTable {
    providers: Vec<Provider>,
    aliases: HashMap<Box<str>, Arc<str>>,
    routes: Vec<(Pattern, Vec<usize>)>,
    fallback: Vec<usize>,
    default_model: Option<Arc<str>>,
}

impl RoutingTable {
    /// An empty table to fill.
    pub fn builder() -> RoutingTableBuilder {
        RoutingTableBuilder::default()
    }

    /// The model that stands in for one that the client did not name.
    pub fn default_model(&self) -> Option<&Arc<str>> {
        self.default_model.as_ref()
    }

    /// The ordered targets for a model name.
    pub fn plan(&self, model: &str) -> Plan {
        let mut plan = Plan::default();
        if let Some((provider, model)) = self.pinned(model) {
            plan.push(provider, model);
            return plan;
        }
        let mut seen = vec![false; self.providers.len()];
        for index in self.order(model) {
            if !std::mem::replace(&mut seen[index], true) {
                plan.push(&self.providers[index], model_at(&self.providers[index], model, self));
            }
        }
        plan
    }

    /// Whether the provider lists the name, has an alias for it, or lists what a top-level alias
    /// makes of it. Otherwise the name would be sent there unchanged and unknown.
    pub fn knows(&self, provider: &str, model: &str) -> bool {
        self.providers.iter().any(|p| &*p.name == provider && self.known_at(p, model).is_some())
    }

    /// The provider's own commit policy.
    pub(super) fn commit_at(&self, provider: &str) -> Option<Commit> {
        self.providers.iter().find(|p| &*p.name == provider)?.commit
    }

    /// Whether a stream's usage may be asked for there.
    pub(super) fn takes_usage_at(&self, provider: &str) -> bool {
        self.providers.iter().any(|p| &*p.name == provider && p.include_usage)
    }

    /// Provider indices in the plan's order, with repeats.
    fn order(&self, model: &str) -> impl Iterator<Item = usize> + '_ {
        let route = self.routes.iter().find(|(pattern, _)| pattern.matches(model));
        let named = self.providers.iter().enumerate();
        let named: Vec<usize> =
            named.filter(|(_, p)| self.known_at(p, model).is_some()).map(|(i, _)| i).collect();
        route
            .into_iter()
            .flat_map(|(_, providers)| providers.iter().copied())
            .chain(named)
            .chain(self.fallback.iter().copied())
            .chain(0..self.providers.len())
    }

    /// What the client asks for where it also says whom.
    pub(super) fn without_pin<'m>(&self, model: &'m str) -> &'m str {
        match model.split_once('/') {
            Some((_, rest)) if self.pinned(model).is_some() => rest,
            _ => model,
        }
    }

    fn pinned<'a>(&'a self, model: &str) -> Option<(&'a Provider, Arc<str>)> {
        let (name, rest) = model.split_once('/')?;
        let provider = self.providers.iter().find(|provider| &*provider.name == name)?;
        (!rest.is_empty()).then(|| (provider, model_at(provider, rest, self)))
    }

    /// What the provider calls the model, if it is known to have it.
    fn known_at(&self, provider: &Provider, model: &str) -> Option<Arc<str>> {
        provider
            .aliases
            .get(model)
            .cloned()
            .or_else(|| provider.listed(model))
            .or_else(|| self.aliases.get(model).and_then(|real| provider.listed(real)))
    }
}

/// What the provider is sent for the model: with neither listing nor alias, the name unchanged.
fn model_at(provider: &Provider, model: &str, table: &RoutingTable) -> Arc<str> {
    table.known_at(provider, model).unwrap_or_else(|| model.into())
}

impl Plan {
    fn push(&mut self, provider: &Provider, model: Arc<str>) {
        let Provider { name, dialect, unavailable, .. } = provider;
        match unavailable {
            Some(why) => self.skipped.push(Skipped { provider: name.clone(), why: why.clone() }),
            None => {
                self.targets.push(Target { provider: name.clone(), model, dialect: *dialect });
            }
        }
    }
}

/// Fills a [`RoutingTable`].
#[derive(Clone, Debug, Default)]
pub struct RoutingTableBuilder {
    providers: Vec<Provider>,
    aliases: HashMap<Box<str>, Arc<str>>,
    routes: Vec<(Pattern, Vec<Box<str>>)>,
    fallback: Vec<Box<str>>,
    default_model: Option<Arc<str>>,
}

impl RoutingTableBuilder {
    /// Adds a provider; a second one of the same name is never reached.
    #[must_use]
    pub fn provider(mut self, provider: Provider) -> Self {
        self.providers.push(provider);
        self
    }

    /// `name` means `model` at every provider that lists `model`.
    #[must_use]
    pub fn alias(mut self, name: impl Into<Box<str>>, model: impl Into<Arc<str>>) -> Self {
        self.aliases.insert(name.into(), model.into());
        self
    }

    /// Names that match the pattern go to these providers first. The first match counts.
    #[must_use]
    pub fn route<P: Into<Box<str>>>(
        mut self,
        pattern: impl Into<Pattern>,
        providers: impl IntoIterator<Item = P>,
    ) -> Self {
        self.routes.push((pattern.into(), providers.into_iter().map(Into::into).collect()));
        self
    }

    /// The providers to try when those that know the name cannot answer.
    #[must_use]
    pub fn fallback<P: Into<Box<str>>>(mut self, providers: impl IntoIterator<Item = P>) -> Self {
        self.fallback.extend(providers.into_iter().map(Into::into));
        self
    }

    /// The model for Chat Completions and Responses requests that name none. Without it they are
    /// refused; all others are anyway.
    #[must_use]
    pub fn default_model(mut self, model: impl Into<Arc<str>>) -> Self {
        self.default_model = Some(model.into());
        self
    }

    /// The table.
    ///
    /// # Errors
    ///
    /// When a route or the fallback chain names a provider that was not added.
    pub fn build(self) -> Result<RoutingTable, UnknownProvider> {
        let Self { providers, aliases, routes, fallback, default_model } = self;
        let index = |name: Box<str>| {
            let found = providers.iter().position(|provider| *provider.name == *name);
            found.ok_or(UnknownProvider(name))
        };
        let indices = |names: Vec<Box<str>>| names.into_iter().map(index).collect::<Result<_, _>>();
        let fallback = indices(fallback)?;
        let routes = routes
            .into_iter()
            .map(|(pattern, names)| Ok((pattern, indices(names)?)))
            .collect::<Result<_, _>>()?;
        Ok(RoutingTable { providers, aliases, routes, fallback, default_model })
    }
}

/// A route or the fallback chain names a provider that the table does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownProvider(
    /// The name.
    pub Box<str>,
);

impl fmt::Display for UnknownProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no provider `{}`", self.0)
    }
}

impl std::error::Error for UnknownProvider {}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> RoutingTable {
        RoutingTable::builder()
            .provider(Provider::new("deepseek").models(["deepseek-chat", "deepseek-reasoner"]))
            .provider(Provider::new("openai").models(["gpt-5.1"]).dialect(Dialect::Responses))
            .provider(Provider::new("openrouter"))
            .provider(Provider::new("keyless").models(["deepseek-chat"]).unavailable("no key"))
            .provider(Provider::new("ollama").models(["qwen3:14b"]).alias("gpt-5.5", "qwen3:14b"))
            .alias("gpt-5.4", "deepseek-chat")
            .fallback(["deepseek", "openrouter"])
            .route("gpt-", ["openai", "deepseek"])
            .route("gpt-5", ["ollama"])
            .route("*claude*", ["openrouter"])
            .default_model("deepseek-chat")
            .build()
            .unwrap()
    }

    fn plan(model: &str) -> String {
        table().plan(model).to_string()
    }

    #[test]
    fn the_four_parts_come_in_order_and_nothing_twice() {
        // pattern; the one that has the alias; the fallback chain; any other
        assert_eq!(
            plan("gpt-5.5"),
            "openai/gpt-5.5, deepseek/gpt-5.5, ollama/qwen3:14b, openrouter/gpt-5.5"
        );
        assert_eq!(
            plan("qwen3:14b"),
            "ollama/qwen3:14b, deepseek/qwen3:14b, openrouter/qwen3:14b, openai/qwen3:14b"
        );
    }

    #[test]
    fn a_top_level_alias_applies_only_where_the_real_name_is_listed() {
        assert_eq!(
            plan("gpt-5.4"),
            "openai/gpt-5.4, deepseek/deepseek-chat, openrouter/gpt-5.4, ollama/gpt-5.4"
        );
        assert!(table().knows("deepseek", "gpt-5.4"));
        assert!(!table().knows("openai", "gpt-5.4"));
    }

    #[test]
    fn patterns_match_the_clients_name_and_the_first_one_counts() {
        assert!(plan("gpt-5.1").starts_with("openai/gpt-5.1, deepseek/gpt-5.1"));
        assert!(plan("anthropic/claude-5").starts_with("openrouter/anthropic/claude-5"));
    }

    #[test]
    fn a_provider_prefix_pins() {
        assert_eq!(plan("ollama/gpt-5.5"), "ollama/qwen3:14b");
        assert_eq!(plan("openrouter/deepseek/deepseek-chat"), "openrouter/deepseek/deepseek-chat");
        assert_eq!(plan("deepseek/gpt-5.4"), "deepseek/deepseek-chat");
        let keyless = table().plan("keyless/x");
        assert_eq!((keyless.targets.len(), keyless.skipped.len()), (0, 1));
        assert!(plan("deepseek/").contains("openrouter/deepseek/"), "no model, so no pin");
    }

    #[test]
    fn unavailable_providers_are_skipped_with_the_reason() {
        let plan = table().plan("deepseek-chat");
        assert!(plan.targets.iter().all(|target| &*target.provider != "keyless"));
        assert_eq!(plan.skipped[0].to_string(), "keyless: no key");
    }

    #[test]
    fn a_target_carries_the_dialect() {
        assert_eq!(table().plan("openai/x").targets[0].dialect, Dialect::Responses);
    }

    #[test]
    fn an_unknown_provider_is_an_error() {
        let error = RoutingTable::builder().fallback(["nobody"]).build().unwrap_err();
        assert_eq!(error.to_string(), "there is no provider `nobody`");
        assert!(RoutingTable::builder().route("a", ["nobody"]).build().is_err());
    }

    #[test]
    fn an_empty_table_plans_nothing() {
        assert!(RoutingTable::default().plan("any").targets.is_empty());
    }
}

use std::{sync::Arc, time::Duration};

use tower_layer::Layer;

use super::{Commit, Cooldowns, Route, RoutingTable};
use crate::RefusedFields;

/// Applies [`Route`].
///
/// | setting | default |
/// |---|---|
/// | [`commit`](Self::commit) | [`Commit::FirstToken`] |
/// | [`max_head_delay`](Self::max_head_delay) | 15 s |
/// | [`buffer_limit`](Self::buffer_limit) | 32 MiB |
/// | [`again`](Self::again) | 1 attempt |
/// | [`include_usage`](Self::include_usage) | no |
/// | [`exhausted_for`](Self::exhausted_for) | 60 s |
/// | [`refused_fields`](Self::refused_fields) | nothing known |
#[derive(Clone, Debug)]
pub struct RouteLayer {
    table: Arc<RoutingTable>,
    settings: Arc<Settings>,
    cooldowns: Cooldowns,
}

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) commit: Commit,
    pub(super) max_head_delay: Duration,
    pub(super) buffer_limit: u64,
    pub(super) again: u32,
    pub(super) exhausted_for: Duration,
    pub(super) include_usage: bool,
    pub(super) refused: RefusedFields,
}

impl RouteLayer {
    /// Routes by this table.
    pub fn new(table: impl Into<Arc<RoutingTable>>) -> Self {
        let settings = Settings {
            commit: Commit::default(),
            max_head_delay: Duration::from_secs(15),
            buffer_limit: 32 << 20,
            again: 1,
            exhausted_for: Duration::from_secs(60),
            include_usage: false,
            refused: RefusedFields::default(),
        };
        Self { table: table.into(), settings: Arc::new(settings), cooldowns: Cooldowns::default() }
    }

    /// Sets the commit policy, unless the provider or the request has one of its own.
    #[must_use]
    pub fn commit(mut self, commit: Commit) -> Self {
        Arc::make_mut(&mut self.settings).commit = commit;
        self
    }

    /// Sets the maximum delay of a stream's head; then it leaves with a keep-alive comment, and
    /// another one after each such time (but 1 to 15 s), while attempts go on behind them. Where a
    /// Responses client is answered by a provider of another dialect, `response.created` and
    /// `response.in_progress` leave with it, and the answer that is committed at last goes on with
    /// their id and sequence numbers.
    #[must_use]
    pub fn max_head_delay(mut self, time: Duration) -> Self {
        Arc::make_mut(&mut self.settings).max_head_delay = time;
        self
    }

    /// Sets the maximum number of bytes of an answer that are held; more of them commit it.
    #[must_use]
    pub fn buffer_limit(mut self, bytes: u64) -> Self {
        Arc::make_mut(&mut self.settings).buffer_limit = bytes;
        self
    }

    /// Sets the number of further attempts of the last target whose answer broke off before commit,
    /// when no other target is left.
    #[must_use]
    pub fn again(mut self, attempts: u32) -> Self {
        Arc::make_mut(&mut self.settings).again = attempts;
        self
    }

    /// Sets the cooldown of a provider whose account is empty.
    #[must_use]
    pub fn exhausted_for(mut self, time: Duration) -> Self {
        Arc::make_mut(&mut self.settings).exhausted_for = time;
        self
    }

    /// Whether every chat stream is asked for its usage (`stream_options.include_usage`), at
    /// providers that [take it](super::Provider::include_usage), so that it can be counted. The
    /// chunk that carries it is kept from clients that did not ask by the `observe` layer
    /// further in, without which this must stay off.
    #[must_use]
    pub fn include_usage(mut self, ask: bool) -> Self {
        Arc::make_mut(&mut self.settings).include_usage = ask;
        self
    }

    /// Shares what is known of targets that asked to be left alone with other routers, such as
    /// the one that this one takes the place of.
    #[must_use]
    pub fn cooldowns(mut self, cooldowns: Cooldowns) -> Self {
        self.cooldowns = cooldowns;
        self
    }

    /// Shares what is known of targets that refuse the fields which are added to requests: a
    /// stream that [`include_usage`](Self::include_usage) asks for its usage is then not asked.
    #[must_use]
    pub fn refused_fields(mut self, refused: RefusedFields) -> Self {
        Arc::make_mut(&mut self.settings).refused = refused;
        self
    }
}

impl<S> Layer<S> for RouteLayer {
    type Service = Route<S>;

    fn layer(&self, inner: S) -> Route<S> {
        Route {
            inner,
            table: self.table.clone(),
            settings: self.settings.clone(),
            cooldowns: self.cooldowns.clone(),
        }
    }
}

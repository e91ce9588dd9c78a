use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{
    Commit, Cooldowns, ModelAllowlist, Plan, ResponseFuture, RouteBody, RoutingTable,
    call::RouteCall, layer::Settings,
};
use crate::{
    BoxError, Buffered, Code, Dialect, Rejection,
    request::{InvalidRequest, ModelRequest},
};

const COMMIT: HeaderName = HeaderName::from_static("x-switchtower-commit");

/// Sends a request to the targets of its plan until one answers. See the [module](super).
#[derive(Clone, Debug)]
pub struct Route<S> {
    pub(super) inner: S,
    pub(super) table: Arc<RoutingTable>,
    pub(super) settings: Arc<Settings>,
    pub(super) cooldowns: Cooldowns,
}

impl<S, B> Service<Request<Buffered>> for Route<S>
where
    S: Service<Request<Buffered>, Response = Response<B>, Error: Into<BoxError>> + Clone,
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    type Response = Response<RouteBody<S, B>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Buffered>) -> Self::Future {
        let planned = match plan(&self.table, &request) {
            Ok(planned) => planned,
            Err(rejection) => return ResponseFuture::reject(rejection),
        };
        let Planned { asked, plan, commit } = planned;
        let (table, settings) = (self.table.clone(), self.settings.clone());
        let cooldowns = self.cooldowns.clone();
        let call = RouteCall::new(request, asked, plan, commit, table, settings, cooldowns);
        let clone = self.inner.clone();
        ResponseFuture::drive(std::mem::replace(&mut self.inner, clone), call)
    }
}

struct Planned {
    asked: ModelRequest,
    plan: Plan,
    commit: Option<Commit>,
}

fn plan(table: &RoutingTable, request: &Request<Buffered>) -> Result<Planned, Rejection> {
    let commit = commit(request.headers())?;
    let asked = ModelRequest::of(request.body()).map_err(|error| invalid(&error))?;
    // On other paths a body without a model is perhaps no call to a model at all.
    let told = request.extensions().get::<Dialect>().copied();
    let is_call = told.or_else(|| Dialect::of_path(request.uri().path())).is_some();
    let default = table.default_model().filter(|_| is_call);
    let Some(model) = asked.model.as_ref().or(default) else {
        let message = "the body names no `model`, and there is no default for it";
        return Err(Rejection::new(Code::InvalidRequest, message).param("model"));
    };
    let mut plan = table.plan(model);
    if let Some(allowed) = request.extensions().get::<ModelAllowlist>() {
        if asked.names_others {
            let message = "this client may not name other `models` than the one";
            return Err(Rejection::new(Code::Forbidden, message).param("models"));
        }
        allowed.restrict(&mut plan, table, model)?;
    }
    Ok(Planned { asked, plan, commit })
}

fn commit(headers: &HeaderMap) -> Result<Option<Commit>, Rejection> {
    let Some(value) = headers.get(COMMIT) else { return Ok(None) };
    let commit = value.to_str().unwrap_or_default().trim().parse().map(Some);
    commit.map_err(|error| {
        Rejection::new(Code::InvalidRequest, format!("x-switchtower-commit: {error}"))
    })
}

fn invalid(error: &InvalidRequest) -> Rejection {
    let rejection = Rejection::new(Code::InvalidRequest, error.to_string());
    match error.param {
        Some(param) => rejection.param(param),
        None => rejection,
    }
}

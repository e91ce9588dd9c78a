use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_service::Service;

use super::{Plan, ResponseFuture, RoutingTable, plan::separated};
use crate::{
    Buffered, Code, Rejection,
    body::ResponseBody,
    request::{InvalidRequest, ModelRequest},
};

/// Sends a request to the first target of its plan. See the [module](super).
#[derive(Clone, Debug)]
pub struct Route<S> {
    pub(super) inner: S,
    pub(super) table: Arc<RoutingTable>,
}

impl<S, B> Service<Request<Buffered>> for Route<S>
where
    S: Service<Request<Buffered>, Response = Response<B>>,
{
    type Response = Response<ResponseBody<B>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Buffered>) -> Self::Future {
        let planned = match plan(&self.table, request.body()) {
            Ok(planned) => planned,
            Err(rejection) => return ResponseFuture::reject(rejection),
        };
        let Planned { asked, plan } = planned;
        let Some(target) = plan.targets.into_iter().next() else {
            return ResponseFuture::reject(nobody(&plan.skipped));
        };
        let mut request = request.map(|body| asked.with_model(&body, &target.model));
        request.extensions_mut().insert(target.clone());
        ResponseFuture::call(self.inner.call(request), target)
    }
}

struct Planned {
    asked: ModelRequest,
    plan: Plan,
}

fn plan(table: &RoutingTable, body: &Buffered) -> Result<Planned, Rejection> {
    let asked = ModelRequest::read(body).map_err(|error| invalid(&error))?;
    let Some(model) = asked.model.as_ref().or(table.default_model()) else {
        let message = "the body names no `model`, and no default model is configured";
        return Err(Rejection::new(Code::InvalidRequest, message).param("model"));
    };
    let plan = table.plan(model);
    Ok(Planned { asked, plan })
}

fn invalid(error: &InvalidRequest) -> Rejection {
    let rejection = Rejection::new(Code::InvalidRequest, error.to_string());
    match error.param {
        Some(param) => rejection.param(param),
        None => rejection,
    }
}

fn nobody(skipped: &[super::Skipped]) -> Rejection {
    let mut message = String::from("no provider can be used");
    if !skipped.is_empty() {
        message.push_str(": ");
        // Writing to a string cannot fail.
        let _ = separated(&mut message, skipped, "; ");
    }
    Rejection::new(Code::NoProvider, message)
}

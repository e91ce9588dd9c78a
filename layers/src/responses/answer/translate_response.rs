use std::sync::Arc;

use super::{
    chunk::Chunk,
    ending::Ending,
    ids::Ids,
    item::Status,
    items::Sealing,
    output::Output,
    resource::{Resource, ResponseState},
};
use crate::{classify::error, exchange::Fault, responses::ResponseContext};

/// The response object for a whole chat completion, which came at `now` (Unix seconds).
/// `sealing` is only used when the client asked for sealed reasoning.
///
/// # Errors
///
/// When the body is an error, or is no completion: not JSON, without a choice, without content and
/// reason, or with a finish reason that says that it broke.
pub fn translate_response(
    body: &[u8],
    context: &Arc<ResponseContext>,
    mut ids: Ids,
    now: u64,
    sealing: Sealing,
) -> Result<Vec<u8>, Fault> {
    let malformed = |what: &'static str| Fault::Malformed(what.into());
    let chunk =
        Chunk::read(body).map_err(|_| malformed("the answer is not JSON of the expected shape"))?;
    if let Some(raw) = chunk.error {
        return Err(Fault::Upstream(error::read_field(raw)));
    }
    let usage = chunk.usage();
    let choice = chunk.into_choice().ok_or_else(|| malformed("the answer has no choices"))?;
    if let Some(raw) = choice.error {
        return Err(Fault::Upstream(error::read_field(raw)));
    }
    // Unlike a stream, a body that parses and says something is whole, whether or not it says why
    // it ends.
    let ending = Ending::from_reasons(&choice.finish_reason.0, &choice.native_finish_reason.0)?;
    let resource = Resource::new(context, &ids.next("resp_"), now);
    let mut output = Output::new(Arc::clone(context), ids, sealing);
    output.whole(body, choice);
    let last = match ending {
        Some(Ending::Incomplete(_)) => Status::Incomplete,
        Some(Ending::Completed) | None => Status::Completed,
    };
    output.end(last, &mut ())?;
    if ending.is_none() && output.is_empty() {
        return Err(malformed("the answer has neither content nor a finish reason"));
    }
    let standing = ResponseState::Ended(ending.unwrap_or(Ending::Completed), now);
    let mut out = Vec::with_capacity(body.len() + 2048);
    resource.write(standing, output.done(), usage.as_ref(), &mut out);
    Ok(out)
}

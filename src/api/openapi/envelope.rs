use serde::Serialize;
use utoipa::ToSchema;

// `Rejection` serialises it.
/// Whatever goes wrong is said like this.
#[derive(Serialize, ToSchema)]
pub(super) struct ErrorEnvelope {
    error: Error,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
struct Error {
    /// For programs, e.g. `INVALID_REQUEST`.
    #[schema(pattern = "^[A-Z_]+$")]
    code: String,
    /// For people.
    message: String,
    /// The kind of error, in OpenAI's words: `invalid_request_error`.
    r#type: String,
    /// The field of the request that is wrong.
    #[schema(required)]
    param: Option<String>,
}

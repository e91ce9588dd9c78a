use http::Method;

use crate::Dialect;

/// What a path is for, below whatever prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// `.../responses`
    All,
    /// `.../responses/{id}`
    One(&'a str),
    /// `.../responses/{id}/input_items`
    InputItems(&'a str),
    /// `.../responses/{id}/cancel`
    Cancel(&'a str),
}

/// Calls that stand where an id would; they are for the provider.
const NO_IDS: [&str; 2] = ["compact", "input_tokens"];

impl<'a> Place<'a> {
    /// `None` for what is none of the state's.
    pub(super) fn of(method: &Method, path: &'a str) -> Option<Self> {
        let path = path.trim_end_matches('/');
        if Dialect::of_path(path) == Some(Dialect::Responses) {
            return (method == Method::POST).then_some(Self::All);
        }
        let (above, last) = path.rsplit_once('/')?;
        if above.ends_with("/responses") {
            let is_call = method == Method::POST && NO_IDS.contains(&last);
            return (!is_call).then_some(Self::One(last));
        }
        let id = above.rsplit_once('/').filter(|(above, _)| above.ends_with("/responses"))?.1;
        match last {
            "input_items" => Some(Self::InputItems(id)),
            "cancel" => Some(Self::Cancel(id)),
            _ => None,
        }
        .filter(|_| !id.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_tells_what_is_asked() {
        for (method, path, place) in [
            (Method::POST, "/v1/responses", Some(Place::All)),
            (Method::POST, "/openai/v1/responses/", Some(Place::All)),
            (Method::GET, "/v1/responses", None),
            (Method::GET, "/v1/responses/r1", Some(Place::One("r1"))),
            (Method::DELETE, "/responses/r1/", Some(Place::One("r1"))),
            (Method::POST, "/v1/responses/r1", Some(Place::One("r1"))),
            (Method::POST, "/v1/responses/compact", None),
            (Method::POST, "/v1/responses/input_tokens", None),
            (Method::GET, "/v1/responses/compact", Some(Place::One("compact"))),
            (Method::GET, "/v1/responses/r1/input_items", Some(Place::InputItems("r1"))),
            (Method::POST, "/v1/responses/r1/cancel", Some(Place::Cancel("r1"))),
            (Method::POST, "/v1/responses/r1/else", None),
            (Method::POST, "/v1/responses//cancel", None),
            (Method::GET, "/v1/models/responses1", None),
            (Method::GET, "/v1/xresponses/r1", None),
            (Method::POST, "/v1/chat/completions", None),
            (Method::GET, "/", None),
            (Method::GET, "", None),
        ] {
            assert_eq!(Place::of(&method, path), place, "{method} {path}");
        }
    }
}

use http::Method;

use crate::Dialect;

/// What a path is for, below whatever prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResourcePath<'a> {
    /// `.../responses`, to make one.
    All,
    /// One that is stored.
    One(&'a str, Part),
}

/// What of a stored response a path is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// `.../responses/{id}`
    Whole,
    /// `.../responses/{id}/input_items`
    InputItems,
    /// `.../responses/{id}/cancel`
    Cancel,
}

/// Calls that stand where an id would; they are for the provider.
const NO_IDS: [&str; 2] = ["compact", "input_tokens"];

impl<'a> ResourcePath<'a> {
    /// `None` for what is none of the state's.
    pub(super) fn of(method: &Method, path: &'a str) -> Option<Self> {
        let path = path.trim_end_matches('/');
        if Dialect::of_path(path) == Some(Dialect::Responses) {
            return (method == Method::POST).then_some(Self::All);
        }
        let (above, last) = path.rsplit_once('/')?;
        if above.ends_with("/responses") {
            let is_call = method == Method::POST && NO_IDS.contains(&last);
            return (!is_call).then_some(Self::One(last, Part::Whole));
        }
        let (above, id) = above.rsplit_once('/')?;
        let part = match last {
            "input_items" => Part::InputItems,
            "cancel" => Part::Cancel,
            _ => return None,
        };
        (above.ends_with("/responses") && !id.is_empty()).then_some(Self::One(id, part))
    }
}

impl Part {
    /// The methods there are, as `Allow` lists them.
    pub(super) fn allows(self) -> &'static str {
        match self {
            Self::Whole => "GET, DELETE",
            Self::InputItems => "GET",
            Self::Cancel => "POST",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_tells_what_is_asked() {
        for (method, path, place) in [
            (Method::POST, "/v1/responses", Some(ResourcePath::All)),
            (Method::POST, "/openai/v1/responses/", Some(ResourcePath::All)),
            (Method::GET, "/v1/responses", None),
            (Method::GET, "/v1/responses/r1", Some(ResourcePath::One("r1", Part::Whole))),
            (Method::DELETE, "/responses/r1/", Some(ResourcePath::One("r1", Part::Whole))),
            (Method::POST, "/v1/responses/r1", Some(ResourcePath::One("r1", Part::Whole))),
            (Method::POST, "/v1/responses/compact", None),
            (Method::POST, "/v1/responses/input_tokens", None),
            (Method::GET, "/v1/responses/compact", Some(ResourcePath::One("compact", Part::Whole))),
            (
                Method::GET,
                "/v1/responses/r1/input_items",
                Some(ResourcePath::One("r1", Part::InputItems)),
            ),
            (Method::POST, "/v1/responses/r1/cancel", Some(ResourcePath::One("r1", Part::Cancel))),
            (Method::POST, "/v1/responses/r1/else", None),
            (Method::POST, "/v1/responses//cancel", None),
            (Method::GET, "/v1/models/responses1", None),
            (Method::GET, "/v1/xresponses/r1", None),
            (Method::POST, "/v1/chat/completions", None),
            (Method::GET, "/", None),
            (Method::GET, "", None),
        ] {
            assert_eq!(ResourcePath::of(&method, path), place, "{method} {path}");
        }
    }
}

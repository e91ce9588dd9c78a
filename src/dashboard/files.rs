use std::sync::LazyLock;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::HeaderValue;
use ring::digest::{SHA256, digest};

/// One of the dashboard's files.
#[derive(Debug)]
pub(crate) struct File {
    /// Its name below `/dashboard/`; that of the page itself is empty.
    name: &'static str,
    pub(crate) text: &'static str,
    /// Changes with the text.
    pub(crate) etag: HeaderValue,
}

impl File {
    /// The one of this name.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        static FILES: LazyLock<Box<[File]>> =
            LazyLock::new(|| TEXTS.iter().map(|(name, text)| File::new(name, text)).collect());
        FILES.iter().find(|file| file.name == name)
    }

    fn new(name: &'static str, text: &'static str) -> Self {
        let hash = BASE64_URL_SAFE_NO_PAD.encode(&digest(&SHA256, text.as_bytes()).as_ref()[..12]);
        let etag = HeaderValue::try_from(format!("\"{hash}\"")).expect("Base64 is visible ASCII");
        Self { name, text, etag }
    }

    pub(crate) fn content_type(&self) -> &'static str {
        match self.name.rsplit_once('.') {
            Some((_, "css")) => "text/css; charset=utf-8",
            Some((_, "js")) => "text/javascript; charset=utf-8",
            _ => "text/html; charset=utf-8",
        }
    }
}

macro_rules! texts {
    ($($name:literal),* $(,)?) => {
        [("", include_str!("assets/index.html")), $(($name, include_str!(concat!("assets/", $name)))),*]
    };
}

static TEXTS: &[(&str, &str)] = &texts![
    "style.css",
    "app.js",
    "api.js",
    "dom.js",
    "format.js",
    "notices.js",
    "providers.js",
    "requests.js",
    "shared.js",
    "spark.js",
    "stream.js",
    "tasks.js",
    "worker.js",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// What a file asks for: `src`, `href`, imports and workers.
    fn asked(text: &str) -> impl Iterator<Item = &str> {
        let starts = ["src=\"", "href=\"", "from \"", "SharedWorker(\""];
        starts.into_iter().flat_map(move |start| {
            text.split(start).skip(1).filter_map(|rest| rest.split('"').next())
        })
    }

    #[test]
    fn every_file_is_asked_for_and_whatever_is_asked_for_is_there() {
        let mut seen = vec![""];
        for (_, text) in TEXTS {
            for name in asked(text).filter(|name| !name.starts_with(['#', 'd'])) {
                let name = name.strip_prefix("/dashboard/").or(name.strip_prefix("./"));
                let name = name.unwrap_or_else(|| panic!("{name:?} is elsewhere"));
                assert!(File::find(name).is_some(), "{name}");
                seen.push(name);
            }
        }
        for (name, _) in TEXTS {
            assert!(seen.contains(name), "{name} is not used");
        }
    }

    /// Whatever strangers have written stays text.
    #[test]
    fn nothing_in_them_makes_markup_of_text_or_needs_a_laxer_policy() {
        for (name, text) in TEXTS {
            let harmful = [
                "innerHTML",
                "outerHTML",
                "insertAdjacent",
                "document.write",
                "eval(",
                "Function(",
                "srcdoc",
                "javascript:",
                " style=",
                " onclick",
                "setAttribute(\"style",
                "@import",
                "<script>",
                "<style",
                "localStorage",
            ];
            for harmful in harmful {
                assert!(!text.contains(harmful), "{name} has {harmful}");
            }
            let elsewhere = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!elsewhere.contains("://"), "{name} has an address");
        }
    }
}

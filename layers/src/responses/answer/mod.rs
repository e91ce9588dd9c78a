//! From Chat Completions answers to Responses.

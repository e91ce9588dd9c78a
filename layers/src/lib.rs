//! Tower layers for language-model traffic, over plain `http` types.

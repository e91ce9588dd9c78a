//! The embedded provider: it answers like a model, misbehaves on request, and plays the upstream in tests.

# Shortcuts; CI does not need `just`.

# List the recipes.
default:
    @just --list

# Start the gateway with the demo providers.
run *args:
    cargo run -- {{args}}

# All tests.
test *args:
    cargo test --workspace --all-features {{args}}

# Format, clippy and docs.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --all-features -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --all-features --no-deps
    .ci/words

# What has to pass before a change lands.
ci:
    .ci/run

# Everything, licences and full benches included. Needs cargo-deny.
full: ci
    cargo deny check licenses bans sources
    cargo bench

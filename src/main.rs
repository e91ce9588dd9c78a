//! The `switchtower` binary.

use std::process::ExitCode;

/// A request makes about a hundred small allocations, half of which the system's allocator takes
/// the long way for.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    switchtower::cli::main()
}

//! Agents that are programs on this machine.
//!
//! A program is found on `PATH` as a shell would find it, and runs in a process group of its own
//! with an environment that has no keys in it, in the directory that the task names, else the
//! gateway's own. It is given the task on stdin, or as its last
//! argument. What it prints is read to the end, whatever it is; the beginning and the end of it are
//! kept. When it ends, is cancelled, takes too long or is no longer wanted, whatever it has started
//! is killed; on Linux that is everything that carries the run's variables, also what has left the
//! group.

mod capture;
mod environment;
mod lookup;
mod progress;
mod run;
mod utf8;
mod version;

pub(super) use capture::Capture;
pub(super) use environment::marked;
pub(super) use run::{Order, run};
pub(super) use utf8::start;
pub(super) use version::{File, answers, version};

use std::ffi::OsString;
use std::path::PathBuf;

use indexmap::IndexMap;

use switchtower_config::{Program, Secret};

/// A program and its environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Launch {
    pub(super) program: Program,
    pub(super) env: IndexMap<String, Secret>,
    /// Whether it is known to support `--version`; unknown programs are not run with it.
    pub(super) has_version: bool,
}

impl Launch {
    fn environment(&self) -> IndexMap<OsString, OsString> {
        environment::environment(std::env::vars_os(), &self.env)
    }

    /// Where the program is, if it can be run.
    pub(super) fn find(&self) -> Option<PathBuf> {
        let environment = self.environment();
        let path = environment.get(std::ffi::OsStr::new("PATH"));
        lookup::find(&self.program.command, path.map(OsString::as_os_str))
    }
}

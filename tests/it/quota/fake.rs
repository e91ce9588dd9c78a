//! A `codexbar` that does what the test says.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Binary, Provider};

/// It is on the `PATH` of the gateways that are started with it.
pub(crate) struct Fake(TempDir);

impl Fake {
    /// This is what it does, as a shell script; `note` writes the ids of processes down.
    pub(crate) fn new(does: &str) -> Self {
        let fake = Self(tempfile::tempdir().unwrap());
        let program = fake.path("codexbar");
        // The script itself never changes: a file that is written cannot be run.
        let script = "#!/bin/sh\nnote() { echo \"$@\" >> \"$0.ids\"; }\nnote $$\n. \"$0.does\"\n";
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        fake.does(does);
        fake
    }

    /// From the next run on.
    pub(crate) fn does(&self, script: &str) {
        let new = self.path("new");
        fs::write(&new, script).unwrap();
        fs::rename(new, self.path("codexbar.does")).unwrap();
    }

    pub(crate) fn prints(&self, value: &Value) {
        self.does(&prints(value));
    }

    /// A gateway before `openai` and `backup`, which both list `gpt-5.1`.
    pub(crate) async fn gateway(
        &self,
        openai: &Provider,
        backup: &Provider,
        quota: &str,
    ) -> Binary {
        let yaml = format!(
            "models:\n  quota: {quota}\n  model_routing: {{gpt-: [openai, backup]}}\n  providers:\n    \
             openai: {{base_url: '{}', api_key: k}}\n    backup: {{base_url: '{}', api_key: k}}\n",
            openai.base_url(),
            backup.base_url(),
        );
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.0.path().display());
        Binary::start(&yaml, &[("PATH", &path)]).await
    }

    /// The processes of each run so far.
    pub(crate) fn ids(&self) -> Vec<u32> {
        let ids = fs::read_to_string(self.path("codexbar.ids")).unwrap_or_default();
        ids.split_whitespace().filter_map(|id| id.parse().ok()).collect()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        // A failed test leaves nothing behind, either.
        for id in self.ids().into_iter().filter(|id| is_running(*id)) {
            let kill = format!("kill -KILL {id}");
            let _ = std::process::Command::new("sh").args(["-c", &kill]).status();
        }
    }
}

pub(crate) fn prints(value: &Value) -> String {
    format!("cat <<'END'\n{value}\nEND\n")
}

/// A zombie of another process does not run.
pub(crate) fn is_running(id: u32) -> bool {
    state_and_parent(&Path::new("/proc").join(id.to_string()))
        .is_some_and(|(state, _)| state != 'Z')
}

/// The processes, dead ones included, that this one has to answer for.
pub(crate) fn children_of(id: u32) -> usize {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let parents = processes.filter_map(|process| state_and_parent(&process.path()));
    parents.filter(|(_, parent)| *parent == id).count()
}

/// From Linux's `/proc`; `None` elsewhere.
fn state_and_parent(process: &Path) -> Option<(char, u32)> {
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    // The name before it may contain anything.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

//! Quotas.

use std::ops::RangeInclusive;
use std::path::Path;

use http::Uri;
use serde_saphyr::Spanned;

use super::Checker;
use crate::raw::{RawCodexbar, RawProbe, RawQuota, Text};
use crate::{Codexbar, Probe, Quota};

impl Checker<'_> {
    pub(super) fn quota(&mut self, raw: RawQuota, providers: &[Text]) -> Quota {
        let defaults = Quota::default();
        let map = raw.map.map(|entries| {
            self.unique("provider", entries.0.iter().map(|(provider, _)| provider));
            for (provider, _) in &entries.0 {
                if providers.iter().all(|known| known.value != provider.value) {
                    let name = &provider.value;
                    self.warnings
                        .push(format!("the quota map names `{name}`, which is no provider"));
                }
            }
            let named =
                |(provider, name): (Text, Text)| (provider.value, self.named("quota name", name));
            entries.0.into_iter().map(named).collect()
        });
        if let Some(full) = &raw.full_percent
            // Written so that it is no range for what is not a number, too.
            && !(full.value > 0.0 && full.value <= 100.0)
        {
            self.wrong(full, "`full_percent` has to be above 0, and at most 100");
        }
        Quota {
            codexbar: self.codexbar(raw.codexbar),
            map: map.unwrap_or(defaults.map),
            full_percent: raw.full_percent.map_or(defaults.full_percent, |full| full.value),
        }
    }

    /// Without the setting, the command is used when it is installed.
    fn codexbar(&mut self, raw: Option<RawCodexbar>) -> Option<Codexbar> {
        let defaults = Codexbar::default();
        let Some(raw) = raw else {
            return self.is_on_path(&defaults.command).then_some(defaults);
        };
        let codexbar = Codexbar {
            command: raw.command.map_or(defaults.command, |name| self.named("command", name)),
            ttl_s: self.seconds("ttl_s", raw.ttl_s, 1..=86_400, defaults.ttl_s),
            timeout_s: self.seconds("timeout_s", raw.timeout_s, 1..=600, defaults.timeout_s),
        };
        raw.enabled.unwrap_or(true).then_some(codexbar)
    }

    fn is_on_path(&self, command: &str) -> bool {
        let path = self.env.var("PATH").unwrap_or_default();
        // One that is relative would depend on the working directory.
        std::env::split_paths(&path)
            .any(|directory| directory.is_absolute() && is_program(&directory.join(command)))
    }

    fn seconds(
        &mut self,
        name: &str,
        raw: Option<Spanned<u64>>,
        range: RangeInclusive<u64>,
        default: u64,
    ) -> u64 {
        let Some(raw) = raw else { return default };
        if !range.contains(&raw.value) {
            let (least, most) = range.into_inner();
            self.wrong(&raw, format!("`{name}` has to be from {least} to {most}"));
        }
        raw.value
    }
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.with_extension("exe").is_file()
}

/// What is said, else by the host of the base URL.
pub(super) fn probe(raw: Option<RawProbe>, base_url: &Uri) -> Probe {
    match raw {
        None => Probe::of(base_url),
        Some(RawProbe::Deepseek) => Probe::Deepseek,
        Some(RawProbe::Openrouter) => Probe::Openrouter,
        Some(RawProbe::None) => Probe::None,
    }
}

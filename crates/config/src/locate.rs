//! Which file is used.

use std::path::{Path, PathBuf};

use super::{Config, Env};

impl Config {
    /// The file to load: the explicit one, else the first that exists of `gateway.yaml`,
    /// `config/gateway.yaml` and `switchtower/gateway.yaml` in `$XDG_CONFIG_HOME` (`~/.config`).
    ///
    /// An explicit file is returned whether it exists or not, so that loading it can say so.
    #[must_use]
    pub fn locate(explicit: Option<&Path>) -> Option<PathBuf> {
        explicit
            .map(Path::to_owned)
            .or_else(|| candidates(&Env::process()).into_iter().find(|path| path.is_file()))
    }
}

/// In order of preference.
fn candidates(env: &Env) -> Vec<PathBuf> {
    let set = |name| env.var(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // The XDG specification has relative paths ignored.
    let home = set("XDG_CONFIG_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| set("HOME").map(|home| home.join(".config")));
    let mut paths = vec!["gateway.yaml".into(), "config/gateway.yaml".into()];
    paths.extend(home.map(|home| home.join("switchtower/gateway.yaml")));
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn honours_the_xdg_directory() {
        let last = |env: &Env| candidates(env).pop().unwrap();
        let path = |path: &str| PathBuf::from(path);
        let both = Env::fixed([("HOME", "/home/me"), ("XDG_CONFIG_HOME", "/etc/xdg")]);
        assert_eq!(last(&both), path("/etc/xdg/switchtower/gateway.yaml"));
        let relative = Env::fixed([("HOME", "/home/me"), ("XDG_CONFIG_HOME", "xdg")]);
        assert_eq!(last(&relative), path("/home/me/.config/switchtower/gateway.yaml"));
        assert_eq!(candidates(&Env::empty()), [path("gateway.yaml"), path("config/gateway.yaml")]);
    }

    #[test]
    fn an_explicit_file_need_not_exist() {
        let missing = Path::new("/nowhere/gateway.yaml");
        assert_eq!(Config::locate(Some(missing)).as_deref(), Some(missing));
    }
}

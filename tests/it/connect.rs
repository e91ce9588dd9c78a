//! `connect` and `disconnect`, on files as people have them.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use insta::assert_snapshot;
use tempfile::TempDir;

/// Written by hand: comments, CRLF, odd spacing, another provider, an own entry, no final line break.
const HAND_WRITTEN: &str = "# My Codex.\r\nmodel   = 'gpt-5.5'\r\nmodel_provider = 'azure' # at work\r\n\r\n\
    [model_providers.azure] # ours\r\nbase_url = \"https://azure.example/v1\"\r\n\r\n\
    [model_providers.switchtower]\r\n  name = \"Mine\"\r\n  base_url='http://old.example/v1'   # was\r\n\r\n\
    [profiles.fast]\r\nmodel = \"small\" # quick";

/// A home, and nothing else in the environment.
struct Home {
    directory: TempDir,
    env: Vec<(&'static str, String)>,
}

impl Home {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
            env: vec![("SHELL", "/bin/bash".to_owned())],
        }
    }

    fn with(name: &str, text: &str) -> Self {
        let home = Self::new();
        home.write(name, text);
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, text).expect("a file");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a file")
    }

    /// The names of the files in a directory.
    fn list(&self, name: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(name)) else { return Vec::new() };
        let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        let mut names: Vec<_> = entries.flatten().map(name).collect();
        names.sort();
        names
    }

    fn run(&self, arguments: &str) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_switchtower"));
        command.args(arguments.split_whitespace()).current_dir(&self.directory).env_clear();
        command.env("HOME", self.directory.path()).envs(self.env.iter().cloned());
        let Output { status, stdout, stderr } =
            command.stdin(Stdio::null()).output().expect("the binary runs");
        let text = String::from_utf8([stdout, stderr].concat()).expect("UTF-8");
        let home = self.directory.path().to_str().expect("UTF-8");
        (status.code().expect("it was not killed"), text.replace(home, "~"))
    }

    fn says(&self, arguments: &str) -> String {
        let (status, text) = self.run(arguments);
        assert_eq!(status, 0, "{text}");
        text
    }

    fn complains(&self, arguments: &str) -> String {
        let (status, text) = self.run(arguments);
        assert_eq!(status, 1, "{text}");
        text
    }
}

const CONFIG: &str = ".codex/config.toml";

#[test]
fn a_hand_written_file_is_restored_byte_for_byte() {
    let home = Home::with(CONFIG, HAND_WRITTEN);
    assert_snapshot!(home.says("connect codex"), @r#"
    codex: ~/.codex/config.toml now names http://127.0.0.1:3000/v1; while `switchtower` runs there, try: codex exec -m demo "hello"
      undo it with: switchtower disconnect codex
    "#);
    let connected = home.read(CONFIG);
    assert!(connected.contains("model_provider = \"switchtower\" # at work\r\n"), "{connected}");
    assert!(
        connected.contains("  base_url=\"http://127.0.0.1:3000/v1\"   # was\r\n"),
        "{connected}"
    );
    assert_eq!(home.read(".codex/config.toml.switchtower-backup"), HAND_WRITTEN);

    assert_snapshot!(home.says("connect codex"), @"codex: ~/.codex/config.toml already names http://127.0.0.1:3000/v1");
    assert_eq!(home.read(CONFIG), connected);
    home.says("connect codex --url http://127.0.0.1:4000");
    assert_eq!(home.read(CONFIG), connected.replace(":3000", ":4000"));
    assert_eq!(home.read(".codex/config.toml.switchtower-backup"), HAND_WRITTEN);

    assert_snapshot!(home.says("disconnect codex"), @"codex: ~/.codex/config.toml is as it was");
    assert_eq!(home.read(CONFIG), HAND_WRITTEN);
    assert_eq!(home.list(".codex"), ["config.toml"]);
    assert_snapshot!(home.says("disconnect codex"), @"codex: ~/.codex/config.toml was not changed by `switchtower connect`; there is nothing to undo");
}

#[test]
fn edits_in_between_stay() {
    let home = Home::with(CONFIG, HAND_WRITTEN);
    home.says("connect codex");
    let edit =
        |text: &str| text.replace("quick", "quicker\r\n[new]\r\na = 1").replace("gpt-5.5", "o9");
    home.write(CONFIG, &edit(&home.read(CONFIG)));
    home.says("connect codex --url http://127.0.0.1:4000");
    assert_snapshot!(home.says("disconnect"), @"codex: ~/.codex/config.toml is as it was, but for what was edited since");
    assert_eq!(home.read(CONFIG), edit(HAND_WRITTEN));
}

#[test]
fn a_dry_run_shows_the_change_and_writes_nothing() {
    let home = Home::with(CONFIG, "model = \"m\"");
    assert_snapshot!(home.says("connect codex --dry-run"), @r#"
    --- ~/.codex/config.toml
    +++ ~/.codex/config.toml
    @@ -1 +1,7 @@
    -model = "m"
    \ No newline at end of file
    +model = "m"
    +model_provider = "switchtower"
    +
    +[model_providers.switchtower]
    +name = "Switchtower"
    +base_url = "http://127.0.0.1:3000/v1"
    +wire_api = "responses"
    "#);
    assert_eq!((home.read(CONFIG).as_str(), home.list(".codex").len()), ("model = \"m\"", 1));
    home.says("connect codex");
    assert_snapshot!(home.says("connect codex --dry-run"), @"codex: nothing would change");
    let connected = home.read(CONFIG);
    assert!(home.says("disconnect --dry-run").contains("\n-model_provider = \"switchtower\"\n"));
    assert_eq!((home.read(CONFIG), home.list(".codex").len()), (connected, 3));
}

#[test]
fn a_file_that_connect_made_goes_again() {
    let home = Home::new();
    assert!(home.says("connect codex --dry-run").starts_with("--- /dev/null\n"));
    assert!(home.list(".codex").is_empty());
    home.says("connect codex opencode shell");
    assert_eq!(home.list(".codex"), ["config.toml", "config.toml.switchtower-state"]);
    assert_snapshot!(home.says("disconnect"), @r"
    codex: ~/.codex/config.toml is gone again, since nothing else was in it
    opencode: ~/.config/opencode/opencode.json is gone again, since nothing else was in it
    shell: ~/.bashrc is gone again, since nothing else was in it
    ");
    assert!(home.list(".codex").is_empty());
    assert_snapshot!(home.says("disconnect"), @"No tool is connected.");

    home.says("connect codex");
    home.write(CONFIG, &format!("model = \"m\"\n{}", home.read(CONFIG)));
    home.says("disconnect");
    assert_eq!(home.read(CONFIG), "model = \"m\"\n");
}

#[test]
fn the_address_is_that_of_the_configuration() {
    let home = Home::with("gateway.yaml", "port: 3456");
    home.says("connect codex");
    assert!(home.read(CONFIG).contains("base_url = \"http://127.0.0.1:3456/v1\""));
    home.write("other.yaml", "{host: '::1', port: 1}");
    home.says("connect codex --config other.yaml");
    assert!(home.read(CONFIG).contains("base_url = \"http://[::1]:1/v1\""));
    assert_snapshot!(home.complains("connect codex --url ftp://x"), @"error: `ftp://x` is not a URL like http://127.0.0.1:3000/v1");
}

#[test]
fn codex_home_is_respected() {
    let mut home = Home::new();
    home.env.push(("CODEX_HOME", home.path("elsewhere").display().to_string()));
    home.says("connect codex");
    assert!(home.list(".codex").is_empty());
    assert!(home.read("elsewhere/config.toml").contains("wire_api"));
}

#[test]
fn opencode_is_told_the_models() {
    let text = "{\n  // mine\n  \"theme\": \"x\",\n}\n";
    let home = Home::with(".config/opencode/opencode.jsonc", text);
    assert_snapshot!(home.says("connect opencode"), @r"
    opencode: ~/.config/opencode/opencode.jsonc now names http://127.0.0.1:3000/v1; choose a switchtower model with /models
      undo it with: switchtower disconnect opencode
    ");
    let connected = home.read(".config/opencode/opencode.jsonc");
    assert!(
        connected.contains("\"demo-failover\": { \"name\": \"demo-failover\" }"),
        "{connected}"
    );
    home.says("disconnect opencode");
    assert_eq!(home.read(".config/opencode/opencode.jsonc"), text);
}

#[test]
fn the_profile_is_that_of_the_shell() {
    for (shell, file, line) in [
        ("/bin/bash", ".bashrc", "export OPENAI_BASE_URL='http://127.0.0.1:3000/v1'"),
        ("/usr/bin/zsh", ".zshrc", "export OPENAI_API_BASE='http://127.0.0.1:3000/v1'"),
        ("/bin/sh", ".profile", "export OPENAI_BASE_URL='http://127.0.0.1:3000/v1'"),
        ("fish", ".config/fish/config.fish", "set -gx OPENAI_BASE_URL 'http://127.0.0.1:3000/v1'"),
    ] {
        let mut home = Home::with(file, "echo hello");
        home.env = vec![("SHELL", shell.to_owned())];
        assert!(home.says("connect shell").contains("a new shell knows it"));
        assert!(home.read(file).lines().any(|l| l == line), "{}", home.read(file));
        home.says("disconnect");
        assert_eq!(home.read(file), "echo hello");
    }
    let mut home = Home::new();
    home.env = vec![("SHELL", "/bin/tcsh".to_owned())];
    assert_snapshot!(home.complains("connect shell"), @"error: shell: the profile of tcsh cannot be edited yet; those of bash, zsh, fish and sh can");
}

#[test]
fn without_names_it_is_what_is_installed() {
    let home = Home::with(CONFIG, "");
    assert!(
        home.says("connect").starts_with("Installed: codex\ncodex: ~/.codex/config.toml now names")
    );
    assert!(home.list(".").iter().all(|name| name != ".bashrc"));
    let mut home = Home::with("bin/opencode", "");
    home.env.push(("PATH", home.path("bin").display().to_string()));
    assert!(home.says("connect").starts_with("Installed: opencode\n"));
    assert_snapshot!(Home::new().complains("connect"), @"error: neither codex nor opencode is installed; name a tool to connect it nevertheless");
}

#[test]
fn others_are_refused_before_anything_is_written() {
    let home = Home::with(CONFIG, "");
    assert_snapshot!(home.complains("connect codex codx"), @"error: `codx` cannot be connected yet; did you mean `codex`?");
    assert_snapshot!(home.complains("connect codex claude"), @"error: `claude` cannot be connected yet: it speaks Anthropic's Messages API, which the gateway does not answer");
    assert_snapshot!(home.complains("connect emacs"), @"error: `emacs` cannot be connected yet; the tools are: codex, opencode, shell");
    assert_eq!((home.read(CONFIG).as_str(), home.list(".codex").len()), ("", 1));
}

#[test]
fn nothing_is_half_written() {
    let home = Home::with(CONFIG, "a = 1\nb = = 2\n");
    let error = home.complains("connect shell codex");
    assert!(error.contains("~/.codex/config.toml: line 2 is not valid TOML"), "{error}");
    assert_eq!((home.list(".codex").len(), home.path(".bashrc").exists()), (1, false));

    fs::write(home.path(CONFIG), b"a = \"\xff\"").unwrap();
    assert_snapshot!(home.complains("connect codex"), @"error: ~/.codex/config.toml: is not UTF-8");

    let mut home = Home::new();
    home.env.push(("HOME", String::new()));
    assert_snapshot!(home.complains("connect codex"), @"error: codex: HOME is not set, so its file cannot be found");
}

#[cfg(unix)]
#[test]
fn permissions_and_links_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let home = Home::with("dotfiles/codex.toml", "model = \"m\"\n");
    fs::create_dir(home.path(".codex")).unwrap();
    symlink("../dotfiles/codex.toml", home.path(CONFIG)).unwrap();
    let mode = |name: &str| fs::metadata(home.path(name)).unwrap().permissions().mode() & 0o777;
    let set = |mode| {
        fs::set_permissions(home.path(CONFIG), fs::Permissions::from_mode(mode)).unwrap();
    };
    set(0o640);
    home.says("connect codex");
    assert!(home.read("dotfiles/codex.toml").contains("switchtower"));
    assert!(fs::symlink_metadata(home.path(CONFIG)).unwrap().is_symlink());
    assert_eq!((mode(CONFIG), mode(".codex/config.toml.switchtower-backup")), (0o640, 0o640));
    assert_eq!(home.list("dotfiles"), ["codex.toml"]);

    set(0o440);
    assert_snapshot!(home.complains("disconnect"), @"error: ~/.codex/config.toml: cannot be written: it is read-only");
    set(0o640);
    home.says("disconnect");
    assert_eq!((home.read(CONFIG).as_str(), mode(CONFIG)), ("model = \"m\"\n", 0o640));

    fs::remove_file(home.path("dotfiles/codex.toml")).unwrap();
    assert_snapshot!(home.complains("connect codex"), @"error: ~/.codex/config.toml: is a symbolic link to nowhere");
}

const OPENCODE: &str = ".config/opencode/opencode.json";

/// With a byte order mark, as some editors write them; with edits in between, too.
#[test]
fn a_byte_order_mark_stays_where_it_is() {
    let url = "http://127.0.0.1:3000/v1";
    for (tool, name, text, edit) in [
        (
            "opencode",
            OPENCODE,
            "\u{feff}{\r\n  \"model\": \"a/b\" // mine\r\n}\r\n",
            ("a/b", "c/d"),
        ),
        ("opencode", OPENCODE, "\u{feff}{\"provider\": {\"a\": {}}}", ("\"a\"", "\"b\"")),
        ("opencode", OPENCODE, "\u{feff}", ("demo", "other")),
        ("opencode", OPENCODE, "\u{feff}\n", ("demo", "other")),
        ("codex", CONFIG, "\u{feff}model = 'gpt-5.5'\r\n", ("gpt-5.5", "gpt-6")),
        ("codex", CONFIG, "\u{feff}[a]\nb = 1\n", ("b = 1", "b = 2")),
        ("shell", ".bashrc", "\u{feff}a=1\n", ("a=1", "a=2")),
        ("shell", ".bashrc", "\u{feff}a=1", ("a=1", "a=2")),
    ] {
        let home = Home::with(name, text);
        home.says(&format!("connect {tool}"));
        let connected = home.read(name);
        assert!(connected.starts_with('\u{feff}') && connected.contains(url), "{connected:?}");
        assert_eq!(connected.matches('\u{feff}').count(), 1, "{connected:?}");
        home.says(&format!("connect {tool}"));
        assert_eq!(home.read(name), connected, "again is the same");
        home.says(&format!("disconnect {tool}"));
        assert_eq!(home.read(name), text);

        home.says(&format!("connect {tool}"));
        let (from, to) = edit;
        home.write(name, &home.read(name).replace(from, to));
        home.says(&format!("disconnect {tool}"));
        let left = home.read(name);
        assert!(!left.contains(url) && left.starts_with('\u{feff}'), "{left:?}");
        let words = |text: &str| text.split_whitespace().collect::<String>();
        if text.contains(from) {
            assert_eq!(words(&left), words(&text.replace(from, to)));
        }
    }
    let home = Home::with(OPENCODE, "\u{feff}{\n\"a\" 1}");
    let error = home.complains("connect opencode");
    assert!(error.contains("line 2 is not valid JSON"), "{error}");
}

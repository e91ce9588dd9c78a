//! What the commands say of themselves.

use insta::assert_snapshot;

use crate::cli_mesh::shell::Shell;

#[tokio::test]
async fn each_command_explains_itself() {
    let shell = Shell::new();
    for command in ["task", "to", "tasks", "agents", "space", "events", "health", "quota", "setup"]
    {
        let help = shell.says(&[command, "--help"]).await;
        assert!(help.contains("\nExample"), "{help}");
        assert_snapshot!(command, help);
    }
}

#[tokio::test]
async fn each_command_can_be_completed() {
    let shell = Shell::new();
    let script = shell.says(&["completions", "bash"]).await;
    for words in ["switchtower__subcmd__space__subcmd__search", "--detach", "--key-stdin"] {
        assert!(script.contains(words), "{words}");
    }
}

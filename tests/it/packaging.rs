//! The container image is built from what `packaging/Containerfile` copies.

use std::{collections::BTreeSet, fs, path::Path};

/// The first path components that the build needs: the package's own sources, and the members of the workspace.
fn needed(root: &Path) -> BTreeSet<String> {
    let manifest = fs::read_to_string(root.join("Cargo.toml")).expect("a manifest");
    let manifest: toml_edit::DocumentMut = manifest.parse().expect("TOML");
    let members = manifest["workspace"]["members"].as_array().expect("members");
    let members = members.iter().map(|member| member.as_str().expect("a path"));
    let first = |path: &str| path.split('/').next().unwrap_or(path).to_owned();
    let own = ["Cargo.toml", "Cargo.lock", "src", "benches"];
    own.into_iter().map(str::to_owned).chain(members.map(first)).collect()
}

#[test]
fn the_image_copies_every_member_of_the_workspace() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = fs::read_to_string(root.join("packaging/Containerfile")).expect("a Containerfile");
    let builder = file.split("\nFROM ").nth(1).expect("the first stage");
    let copies = builder.lines().filter_map(|line| line.strip_prefix("COPY "));
    let copied: BTreeSet<String> = copies
        .flat_map(|line| {
            let mut words: Vec<&str> = line.split_whitespace().collect();
            words.pop();
            words.into_iter().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(copied, needed(root));
}

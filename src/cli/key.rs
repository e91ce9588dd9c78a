//! `switchtower key`.

use std::io::{self, Read};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::json;

use super::args::{KeyArgs, KeyCommand, ScopeArg};
use super::output::{Failure, note, print};
use crate::config::{KeyHash, is_key_name};

/// Maximum length of a key that is read from stdin, in bytes.
const MAX_KEY_LEN: u64 = 4096;

/// Makes a key, or hashes one.
pub(super) fn run(args: &KeyArgs) -> Result<(), Failure> {
    match &args.command {
        KeyCommand::New { name, scopes, json } => new(name, scopes, *json),
        KeyCommand::Hash { json } => hash(*json),
    }
}

fn new(name: &str, scopes: &[ScopeArg], json: bool) -> Result<(), Failure> {
    if !is_key_name(name) {
        return Err(Failure(format!(
            "`{name}` is no name of a key: it has 1 to 64 letters, digits and `._-`"
        )));
    }
    let key = generate()?;
    let hash = KeyHash::of(key.as_bytes()).to_string();
    let scopes: Vec<_> = scopes.iter().map(|scope| scope.0.as_str()).collect();
    if json {
        let text = json!({"name": name, "key": key, "hash": hash, "scopes": scopes});
        return print(&format!("{text}\n"));
    }
    note(&format!(
        "This key is shown once. Add this to the configuration:\n\n\
         auth:\n  keys:\n    - name: {name}\n      hash: {hash}\n      scopes: [{}]\n\n",
        scopes.join(", ")
    ));
    print(&format!("{key}\n"))
}

/// 256 random bits, behind letters by which scanners for secrets know them.
fn generate() -> Result<String, Failure> {
    let mut bytes = [0; 32];
    let random = SystemRandom::new().fill(&mut bytes);
    random.map_err(|_| Failure("the system has no random numbers".to_owned()))?;
    Ok(format!("st-{}", URL_SAFE_NO_PAD.encode(bytes)))
}

fn hash(json: bool) -> Result<(), Failure> {
    let mut key = String::new();
    let read = io::stdin().lock().take(MAX_KEY_LEN).read_to_string(&mut key);
    read.map_err(|error| Failure(format!("cannot read the key from stdin: {error}")))?;
    let key = key.trim();
    if key.is_empty() || !key.chars().all(|c| c.is_ascii_graphic()) {
        return Err(Failure("a key is one word of visible ASCII characters".to_owned()));
    }
    let hash = KeyHash::of(key.as_bytes()).to_string();
    match json {
        true => print(&format!("{}\n", json!({"hash": hash}))),
        false => print(&format!("{hash}\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_long_and_never_the_same() {
        let [one, other] = [(); 2].map(|()| generate().unwrap());
        assert!(one != other && one.len() == 46 && one.starts_with("st-"), "{one} {other}");
        assert!(one.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)), "{one}");
    }
}

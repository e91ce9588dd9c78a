//! Finds the process that listens on a port, by Linux's `/proc`.

use std::fs;
use std::net::{IpAddr, SocketAddr};

use super::Program;

/// A socket that listens, in the fourth field of proc_net_tcp(5).
const LISTENS: &str = "0A";

/// The program that keeps others from listening on this address. None when there is none, and when
/// it is another user's.
pub fn listener(address: SocketAddr) -> Option<Program> {
    let sockets: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| inodes(&table, address))
        .map(|inode| format!("socket:[{inode}]"))
        .collect();
    let entries = fs::read_dir("/proc").ok()?;
    let mut ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let id: u32 = ids.find(|id| has_one_of(*id, &sockets))?;
    let name = fs::read_to_string(format!("/proc/{id}/comm")).ok()?;
    Some(Program { id, name: name.trim_end().to_owned() })
}

fn has_one_of(id: u32, sockets: &[String]) -> bool {
    let files = fs::read_dir(format!("/proc/{id}/fd")).into_iter().flatten();
    let mut targets = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    targets.any(|target| sockets.iter().any(|socket| target.as_os_str() == socket.as_str()))
}

/// Those of the sockets that are in the way.
fn inodes(table: &str, address: SocketAddr) -> Vec<String> {
    let lines = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let listening = lines.filter(|fields| fields.get(3) == Some(&LISTENS));
    let in_the_way = listening.filter(|fields| {
        fields.get(1).and_then(|local| local_address(local)).is_some_and(|local| {
            let (one, other) = (local.ip(), address.ip());
            let same = one == other || one.is_unspecified() || other.is_unspecified();
            local.port() == address.port() && same
        })
    });
    in_the_way.filter_map(|fields| fields.get(9).map(|&inode| inode.to_owned())).collect()
}

/// `0100007F:0BB8`: the bytes of each word of the address are in the order of this machine.
fn local_address(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    if !address.is_ascii() {
        return None;
    }
    let mut bytes = Vec::new();
    for word in address.as_bytes().chunks(8) {
        let word = u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    let address = match bytes.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?),
        _ => IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?),
    };
    Some(SocketAddr::new(address, u16::from_str_radix(port, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn this_program_is_found() {
        for any in ["127.0.0.1:0", "0.0.0.0:0"] {
            let socket = std::net::TcpListener::bind(any).unwrap();
            let found = listener(socket.local_addr().unwrap()).unwrap();
            assert_eq!(found.id, std::process::id());
            assert!(!found.name.is_empty());
        }
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn the_address_has_to_be_in_the_way() {
        let table = "sl local_address rem_address st tx rx tr tm retrnsmt uid timeout inode\n\
            0: 0100007F:0BB8 00000000:0000 0A 0:0 0:0 0 0 0 11 1\n\
            1: 00000000:0BB8 00000000:0000 0A 0:0 0:0 0 0 0 12 1\n\
            2: 0200007F:0BB8 00000000:0000 0A 0:0 0:0 0 0 0 13 1\n\
            3: 0100007F:0BB8 00000000:0000 01 0:0 0:0 0 0 0 14 1\n\
            4: 0100007F:0BB9 00000000:0000 0A 0:0 0:0 0 0 0 15 1\n";
        let find = |address: &str| inodes(table, address.parse().unwrap());
        assert_eq!(find("127.0.0.1:3000"), ["11", "12"]);
        assert_eq!(find("0.0.0.0:3000"), ["11", "12", "13"]);
        assert_eq!(find("127.0.0.9:3001"), [""; 0]);
        assert_eq!(
            local_address("00000000000000000000000001000000:0050"),
            Some("[::1]:80".parse().unwrap())
        );
    }

    proptest! {
        #[test]
        fn any_table_is_read(table in "([0-9A-Fé: ]{0,60}\n){0,5}") {
            inodes(&table, SocketAddr::from(([127, 0, 0, 1], 80)));
        }
    }
}

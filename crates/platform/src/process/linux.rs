//! Processes as `/proc` shows them.

use std::fs;

use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, pidfd_send_signal};

/// How often it is looked again whether somebody has started another before he was killed.
const PASSES: usize = 50;

/// Start time of a process, in ticks since boot; unique together with the process id.
pub fn start_time(id: i32) -> Option<u64> {
    starts_at(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
}

/// Field 22 of proc_pid_stat(5). The second is a name in brackets, in which anything may be.
fn starts_at(stat: &str) -> Option<u64> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

/// Kills the group of this leader, if it is the one that was started then.
pub fn kill_group(leader: i32, started: u64) {
    if let Some(id) = Pid::from_raw(leader)
        && leader > 1
        && start_time(leader) == Some(started)
    {
        let _ = kill_process_group(id, Signal::KILL);
    }
}

/// Kills every process that was started with all these variables (`NAME=value`) in its environment,
/// in whatever group or session it is. Takes some milliseconds.
pub fn kill_marked(marks: &[String]) {
    for _ in 0..PASSES {
        let marked = marked(marks);
        if marked.is_empty() {
            return;
        }
        for id in marked {
            // Looked at again once the descriptor holds on to it: the number alone may be another's.
            if let Some(process) = Pid::from_raw(id)
                && let Ok(descriptor) = pidfd_open(process, PidfdFlags::empty())
                && is_marked(id, marks)
            {
                let _ = pidfd_send_signal(&descriptor, Signal::KILL);
            }
        }
    }
}

/// The processes that were started with all these variables in their environment, but for this one,
/// which an agent may have started. One that has ended has no environment any more.
pub fn marked(marks: &[String]) -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let own = i32::try_from(std::process::id()).ok();
    ids.filter(|&id| Some(id) != own && is_marked(id, marks)).collect()
}

fn is_marked(id: i32, marks: &[String]) -> bool {
    let Ok(environment) = fs::read(format!("/proc/{id}/environ")) else { return false };
    marks.iter().all(|mark| environment.split(|&byte| byte == 0).any(|one| one == mark.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_does_not_end_itself() {
        let own = i32::try_from(std::process::id()).unwrap();
        let environment = fs::read("/proc/self/environ").unwrap();
        let first = environment.split(|&byte| byte == 0).next().unwrap();
        let marks = [String::from_utf8_lossy(first).into_owned()];
        assert!(is_marked(own, &marks) && !marked(&marks).contains(&own));
    }

    #[test]
    fn a_name_may_look_like_fields() {
        let stat = "42 (a) S 1 (b) c) S 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 98765 1 2";
        assert_eq!(starts_at(stat), Some(98765));
        assert_eq!(starts_at("42 (a"), None);
        assert!(start_time(i32::try_from(std::process::id()).unwrap()).is_some());
    }
}

//! Whether the kernel's out-of-memory killer has struck: a browser that it killed and one that
//! somebody else killed both die of SIGKILL.
//!
//! What counts is the kills in the keeper's own memory control group, where there is one: those
//! of other containers on the host are none of ours. Else those of the whole system count.

use std::path::{Path, PathBuf};

/// Returns how often it has struck so far.
pub(super) fn kills() -> u64 {
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let of_group = files(&groups, Path::new("/sys/fs/cgroup"))
        .into_iter()
        .find_map(|file| count(&std::fs::read_to_string(file).ok()?));
    let of_system = || count(&std::fs::read_to_string("/proc/vmstat").ok()?);
    of_group.or_else(of_system).unwrap_or(0)
}

/// Returns where the kills of this process's group may be counted. In a container a group's
/// name may be that of the host, while the group itself is mounted as the root.
fn files(groups: &str, mounted: &Path) -> Vec<PathBuf> {
    let mut files = vec![];
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (parts.next(), parts.next()) else {
            continue;
        };
        let group = group.trim_start_matches('/');
        if controllers.is_empty() && !group.is_empty() {
            files.push(mounted.join(group).join("memory.events"));
        } else if controllers.is_empty() {
            files.push(mounted.join("memory.events"));
        } else if controllers.split(',').any(|it| it == "memory") {
            let memory = mounted.join("memory");
            files.push(memory.join(group).join("memory.oom_control"));
            files.push(memory.join("memory.oom_control"));
        }
    }
    files
}

/// Reads the count of kills out of `memory.events`, `memory.oom_control` or `vmstat`.
fn count(text: &str) -> Option<u64> {
    let mut lines = text.lines();
    lines.find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kills_of_the_own_group_are_counted_where_there_is_one() {
        let check = |groups: &str, expect: &[&str]| {
            let found = files(groups, Path::new("/c"));
            assert_eq!(found, expect.iter().map(PathBuf::from).collect::<Vec<_>>());
        };
        check(
            "0::/user.slice/a.scope\n",
            &["/c/user.slice/a.scope/memory.events"],
        );
        check("0::/\n", &["/c/memory.events"]);
        check(
            "5:devices:/x\n4:cpu,memory:/pod\n",
            &[
                "/c/memory/pod/memory.oom_control",
                "/c/memory/memory.oom_control",
            ],
        );
        assert_eq!(
            count("low 0\noom 3\noom_kill 2\noom_group_kill 9\n"),
            Some(2)
        );
        assert_eq!(
            count("oom_kill_disable 0\nunder_oom 0\noom_kill 7\n"),
            Some(7)
        );
        assert_eq!(count("oom_kill_disable 0\n"), None);
    }
}

//! Operations that people will ask for and this version doesn't have: they are answered
//! `not_available`, so that nobody takes the silence of a typo for it.

const LATER: &[&str] = &[
    "list_profiles",
    "query_audit",
    "verify_audit",
    "start_recording",
    "stop_recording",
    "add_marker",
    "list_recordings",
    "get_recording",
    "delete_recording",
    "render_recording",
    "run_task",
    "browse_the_web",
    "execute",
];

/// Tells whether a later version will have an operation of that name.
#[must_use]
pub fn is_later(name: &str) -> bool {
    LATER.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_here_is_not_said_to_come_later() {
        for name in LATER {
            assert!(
                crate::find(name).is_none() && crate::alias(name).is_none(),
                "{name}"
            );
        }
    }
}

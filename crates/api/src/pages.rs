//! The pages of the codes (`docs/errors/`) and the hint each code gives when nobody knew a
//! better one. A code without a page does not compile.

use base::Code;

macro_rules! pages {
    ($($code:ident = $file:literal, $hint:literal;)*) => {
        /// Returns the page of a code, as Markdown.
        #[must_use]
        pub const fn error_page(code: Code) -> &'static str {
            match code {
                $(Code::$code => include_str!(concat!("../../../docs/errors/", $file, ".md")),)*
            }
        }

        /// Returns what can be done about a code in general.
        pub(crate) const fn default_hint(code: Code) -> &'static str {
            match code { $(Code::$code => $hint,)* }
        }

        #[cfg(test)]
        const FILES: &[(Code, &str)] = &[$((Code::$code, $file),)*];
    };
}

pages! {
    InvalidArgument = "invalid_argument", "Correct the argument that the message names.";
    BadUrl = "bad_url", "Give an absolute http, https, file, data or about URL.";
    Unauthorized = "unauthorized", "Send `Authorization: Bearer …` with the token in $BROWSERD_HOME/token, to a loopback address.";
    SessionNotFound = "session_not_found", "Call list_sessions to see the sessions there are, or open_session to open one.";
    TabNotFound = "tab_not_found", "Call list_tabs to see the session's tabs.";
    CheckpointNotFound = "checkpoint_not_found", "Call list_session_checkpoints to see the session's checkpoints.";
    DownloadNotFound = "download_not_found", "Call list_downloads to see the session's downloads.";
    DownloadIncomplete = "download_incomplete", "If it is in progress, wait_for {download: its id}; otherwise start it again.";
    ResultNotFound = "result_not_found", "Copy the handle (r_…) as it stands in the answer that gave it.";
    ResultExpired = "result_expired", "Repeat the call whose answer it was; it is kept anew under another handle.";
    RefStale = "ref_stale", "Take a new snapshot and use a ref from it.";
    PageMoved = "page_moved", "Take a snapshot to see where the page is, and go on from there.";
    NotActionable = "not_actionable", "Take a snapshot to see what is in the way, deal with it, then try again.";
    Stale = "stale", "Call resume_session to bring the session back from its last checkpoint.";
    Failed = "failed", "Call resume_session to try again from its last checkpoint, or open_session with a new key.";
    Closed = "closed", "Call resume_session to bring it back from its checkpoint, or open_session to start anew.";
    NoCheckpoint = "no_checkpoint", "There is nothing to bring the session back from; open a new one.";
    KeyTaken = "key_taken", "Use the session that holds the key, or close it first.";
    ProfileBusy = "profile_busy", "Close the session that uses the profile, or open this one without a profile.";
    Conflict = "conflict", "Read what is stored now, and decide anew.";
    LeaseLost = "lease_lost", "Leave the item to whoever claimed it after you; claim another with kv_claim.";
    IdempotencyMismatch = "idempotency_mismatch", "Give a new call a key of its own; repeat a call exactly as it was sent.";
    DialogOpen = "dialog_open", "Answer the dialog with handle_dialog {accept, text}; what opened it has taken effect.";
    OutcomeUnknown = "outcome_unknown", "Take a snapshot to see whether it took effect before you repeat it.";
    BodyTooLarge = "body_too_large", "Send less at once.";
    LimitReached = "limit_reached", "Close a session that is not needed, or try again later.";
    Internal = "internal", "Look at the page before you repeat the call; the reason is in daemon.log.";
    Corrupt = "corrupt", "Nothing was changed; an older checkpoint may still be whole: list_session_checkpoints.";
    WrongKey = "wrong_key", "Put the home's own `key` file back; nothing was changed.";
    NotAvailable = "not_available", "Do it another way; a later version may bring it.";
    NavigationFailed = "navigation_failed", "Check the URL and that its server answers, then look at the page.";
    ShuttingDown = "shutting_down", "Try again in a moment: sessions outlive the daemon.";
    BrowserMissing = "browser_missing", "Run `browserd doctor`; it says what is missing.";
    Deadline = "deadline", "Take a snapshot to see whether it took effect; give a longer timeout_ms if it needs more time.";
    DiskFull = "disk_full", "Free some space under $BROWSERD_HOME, then repeat the call.";
    HomeLocked = "home_locked", "Stop the daemon that holds the home, or set BROWSERD_HOME to another.";
    PortInUse = "port_in_use", "Choose another port with --listen.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_the_page_of_its_own_name() {
        for code in Code::ALL {
            let (_, file) = FILES.iter().find(|(of, _)| of == code).unwrap();
            assert_eq!(*file, code.as_str());
            let page = error_page(*code);
            assert!(page.starts_with(&format!("# `{code}`\n")), "{code}");
            assert!(page.contains("## What to do"), "{code}");
            let told = format!(
                "HTTP {} · retry `{}`",
                crate::http_status(*code),
                crate::retry(*code).as_str()
            );
            assert!(page.contains(&told), "{code}: the page should say: {told}");
        }
    }
}

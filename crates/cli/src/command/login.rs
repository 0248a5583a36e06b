//! `login`: logins that are kept apart from any session.

use clap::Subcommand;

use super::call::Call;
use super::page::Place;
use crate::print;

/// What can be done with logins.
#[derive(Debug, Subcommand)]
pub enum Login {
    /// Keep the login of the site the tab is on, under the session's profile
    Save {
        /// The origin that is meant; refused if the tab isn't on it
        origin: Option<String>,
        /// A name; it then stays until it is deleted
        #[arg(long)]
        name: Option<String>,
    },
    /// Put a login in place of what the session has of that origin
    Restore {
        /// The origin: scheme, host and port
        origin: String,
        /// The profile it is kept under [default: the session's own]
        #[arg(long, value_name = "PROFILE")]
        from_profile: Option<String>,
        /// The version, as `login list` names it [default: the newest]
        #[arg(long, value_name = "ID")]
        version: Option<String>,
    },
    /// List the logins that are kept
    List {
        /// Only of this origin
        origin: Option<String>,
        /// Only those under this profile
        #[arg(long)]
        profile: Option<String>,
    },
    /// Delete a login
    Delete {
        /// The login, as `login list` names it
        login: String,
    },
}

/// Returns the call that the words ask for.
pub fn call(place: &Place, login: &Login) -> Call {
    match login {
        Login::Save { origin, name } => place
            .in_tab("save_snapshot", print::saved_login)
            .with("origin", origin.clone())
            .with("name", name.clone()),
        Login::Restore {
            origin,
            from_profile,
            version,
        } => place
            .in_tab("restore_snapshot", print::restored_login)
            .with("origin", origin.as_str())
            .with("from_profile", from_profile.clone())
            .with("snapshot_id", version.clone()),
        Login::List { origin, profile } => Call::new("list_snapshots", print::logins)
            .with("origin", origin.clone())
            .with("profile", profile.clone()),
        Login::Delete { login } => {
            Call::new("delete_snapshot", print::done).with("snapshot_id", login.as_str())
        }
    }
}

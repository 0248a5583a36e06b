//! Chromium's command line.
//!
//! Of two `--disable-features` flags only the last counts, and so it is with
//! `--enable-features` (measured with 156). So all lists are merged into one of each: ours,
//! what Debian's wrapper adds from `/etc/chromium.d`, and the user's, who has the last word.

use std::path::Path;

use crate::{LaunchSpec, Sandbox};

/// Windows of the browser's own that nobody sees: they cost 155 MB (measured).
const DISABLED: [&str; 3] = [
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "OmniboxAimPopup",
];
/// The network service in the browser's process: its death is then loud. A process of its
/// own would take every cookie along without an event.
const ENABLED: [&str; 1] = ["NetworkServiceInProcess2"];

const ALWAYS: [&str; 9] = [
    "--no-startup-window",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    // No question to a keyring that isn't there.
    "--password-store=basic",
];

/// Under the network guard nothing may find a way of its own.
const GUARDED: [&str; 2] = [
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

/// Flags that would open a door or move the profile: the user's are left out.
const OURS_ALONE: [&str; 4] = [
    "--remote-debugging-port",
    "--remote-debugging-address",
    "--remote-debugging-pipe",
    "--user-data-dir",
];

const ENABLE: &str = "--enable-features=";
const DISABLE: &str = "--disable-features=";

/// Below this Chromium crashes for want of shared memory; it then uses files in `TMPDIR`.
const SHARED_MEMORY: u64 = 512 << 20;

/// Lists of features to switch on and off.
#[derive(Default, Debug, PartialEq, Eq)]
pub(crate) struct Features {
    on: Vec<String>,
    off: Vec<String>,
}

impl Features {
    /// Returns what the system's configuration adds.
    pub(crate) fn of_system() -> Self {
        Self::of_folder(Path::new("/etc/chromium.d"))
    }

    fn of_folder(folder: &Path) -> Self {
        let mut features = Self::default();
        let Ok(entries) = std::fs::read_dir(folder) else {
            return features;
        };
        for entry in entries.flatten() {
            let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
            let lines = text
                .lines()
                .filter(|line| !line.trim_start().starts_with('#'));
            // Shell text: a flag ends at a blank or a quote.
            for word in lines.flat_map(|line| line.split([' ', '\t', '"', '\'', ';'])) {
                features.take(word);
            }
        }
        features
    }

    /// Takes a flag's list in; tells whether the flag was one of the two.
    fn take(&mut self, flag: &str) -> bool {
        let (list, names) = if let Some(names) = flag.strip_prefix(ENABLE) {
            (&mut self.on, names)
        } else if let Some(names) = flag.strip_prefix(DISABLE) {
            (&mut self.off, names)
        } else {
            return false;
        };
        list.extend(
            names
                .split(',')
                .filter(|name| !name.is_empty())
                .map(str::to_owned),
        );
        true
    }

    /// Lays `other` over this: what it says of a feature counts.
    fn overlay(&mut self, other: Self) {
        let said = |name: &str| {
            other
                .on
                .iter()
                .chain(&other.off)
                .any(|said| base_name(said) == base_name(name))
        };
        self.on.retain(|name| !said(name));
        self.off.retain(|name| !said(name));
        self.on.extend(other.on);
        self.off.extend(other.off);
    }
}

/// A feature may carry a trial or parameters: `Name<Trial:key/value`.
fn base_name(feature: &str) -> &str {
    feature.split(['<', ':']).next().unwrap_or(feature)
}

/// Returns Chromium's arguments for a launch. `system` is what the wrapper will add.
pub(crate) fn arguments(spec: &LaunchSpec, system: Features) -> Vec<String> {
    let mut features = system;
    features.overlay(Features {
        on: ENABLED.map(str::to_owned).into(),
        off: DISABLED.map(str::to_owned).into(),
    });
    let mut users = Features::default();
    let mut extra = Vec::new();
    for flag in &spec.extra_args {
        let name = flag.split('=').next().unwrap_or(flag);
        if OURS_ALONE.contains(&name) || !flag.starts_with("--") {
            tracing::warn!(flag = name, "left out of the browser's arguments");
        } else if !users.take(flag) {
            extra.push(flag.clone());
        }
    }
    features.overlay(users);

    let mut args: Vec<String> = Vec::new();
    if spec.headless {
        args.push("--headless=new".to_owned());
    }
    args.extend(ALWAYS.map(str::to_owned));
    if spec.sandbox == Sandbox::Off {
        args.push("--no-sandbox".to_owned());
    }
    if spec.guard {
        args.extend(GUARDED.map(str::to_owned));
    }
    if shared_memory_is_short() {
        args.push("--disable-dev-shm-usage".to_owned());
    }
    // After ours, so that the user's count; before those that nobody may change.
    args.extend(extra);
    args.push(format!("{ENABLE}{}", features.on.join(",")));
    args.push(format!("{DISABLE}{}", features.off.join(",")));
    args.push("--remote-debugging-pipe".to_owned());
    args.push(format!("--user-data-dir={}", spec.user_data_dir.display()));
    args
}

fn shared_memory_is_short() -> bool {
    rustix::fs::statvfs("/dev/shm")
        .is_ok_and(|stat| stat.f_bavail.saturating_mul(stat.f_frsize) < SHARED_MEMORY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(extra: &[&str], system: Features) -> Vec<String> {
        let spec = LaunchSpec {
            browser: base::BrowserId::new(),
            run: "/r".into(),
            program: "/c".into(),
            user_data_dir: "/r/profile".into(),
            headless: true,
            sandbox: Sandbox::On,
            extra_args: extra.iter().map(|&flag| flag.to_owned()).collect(),
            guard: false,
            orphan_timeout: None,
            keeper: crate::KeeperProgram {
                program: "/k".into(),
                args: Vec::new(),
            },
        };
        arguments(&spec, system)
    }

    fn the_only(args: &[String], prefix: &str) -> String {
        let found: Vec<_> = args
            .iter()
            .filter_map(|arg| arg.strip_prefix(prefix))
            .collect();
        assert_eq!(found.len(), 1, "{args:?}");
        found[0].to_owned()
    }

    #[test]
    fn every_list_of_features_ends_in_one_flag() {
        let system = Features {
            on: vec!["SystemOn".to_owned()],
            off: vec!["SystemOff".to_owned()],
        };
        let args = args(
            &["--disable-features=A,B<T:k/v", "--disable-features=C"],
            system,
        );
        assert_eq!(
            the_only(&args, DISABLE),
            "SystemOff,WebUIOmniboxPopup,WebUIOmniboxAimPopup,OmniboxAimPopup,A,B<T:k/v,C"
        );
        assert_eq!(the_only(&args, ENABLE), "SystemOn,NetworkServiceInProcess2");
    }

    #[test]
    fn the_user_has_the_last_word_on_a_feature() {
        let args = args(
            &[
                "--disable-features=NetworkServiceInProcess2",
                "--enable-features=OmniboxAimPopup",
            ],
            Features::default(),
        );
        assert_eq!(
            the_only(&args, DISABLE),
            "WebUIOmniboxPopup,WebUIOmniboxAimPopup,NetworkServiceInProcess2"
        );
        assert_eq!(the_only(&args, ENABLE), "OmniboxAimPopup");
    }

    #[test]
    fn no_flag_of_the_user_opens_a_port_or_moves_the_profile() {
        let args = args(
            &[
                "--remote-debugging-port=0",
                "--user-data-dir=/x",
                "http://a",
                "--lang=de",
            ],
            Features::default(),
        );
        assert!(
            !args
                .iter()
                .any(|arg| arg.contains("port") || arg.contains("http:"))
        );
        assert_eq!(the_only(&args, "--user-data-dir="), "/r/profile");
        assert!(args.iter().any(|arg| arg == "--lang=de"));
        assert!(!args.iter().any(|arg| arg == "--no-sandbox"));
    }

    #[test]
    fn the_wrappers_configuration_is_read_like_a_shell_would() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("flags"),
            "# --disable-features=Comment\nexport CHROMIUM_FLAGS=\"$CHROMIUM_FLAGS \
             --disable-features=One,Two --enable-features=Three\"\n",
        )
        .unwrap();
        assert_eq!(
            Features::of_folder(folder.path()),
            Features {
                on: vec!["Three".into()],
                off: vec!["One".into(), "Two".into()]
            }
        );
    }
}

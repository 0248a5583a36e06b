//! The command line: its words, and nothing of what they do.
//!
//! Operations are also commands under their own name (`browserd list-sessions`). Those are
//! made from the operation list, and only when one is called or all are to be listed: a
//! one-shot command has 4 ms for everything.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::config::{Layer, LogFormat, Span};

/// Browser sessions for AI agents that survive crashes, restarts and sleep.
#[derive(Debug, Parser)]
#[command(
    name = "browserd",
    version,
    disable_help_subcommand = true,
    after_help = "Every operation is also a command under its own name; `browserd operations` lists them."
)]
pub struct Arguments {
    /// What every command takes.
    #[command(flatten)]
    pub common: Common,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Default, Args)]
pub struct Common {
    /// Session id or key [default: BROWSERD_SESSION, else `default`]
    #[arg(short, long, global = true, value_name = "ID|KEY")]
    pub session: Option<String>,
    /// Tab [default: the active one]
    #[arg(short, long, global = true, value_name = "TAB")]
    pub tab: Option<String>,
    /// Print one JSON value
    #[arg(long, global = true)]
    pub json: bool,
    /// How long the call may take, such as 5s
    #[arg(long, global = true, value_name = "TIME", value_parser = span)]
    pub timeout: Option<Duration>,
    /// Do it once, however often the command is repeated with this key
    #[arg(long, global = true, value_name = "KEY")]
    pub idempotency_key: Option<String>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the daemon in the foreground
    #[command(alias = "daemon")]
    Serve(Serve),
    /// Stop the daemon; its browsers run on
    Stop {
        /// Stop the browsers too
        #[arg(long)]
        browsers: bool,
    },
    /// Serve MCP on stdio; starts or joins the daemon
    Mcp,
    /// Show what runs, and where
    Status {
        /// First remove what need not be kept
        #[arg(long)]
        gc: bool,
    },
    /// Look for what could be in the way
    Doctor,
    /// Open a URL in the session, which is made if it isn't there
    Open(Open),
    /// Show the page as text with refs
    Snapshot(Snapshot),
    /// Click an element
    Click(Click),
    /// Clear a field and enter text
    Fill {
        /// Ref (@e3) or CSS selector
        target: String,
        /// What to enter
        text: String,
    },
    /// Type text where the focus is, or into an element
    #[command(override_usage = "browserd type [OPTIONS] [TARGET] <TEXT>")]
    Type {
        /// Ref (@e3) or CSS selector, if not where the focus is; then what to type
        #[arg(required = true, num_args = 1..=2, value_names = ["TARGET", "TEXT"])]
        words: Vec<String>,
    },
    /// Press a key or a chord, such as Control+A
    #[command(override_usage = "browserd press [OPTIONS] [TARGET] <KEY>")]
    Press {
        /// Ref (@e3) or CSS selector, if not where the focus is; then the key
        #[arg(required = true, num_args = 1..=2, value_names = ["TARGET", "KEY"])]
        words: Vec<String>,
    },
    /// Choose options of a select
    Select {
        /// Ref (@e3) or CSS selector
        target: String,
        /// Values or labels
        #[arg(required = true)]
        values: Vec<String>,
    },
    /// Tick a box
    Check {
        /// Ref (@e3) or CSS selector
        target: String,
    },
    /// Untick a box
    Uncheck {
        /// Ref (@e3) or CSS selector
        target: String,
    },
    /// Move the pointer over an element
    Hover {
        /// Ref (@e3) or CSS selector
        target: String,
    },
    /// Scroll the page or an element
    Scroll(Scroll),
    /// Wait for one condition
    Wait(Wait),
    /// Run a JavaScript expression in the page
    Eval {
        /// The expression; `-` reads it from stdin
        expression: String,
    },
    /// Print the page's text
    Text {
        /// Print the HTML instead
        #[arg(long)]
        html: bool,
    },
    /// Take a picture of the page
    Screenshot(Screenshot),
    /// List the tabs
    Tabs,
    /// Open, close or choose a tab
    #[command(subcommand)]
    Tab(Tab),
    /// Go back in the history
    Back,
    /// Go forward in the history
    Forward,
    /// Load the page again
    Reload,
    /// Answer the dialog that is open on the page
    #[command(subcommand)]
    Dialog(Dialog),
    /// Look after sessions
    #[command(subcommand)]
    Session(Session),
    /// Keep logins, and put them into sessions
    #[command(subcommand)]
    Login(crate::command::login::Login),
    /// Store small values, and share work by claiming it
    #[command(subcommand)]
    Kv(crate::command::kv::Kv),
    /// Look after the key that seals the home
    #[command(subcommand)]
    Key(crate::command::key::Key),
    /// Show what browserd is for, on a demo application
    Demo {
        /// Only a part of it
        #[command(subcommand)]
        part: Option<DemoPart>,
    },
    /// List the operations that are commands too
    Operations,
    /// Print a completion script
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    Man,
    /// An operation under its own name.
    #[command(external_subcommand)]
    Operation(Vec<OsString>),
}

/// Flags of the daemon. They win over the environment, which wins over config.toml.
#[derive(Debug, Default, Args)]
pub struct Serve {
    /// Serve HTTP here and nowhere else
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// What to log, such as debug or session=trace
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,
    /// How to log
    #[arg(long, value_enum)]
    pub log_format: Option<LogFormat>,
    /// The browser to start
    #[arg(long, value_name = "PROGRAM")]
    pub chrome: Option<PathBuf>,
    /// Give up the browser's sandbox
    #[arg(long)]
    pub no_sandbox: bool,
    /// Show the browsers' windows
    #[arg(long)]
    pub headed: bool,
    /// How many sessions may hold a browser
    #[arg(long, value_name = "NUMBER")]
    pub max_sessions: Option<usize>,
    /// Stop the browsers with the daemon
    #[arg(long)]
    pub stop_browsers: bool,
    /// Started by a command that needs a daemon: own OS session, told over stdout when ready
    #[arg(long, hide = true)]
    pub detached: bool,
}

impl Serve {
    /// Returns what the flags say.
    pub fn layer(&self) -> Layer {
        Layer {
            listen: self.listen,
            log_filter: self.log.clone(),
            log_format: self.log_format,
            program: self.chrome.clone(),
            no_sandbox: self.no_sandbox.then_some(true),
            headless: self.headed.then_some(false),
            max_sessions: self.max_sessions,
            stop_browsers: self.stop_browsers.then_some(true),
            ..Layer::default()
        }
    }
}

/// Arguments of `open`.
#[derive(Debug, Args)]
pub struct Open {
    /// The URL
    pub url: Option<String>,
    /// Go there even if the session was resumed at another place
    #[arg(long)]
    pub navigate: bool,
    /// Named profile
    #[arg(long)]
    pub profile: Option<String>,
    /// Drive this running browser, such as http://127.0.0.1:9222, in the place of one of our own
    #[arg(long, value_name = "URL", conflicts_with = "profile")]
    pub cdp_url: Option<String>,
    /// A label, as NAME=VALUE
    #[arg(long = "label", value_name = "NAME=VALUE")]
    pub labels: Vec<String>,
}

/// Arguments of `snapshot`.
#[derive(Debug, Args)]
pub struct Snapshot {
    /// Only what can be used
    #[arg(short, long)]
    pub interactive: bool,
    /// Levels shown
    #[arg(long, value_name = "LEVELS")]
    pub depth: Option<u32>,
    /// CSS selector: only this part
    #[arg(long)]
    pub selector: Option<String>,
    /// Cut the text there
    #[arg(long, value_name = "BYTES")]
    pub max_bytes: Option<u64>,
}

/// Arguments of `click`.
#[derive(Debug, Args)]
pub struct Click {
    /// Ref (@e3) or CSS selector
    pub target: String,
    /// Click twice
    #[arg(long, conflicts_with = "right")]
    pub double: bool,
    /// Click with the right button
    #[arg(long)]
    pub right: bool,
    /// A key held down meanwhile: Alt, Control, Meta, Shift
    #[arg(long = "with", value_name = "KEY")]
    pub modifiers: Vec<String>,
}

/// Arguments of `scroll`.
#[derive(Debug, Args)]
pub struct Scroll {
    /// Pixels down; negative is up
    #[arg(allow_negative_numbers = true, default_value_t = 600.0)]
    pub down: f64,
    /// Pixels to the right; negative is left
    #[arg(long, allow_negative_numbers = true)]
    pub right: Option<f64>,
    /// Ref (@e3) or CSS selector of what to scroll
    #[arg(long = "in", value_name = "TARGET")]
    pub target: Option<String>,
}

/// Arguments of `wait`: one condition, or a time.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Wait {
    /// Milliseconds
    pub ms: Option<u64>,
    /// Text on the page
    #[arg(long)]
    pub text: Option<String>,
    /// Substring of the URL, or pattern with *
    #[arg(long)]
    pub url: Option<String>,
    /// CSS selector of what becomes visible
    #[arg(long)]
    pub selector: Option<String>,
    /// CSS selector of what becomes hidden
    #[arg(long, value_name = "SELECTOR")]
    pub hidden: Option<String>,
    /// Load state: load or domcontentloaded
    #[arg(long)]
    pub load: Option<String>,
    /// JavaScript that becomes true
    #[arg(long = "fn", value_name = "JS")]
    pub function: Option<String>,
}

/// Arguments of `screenshot`.
#[derive(Debug, Args)]
pub struct Screenshot {
    /// Where to write it; `-` is stdout [default: screenshot.png]
    pub file: Option<PathBuf>,
    /// The whole page, not only what is in view
    #[arg(long)]
    pub full_page: bool,
    /// Ref (@e3) or CSS selector of one element
    #[arg(long = "of", value_name = "TARGET")]
    pub target: Option<String>,
    /// png, jpeg or webp [default: by the file's name]
    #[arg(long)]
    pub format: Option<String>,
    /// 1 to 100
    #[arg(long)]
    pub quality: Option<u8>,
}

/// What can be done with tabs.
#[derive(Debug, Subcommand)]
pub enum Tab {
    /// Open a tab
    New {
        /// The URL
        url: Option<String>,
    },
    /// Close a tab
    Close {
        /// The tab [default: the active one]
        which: Option<String>,
    },
    /// Make a tab the active one
    Activate {
        /// The tab
        which: String,
    },
}

/// What can be answered to a dialog.
#[derive(Debug, Subcommand)]
pub enum Dialog {
    /// OK
    Accept {
        /// Answer to a prompt
        text: Option<String>,
    },
    /// Cancel
    Dismiss,
}

/// What can be done with sessions.
#[derive(Debug, Subcommand)]
pub enum Session {
    /// List the sessions
    List {
        /// A state, or active, error, all [default: all but closed]
        #[arg(long)]
        state: Option<String>,
    },
    /// Show a session
    Show {
        /// Session id or key
        which: Option<String>,
    },
    /// Close a session; its checkpoint is kept
    Close {
        /// Session id or key
        which: Option<String>,
    },
    /// Give a session's browser back; any call brings it back
    Park {
        /// Session id or key
        which: Option<String>,
    },
    /// Bring a session back from its checkpoint
    Resume {
        /// Session id or key
        which: Option<String>,
    },
    /// Take a checkpoint
    Checkpoint {
        /// Its name
        name: Option<String>,
    },
    /// Restore a checkpoint; what the session is now is kept first
    Restore {
        /// The checkpoint [default: the newest kept one]
        checkpoint: Option<String>,
    },
    /// Delete a checkpoint
    DeleteCheckpoint {
        /// The checkpoint
        checkpoint: String,
        /// Also if the session comes back to an older one then
        #[arg(long)]
        force: bool,
    },
    /// Make a new session that starts out as this one is
    Fork {
        /// The checkpoint to start from [default: what the session is now]
        checkpoint: Option<String>,
        /// The key of the new session
        #[arg(long)]
        key: Option<String>,
        /// A label of the new session, as NAME=VALUE [default: those of the old one]
        #[arg(long = "label", value_name = "NAME=VALUE")]
        labels: Vec<String>,
    },
    /// Write a checkpoint into one file, sealed under a passphrase
    Export(Export),
    /// Make a session from a file of `export`
    Import(Import),
    /// List the checkpoints
    Checkpoints {
        /// Session id or key
        which: Option<String>,
    },
}

/// Arguments of `session export`.
#[derive(Debug, Args)]
pub struct Export {
    /// The file to write
    pub file: PathBuf,
    /// The checkpoint [default: what the session is now]
    pub checkpoint: Option<String>,
    /// Replace the file if it is there
    #[arg(long)]
    pub force: bool,
    /// What keeps the file from others.
    #[command(flatten)]
    pub cover: Cover,
}

/// Arguments of `session import`.
#[derive(Debug, Args)]
pub struct Import {
    /// The file
    pub file: PathBuf,
    /// The key of the new session
    #[arg(long, conflicts_with = "into")]
    pub key: Option<String>,
    /// A label of the new session, as NAME=VALUE [default: those in the file]
    #[arg(long = "label", value_name = "NAME=VALUE", conflicts_with = "into")]
    pub labels: Vec<String>,
    /// Add it to the checkpoints of the session (-s) instead
    #[arg(long)]
    pub into: bool,
    /// What keeps the file from others.
    #[command(flatten)]
    pub cover: Cover,
}

/// What keeps a file from others.
#[derive(Debug, Args)]
pub struct Cover {
    /// Read the passphrase from the first line of a file; `-` is stdin [default: BROWSERD_EXPORT_PASSPHRASE]
    #[arg(long, value_name = "FILE", conflicts_with = "unsealed")]
    pub passphrase_file: Option<PathBuf>,
    /// No passphrase: whoever has the file has every login in it
    #[arg(long)]
    pub unsealed: bool,
}

/// Parts of the demo.
#[derive(Debug, Subcommand)]
pub enum DemoPart {
    /// Only serve the demo application
    Serve {
        /// The address to listen on
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
    },
}

fn span(text: &str) -> Result<Duration, String> {
    text.parse::<Span>().map(|span| span.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_contracts_commands_are_understood() {
        for line in [
            "serve --listen 127.0.0.1:0",
            "daemon",
            "stop --browsers",
            "mcp",
            "status --json",
            "doctor",
            "open https://example.org -s k",
            "-s k snapshot",
            "click @e1",
            "fill @e1 text",
            "type text",
            "type @e1 text",
            "press @e1 Enter",
            "press Enter",
            "select @e1 a b",
            "check @e1",
            "uncheck @e1",
            "hover @e1",
            "scroll",
            "scroll -200",
            "wait 100",
            "wait --text done",
            "eval 1+1",
            "text",
            "screenshot",
            "screenshot a.png",
            "tabs",
            "tab new",
            "tab new https://example.org",
            "tab close t1",
            "tab activate t1",
            "back",
            "forward",
            "reload",
            "dialog accept",
            "dialog dismiss",
            "session list",
            "session show",
            "session close k",
            "session resume k",
            "session checkpoint name",
            "session checkpoints",
            "session restore",
            "session export a.brwd -s k",
            "session export a.brwd c_1 --passphrase-file - --force",
            "session import a.brwd --unsealed --key l",
            "session import a.brwd --into -s k",
            "session delete-checkpoint c_1 --force",
            "session fork c_1 -s k --key l --label a=b",
            "session restore c_1 -s k",
            "login save",
            "login save https://a.test --name ada -s k -t t1",
            "login restore https://a.test --from-profile work --version c_1",
            "login list https://a.test --profile work",
            "login delete c_1",
            "kv set jobs a/1 {}",
            "kv claim jobs --prefix a/ --lease 5s --wait 1s",
            "kv finish jobs a/1 17",
            "demo",
            "demo serve",
            "completions bash",
            "man",
            "list-sessions --state all",
        ] {
            let words = std::iter::once("browserd").chain(line.split(' '));
            if let Err(err) = Arguments::try_parse_from(words) {
                panic!("{line}: {err}");
            }
        }
        for line in ["", "wait", "wait 1 --text x", "click", "tab"] {
            let words = std::iter::once("browserd").chain(line.split_whitespace());
            assert!(Arguments::try_parse_from(words).is_err(), "{line}");
        }
    }
}

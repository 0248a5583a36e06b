//! Sessions: state machine, session task, registry, checkpoints, journal, recovery.
//!
//! ```text
//! Sessions (registry) ──▶ Handle ──▶ session task ──▶ Live (browser, CDP, keeper)
//!                                        │  ├──▶ Tabs ──▶ page::Page
//!                                        │  └──▶ Shadow (web storage)
//!                                        └──▶ store
//! ```
//!
//! What a session is and may do is in [`state`], without I/O. The task in `session` is the
//! only place that changes a session; it stores, then publishes, then acts. This crate knows
//! no HTTP, no MCP and no JSON shape of either.

mod act;
mod adopt;
mod aside;
mod attached;
mod call;
mod cause;
mod checkpoint;
mod command;
mod config;
mod deps;
mod dial;
mod dirt;
mod downloads;
mod endpoint;
mod error;
mod handle;
pub mod kv;
mod launch;
mod live;
mod login;
mod notes;
mod readers;
mod registry;
mod relist;
mod report;
pub mod results;
mod services;
mod session;
mod settings;
mod slots;
pub mod state;
mod stub;
mod summary;
mod tabs;
mod targets;
mod upload;
mod watch_pages;

pub use act::{Act, Acted, Outcome};
pub use cause::Cause;
pub use command::Browsers;
pub use config::Config;
pub use deps::Deps;
pub use downloads::{Download, DownloadLimits, DownloadState};
pub use error::Error;
pub use login::{DEFAULT_PROFILE, Login, LoginInfo, PlacedLogin, SaveLogin, SavedLogin};
/// What a session's acts are made of.
pub use page;
pub use registry::{
    CallRecord, DownloadRead, Filter, Fork, How, Import, InFlight, Keep, Listing, MOST_READ, Open,
    Opened, RestoredLogin, Sessions, WhichLogin,
};
pub use session::Limits;
pub use settings::{
    Change, CredentialsPart, DEVICES, DialogsPart, EmulationChange, EmulationPart, MOST_ROUTES,
    MOST_SCRIPT_BYTES, MOST_SCRIPTS, ProxyPart, RouteActionPart, RoutePart, ScriptPart,
    SettingsPart, ViewportPart,
};
pub use store::{Begun, CallPrint, CallRow, CallState, Unsent};
pub use summary::{
    CaptureFailing, CheckpointInfo, Deleted, Exported, Forked, Recovered, Restored, Summary,
    TabInfo,
};

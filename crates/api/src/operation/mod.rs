//! The operation list: what browserd can be asked, by every door.
//!
//! An operation is one type here: its input is the type itself, its output an associated
//! one. [`OPERATIONS`] is made from the types, and [`each_operation!`](crate::each_operation)
//! lets whoever performs operations be checked by the compiler for completeness.

mod aliases;
mod later;
mod route;

mod activate_tab;
mod add_script;
mod batch;
mod cancel_download;
mod close_session;
mod close_tab;
mod collect_garbage;
mod console_log;
mod delete_download;
mod delete_session_checkpoint;
mod delete_snapshot;
mod emulate;
mod evaluate;
mod export_checkpoint;
mod export_har;
mod export_storage_state;
mod fork_session;
mod get_call;
mod get_content;
mod get_download;
mod get_session;
mod get_settings;
mod get_status;
mod handle_dialog;
mod import_checkpoint;
mod import_storage_state;
mod interact;
mod keep_result;
mod keepalive;
mod kv_claim;
mod kv_clear;
mod kv_delete;
mod kv_finish;
mod kv_get;
mod kv_list;
mod kv_release;
mod kv_renew;
mod kv_set;
mod kv_watch;
mod list_downloads;
mod list_routes;
mod list_scripts;
mod list_session_checkpoints;
mod list_sessions;
mod list_snapshots;
mod list_tabs;
mod navigate;
mod network_log;
mod new_tab;
mod open_session;
mod park_session;
mod pdf;
mod read_result;
mod record_bodies;
mod remove_script;
mod restore_session_checkpoint;
mod restore_snapshot;
mod resume_session;
mod route_requests;
mod save_session_checkpoint;
mod save_snapshot;
mod screenshot;
mod set_dialog_policy;
mod set_geolocation;
mod set_headers;
mod set_http_credentials;
mod set_viewport;
mod snapshot;
mod stop_daemon;
mod unroute;
mod wait_for;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use activate_tab::*;
pub use add_script::*;
pub use aliases::{Alias, alias};
pub use batch::*;
pub use cancel_download::*;
pub use close_session::*;
pub use close_tab::*;
pub use collect_garbage::*;
pub use console_log::*;
pub use delete_download::*;
pub use delete_session_checkpoint::*;
pub use delete_snapshot::*;
pub use emulate::*;
pub use evaluate::*;
pub use export_checkpoint::*;
pub use export_har::*;
pub use export_storage_state::*;
pub use fork_session::*;
pub use get_call::*;
pub use get_content::*;
pub use get_download::*;
pub use get_session::*;
pub use get_settings::*;
pub use get_status::*;
pub use handle_dialog::*;
pub use import_checkpoint::*;
pub use import_storage_state::*;
pub use interact::*;
pub use keep_result::*;
pub use keepalive::*;
pub use kv_claim::*;
pub use kv_clear::*;
pub use kv_delete::*;
pub use kv_finish::*;
pub use kv_get::*;
pub use kv_list::*;
pub use kv_release::*;
pub use kv_renew::*;
pub use kv_set::*;
pub use kv_watch::*;
pub use later::is_later;
pub use list_downloads::*;
pub use list_routes::*;
pub use list_scripts::*;
pub use list_session_checkpoints::*;
pub use list_sessions::*;
pub use list_snapshots::*;
pub use list_tabs::*;
pub use navigate::*;
pub use network_log::*;
pub use new_tab::*;
pub use open_session::*;
pub use park_session::*;
pub use pdf::*;
pub use read_result::*;
pub use record_bodies::*;
pub use remove_script::*;
pub use restore_session_checkpoint::*;
pub use restore_snapshot::*;
pub use resume_session::*;
pub use route::{Method, Route};
pub use route_requests::*;
pub use save_session_checkpoint::*;
pub use save_snapshot::*;
pub use screenshot::*;
pub use set_dialog_policy::*;
pub use set_geolocation::*;
pub use set_headers::*;
pub use set_http_credentials::*;
pub use set_viewport::*;
pub use snapshot::*;
pub use stop_daemon::*;
pub use unroute::*;
pub use wait_for::*;

use crate::schema;

/// What an operation may change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Nothing; it may be repeated freely.
    Read,
    /// The page, and through it the world.
    Input,
    /// Sessions and the daemon itself.
    Admin,
}

/// An operation. The type is its input.
pub trait Operation: Serialize + DeserializeOwned + JsonSchema + Send + Sync {
    /// Its name at every door.
    const NAME: &'static str;
    /// What it may change.
    const EFFECT: Effect;
    /// What it does, in a line or two for a model.
    const SUMMARY: &'static str;
    /// Its own place under `/v1`.
    const ROUTE: Route;
    /// Whether MCP lists it. All others may be called all the same.
    const LISTED: bool;
    /// Arguments to try it with, as JSON.
    const EXAMPLES: &'static [&'static str];
    /// Arguments that a later version will know.
    const LATER: &'static [&'static str] = &[];
    /// Arguments that MCP's list leaves out; they may be given all the same.
    const UNLISTED: &'static [&'static str] = &[];
    /// Whether its answer goes whole through every door, MCP too, however large it is.
    const WHOLE: bool = false;
    /// Its answer.
    type Output: Serialize + DeserializeOwned + JsonSchema + Send;
}

/// What the list knows of an operation.
#[derive(Debug)]
pub struct OperationInfo {
    /// [`Operation::NAME`].
    pub name: &'static str,
    /// [`Operation::EFFECT`].
    pub effect: Effect,
    /// [`Operation::SUMMARY`].
    pub summary: &'static str,
    /// [`Operation::ROUTE`].
    pub route: Route,
    /// [`Operation::LISTED`].
    pub listed: bool,
    /// [`Operation::EXAMPLES`].
    pub examples: &'static [&'static str],
    /// [`Operation::LATER`].
    pub later: &'static [&'static str],
    /// [`Operation::UNLISTED`].
    pub unlisted: &'static [&'static str],
    /// [`Operation::WHOLE`].
    pub whole: bool,
    /// Makes the JSON Schema (2020-12) of the arguments.
    pub input_schema: fn() -> Value,
    /// Makes the JSON Schema (2020-12) of the answer.
    pub output_schema: fn() -> Value,
    /// What the arguments are called and made of; made from the schema at first use.
    pub(crate) properties: std::sync::OnceLock<Vec<schema::Property>>,
}

impl OperationInfo {
    const fn of<O: Operation>() -> Self {
        Self {
            name: O::NAME,
            effect: O::EFFECT,
            summary: O::SUMMARY,
            route: O::ROUTE,
            listed: O::LISTED,
            examples: O::EXAMPLES,
            later: O::LATER,
            unlisted: O::UNLISTED,
            whole: O::WHOLE,
            input_schema: schema::of_input::<O>,
            output_schema: schema::of_output::<O::Output>,
            properties: std::sync::OnceLock::new(),
        }
    }

    /// Tells whether the operation is about one session.
    #[must_use]
    pub fn is_in_session(&self) -> bool {
        self.properties()
            .iter()
            .any(|property| property.name == "session_id")
    }
}

/// Returns the operation of that name, aliases not included.
#[must_use]
pub fn find(name: &str) -> Option<&'static OperationInfo> {
    OPERATIONS.iter().find(|operation| operation.name == name)
}

macro_rules! operations {
    ($($name:ident,)*) => {
        /// Every operation, in the order people meet them.
        pub static OPERATIONS: &[OperationInfo] = &LIST;

        const COUNT: usize = [$($name::NAME,)*].len();
        // On its own, because its entries are filled in at first use.
        static LIST: [OperationInfo; COUNT] = [$(OperationInfo::of::<$name>(),)*];

        /// Calls a macro with the type of every operation.
        #[macro_export]
        macro_rules! each_operation {
            ($with:ident) => { $with! { $($name,)* } };
        }
    };
}

operations! {
    OpenSession,
    ListSessions,
    GetSession,
    ResumeSession,
    ParkSession,
    Keepalive,
    CloseSession,
    ListTabs,
    NewTab,
    CloseTab,
    ActivateTab,
    Navigate,
    Snapshot,
    Interact,
    WaitFor,
    GetContent,
    Evaluate,
    Screenshot,
    Pdf,
    HandleDialog,
    Batch,
    AddScript,
    RemoveScript,
    ListScripts,
    Emulate,
    SetViewport,
    SetGeolocation,
    SetDialogPolicy,
    SetHeaders,
    SetHttpCredentials,
    RouteRequests,
    Unroute,
    ListRoutes,
    ConsoleLog,
    NetworkLog,
    ExportHar,
    RecordBodies,
    GetSettings,
    ListDownloads,
    GetDownload,
    CancelDownload,
    DeleteDownload,
    SaveSessionCheckpoint,
    ListSessionCheckpoints,
    RestoreSessionCheckpoint,
    DeleteSessionCheckpoint,
    ForkSession,
    ExportCheckpoint,
    ImportCheckpoint,
    ExportStorageState,
    ImportStorageState,
    SaveSnapshot,
    RestoreSnapshot,
    ListSnapshots,
    DeleteSnapshot,
    ReadResult,
    KeepResult,
    KvSet,
    KvGet,
    KvDelete,
    KvList,
    KvClear,
    KvClaim,
    KvRenew,
    KvFinish,
    KvRelease,
    KvWatch,
    GetCall,
    GetStatus,
    CollectGarbage,
    StopDaemon,
}

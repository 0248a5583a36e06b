//! Wire types that more than one operation answers with.

mod answer;
mod checkpoint;
mod download;
mod locator;
mod login;
mod recovered;
mod session;
mod settings;
mod tab;
mod view;

pub use answer::InTab;
pub use checkpoint::Checkpoint;
pub use download::{Download, DownloadNews};
pub use locator::Target;
pub use login::Login;
pub use recovered::Recovered;
pub use session::{CaptureFailing, LatestCheckpoint, Session, StateFilter};
pub use settings::{
    DialogPolicy, Emulation, Geolocation, HeadersShown, HttpCredentials, Proxy, RouteAction,
    RouteShown, Script, Settings, ShownProxy, Viewport,
};
pub use tab::Tab;
pub use view::View;

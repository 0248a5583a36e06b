//! What a page is attached with.

use std::sync::Arc;

use base::TabId;
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, watch};

use crate::{Dialog, Error, Fact, Records, Settings};

/// Hands out ref numbers durably, so that none is ever given twice in a tab.
pub trait RefBlocks: Send + Sync {
    /// Reserves every number below `up_to` for `tab`; when it returns `Ok` they may be shown.
    fn reserve<'a>(&'a self, tab: TabId, up_to: u64) -> BoxFuture<'a, Result<(), Error>>;
}

/// What a page is attached with.
#[derive(Clone)]
pub struct PageOptions {
    /// The tab this page is shown in.
    pub tab: TabId,
    /// Where ref numbers are reserved.
    pub refs: Arc<dyn RefBlocks>,
    /// What it is told to be, now and whenever that changes.
    pub settings: watch::Receiver<Arc<Settings>>,
    /// Where what it says and asks for is kept.
    pub records: Arc<Records>,
    /// Where facts go. When it is full they are dropped and [`Fact::Lagged`] follows.
    pub facts: mpsc::Sender<(TabId, Fact)>,
    /// The dialog that is known to be open on an adopted page: nobody announces it again.
    pub open_dialog: Option<Dialog>,
}

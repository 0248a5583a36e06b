//! Announcements of pages were lost: the browser is asked which pages there are.

use base::{Ctx, TabId};
use cdp::protocol::target;

use crate::Error;
use crate::live::Live;
use crate::tabs::Tabs;

/// Attaches every page that is neither a tab nor announced, and returns the tabs whose page is
/// not there any more.
///
/// The new session of a page is announced like any other. The one whose announcement was lost
/// stays without anybody; a page paused under it is let go under the new one.
///
/// # Cancel safety
/// What is attached by then is announced.
pub(crate) async fn relist(ctx: &Ctx, live: &Live, tabs: &Tabs) -> Result<Vec<TabId>, Error> {
    // A page that is being made is claimed by its maker.
    let before = tabs.all();
    let there = live
        .connection
        .root()
        .call(ctx, &target::GetTargets::default())
        .await?;
    let pages: Vec<_> = there
        .target_infos
        .into_iter()
        .filter(|info| info.r#type == "page")
        .collect();
    for info in &pages {
        let own = info.url.starts_with("chrome://") || info.url.starts_with("devtools://");
        let known = tabs.has_target(&info.target_id)
            || live.targets.known().contains(&info.target_id)
            || live.is_aside(&info.target_id);
        if own || known {
            continue;
        }
        tracing::info!(target = %info.target_id, "a page nobody was told of is attached");
        let attach = target::AttachToTarget {
            target_id: info.target_id.clone(),
            flatten: Some(true),
        };
        match live.connection.root().call(ctx, &attach).await {
            Ok(_) => {}
            Err(err @ (cdp::Error::Lost(_) | cdp::Error::Stopped(_))) => return Err(err.into()),
            // It has closed meanwhile.
            Err(err) => tracing::debug!(%err, "a page could not be attached"),
        }
    }
    let gone = before.into_iter().filter(|(_, tab)| {
        !tab.target.is_empty() && !pages.iter().any(|info| info.target_id == tab.target)
    });
    Ok(gone.map(|(id, _)| id).collect())
}

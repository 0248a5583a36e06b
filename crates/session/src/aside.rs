//! Reads and fills the storage of a key that no tab shows, in a page nobody sees.
//!
//! What a page writes while it leaves for another site is stored, but its events need not
//! come (Chromium 156: in one run they did, in the next not).

use base::Ctx;
use cdp::protocol::target;

use crate::Error;
use crate::checkpoint::manifest::Items;
use crate::checkpoint::part::storage::{READ_SCRIPT, seed_script};
use crate::checkpoint::place::{Place, place_of};
use crate::live::Live;
use crate::stub::Stub;
use crate::tabs::Tabs;

/// Where stubs are: at a path no site has.
const PATH: &str = "/browserd-aside";

/// Reads an origin's localStorage through a hidden page of its own.
///
/// # Errors
/// Those of the browser.
///
/// # Cancel safety
/// The hidden page is in the notes until it is closed; the next daemon closes it.
pub(crate) async fn read_origin(
    ctx: &Ctx,
    live: &Live,
    tabs: &Tabs,
    storage_key: &str,
) -> Result<Option<Items>, Error> {
    let Some(place) = place_of(storage_key) else {
        return Ok(None);
    };
    let text = run_in(ctx, live, tabs, &place, READ_SCRIPT).await?;
    let items = serde_json::from_str(&text);
    items.map(Some).map_err(|err| Error::Checkpoint {
        reason: err.to_string(),
    })
}

/// Fills an origin's localStorage through a hidden page of its own.
///
/// # Errors
/// Those of the browser.
///
/// # Cancel safety
/// As [`read_origin`].
pub(crate) async fn seed_origin(
    ctx: &Ctx,
    live: &Live,
    tabs: &Tabs,
    storage_key: &str,
    items: &Items,
) -> Result<(), Error> {
    let Some(place) = place_of(storage_key) else {
        return Ok(());
    };
    run_in(ctx, live, tabs, &place, &seed_script(Some(items), None)).await?;
    Ok(())
}

/// Fills an origin's localStorage as [`seed_origin`] does, and tells whether it was read back as
/// it was seeded. What the origin refuses (a quota) is told so.
///
/// # Errors
/// Those of the browser.
///
/// # Cancel safety
/// As [`read_origin`].
pub(crate) async fn seeded(
    ctx: &Ctx,
    live: &Live,
    tabs: &Tabs,
    origin: &str,
    items: &Items,
) -> Result<bool, Error> {
    let script = seed_script(Some(items), None);
    let place = Place {
        page: origin.to_owned(),
        frames: vec![],
    };
    match run_in(ctx, live, tabs, &place, &script).await {
        Ok(text) => {
            let verified: Result<(bool, bool), _> = serde_json::from_str(&text);
            Ok(verified.is_ok_and(|(local, _)| local))
        }
        Err(err) if err.is_loss() || ctx.remaining().is_zero() => Err(err),
        Err(err) => {
            tracing::warn!(%err, "an origin's storage could not be restored");
            Ok(false)
        }
    }
}

async fn run_in(
    ctx: &Ctx,
    live: &Live,
    tabs: &Tabs,
    place: &Place,
    source: &str,
) -> Result<String, Error> {
    run_with(ctx, live, tabs, place, source, |_, text| async { Ok(text) }).await
}

/// Runs a script in a stub at a place, in a hidden page of its own, and hands what it
/// returned on while the page is still there.
///
/// # Errors
/// Those of the browser and of `then`.
///
/// # Cancel safety
/// As [`read_origin`].
pub(crate) async fn run_with<T, F>(
    ctx: &Ctx,
    live: &Live,
    tabs: &Tabs,
    place: &Place,
    script: &str,
    then: impl FnOnce(cdp::Session, String) -> F,
) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let shown = show(ctx, live, tabs, place, script).await?;
    let out = then(shown.session, shown.text).await;
    close(live, shown.targets)?;
    out
}

/// A script's answer, and where it ran.
pub(crate) struct Shown {
    /// The targets that have to be closed.
    pub targets: Vec<String>,
    /// The session of the document.
    pub session: cdp::Session,
    /// The document's URL.
    pub url: String,
    /// What the script returned.
    pub text: String,
}

/// Runs a script in a stub at a place, in a hidden page of its own that stays.
///
/// # Errors
/// Those of the browser; the page is closed then.
///
/// # Cancel safety
/// As [`read_origin`].
pub(crate) async fn show(
    ctx: &Ctx,
    live: &Live,
    tabs: &Tabs,
    place: &Place,
    script: &str,
) -> Result<Shown, Error> {
    let root = live.connection.root();
    let (hidden, anchor) = match create(ctx, live, true).await {
        Ok(hidden) => (hidden, None),
        // Chromium 156 refuses a hidden target while there is no page at all.
        Err(cdp::Error::Protocol { .. }) => {
            let anchor = create_anchor(ctx, live).await?;
            (create(ctx, live, true).await?, Some(anchor))
        }
        Err(err) => return Err(err.into()),
    };
    live.set_aside(&hidden, true);
    live.note(tabs);
    let out = async {
        let attach = target::AttachToTarget {
            target_id: hidden.clone(),
            flatten: Some(true),
        };
        let session = root.call(ctx, &attach).await?.session_id;
        let session = live.connection.attach(&session);
        let stub = Stub::begin(&session, ctx).await?;
        stub.run_in(place, PATH, script).await
    }
    .await;
    let targets: Vec<String> = anchor.into_iter().chain([hidden]).collect();
    match out {
        Ok((session, text)) => Ok(Shown {
            targets,
            session,
            url: format!("{}{PATH}", place.frames.last().unwrap_or(&place.page)),
            text,
        }),
        Err(err) => {
            close(live, targets)?;
            Err(err)
        }
    }
}

/// Closes hidden pages.
///
/// # Errors
/// That of a link that is gone.
pub(crate) fn close(live: &Live, targets: Vec<String>) -> Result<(), Error> {
    for target_id in targets {
        live.set_aside(&target_id, false);
        let close = target::CloseTarget { target_id };
        live.connection.root().post(&close)?;
    }
    Ok(())
}

async fn create(ctx: &Ctx, live: &Live, hidden: bool) -> Result<String, cdp::Error> {
    let create = target::CreateTarget {
        url: "about:blank".to_owned(),
        // A hidden target is announced to nobody, so it is no tab by accident.
        hidden: hidden.then_some(true),
        ..Default::default()
    };
    Ok(live.connection.root().call(ctx, &create).await?.target_id)
}

/// Opens a page that is nobody's tab.
async fn create_anchor(ctx: &Ctx, live: &Live) -> Result<String, cdp::Error> {
    let creating = live.targets.creating();
    let anchor = create(ctx, live, false).await?;
    live.set_aside(&anchor, true);
    drop(creating);
    live.nudge().await;
    Ok(anchor)
}

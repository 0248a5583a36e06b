//! How far a tab's site is zoomed.
//!
//! Chromium keeps it by host, for all of its tabs, and no command sets it: a person's keys do.
//! They are pressed in a stub of the site, so that no page of it sees them. Pinching isn't zoom.
//!
//! Not in it: sites that no tab shows.

use std::time::Duration;

use base::Ctx;
use cdp::Session;
use cdp::protocol::{input, page as wire};
use page::Page;

use crate::Error;
use crate::checkpoint::manifest::TabPart;
use crate::checkpoint::place::{Place, place_of};
use crate::stub::Stub;

use super::storage::storage_key_of;

/// How often the keys are pressed at the most: there are 17 steps.
const MOST_STEPS: usize = 20;
/// How often it is looked whether a key has had its effect, and how far apart.
const LOOKS: u32 = 25;
/// How many keys may have no effect at all.
const MOST_UNHEARD: usize = 4;
const PAUSE: Duration = Duration::from_millis(20);
/// How long one site may take.
const LIMIT: Duration = Duration::from_secs(3);

/// Returns how far a page is zoomed, 1 being not at all.
///
/// # Errors
/// Those of the browser.
///
/// # Cancel safety
/// Yes.
pub(crate) async fn read(ctx: &Ctx, session: &Session) -> Result<f64, Error> {
    let metrics = session.call(ctx, &wire::GetLayoutMetrics {}).await?;
    let zoom = metrics.css_visual_viewport.zoom.unwrap_or(1.0);
    // Steps are told with the noise of a logarithm.
    Ok((zoom * 1000.0).round() / 1000.0)
}

/// Tells whether a part's zoom is none.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
pub(crate) fn is_none(zoom: &f64) -> bool {
    *zoom == 0.0 || is_near(*zoom, 1.0)
}

fn is_near(one: f64, other: f64) -> bool {
    (one - other).abs() < 0.011
}

/// Returns the site a tab's zoom is for, if it has one.
pub(crate) fn site_of(tab: &TabPart) -> Option<Place> {
    if is_none(&tab.zoom) {
        return None;
    }
    place_of(&storage_key_of(&tab.url)?)
}

/// Zooms a site in the page of a tab that shows nothing yet; tells whether it is as it was.
///
/// # Errors
/// The browser's loss.
///
/// # Cancel safety
/// No: the tab shows a stub.
pub(crate) async fn restore(
    ctx: &Ctx,
    page: &Page,
    site: &Place,
    wanted: f64,
) -> Result<bool, Error> {
    let step = ctx.at_most(LIMIT);
    let session = page.session();
    // As in every stub: what it asks for is answered here alone.
    page.hold_settings(ctx, true).await?;
    let work = async {
        // The keys are the window's, and are for the tab in front.
        session.call(&step, &wire::BringToFront {}).await?;
        let stub = Stub::begin(session, &step).await?;
        stub.run_in(site, "/browserd-restores", "return '';")
            .await?;
        zoom_to(&step, session, wanted).await
    };
    let out = work.await;
    let end = Stub::begin(session, ctx).await?;
    end.end().await?;
    page.hold_settings(ctx, false).await?;
    match out {
        Ok(there) => Ok(there),
        Err(err) if err.is_loss() || ctx.remaining().is_zero() => Err(err),
        Err(err) => {
            tracing::warn!(%err, "a site could not be zoomed");
            Ok(false)
        }
    }
}

async fn zoom_to(ctx: &Ctx, session: &Session, wanted: f64) -> Result<bool, Error> {
    let mut now = read(ctx, session).await?;
    let mut unheard = 0;
    for _ in 0..MOST_STEPS {
        if is_near(now, wanted) {
            return Ok(true);
        }
        let closer = now < wanted;
        press(ctx, session, closer).await?;
        let before = now;
        for _ in 0..LOOKS {
            now = read(ctx, session).await?;
            if !is_near(now, before) {
                break;
            }
            ctx.pause(PAUSE).await?;
        }
        if is_near(now, before) {
            // Another tab may have come to the front that was opened at the same time.
            unheard += 1;
            if MOST_UNHEARD < unheard {
                return Ok(false);
            }
            session.call(ctx, &wire::BringToFront {}).await?;
            continue;
        }
        // One that took its time may have been pressed twice.
        let is_past = !is_near(now, wanted) && (now < wanted) != closer;
        if is_past && unheard == 0 {
            return Ok(false);
        }
    }
    Ok(false)
}

async fn press(ctx: &Ctx, session: &Session, closer: bool) -> Result<(), Error> {
    const CONTROL: i64 = 2;
    let (key, code, number) = match closer {
        true => ("=", "Equal", 187),
        false => ("-", "Minus", 189),
    };
    for down in [true, false] {
        let kind = match down {
            true => input::DispatchKeyEventType::RawKeyDown,
            false => input::DispatchKeyEventType::KeyUp,
        };
        let stroke = input::DispatchKeyEvent {
            r#type: kind,
            modifiers: Some(CONTROL),
            key: Some(key.to_owned()),
            code: Some(code.to_owned()),
            windows_virtual_key_code: Some(number),
            // Without it the window takes no notice.
            native_virtual_key_code: Some(number),
            ..Default::default()
        };
        session.call(ctx, &stroke).await?;
    }
    Ok(())
}

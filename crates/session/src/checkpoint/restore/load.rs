//! Loading the real page of a tab, and putting back what is in its document.

use std::time::Duration;

use base::Ctx;
use cdp::protocol::{page as wire, runtime};
use page::{Gate, Navigate, Page};

use crate::Error;
use crate::checkpoint::manifest::TabPart;
use crate::checkpoint::part::history::{self, Rebuilt, Way};
use crate::checkpoint::part::{form, scrolls};

/// How long one tab's real page may take to load before the session goes on without.
const LOAD_LIMIT: Duration = Duration::from_secs(15);

/// How long a page whose load failed may take to show that it lives.
const LOOK_LIMIT: Duration = Duration::from_secs(1);

/// Whether the tab is where it was.
pub(super) struct Loaded {
    pub url: bool,
    pub scroll: bool,
    pub form: form::Restored,
    pub history: bool,
    pub states: bool,
    /// A document of its history was asked for by POST, or may have been.
    pub posted: bool,
}

/// Loads a tab's page, and puts back its scroll position, form and focus.
///
/// # Cancel safety
/// No: the tab may show a stub.
pub(super) async fn load(
    ctx: &Ctx,
    page: &Page,
    tab: &TabPart,
    rebuilt: &Rebuilt,
) -> Result<Loaded, Error> {
    let blank = tab.url.is_empty() || tab.url == "about:blank";
    let step = ctx.at_most(LOAD_LIMIT);
    let went = match rebuilt.way {
        Way::Alone if blank => {
            let navigate = wire::Navigate {
                url: "about:blank".to_owned(),
                ..Default::default()
            };
            page.session().call(ctx, &navigate).await?;
            Ok(())
        }
        Way::Alone | Way::Append => {
            let to = Navigate {
                url: tab.url.clone(),
            };
            page.navigate(&step, &Gate::open(), &to).await.map(drop)
        }
        Way::Again => page.show_entry(&step, &Gate::open(), None).await,
        Way::Entry(entry) => page.show_entry(&step, &Gate::open(), Some(entry)).await,
        Way::There => Ok(()),
    };
    if let Err(err) = went {
        let err = Error::from(err);
        if err.is_loss() {
            return Err(err);
        }
        crashed(ctx, page).await?;
        // The site may be down or slow: the tab stays at its URL, and the report says so.
        tracing::warn!(%err, "a tab's page did not load while it was restored");
        let form = form::Restored {
            fields: false,
            secrets: false,
            focus: false,
        };
        return Ok(Loaded {
            url: false,
            scroll: false,
            form,
            history: rebuilt.whole && history::is_there(ctx, page, &tab.history).await,
            states: rebuilt.states,
            posted: tab.history.has_post(),
        });
    }
    if rebuilt.way == Way::Alone {
        // The stubs before it must not be what "back" leads to.
        history::reset(ctx, page).await?;
    }
    let there = page.state().url;
    let url = blank || *there.expose() == tab.url;
    let scroll = url && scroll_to(&step, page, tab).await;
    let form = form::restore(ctx, page, there.expose(), &tab.form).await;
    // What was typed can make an element longer.
    let scrolls = scrolls::restore(ctx, page, there.expose(), &tab.scrolls).await;
    // An empty page without a history has none to lose.
    let new = blank && tab.history.is_unread();
    Ok(Loaded {
        url,
        scroll: scroll && scrolls,
        form,
        history: new || rebuilt.whole && history::is_there(ctx, page, &tab.history).await,
        states: new || rebuilt.states,
        posted: !new && tab.history.has_post(),
    })
}

/// Tells a page that crashed while it loaded, which its browser calls an aborted load, from a
/// site that is down.
async fn crashed(ctx: &Ctx, page: &Page) -> Result<(), Error> {
    let look = runtime::Evaluate {
        expression: "0".to_owned(),
        ..Default::default()
    };
    let answer = page.session().call(&ctx.at_most(LOOK_LIMIT), &look).await;
    if page.state().crashed {
        return Err(page::Error::Crashed.into());
    }
    match answer.map_err(Error::from) {
        Err(err) if err.is_loss() => Err(err),
        // One that only is slow to answer is the tab's.
        _ => Ok(()),
    }
}

async fn scroll_to(ctx: &Ctx, page: &Page, tab: &TabPart) -> bool {
    if tab.scroll_x == 0.0 && tab.scroll_y == 0.0 {
        return true;
    }
    if page
        .set_scroll(ctx, tab.scroll_x, tab.scroll_y)
        .await
        .is_err()
    {
        return false;
    }
    match page.scroll_position(ctx).await {
        Ok((x, y)) => (x - tab.scroll_x).abs() < 1.5 && (y - tab.scroll_y).abs() < 1.5,
        Err(_) => false,
    }
}

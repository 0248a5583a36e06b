//! Seeding: web storage and history, by stubs, before any real page is loaded.

use std::collections::BTreeMap;
use std::time::Duration;

use base::{Ctx, TabId};
use page::Page;

use super::read::{Content, parse};
use crate::Error;
use crate::checkpoint::manifest::{HistoryPart, Items, TabPart};
use crate::checkpoint::part::history::{self, Rebuilt};
use crate::checkpoint::part::storage;
use crate::checkpoint::place::{Place, place_of};
use crate::stub::Stub;
use crate::tabs::Tabs;

/// How long a tab may seed frames of other sites; what isn't by then is lost, and no more.
const FRAMES_LIMIT: Duration = Duration::from_secs(8);
/// Where stubs are: at a path no site has.
const PATH: &str = "/browserd-restores";

/// One document to seed: where, and with what.
pub(super) struct Seed {
    place: Place,
    local: Option<Items>,
    session: Option<Items>,
}

/// Returns what each tab seeds, in the order of the tabs.
pub(super) fn plan(content: &Content) -> Vec<Vec<Seed>> {
    let mut local: BTreeMap<String, Items> = content
        .origins
        .iter()
        .map(|part| (part.storage_key.clone(), part.local.clone()))
        .collect();
    let mut plan: Vec<_> = content
        .tabs
        .iter()
        .map(|tab| seeds_of(tab, &mut local))
        .collect();
    // What no tab shows is seeded by the first.
    if let Some(first) = plan.first_mut() {
        let rest = std::mem::take(&mut local).into_iter();
        let rest = rest.filter_map(|(storage_key, items)| {
            Some(Seed {
                place: place_of(&storage_key)?,
                local: Some(items),
                session: None,
            })
        });
        let (frames, pages): (Vec<_>, Vec<_>) = rest.partition(Seed::is_of_frame);
        first.splice(0..0, pages);
        first.extend(frames);
    }
    plan
}

pub(super) fn seeds_of(tab: &TabPart, local: &mut BTreeMap<String, Items>) -> Vec<Seed> {
    let own = storage::storage_key_of(&tab.url);
    let mut keys: Vec<&String> = tab.session_storage.keys().collect();
    if let Some(own) = &own
        && !keys.contains(&own)
    {
        keys.push(own);
    }
    let seeds = keys.into_iter().filter_map(|storage_key| {
        let place = place_of(storage_key)?;
        let local = local.remove(storage_key);
        let session = tab.session_storage.get(storage_key).cloned();
        (local.is_some() || session.is_some()).then_some(Seed {
            place,
            local,
            session,
        })
    });
    let mut seeds: Vec<Seed> = seeds.collect();
    // Frames take the longest, and may not have the time.
    seeds.sort_by_key(Seed::is_of_frame);
    seeds
}

impl Seed {
    fn is_of_frame(&self) -> bool {
        !self.place.frames.is_empty()
    }
}

/// What a tab has before its real page is loaded.
pub(super) struct Prepared {
    /// Whether the localStorage it seeded was read back.
    pub local: bool,
    /// Whether its sessionStorage was.
    pub session: bool,
    /// Its history.
    pub history: Rebuilt,
}

/// Seeds what the tab has to, and makes its history; documents of that may share a stub if
/// `shared`.
///
/// # Cancel safety
/// No: the tab shows a stub.
pub(super) async fn prepare(
    ctx: &Ctx,
    page: &Page,
    tabs: &Tabs,
    tab: &TabPart,
    seeds: &[Seed],
    shared: bool,
) -> Result<Prepared, Error> {
    let id = TabId(tab.tab);
    // What is told of the stubs isn't the tab's.
    tabs.update(id, |tab| tab.history.held = true);
    // The stubs are no documents of a site: no script of the session's owner runs in them.
    page.hold_settings(ctx, true).await?;
    let stub = Stub::begin(page.session(), ctx).await?;
    let (local, session) = seed(ctx, &stub, seeds).await?;
    let history = history::rebuild(ctx, page, &stub, tab, seeds.is_empty(), shared).await?;
    stub.end().await?;
    page.hold_settings(ctx, false).await?;
    tabs.update(id, |tab| {
        tab.known.history = HistoryPart::clone(&history.history);
        tab.history.held = false;
        tab.history.due = false;
        tab.history.epoch += 1;
    });
    Ok(Prepared {
        local,
        session,
        history,
    })
}

/// Tells whether localStorage and sessionStorage were read back as they were seeded.
async fn seed(ctx: &Ctx, stub: &Stub<'_>, seeds: &[Seed]) -> Result<(bool, bool), Error> {
    let mut out = (true, true);
    let for_frames = ctx.at_most(FRAMES_LIMIT);
    for seed in seeds {
        if seed.is_of_frame() && for_frames.remaining().is_zero() {
            out.0 &= seed.local.is_none();
            out.1 &= seed.session.is_none();
            continue;
        }
        let script = storage::seed_script(seed.local.as_ref(), seed.session.as_ref());
        let verified = match stub.run_in(&seed.place, PATH, &script).await {
            Ok((_, verified)) => verified,
            // A quota or a strange origin is that origin's loss, not the session's.
            Err(err) if !err.is_loss() && !ctx.remaining().is_zero() => {
                tracing::warn!(%err, "an origin's storage could not be restored");
                out.0 &= seed.local.is_none();
                out.1 &= seed.session.is_none();
                continue;
            }
            Err(err) => return Err(err),
        };
        let (local, session): (bool, bool) = parse(verified.as_bytes())?;
        out.0 &= local;
        out.1 &= session;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use base::{CheckpointId, SessionId};
    use store::CheckpointRow;

    use super::*;
    use crate::checkpoint::manifest::{CookiesPart, OriginPart, SettingsPart};

    fn items(value: &str) -> Items {
        Items::from([("k".to_owned(), value.to_owned())])
    }

    fn tab(number: u32, url: &str) -> TabPart {
        TabPart {
            tab: number,
            url: url.to_owned(),
            ..TabPart::default()
        }
    }

    fn content(tabs: Vec<TabPart>, origins: &[&str]) -> Content {
        let origins = origins
            .iter()
            .map(|key| OriginPart {
                storage_key: (*key).to_owned(),
                local: items(key),
            })
            .collect();
        let row = CheckpointRow {
            id: CheckpointId::new(),
            session: SessionId::new(),
            number: 1,
            name: None,
            cause: String::new(),
            taken_at: base::Timestamp::UNIX_EPOCH,
            generation: 1,
            bytes: 0,
            kept: false,
            manifest: vec![],
            parts: vec![],
        };
        Content {
            row,
            manifest: Arc::default(),
            cookies: CookiesPart::default(),
            origins,
            databases: vec![],
            settings: SettingsPart::default(),
            tabs,
            passed_over: false,
        }
    }

    #[test]
    fn every_origin_is_seeded_once() {
        let content = content(
            vec![tab(1, "https://a.test/x"), tab(2, "https://a.test/y")],
            &["https://a.test/", "https://left.test/"],
        );
        let plan = plan(&content);
        let urls: Vec<Vec<&str>> = plan
            .iter()
            .map(|seeds| seeds.iter().map(|seed| seed.place.page.as_str()).collect())
            .collect();
        let (left, own) = ("https://left.test", "https://a.test");
        assert_eq!(urls, [vec![left, own], vec![]]);
    }

    #[test]
    fn frames_of_other_sites_are_seeded_after_pages_and_those_of_open_tabs_first() {
        let mut one = tab(1, "https://b.test/");
        let framed = "https://frame.test/^0https://b.test";
        for key in [framed, "https://b.test/"] {
            one.session_storage.insert(key.to_owned(), items("one"));
        }
        let keys = [
            "https://a.test/",
            "https://frame.test/^0https://a.test",
            framed,
            "https://a.test/^31",
        ];
        let plan = plan(&content(vec![one], &keys));
        let places: Vec<_> = plan[0].iter().map(|seed| seed.place.clone()).collect();
        let expect = [
            "https://a.test/",
            "https://b.test/",
            framed,
            "https://a.test/^31",
            "https://frame.test/^0https://a.test",
        ];
        assert_eq!(places, expect.map(|key| place_of(key).unwrap()));
    }

    #[test]
    fn each_tab_seeds_its_own_session_storage() {
        let mut one = tab(1, "https://a.test/x");
        one.session_storage
            .insert("https://b.test/".to_owned(), items("one"));
        let mut two = tab(2, "https://b.test/");
        two.session_storage
            .insert("https://b.test/".to_owned(), items("two"));
        let plan = plan(&content(vec![one, two], &[]));
        let session: Vec<_> = plan
            .iter()
            .flatten()
            .map(|seed| seed.session.clone().unwrap())
            .collect();
        assert_eq!(session, [items("one"), items("two")]);
    }
}

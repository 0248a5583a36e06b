//! What every back end must do, run on each of them: a new one joins by a module at the end.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "clippy takes only the test functions themselves for tests"
)]

extern crate browserd_store as store;

mod support;

use base::{CallId, Private, SessionId, StateName, TabId};
use proptest::prelude::*;
use store::{CallState, CheckpointRow, DownloadRow, Error, SessionRow, Store, TabRow, Thing};
use support::*;

macro_rules! conformance {
    ($(async fn $name:ident($store:ident: &Store) $body:block)*) => {
        $(async fn $name($store: &Store) $body)*

        mod in_memory {
            $(#[tokio::test] async fn $name() {
                super::$name(&store::Store::open_memory().await.unwrap()).await;
            })*
        }

        mod in_a_file {
            $(#[tokio::test] async fn $name() {
                let home = super::support::Home::new();
                let store = home.open().await;
                super::$name(&store).await;
                store.close().await.unwrap();
            })*
        }
    };
}

conformance! {
    async fn a_session_reads_back_as_it_was_stored(store: &Store) {
        let row = keyed("owner:run");
        store.sessions().insert(&row).await.unwrap();
        assert_eq!(store.sessions().get(row.id).await.unwrap(), Some(row.clone()));

        let changed = SessionRow { generation: 4, recovered: None, detail: None, ..row };
        store.sessions().put(&changed).await.unwrap();
        assert_eq!(store.sessions().get(changed.id).await.unwrap(), Some(changed));
        assert_eq!(store.sessions().get(SessionId::new()).await.unwrap(), None);
    }

    async fn downloads_change_together_and_one_that_is_too_large_changes_nothing(store: &Store) {
        let row = |number, text: &str| DownloadRow { number, content: text.into() };
        let (one, other) = (SessionId::new(), SessionId::new());
        let downloads = store.downloads();
        assert_eq!(downloads.list(one).await.unwrap().rows, []);
        let (first, second) = (row(0, "counter"), row(2, "report.pdf"));
        downloads.change(one, &[second.clone(), first.clone()], &[]).await.unwrap();
        downloads.change(other, &[row(1, "x")], &[]).await.unwrap();
        let changed = row(2, "report (2).pdf");
        let large = row(3, &"x".repeat(store::LARGEST_DOWNLOAD + 1));
        let both = [changed.clone(), large];
        let err = downloads.change(one, &both, &[0]).await.unwrap_err();
        assert!(matches!(err, Error::TooLarge { .. }), "{err}");
        assert_eq!(downloads.list(one).await.unwrap().rows, [first, second]);
        downloads.change(one, std::slice::from_ref(&changed), &[0, 9]).await.unwrap();
        assert_eq!(downloads.list(one).await.unwrap().rows, [changed]);
        assert_eq!(downloads.list(other).await.unwrap().rows.len(), 1);
    }

    async fn a_session_that_was_never_inserted_is_not_put(store: &Store) {
        let err = store.sessions().put(&session()).await.unwrap_err();
        assert!(matches!(err, Error::NotFound { thing: Thing::Session, .. }), "{err}");
        let row = session();
        store.sessions().insert(&row).await.unwrap();
        let err = store.sessions().insert(&row).await.unwrap_err();
        assert!(matches!(err, Error::Exists { thing: Thing::Session, .. }), "{err}");
    }

    async fn a_key_belongs_to_one_session_that_is_not_closed(store: &Store) {
        let first = keyed("owner:run");
        let second = keyed("owner:run");
        store.sessions().insert(&first).await.unwrap();
        let err = store.sessions().insert(&second).await.unwrap_err();
        assert!(matches!(err, Error::KeyTaken { holder, .. } if holder == first.id), "{err}");

        store.sessions().put(&closed(&first, 20)).await.unwrap();
        store.sessions().insert(&second).await.unwrap();
        let err = store.sessions().put(&first).await.unwrap_err();
        assert!(matches!(err, Error::KeyTaken { holder, .. } if holder == second.id), "{err}");
        assert_eq!(store.sessions().get(first.id).await.unwrap(), Some(closed(&first, 20)));
    }

    async fn a_key_means_the_open_session_else_the_newest_closed_one(store: &Store) {
        let key = "owner:run".parse().unwrap();
        assert_eq!(store.sessions().by_key(&key).await.unwrap(), None);
        let (older, newer, open) = (keyed("owner:run"), keyed("owner:run"), keyed("owner:run"));
        store.sessions().insert(&closed(&newer, 30)).await.unwrap();
        store.sessions().insert(&closed(&older, 20)).await.unwrap();
        let found = store.sessions().by_key(&key).await.unwrap().unwrap();
        assert_eq!(found.id, newer.id);
        store.sessions().insert(&open).await.unwrap();
        assert_eq!(store.sessions().by_key(&key).await.unwrap(), Some(open));
    }

    async fn sessions_are_listed_oldest_first_and_by_state(store: &Store) {
        let rows: Vec<_> = StateName::ALL.map(|state| SessionRow { state, ..session() }).into();
        for row in rows.iter().rev() {
            store.sessions().insert(row).await.unwrap();
        }
        let listed = store.sessions().list().await.unwrap();
        assert_eq!((listed.rows, listed.damaged.len()), (rows.clone(), 0));
        let wanted = [StateName::Closed, StateName::Starting];
        let listed = store.sessions().list_states(&wanted).await.unwrap();
        assert_eq!(listed.rows, [rows[0].clone(), rows[7].clone()]);
    }

    async fn a_browser_is_live_until_its_first_end_is_told(store: &Store) {
        let (row, other) = (browser(SessionId::new()), browser(SessionId::new()));
        store.browsers().put(&row).await.unwrap();
        store.browsers().put(&other).await.unwrap();
        assert_eq!(store.browsers().list_live().await.unwrap().rows, [row.clone(), other.clone()]);
        store.browsers().end(row.id, "signalled 9").await.unwrap();
        store.browsers().end(row.id, "stopped").await.unwrap();
        store.browsers().put(&row).await.unwrap();
        assert_eq!(store.browsers().list_live().await.unwrap().rows, [other]);
        let found = store.browsers().get(row.id).await.unwrap().unwrap();
        assert_eq!(found.ended.as_deref(), Some("signalled 9"));
    }

    async fn tabs_are_stored_all_at_once_and_listed_by_position(store: &Store) {
        let session = SessionId::new();
        let gone = TabRow { closed: true, ..tab(session, 2, 0) };
        let rows = [tab(session, 1, 1), gone.clone(), tab(session, 3, 0)];
        store.tabs().put_all(session, &rows).await.unwrap();
        let listed = store.tabs().list(session).await.unwrap();
        assert_eq!(listed.rows, [rows[2].clone(), rows[0].clone(), gone]);

        store.tabs().put_all(session, &[tab(session, 3, 5)]).await.unwrap();
        assert_eq!(store.tabs().list(session).await.unwrap().rows, [tab(session, 3, 5)]);
        assert_eq!(store.tabs().list(SessionId::new()).await.unwrap().rows, []);
    }

    async fn refs_of_a_tab_are_never_given_twice(store: &Store) {
        let session = SessionId::new();
        let err = store.tabs().reserve_refs(session, TabId(1), 10).await.unwrap_err();
        assert!(matches!(err, Error::NotFound { thing: Thing::Tab, .. }), "{err}");
        store.tabs().put_all(session, &[tab(session, 1, 0)]).await.unwrap();
        store.tabs().reserve_refs(session, TabId(1), 3000).await.unwrap();
        store.tabs().reserve_refs(session, TabId(1), 2000).await.unwrap();
        store.tabs().put_all(session, &[tab(session, 1, 0)]).await.unwrap();
        assert_eq!(store.tabs().list(session).await.unwrap().rows[0].next_ref, 3000);
    }

    async fn a_checkpoint_reads_back_as_it_was_published(store: &Store) {
        let row = session();
        store.sessions().insert(&row).await.unwrap();
        let parts = vec![
            store.blobs().put(row.id, "cookies", b"[]").await.unwrap(),
            store.blobs().put(row.id, "origin", b"{}").await.unwrap(),
        ];
        let one = unpublished(row.id, true, parts.clone());
        let expect = CheckpointRow { number: 1, parts, ..one.row.clone() };
        assert_eq!(store.checkpoints().publish(one).await.unwrap(), 1);
        let id = expect.id;
        assert_eq!(store.checkpoints().get(id).await.unwrap(), Some(expect.clone()));
        assert_eq!(store.checkpoints().newest(row.id).await.unwrap(), Some(expect));
        let found = store.sessions().get(row.id).await.unwrap().unwrap();
        assert_eq!(found.latest_checkpoint, Some(id));
        assert_eq!(store.checkpoints().newest(SessionId::new()).await.unwrap(), None);
    }

    async fn the_rolling_checkpoint_replaces_only_itself(store: &Store) {
        let session = SessionId::new();
        let shared = store.blobs().put(session, "cookies", b"shared").await.unwrap();
        let mut old = Vec::new();
        for (kept, own) in [(true, "a"), (false, "b"), (false, "c"), (true, "d"), (false, "e")] {
            let part = store.blobs().put(session, "tab", own.as_bytes()).await.unwrap();
            old.push(part);
            let checkpoint = unpublished(session, kept, vec![shared, part]);
            store.checkpoints().publish(checkpoint).await.unwrap();
        }
        let listed = store.checkpoints().list(session).await.unwrap().rows;
        let numbers: Vec<_> = listed.iter().map(|row| (row.number, row.kept)).collect();
        assert_eq!(numbers, [(5, false), (4, true), (1, true)]);

        // What the replaced ones alone pointed to is gone, the rest is there.
        for (part, there) in old.into_iter().zip([true, false, false, true, true]) {
            let read = store.blobs().get(session, "tab", part).await;
            assert_eq!(read.is_ok(), there, "{read:?}");
        }
        assert_eq!(store.blobs().get(session, "cookies", shared).await.unwrap(), b"shared");
    }

    async fn a_checkpoint_with_a_part_that_is_not_there_is_not_published(store: &Store) {
        let (session, other) = (SessionId::new(), SessionId::new());
        let part = store.blobs().put(other, "cookies", b"[]").await.unwrap();
        let refused = store.checkpoints().publish(unpublished(session, false, vec![part])).await;
        let err = refused.unwrap_err();
        assert!(matches!(err, Error::NotFound { thing: Thing::Blob, .. }), "{err}");
        assert_eq!(store.checkpoints().newest(session).await.unwrap(), None);
    }

    async fn a_removed_checkpoint_takes_its_own_parts_along_and_no_number_comes_again(
        store: &Store
    ) {
        let row = session();
        store.sessions().insert(&row).await.unwrap();
        let shared = store.blobs().put(row.id, "cookies", b"shared").await.unwrap();
        let own = store.blobs().put(row.id, "tab", b"own").await.unwrap();
        let first = unpublished(row.id, true, vec![shared]);
        let second = unpublished(row.id, true, vec![shared, own]);
        let (first_id, second_id) = (first.row.id, second.row.id);
        store.checkpoints().publish(first).await.unwrap();
        store.checkpoints().publish(second).await.unwrap();
        assert!(store.checkpoints().remove(second_id).await.unwrap());
        assert!(!store.checkpoints().remove(second_id).await.unwrap());
        assert!(store.blobs().get(row.id, "tab", own).await.is_err());
        assert_eq!(store.blobs().get(row.id, "cookies", shared).await.unwrap(), b"shared");
        let found = store.sessions().get(row.id).await.unwrap().unwrap();
        assert_eq!(found.latest_checkpoint, Some(first_id));
        let third = unpublished(row.id, true, vec![shared]);
        assert_eq!(store.checkpoints().publish(third).await.unwrap(), 3);
    }

    async fn a_capture_under_way_keeps_its_parts_and_one_that_never_ended_loses_them(
        store: &Store
    ) {
        let session = SessionId::new();
        let left = store.blobs().put(session, "tab", b"left").await.unwrap();
        let part = store.blobs().put(session, "tab", b"published").await.unwrap();
        store.checkpoints().publish(unpublished(session, false, vec![part])).await.unwrap();
        assert_eq!(store.blobs().get(session, "tab", left).await.unwrap(), b"left");
        store.checkpoints().publish(unpublished(session, false, vec![part])).await.unwrap();
        let err = store.blobs().get(session, "tab", left).await.unwrap_err();
        assert!(matches!(err, Error::NotFound { thing: Thing::Blob, .. }), "{err}");
        assert_eq!(store.blobs().get(session, "tab", part).await.unwrap(), b"published");
    }

    async fn equal_parts_have_one_address_within_a_session_and_kind_only(store: &Store) {
        let (one, two) = (SessionId::new(), SessionId::new());
        let a = store.blobs().put(one, "tab", b"same").await.unwrap();
        assert_eq!(store.blobs().put(one, "tab", b"same").await.unwrap(), a);
        assert_ne!(store.blobs().put(one, "origin", b"same").await.unwrap(), a);
        assert_ne!(store.blobs().put(two, "tab", b"same").await.unwrap(), a);
        assert_ne!(store.blobs().put(one, "tab", b"other").await.unwrap(), a);
        assert_eq!(store.blobs().get(one, "tab", a).await.unwrap(), b"same");
        assert!(store.blobs().get(two, "tab", a).await.is_err());
        // As another kind the right file doesn't open, even for its own session.
        assert!(matches!(
            store.blobs().get(one, "origin", a).await,
            Err(Error::Corrupt { .. })
        ));
    }

    async fn a_part_may_be_empty_or_large(store: &Store) {
        let session = SessionId::new();
        let noise: Vec<u8> = (0..3_000_000u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
        for canonical in [vec![], vec![0; 5_000_000], noise] {
            let at = store.blobs().put(session, "origin", &canonical).await.unwrap();
            assert_eq!(store.blobs().get(session, "origin", at).await.unwrap(), canonical);
        }
    }

    async fn a_call_is_open_until_its_first_outcome(store: &Store) {
        let session = SessionId::new();
        let row = call(session);
        store.calls().record(&row).await.unwrap();
        assert_eq!(store.calls().get(row.id).await.unwrap(), Some(row.clone()));
        assert_eq!(store.calls().open_of(session).await.unwrap().rows, std::slice::from_ref(&row));

        assert!(store.calls().finish(row.id, CallState::Done, Some(b"{}")).await.unwrap());
        assert!(!store.calls().finish(row.id, CallState::Failed, None).await.unwrap());
        let found = store.calls().get(row.id).await.unwrap().unwrap();
        assert_eq!((found.state, found.outcome.as_deref()), (CallState::Done, Some(&b"{}"[..])));
        assert_eq!(store.calls().open_of(session).await.unwrap().rows, []);
        let err = store.calls().record(&row).await.unwrap_err();
        assert!(matches!(err, Error::Exists { thing: Thing::Call, .. }), "{err}");
    }

    async fn an_unknown_call_has_no_outcome_and_gets_none(store: &Store) {
        assert_eq!(store.calls().get(CallId::new()).await.unwrap(), None);
        for outcome in [None, Some(&b"{}"[..])] {
            let err = store.calls().finish(CallId::new(), CallState::Done, outcome).await;
            let err = err.unwrap_err();
            assert!(matches!(err, Error::NotFound { thing: Thing::Call, .. }), "{err}");
        }
    }

    async fn an_accepted_call_becomes_sent_and_a_sent_one_stays(store: &Store) {
        let sent = call(SessionId::new());
        let mut accepted = sent.clone();
        (accepted.state, accepted.cdp_id, accepted.cdp_session) = (CallState::Accepted, None, None);
        store.calls().record(&accepted).await.unwrap();
        store.calls().record(&sent).await.unwrap();
        assert_eq!(store.calls().get(sent.id).await.unwrap(), Some(sent.clone()));
        assert!(store.calls().record(&accepted).await.is_err());
        let mut of_another = accepted.clone();
        of_another.session = Some(SessionId::new());
        assert!(store.calls().record(&of_another).await.is_err());
        assert_eq!(store.calls().get(sent.id).await.unwrap(), Some(sent));
    }

    async fn a_call_of_which_nothing_arrived_is_sent_again_by_the_same_daemon(store: &Store) {
        let first = call(SessionId::new());
        store.calls().record(&first).await.unwrap();
        let mut again = first.clone();
        (again.cdp_id, again.cdp_session) = (Some(78), Some("NEXT".into()));
        store.calls().record(&again).await.unwrap();
        assert_eq!(store.calls().get(first.id).await.unwrap(), Some(again.clone()));
        assert_eq!(store.calls().by_cdp_id(first.session.unwrap(), 77).await.unwrap(), None);

        // Another daemon can't know that, and another session has no such call.
        let mut stranger = again.clone();
        stranger.epoch += 1;
        assert!(store.calls().record(&stranger).await.is_err());
        let mut stranger = again.clone();
        stranger.session = Some(SessionId::new());
        assert!(store.calls().record(&stranger).await.is_err());
        assert_eq!(store.calls().get(first.id).await.unwrap(), Some(again.clone()));
        // What has an outcome keeps it.
        store.calls().finish(first.id, CallState::Unknown, None).await.unwrap();
        assert!(store.calls().record(&again).await.is_err());
    }

    async fn a_late_reply_finds_its_call_by_its_cdp_id(store: &Store) {
        let session = SessionId::new();
        let (older, newer, other) = (call(session), call(session), call(SessionId::new()));
        for row in [&older, &newer, &other] {
            store.calls().record(row).await.unwrap();
        }
        assert_eq!(store.calls().by_cdp_id(session, 77).await.unwrap(), Some(newer.clone()));
        assert_eq!(store.calls().by_cdp_id(session, 78).await.unwrap(), None);
        store.calls().finish(newer.id, CallState::Done, None).await.unwrap();
        assert_eq!(store.calls().by_cdp_id(session, 77).await.unwrap(), Some(older));
    }

    async fn calls_without_a_session_are_journalled_too(store: &Store) {
        let mut row = call(SessionId::new());
        row.session = None;
        store.calls().record(&row).await.unwrap();
        assert!(store.calls().finish(row.id, CallState::Failed, Some(b"no")).await.unwrap());
        let found = store.calls().get(row.id).await.unwrap().unwrap();
        assert_eq!(found.outcome.as_deref(), Some(&b"no"[..]));
    }

    async fn the_journal_keeps_the_newest_thousand_calls_of_a_session_for_a_week(store: &Store) {
        let (busy, quiet, old) = (SessionId::new(), SessionId::new(), SessionId::new());
        let mut ancient = call(old);
        ancient.at = at(-8 * 24 * 3600 * 1000);
        store.calls().record(&ancient).await.unwrap();
        let kept = call(quiet);
        store.calls().record(&kept).await.unwrap();
        let mut ids = Vec::new();
        for _ in 0..1300 {
            let row = call(busy);
            store.calls().record(&row).await.unwrap();
            ids.push(row.id);
        }
        let left = store.calls().open_of(busy).await.unwrap().rows;
        assert!((1000..=1100).contains(&left.len()), "{}", left.len());
        assert_eq!(left.last().map(|row| row.id), ids.last().copied());
        assert_eq!(store.calls().get(ids[0]).await.unwrap(), None);
        assert_eq!(store.calls().get(ancient.id).await.unwrap(), None);
        assert_eq!(store.calls().get(kept.id).await.unwrap(), Some(kept));
    }

    async fn epochs_rise_and_the_nonce_stays(store: &Store) {
        let first = store.meta().next_epoch().await.unwrap();
        assert_eq!(store.meta().next_epoch().await.unwrap(), first + 1);
        let nonce = store.meta().home_nonce().await.unwrap();
        assert_eq!(nonce.len(), 32);
        assert!(nonce.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(store.meta().home_nonce().await.unwrap(), nonce);
    }

    async fn a_small_value_reads_back_and_a_large_one_is_refused(store: &Store) {
        assert_eq!(store.meta().get("theme").await.unwrap(), None);
        store.meta().put("theme", b"light").await.unwrap();
        store.meta().put("theme", b"dark").await.unwrap();
        assert_eq!(store.meta().get("theme").await.unwrap().as_deref(), Some(&b"dark"[..]));
        let err = store.meta().put("theme", &vec![0; 65 << 10]).await.unwrap_err();
        assert!(matches!(err, Error::TooLarge { .. }), "{err}");
    }

    async fn writers_and_readers_at_once_all_get_their_turn(store: &Store) {
        let session = SessionId::new();
        let rows: Vec<_> = (0..50).map(|_| call(session)).collect();
        futures_util::future::join_all(rows.iter().map(|row| async move {
            store.calls().record(row).await.unwrap();
            assert_eq!(store.calls().get(row.id).await.unwrap().as_ref(), Some(row));
            assert!(store.calls().finish(row.id, CallState::Done, Some(b"1")).await.unwrap());
        }))
        .await;
        assert_eq!(store.calls().open_of(session).await.unwrap().rows, []);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_session_reads_back(
        labels in prop::collection::vec((".{0,20}", ".{0,20}"), 0..5),
        url in ".{0,200}",
        title in ".{0,100}",
        cause in "[a-z_]{1,20}",
        detail in prop::option::of(".{0,100}"),
        numbers in any::<(u32, u32, u32, u32)>(),
        told in any::<bool>(),
        recovered in prop::option::of(prop::collection::vec(any::<u8>(), 0..200)),
        profile in prop::option::of(".{0,30}"),
    ) {
        let row = SessionRow {
            labels,
            url: Private::new(url),
            title: Private::new(title),
            cause,
            detail: detail.map(Private::new),
            generation: u64::from(numbers.0) << 20,
            call_count: u64::from(numbers.1),
            next_tab: numbers.2,
            failures: numbers.3,
            active_tab: told.then_some(TabId(numbers.2)),
            recovered_told: told,
            recovered,
            profile,
            ..session()
        };
        block_on(async {
            let store = Store::open_memory().await.unwrap();
            store.sessions().insert(&row).await.unwrap();
            assert_eq!(store.sessions().get(row.id).await.unwrap(), Some(row));
        });
    }

    #[test]
    fn any_part_reads_back(
        canonical in prop::collection::vec(any::<u8>(), 0..5000),
        kind in "[a-z_]{1,20}",
    ) {
        block_on(async {
            let store = Store::open_memory().await.unwrap();
            let session = SessionId::new();
            let at = store.blobs().put(session, &kind, &canonical).await.unwrap();
            assert_eq!(store.blobs().get(session, &kind, at).await.unwrap(), canonical);
        });
    }
}

fn block_on(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work);
}

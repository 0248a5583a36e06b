//! How downloads are kept, with what browsers say in every order.

use super::*;

const NOW: i64 = 1_000_000;

fn limits() -> DownloadLimits {
    DownloadLimits {
        file_bytes: 100,
        session_bytes: 250,
        count: 4,
        free_bytes: 10,
    }
}

struct Stage {
    held: Held,
    browser: BrowserId,
    limits: DownloadLimits,
    free: Option<u64>,
}

impl Stage {
    fn new() -> Self {
        Self {
            held: Held::default(),
            browser: BrowserId::new(),
            limits: limits(),
            free: Some(1_000_000),
        }
    }

    fn begins(&mut self, guid: &str, name: &str) -> u32 {
        let by = Saying {
            browser: self.browser,
            limits: &self.limits,
            free: self.free,
            now: NOW,
        };
        let beginning = Beginning {
            guid: guid.to_owned(),
            url: String::new(),
            name: name.to_owned(),
            tab: None,
        };
        self.held.begins(by, beginning);
        self.held.begun
    }

    fn goes(&mut self, guid: &str, bytes: u64, total: Option<u64>, ended: Option<bool>) {
        let by = Saying {
            browser: self.browser,
            limits: &self.limits,
            free: self.free,
            now: NOW,
        };
        let going = Going {
            bytes,
            total,
            ended,
        };
        self.held.goes(by, guid, going);
    }

    /// Has one loaded and placed.
    fn loads(&mut self, guid: &str, name: &str, bytes: u64) -> u32 {
        let number = self.begins(guid, name);
        self.goes(guid, bytes, Some(bytes), Some(true));
        self.held.placed(number, moved(bytes), NOW);
        number
    }

    fn state(&self, number: u32) -> (DownloadState, String) {
        let download = self.held.get(number).unwrap();
        (download.state, download.reason.clone().unwrap_or_default())
    }
}

fn moved(bytes: u64) -> Result<Moved, NotMoved> {
    let sha256 = String::new();
    Ok(Moved { bytes, sha256 })
}

#[test]
fn it_is_complete_when_its_file_has_its_place_and_not_before() {
    let mut stage = Stage::new();
    let number = stage.begins("a", "../a.txt");
    stage.goes("a", 5, Some(5), Some(true));
    assert_eq!(stage.state(number).0, DownloadState::InProgress);
    let then = stage.held.then();
    assert!(
        matches!(&then[..], [Then::Place(it)] if it.name == "a.txt"),
        "{then:?}"
    );
    // Late words of it change nothing.
    stage.goes("a", 0, None, Some(false));
    stage.held.placed(number, moved(5), NOW);
    stage.goes("a", 9, None, None);
    assert_eq!(stage.state(number).0, DownloadState::Completed);
    assert_eq!(stage.held.get(number).unwrap().bytes, 5);
}

#[test]
fn two_of_a_name_have_two_files() {
    let mut stage = Stage::new();
    let (one, other) = (stage.begins("a", "a.txt"), stage.begins("b", "A.txt"));
    assert_eq!(stage.held.get(other).unwrap().name, "A (2).txt");
    // And one that somebody else put there is not written over.
    stage.goes("a", 1, None, Some(true));
    stage.held.then();
    stage.held.placed(one, Err(NotMoved::Taken), NOW);
    let then = stage.held.then();
    assert!(
        matches!(&then[..], [Then::Place(it)] if it.name == "a (3).txt"),
        "{then:?}"
    );
}

#[test]
fn every_bound_ends_what_goes_over_it_and_says_so() {
    let mut stage = Stage::new();
    let check = |stage: &mut Stage, number: u32, setting: &str| {
        let (state, reason) = stage.state(number);
        assert_eq!(state, DownloadState::Canceled, "{setting}");
        assert!(reason.contains(setting), "{reason}");
        let then = stage.held.then();
        let ends = |it: &Then| matches!(it, Then::Cancel(it) if it.number == number);
        assert!(then.iter().any(ends), "{then:?}");
    };
    let large = stage.begins("a", "a");
    stage.goes("a", 1, Some(101), None);
    check(&mut stage, large, "max_file_bytes");
    // One that says nothing of its size is ended on its way.
    let sly = stage.begins("b", "b");
    stage.goes("b", 100, None, None);
    stage.goes("b", 101, None, None);
    check(&mut stage, sly, "max_file_bytes");
    // Also one that is heard of only when it is whole.
    let quick = stage.begins("c", "c");
    stage.goes("c", 101, None, Some(true));
    check(&mut stage, quick, "max_file_bytes");
    for guid in ["d", "e"] {
        stage.loads(guid, guid, 100);
    }
    let third = stage.begins("f", "f");
    stage.goes("f", 51, None, None);
    check(&mut stage, third, "max_session_bytes");
    stage.free = Some(39);
    let fills = stage.begins("g", "g");
    stage.goes("g", 10, Some(40), None);
    check(&mut stage, fills, "min_free_bytes");
    stage.free = Some(1_000_000);
    stage.loads("h", "h", 1);
    stage.loads("i", "i", 1);
    let fifth = stage.begins("j", "j");
    check(&mut stage, fifth, "max_count");
    // Room that is made can be used.
    stage.held.remove(fifth - 1);
    stage.held.removed(fifth - 1);
    let next = stage.begins("k", "k");
    assert_eq!(stage.state(next).0, DownloadState::InProgress);
}

#[test]
fn those_without_a_file_are_bounded_and_a_late_word_of_one_begins_nothing() {
    let mut stage = Stage::new();
    for n in 0..200 {
        let guid = format!("g{n}");
        stage.begins(&guid, "x");
        stage.goes(&guid, 0, None, Some(false));
    }
    assert_eq!(stage.held.all.len(), MOST_ENDED);
    stage.goes("g0", 5, None, None);
    assert_eq!((stage.held.all.len(), stage.held.begun), (MOST_ENDED, 200));
    let (rows, gone) = stage.held.unstored().unwrap();
    assert_eq!((rows.len(), gone.len()), (MOST_ENDED + 1, 150));
}

#[test]
fn what_an_ended_browser_had_under_way_is_interrupted_unless_it_was_whole() {
    let mut stage = Stage::new();
    let (half, whole) = (stage.begins("a", "a"), stage.begins("b", "b"));
    assert!(stage.held.of_ended(Some(stage.browser)).is_empty());
    let ended = stage.held.of_ended(None);
    assert_eq!((ended.len(), ended[0].1.len()), (1, 2));
    // Once is enough.
    assert!(stage.held.of_ended(None).is_empty());
    let saved = vec![(half, Err(NotMoved::Gone)), (whole, moved(3))];
    stage.held.swept(&stage.browser.to_string(), saved, NOW);
    assert_eq!(stage.state(half).0, DownloadState::Interrupted);
    assert_eq!(stage.state(whole).0, DownloadState::Completed);
}

#[test]
fn what_nobody_heard_of_is_seen_by_its_file() {
    let mut stage = Stage::new();
    let old = stage.begins("a", "a");
    let whole = stage.begins("b", "b");
    let by = Saying {
        browser: stage.browser,
        limits: &limits(),
        free: None,
        now: NOW + UNSEEN + 1,
    };
    let found = vec![(old, Found::Nothing), (whole, Found::Whole)];
    stage.held.seen(by, found, vec!["c".to_owned()]);
    assert_eq!(stage.state(old).0, DownloadState::Interrupted);
    let then = stage.held.then();
    let placed = then.iter().filter(|it| matches!(it, Then::Place(_)));
    assert_eq!(placed.count(), 2, "{then:?}");
    let stranger = stage.held.get(whole + 1).unwrap();
    assert_eq!(stranger.name, "download");
}

#[test]
fn an_answer_tells_each_news_once() {
    let mut stage = Stage::new();
    let number = stage.begins("a", "a");
    let stored = |stage: &Stage| stage.held.all.values().cloned().collect::<Vec<_>>();
    let all = stored(&stage);
    assert_eq!(stage.held.news(&all).len(), 1);
    assert!(stage.held.news(&all).is_empty());
    stage.goes("a", 5, None, Some(true));
    stage.held.placed(number, moved(5), NOW);
    // Not before it is stored.
    assert!(stage.held.news(&all).is_empty());
    let all = stored(&stage);
    assert_eq!(stage.held.news(&all)[0].state, DownloadState::Completed);
}

#[test]
fn numbers_are_given_once_also_over_a_restart() {
    let mut stage = Stage::new();
    let number = stage.loads("a", "a", 1);
    let (mut rows, _) = stage.held.unstored().unwrap();
    stage.held.remove(number);
    let mut again = Held::default();
    let (removing, _) = stage.held.unstored().unwrap();
    rows.retain(|row| row.number == 0);
    rows.extend(removing.into_iter().filter(|row| row.number != 0));
    assert!(again.load(&rows).is_empty());
    // A removal that a crash cut off goes on.
    assert!(matches!(&again.then()[..], [Then::Remove(_)]));
    assert!(again.get(number).is_none());
    again.removed(number);
    stage.held = again;
    assert_eq!(stage.begins("b", "b"), number + 1);
}

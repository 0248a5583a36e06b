//! The rules of the state machine, held against any order of facts.

use proptest::prelude::*;

use super::*;

fn any_cause() -> impl Strategy<Value = Cause> {
    prop::sample::select(Cause::ALL)
}

/// Links 0 to 3, so that stale and current ones both come up.
fn any_link() -> impl Strategy<Value = LinkId> {
    (0u64..4).prop_map(LinkId)
}

fn any_fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        any_link().prop_map(|link| Fact::Launched(link, None)),
        any_link().prop_map(Fact::LaunchFailed),
        any_link().prop_map(Fact::LinkLost),
        any_link().prop_map(Fact::ReAttached),
        (any_link(), any_cause()).prop_map(|(link, cause)| Fact::BrowserGone(link, cause)),
        any_link().prop_map(Fact::DiesAgain),
        any_link().prop_map(Fact::WindowSpent),
        any_link().prop_map(Fact::Restored),
        any_link().prop_map(Fact::RestoreFailed),
        any_link().prop_map(Fact::NoRoom),
        Just(Fact::NotAdopted),
        Just(Fact::Released),
        Just(Fact::Parked),
        any_link().prop_map(Fact::ResumeAsked),
        any_link().prop_map(Fact::RelinkAsked),
        Just(Fact::Aged),
    ]
}

fn run(
    mut state: State,
    facts: Vec<Fact>,
    newest: Option<CheckpointId>,
) -> Vec<(State, Vec<Effect>)> {
    let mut seen = vec![];
    for (n, fact) in facts.into_iter().enumerate() {
        let (next, effects) = state.step(fact, newest, LinkId(n as u64 % 4));
        state = next.clone();
        seen.push((next, effects));
    }
    seen
}

fn start() -> State {
    State::Starting { link: LinkId(0) }
}

proptest! {
    #[test]
    fn a_closed_session_stays_closed_until_it_is_resumed(facts in prop::collection::vec(any_fact(), 0..40)) {
        let (closed, _) = start().step(Fact::CloseAsked, None, LinkId(1));
        for (state, effects) in run(closed, facts, None) {
            prop_assert_eq!(state, State::Closed { kept: None });
            prop_assert!(effects.is_empty());
        }
    }

    #[test]
    fn a_session_with_a_checkpoint_never_forgets_it(facts in prop::collection::vec(any_fact(), 0..40)) {
        let checkpoint = CheckpointId::new();
        for (state, _) in run(start(), facts, Some(checkpoint)) {
            let kept = match state {
                State::Recovering { from, .. } | State::Recoverable { from } | State::Stale { from } => Some(from),
                State::Failed { from } => from,
                State::Closed { kept } => kept,
                State::Starting { .. } | State::Alive { .. } | State::Reconnecting { .. } => Some(checkpoint),
            };
            prop_assert_eq!(kept, Some(checkpoint));
        }
    }

    #[test]
    fn a_state_without_a_browser_never_keeps_one(facts in prop::collection::vec(any_fact(), 1..40), with in any::<bool>()) {
        let newest = with.then(CheckpointId::new);
        let mut held = true;
        for (state, effects) in run(start(), facts, newest) {
            if effects.contains(&Effect::StopBrowser) { held = false; }
            if effects.iter().any(|effect| matches!(effect, Effect::Recover(..))) { held = true; }
            if !state.name().holds_browser() {
                prop_assert!(!held, "{:?} holds a browser", state);
            }
        }
    }

    #[test]
    fn held_commands_are_always_let_go(facts in prop::collection::vec(any_fact(), 1..40), with in any::<bool>()) {
        let newest = with.then(CheckpointId::new);
        let mut before = start();
        for (state, effects) in run(start(), facts, newest) {
            let holds = |state: &State| state.admit(Kind::Act) == Ok(Admission::Hold);
            if holds(&before) && !holds(&state) {
                let told = effects.contains(&Effect::RunHeld) || effects.contains(&Effect::RefuseHeld);
                prop_assert!(told, "{:?} to {:?} tells nobody", before, state);
            }
            before = state;
        }
    }

    #[test]
    fn news_of_another_link_changes_nothing(fact in any_fact()) {
        let alive = State::Alive { link: LinkId(9) };
        if fact.link().is_some() {
            let (after, effects) = alive.clone().step(fact, None, LinkId(10));
            prop_assert_eq!(after, alive);
            prop_assert!(effects.is_empty());
        }
    }
}

#[test]
fn a_killed_browser_is_replaced_from_the_newest_checkpoint() {
    let checkpoint = CheckpointId::new();
    let alive = State::Alive { link: LinkId(1) };
    let (state, effects) = alive.step(
        Fact::BrowserGone(LinkId(1), Cause::Killed),
        Some(checkpoint),
        LinkId(2),
    );
    assert_eq!(
        state,
        State::Recovering {
            link: LinkId(2),
            from: checkpoint,
            cause: Cause::Killed,
            tries: 1,
        }
    );
    assert_eq!(
        effects,
        [Effect::StopBrowser, Effect::Recover(LinkId(2), checkpoint)]
    );
}

#[test]
fn an_attached_session_without_its_browser_looks_for_it_when_asked_and_launches_none() {
    let alive = State::Alive { link: LinkId(1) };
    let (cut, effects) = alive.step(Fact::LinkLost(LinkId(1)), None, LinkId(2));
    assert_eq!(effects, [Effect::Dial(LinkId(1))]);
    let (failed, effects) = cut.step(Fact::WindowSpent(LinkId(1)), None, LinkId(3));
    assert_eq!(failed, State::Failed { from: None });
    assert_eq!(effects, [Effect::RefuseHeld, Effect::StopBrowser]);
    assert_eq!(failed.admit(Kind::Relink), Ok(Admission::Run));
    let (again, effects) = failed.step(Fact::RelinkAsked(LinkId(4)), None, LinkId(5));
    assert_eq!(again, State::Reconnecting { link: LinkId(4) });
    assert_eq!(effects, [Effect::Dial(LinkId(4))]);
    let closed = State::Closed { kept: None };
    assert_eq!(closed.admit(Kind::Relink), Err(Denied::Closed));
}

#[test]
fn a_recovery_whose_browser_dies_is_tried_again_a_few_times() {
    let from = CheckpointId::new();
    let gone = |link| Fact::BrowserGone(LinkId(link), Cause::Killed);
    let alive = State::Alive { link: LinkId(1) };
    let mut state = alive.step(gone(1), Some(from), LinkId(2)).0;
    for link in 2..4 {
        let (next, effects) = state.step(gone(link), Some(from), LinkId(link + 1));
        let again = Effect::Recover(LinkId(link + 1), from);
        assert_eq!(effects, [Effect::StopBrowser, again]);
        state = next;
    }
    let (failed, _) = state.clone().step(gone(4), Some(from), LinkId(5));
    assert_eq!(failed, State::Failed { from: Some(from) });
    // What can't be filled isn't filled by another browser either.
    let (failed, _) = state.step(Fact::RestoreFailed(LinkId(4)), Some(from), LinkId(5));
    assert_eq!(failed, State::Failed { from: Some(from) });
}

#[test]
fn a_browser_without_a_checkpoint_leaves_a_failed_session() {
    let alive = State::Alive { link: LinkId(1) };
    let (state, _) = alive.step(Fact::BrowserGone(LinkId(1), Cause::Killed), None, LinkId(2));
    assert_eq!(state, State::Failed { from: None });
    assert_eq!(state.admit(Kind::Resume), Err(Denied::NoCheckpoint));
}

#[test]
fn stale_comes_back_only_when_asked() {
    let from = CheckpointId::new();
    let (state, _) = State::Recoverable { from }.step(Fact::Aged, Some(from), LinkId(1));
    assert_eq!(state.admit(Kind::Act), Err(Denied::Stale));
    assert_eq!(state.admit(Kind::Resume), Ok(Admission::Run));
}

#[test]
fn close_succeeds_twice() {
    let (state, _) = start().step(Fact::CloseAsked, None, LinkId(1));
    assert_eq!(state.admit(Kind::Close), Ok(Admission::AlreadyDone));
}

#[test]
fn a_recovery_without_room_is_tried_again_by_the_next_call() {
    let from = CheckpointId::new();
    let recovering = State::Recovering {
        link: LinkId(2),
        from,
        cause: Cause::Killed,
        tries: 1,
    };
    let (state, effects) = recovering.step(Fact::NoRoom(LinkId(2)), Some(from), LinkId(3));
    assert_eq!(state, State::Recoverable { from });
    assert_eq!(effects, [Effect::StopBrowser, Effect::RefuseHeld]);
    assert_eq!(state.admit(Kind::Act), Ok(Admission::ResumeFirst));
}

#[test]
fn a_restore_that_fails_leads_back_once_to_what_was_kept_before_it() {
    let (asked, kept) = (CheckpointId::new(), CheckpointId::new());
    let alive = State::Alive { link: LinkId(1) };
    let (state, effects) = alive.step(Fact::RestoreAsked(LinkId(2), asked), Some(kept), LinkId(9));
    assert_eq!(
        effects,
        [Effect::StopBrowser, Effect::Recover(LinkId(2), asked)]
    );
    for failed in [
        Fact::RestoreFailed(LinkId(2)),
        Fact::BrowserGone(LinkId(2), Cause::Killed),
    ] {
        let (back, effects) = state.clone().step(failed, Some(kept), LinkId(3));
        assert_eq!(
            effects,
            [Effect::StopBrowser, Effect::Recover(LinkId(3), kept)]
        );
        let (end, _) = back.step(Fact::RestoreFailed(LinkId(3)), Some(kept), LinkId(4));
        assert_eq!(end, State::Failed { from: Some(kept) });
    }
}

#[test]
fn every_session_without_a_browser_can_be_restored_from_a_checkpoint_that_is_named() {
    let asked = CheckpointId::new();
    for state in [
        State::Recoverable { from: asked },
        State::Stale { from: asked },
        State::Failed { from: None },
        State::Closed { kept: None },
    ] {
        let (next, effects) = state.step(Fact::RestoreAsked(LinkId(1), asked), None, LinkId(2));
        assert_eq!(next.link(), Some(LinkId(1)));
        assert_eq!(effects, [Effect::Recover(LinkId(1), asked)]);
    }
}

#[test]
fn only_a_living_session_that_can_come_back_is_parked() {
    let link = LinkId(0);
    let from = CheckpointId::new();
    let alive = State::Alive { link };
    assert_eq!(
        alive.clone().step(Fact::Parked, Some(from), LinkId(1)),
        (State::Recoverable { from }, vec![Effect::StopBrowser])
    );
    assert_eq!(
        alive.clone().step(Fact::Parked, None, LinkId(1)),
        (alive, vec![])
    );
    let reconnecting = State::Reconnecting { link };
    assert_eq!(
        reconnecting
            .clone()
            .step(Fact::Parked, Some(from), LinkId(1)),
        (reconnecting, vec![])
    );
}

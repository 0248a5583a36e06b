//! MiniWoB++: small tasks that somebody else made to measure how agents use web pages.
//!
//! Its pages come with the package of that name, which `make clients` has put beside the
//! foreign clients. Every page must load and begin. Those in [`tasks::TASKS`] are solved by
//! scripts that have nothing but `snapshot` and `interact`, through the real daemon, ten times
//! each from seeds that are made up on the spot; the page itself says whether it was solved.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "helpers of tests fail tests, tell what was done, serve files and read clocks"
)]

#[path = "miniwob/arena.rs"]
mod arena;
#[path = "miniwob/hand.rs"]
mod hand;
#[path = "miniwob/tasks.rs"]
mod tasks;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Instant, SystemTime};

use arena::Arena;
use hand::Hand;
use serde_json::json;
use tasks::{TASKS, Task};
use testkit::harness::{Agent, Harness, Http};

const BROWSERD: &str = env!("CARGO_BIN_EXE_browserd");
/// How many sessions work at once.
const SESSIONS: usize = 3;
/// How often each task is done, and how often it must be solved.
const EPISODES: u64 = 10;
const SOLVED: usize = 9;

/// Returns where `make clients` has put the pages.
fn pages() -> PathBuf {
    let found = std::env::var_os("BROWSERD_TEST_CLIENTS").map(PathBuf::from);
    let target = || {
        let program = PathBuf::from(BROWSERD);
        let target = program.ancestors().nth(2);
        target.map(|target| target.join("clients"))
    };
    let folder = found.or_else(target).expect("the build folder");
    let pages = folder.join("miniwob/miniwob/html");
    assert!(
        pages.join("miniwob").is_dir(),
        "run `make clients` first: {} isn't there",
        pages.display()
    );
    pages
}

/// One thing to do.
enum Work {
    Solve(&'static Task),
    Load(String),
}

#[test]
fn tasks_that_others_made_are_solved_by_looking_and_acting() {
    let arena = Arena::serve(&pages());
    let all = arena.tasks();
    assert!(all.len() >= 120, "the pages are there: {}", all.len());
    for task in TASKS {
        assert!(all.iter().any(|name| name == task.name), "{}", task.name);
    }
    assert!(TASKS.len() >= 30);
    let others = all
        .iter()
        .filter(|name| TASKS.iter().all(|task| task.name != *name));
    let mut queue: VecDeque<_> = TASKS.iter().map(Work::Solve).collect();
    queue.extend(others.cloned().map(Work::Load));
    let queue = Mutex::new(queue);

    let mut test = Harness::new(BROWSERD);
    test.serve();
    let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let base = clock.expect("a clock").as_nanos() as u64;
    let begun = Instant::now();
    let failed: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..SESSIONS)
            .map(|_| {
                let door = test.http();
                let (queue, arena) = (&queue, &arena);
                scope.spawn(move || work(door, arena, queue, base))
            })
            .collect();
        let ended = workers.into_iter().map(|it| it.join().expect("a worker"));
        ended.flatten().collect()
    });
    println!(
        "{} tasks, {} pages, base seed {base}, {:?}",
        TASKS.len(),
        all.len(),
        begun.elapsed()
    );
    assert!(failed.is_empty(), "base seed {base}: {failed:#?}");
    test.finish();
}

/// Does what is in the queue, in a session of its own; returns what went wrong.
fn work(door: Http, arena: &Arena, queue: &Mutex<VecDeque<Work>>, base: u64) -> Vec<String> {
    let mut agent = Agent::open(door, None, "about:blank");
    let mut failed = Vec::new();
    loop {
        let Some(work) = queue.lock().expect("a queue").pop_front() else {
            return failed;
        };
        let wrong = match work {
            Work::Solve(task) => solve(&mut agent, arena, task, base),
            Work::Load(name) => load(&mut agent, arena, &name, base),
        };
        failed.extend(wrong);
    }
}

fn load(agent: &mut Agent<Http>, arena: &Arena, name: &str, seed: u64) -> Option<String> {
    let there = agent.call("navigate", json!({ "url": arena.url(name) }));
    if there["http_status"] != 200 || there["title"].as_str().is_none_or(str::is_empty) {
        return Some(format!("{name}: {there}"));
    }
    arena::start(agent, seed);
    let shown = agent.snapshot();
    (shown.lines().count() < 2).then(|| format!("{name} shows nothing: {shown}"))
}

fn solve(agent: &mut Agent<Http>, arena: &Arena, task: &Task, base: u64) -> Option<String> {
    agent.call("navigate", json!({ "url": arena.url(task.name) }));
    let begun = Instant::now();
    let mut wrong = Vec::new();
    for episode in 0..EPISODES {
        // Nothing in a script depends on these: what they lead to is on the page alone.
        let seed = base
            .wrapping_add(episode)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        arena::start(agent, seed);
        let tried = (task.solve)(&mut Hand::of(agent));
        match (arena::reward(agent), tried) {
            (Some(reward), Ok(())) if reward > 0.0 => {}
            (reward, tried) => wrong.push(format!("seed {seed}: {reward:?}, {tried:?}")),
        }
    }
    println!(
        "{}: {} wrong, {:?}",
        task.name,
        wrong.len(),
        begun.elapsed()
    );
    let solved = usize::try_from(EPISODES).unwrap_or(0) - wrong.len();
    (solved < SOLVED).then(|| format!("{}: {wrong:#?}", task.name))
}

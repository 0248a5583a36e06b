//! What the demo application saw.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rand::Rng as _;
use serde::Serialize;

/// How many requests are listed; the counts go on.
const LISTED: usize = 1000;
/// How many logins are remembered; the demo needs one.
const REMEMBERED: u64 = 1000;

/// Every login and every request for a protected page.
#[derive(Debug, Default)]
pub struct Ledger {
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    stats: Stats,
    sessions: HashSet<String>,
    tokens: HashSet<String>,
    /// One-time codes, and the token each one is worth.
    codes: HashMap<String, String>,
}

/// What happened so far.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Stats {
    /// Logins with the right password.
    pub logins: u64,
    /// Logins with a wrong one.
    pub refused_logins: u64,
    /// Requests for a protected page.
    pub protected_requests: u64,
    /// Requests for a protected page that came without the session's cookie.
    pub unauthenticated_protected_requests: u64,
    /// The newest requests for protected pages, oldest first.
    pub requests: VecDeque<Request>,
}

/// One request for a protected page.
#[derive(Clone, Debug, Serialize)]
pub struct Request {
    /// Its path.
    pub path: String,
    /// Whether it brought the session's cookie.
    pub cookie: bool,
}

/// A login that was let in.
#[derive(Debug)]
pub struct Login {
    /// The cookie's value.
    pub session: String,
    /// The code that the welcome page takes, once.
    pub code: String,
}

impl Ledger {
    /// Writes down a login and makes its secrets.
    pub fn login(&self) -> Login {
        let login = Login {
            session: secret(),
            code: secret(),
        };
        let mut book = self.book();
        book.stats.logins += 1;
        if book.stats.logins <= REMEMBERED {
            let token = secret();
            book.sessions.insert(login.session.clone());
            book.tokens.insert(token.clone());
            book.codes.insert(login.code.clone(), token);
        }
        login
    }

    /// Writes down a login that was refused.
    pub fn refused_login(&self) {
        self.book().stats.refused_logins += 1;
    }

    /// Returns the token that the code is worth, the first time it is asked.
    pub fn redeem(&self, code: &str) -> Option<String> {
        self.book().codes.remove(code)
    }

    /// Tells whether the cookie is one that a login was given.
    pub fn knows_session(&self, cookie: &str) -> bool {
        self.book().sessions.contains(cookie)
    }

    /// Tells whether the token is one that a login was given.
    pub fn knows_token(&self, token: &str) -> bool {
        self.book().tokens.contains(token)
    }

    /// Writes down a request for a protected page.
    pub fn protected_request(&self, path: &str, cookie: bool) {
        let stats = &mut self.book().stats;
        stats.protected_requests += 1;
        stats.unauthenticated_protected_requests += u64::from(!cookie);
        if stats.requests.len() == LISTED {
            stats.requests.pop_front();
        }
        stats.requests.push_back(Request {
            path: path.to_owned(),
            cookie,
        });
    }

    /// Returns what happened so far.
    pub fn stats(&self) -> Stats {
        self.book().stats.clone()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // Nothing in here is left half-done by a panic.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn secret() -> String {
    let bytes: [u8; 16] = rand::rng().random();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

//! The test site: small pages with what tests need, and a count of every request.
//!
//! It runs on a thread of its own on a free loopback port, so that plain tests and async ones
//! can use it. Pages are in `site/pages.rs`.

mod files;
mod pages;

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Form, Router};
pub use files::{BEFORE_GATE, GATED};
use futures_util::{StreamExt as _, stream};
use serde::Deserialize;
use tokio::sync::oneshot;

/// The user that may log in.
pub const USER: &str = "ada";
/// The user's password.
pub const PASSWORD: &str = "difference engine";

/// A running test site. Dropping it stops it.
#[derive(Debug)]
pub struct Site {
    address: SocketAddr,
    counts: Arc<Mutex<Counts>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What the site has seen.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Requests by path, without the icon that browsers ask for unasked.
    pub requests: BTreeMap<String, u64>,
    /// Logins that were accepted.
    pub logins: u64,
    /// Requests for a protected page without a cookie that is good for it.
    pub turned_away: u64,
    /// Cookies that are good for the protected pages.
    tokens: HashSet<String>,
    /// Gates that are open.
    gates: HashSet<String>,
}

impl Counts {
    /// Returns the number of requests for `path`.
    #[must_use]
    pub fn of(&self, path: &str) -> u64 {
        self.requests.get(path).copied().unwrap_or(0)
    }

    /// Returns the number of all requests.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.requests.values().sum()
    }
}

type Shared = Arc<Mutex<Counts>>;

impl Site {
    /// Starts the site on a free port of 127.0.0.1.
    #[must_use]
    pub fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener
            .set_nonblocking(true)
            .expect("a non-blocking listener");
        let address = listener.local_addr().expect("the address");
        let counts = Shared::default();
        let (stop, stopped) = oneshot::channel();
        let app = router(Arc::clone(&counts));
        let thread = std::thread::spawn(move || serve(listener, app, stopped));
        Self {
            address,
            counts,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Returns the address of a page, as `http://127.0.0.1:PORT/path`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Returns the address of a page under another name of this host: another origin and site.
    #[must_use]
    pub fn other_origin(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.address.port())
    }

    /// Returns the address of a page under a name below `localhost`: another site again.
    #[must_use]
    pub fn named(&self, name: &str, path: &str) -> String {
        format!("http://{name}.localhost:{}{path}", self.address.port())
    }

    /// Returns what was seen until now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        lock(&self.counts).clone()
    }

    /// Returns the number of requests for `path` until now.
    #[must_use]
    pub fn count_of(&self, path: &str) -> u64 {
        lock(&self.counts).of(path)
    }

    /// Lets a gated file come to its end.
    pub fn open_gate(&self, name: &str) {
        lock(&self.counts).gates.insert(name.to_owned());
    }

    /// Forgets every login, as a server does that is restarted.
    pub fn forget_logins(&self) {
        lock(&self.counts).tokens.clear();
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // Either may have gone with the thread; then there is nothing to stop.
        if let Some(stop) = self.stop.take() {
            stop.send(()).ok();
        }
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn serve(listener: std::net::TcpListener, app: Router, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("the listener");
        // No graceful end: endless answers would hold it for ever.
        tokio::select! {
            served = axum::serve(listener, app) => served.expect("the site serves"),
            _ = stopped => {}
        }
    });
}

fn router(counts: Shared) -> Router {
    Router::new()
        .route("/", get(async || Html(pages::INDEX)))
        .route("/login", get(async || Html(pages::LOGIN)).post(log_in))
        .route("/home", get(home))
        .route("/form", get(async || Html(pages::FORM)))
        .route("/fields", get(async || Html(pages::FIELDS)))
        .route("/storage", get(async || Html(pages::STORAGE)))
        .route("/place/{name}", get(place).post(place))
        .route("/dialogs", get(async || Html(pages::DIALOGS)))
        .route("/popup", get(async || Html(pages::POPUP)))
        .route("/popped", get(async || Html(pages::POPPED)))
        .route("/long", get(async || Html(pages::long())))
        .route("/controls", get(async || Html(pages::controls())))
        .route("/frames", get(frames))
        .route("/partnered", get(partnered))
        .route("/partner", get(async || Html(pages::PARTNER)))
        .route("/headers", get(headers).options(headers))
        .route("/guarded", get(guarded))
        .route("/embeds", get(async || Html(pages::EMBEDS)))
        .route("/fidelity", get(fidelity))
        .route("/fellow", get(async || Html(pages::FELLOW)))
        .route("/leaving", get(async || Html(pages::LEAVING)))
        .route("/cookies/set", get(set_cookies))
        .route("/cookies/parent", get(set_parent_cookie))
        .route("/cookies/seen", get(seen_cookies))
        .route("/inner", get(async || Html(pages::INNER)))
        .route("/noise", get(async || Html(pages::NOISE)))
        .route("/covered", get(async || Html(pages::COVERED)))
        .route("/work", get(async || Html(pages::WORK)))
        .route("/mark/{who}/{number}", get(mark).post(mark))
        .route("/slow", get(slow))
        .route("/endless", get(endless))
        .route("/silent", get(std::future::pending::<Response>))
        .route("/redirect", get(redirect))
        .route("/circle", get(async || Redirect::to("/circle")))
        .route("/status/{code}", get(status))
        .merge(files::routes())
        .layer(middleware::from_fn_with_state(Arc::clone(&counts), count))
        .with_state(counts)
}

async fn count(State(counts): State<Shared>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path != "/favicon.ico" {
        *lock(&counts).requests.entry(path.to_owned()).or_default() += 1;
    }
    next.run(request).await
}

#[derive(Deserialize)]
struct Credentials {
    user: String,
    password: String,
}

/// Tells which headers came, by their names in lower case. Other origins may read it.
async fn headers(headers: HeaderMap) -> Response {
    let told: BTreeMap<_, _> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()))
        .collect();
    let open = [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "*"),
    ];
    (open, axum::Json(told)).into_response()
}

/// Asks for a name and password as HTTP does.
async fn guarded(headers: HeaderMap) -> Response {
    // ada:engine
    let told = headers.get(header::AUTHORIZATION);
    if told.is_some_and(|told| told == "Basic YWRhOmVuZ2luZQ==") {
        return Html("<p>Hello, ada</p>").into_response();
    }
    let ask = [(header::WWW_AUTHENTICATE, "Basic realm=\"site\"")];
    let body = Html("<p>Who is there?</p>");
    (StatusCode::UNAUTHORIZED, ask, body).into_response()
}

async fn log_in(State(counts): State<Shared>, Form(given): Form<Credentials>) -> Response {
    if given.user != USER || given.password != PASSWORD {
        return (StatusCode::FORBIDDEN, Html(pages::REFUSED)).into_response();
    }
    let mut counts = lock(&counts);
    counts.logins += 1;
    let token = format!("token-{}", counts.logins);
    counts.tokens.insert(token.clone());
    // A session cookie out of scripts' reach: only the browser can bring it back.
    let cookie = format!("session={token}; Path=/; HttpOnly; SameSite=Lax");
    ([(header::SET_COOKIE, cookie)], Redirect::to("/home")).into_response()
}

async fn home(State(counts): State<Shared>, headers: HeaderMap) -> Response {
    let mut counts = lock(&counts);
    let known = cookie(&headers, "session").is_some_and(|token| counts.tokens.contains(token));
    if known {
        return Html(pages::HOME).into_response();
    }
    counts.turned_away += 1;
    Redirect::to("/login").into_response()
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split("; "))
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

async fn frames(headers: HeaderMap) -> Html<String> {
    Html(pages::frames(&of_localhost(&headers, "/inner")))
}

async fn partnered(headers: HeaderMap) -> Html<String> {
    Html(pages::partnered(&of_localhost(&headers, "/partner")))
}

async fn fidelity(headers: HeaderMap) -> Html<String> {
    Html(pages::fidelity(&of_localhost(&headers, "/fellow")))
}

/// Cookies of the kinds that only a server can set.
async fn set_cookies() -> Response {
    let kinds = [
        "strict=1; Path=/; HttpOnly; SameSite=Strict; Max-Age=99999",
        "lax=1; Path=/; HttpOnly; SameSite=Lax; Max-Age=99999",
        "pathy=1; Path=/cookies; HttpOnly",
    ];
    let kinds = kinds.map(|kind| (header::SET_COOKIE, kind));
    (axum::response::AppendHeaders(kinds), "set").into_response()
}

/// A cookie of the domain above `a.site.localhost`.
async fn set_parent_cookie() -> Response {
    let cookie = "parent=1; Domain=site.localhost; Path=/; Max-Age=99999";
    ([(header::SET_COOKIE, cookie)], Html("<h1>Parent</h1>")).into_response()
}

/// The cookies of a request, in order of their names.
async fn seen_cookies(headers: HeaderMap) -> Html<String> {
    let all = headers.get_all(header::COOKIE).iter();
    let all = all.filter_map(|value| value.to_str().ok());
    let mut all: Vec<&str> = all.flat_map(|value| value.split("; ")).collect();
    all.sort_unstable();
    Html(all.join("; "))
}

fn of_localhost(headers: &HeaderMap, path: &str) -> String {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let port = host.rsplit(':').next().unwrap_or_default();
    format!("http://localhost:{port}{path}")
}

/// An effect that is counted by its path, and told by a cookie of the server's own.
async fn mark(Path((_, number)): Path<(String, String)>) -> Response {
    let cookie = format!("served={number}; Path=/; HttpOnly; SameSite=Lax");
    ([(header::SET_COOKIE, cookie)], number).into_response()
}

/// A page that says where it is, how it was asked for, and what `popstate` told it.
async fn place(Path(name): Path<String>, method: axum::http::Method) -> Html<String> {
    Html(pages::place(&name, method.as_str()))
}

#[derive(Deserialize)]
struct Slow {
    ms: u64,
}

async fn slow(Query(Slow { ms }): Query<Slow>) -> Html<&'static str> {
    tokio::time::sleep(Duration::from_millis(ms)).await;
    Html(pages::INDEX)
}

/// A page that never finishes loading: its head and some text come, its end doesn't.
async fn endless() -> Response {
    let start = stream::once(async { Ok::<_, std::io::Error>(pages::ENDLESS) });
    let body = axum::body::Body::from_stream(start.chain(stream::pending()));
    ([(header::CONTENT_TYPE, "text/html")], body).into_response()
}

#[derive(Deserialize)]
struct To {
    to: String,
}

async fn redirect(Query(To { to }): Query<To>) -> Redirect {
    Redirect::to(&to)
}

async fn status(Path(code): Path<u16>) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_REQUEST);
    (
        status,
        Html(format!("<title>{code}</title><h1>Status {code}</h1>")),
    )
        .into_response()
}

fn lock(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "a=1; session=token-1; b=2".parse().unwrap());
        assert_eq!(cookie(&headers, "session"), Some("token-1"));
        assert_eq!(cookie(&headers, "sess"), None);
    }

    #[test]
    fn the_control_page_has_two_hundred_of_each() {
        let page = pages::controls();
        assert_eq!(page.matches("<a ").count(), 200);
        assert_eq!(page.matches("<button").count(), 200);
    }
}

//! The demo application: a small shop behind a login, on loopback.
//!
//! ```text
//! GET  /login             the form; `ada` with `lovelace` opens the shop
//! POST /login             → httpOnly session cookie, then /welcome once
//! GET  /welcome           its script puts a token into localStorage, then goes to /shop
//! GET  /shop              products; the cart is in sessionStorage       behind the cookie
//! GET  /cart              what is in the cart                           behind the cookie
//! GET  /catalogue         a long page, opened in a second tab           behind the cookie
//! GET  /orders            a plain page                                  behind the cookie
//! GET  /api/account       the shop's script asks it, with the token     behind the cookie
//! GET  /stats             what happened so far, as JSON
//! ```
//!
//! It keeps a [`Ledger`] of every request, since the demo's claim is about what a server
//! sees: one login, and never a protected page without its cookie.

mod ledger;
mod pages;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Form, Query, Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Json, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;
use tokio::net::TcpListener;

pub use ledger::{Ledger, Stats};

/// The one user.
pub const USER: &str = "ada";
/// The user's password.
pub const PASSWORD: &str = "lovelace";
/// The user's name as the pages greet them.
pub const NAME: &str = "Ada";

const COOKIE_NAME: &str = "demo_session";

/// The application, listening.
#[derive(Debug)]
pub struct App {
    listener: TcpListener,
    ledger: Arc<Ledger>,
}

impl App {
    /// Binds the application's listener.
    ///
    /// # Errors
    /// Those of binding.
    pub async fn bind(address: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self {
            listener,
            ledger: Arc::new(Ledger::default()),
        })
    }

    /// Returns the address it listens on.
    ///
    /// # Errors
    /// Those of asking the socket.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Returns what happened so far, for the program that runs it.
    pub fn ledger(&self) -> Arc<Ledger> {
        Arc::clone(&self.ledger)
    }

    /// Serves until `stop` is done.
    ///
    /// # Errors
    /// Those of the listener.
    pub async fn serve(
        self,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let routes = routes(self.ledger);
        // Open keep-alive connections of a browser must not hold the end up, so it isn't waited for them.
        tokio::select! {
            served = axum::serve(self.listener, routes).into_future() => served,
            () = stop => Ok(()),
        }
    }
}

fn routes(ledger: Arc<Ledger>) -> Router {
    let behind_the_cookie = Router::new()
        .route("/shop", get(async || Html(pages::shop())))
        .route("/cart", get(async || Html(pages::cart())))
        .route("/catalogue", get(async || Html(pages::catalogue())))
        .route("/orders", get(async || Html(pages::orders())))
        .route("/api/account", get(account))
        .layer(middleware::from_fn_with_state(Arc::clone(&ledger), admit));
    Router::new()
        .route("/", get(async || Redirect::to("/shop")))
        .route(
            "/login",
            get(async || Html(pages::login(false))).post(log_in),
        )
        .route("/welcome", get(welcome))
        .route("/favicon.ico", get(async || StatusCode::NO_CONTENT))
        .route("/stats", get(stats))
        .merge(behind_the_cookie)
        .layer(middleware::from_fn(uncached))
        .with_state(ledger)
}

/// Keeps every answer out of caches: a page that is shown again must have been asked for.
async fn uncached(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(
        CACHE_CONTROL,
        axum::http::HeaderValue::from_static("no-store"),
    );
    response
}

/// Lets a request with the session's cookie through and writes each one down.
async fn admit(State(ledger): State<Arc<Ledger>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let known = cookie(request.headers()).is_some_and(|cookie| ledger.knows_session(cookie));
    ledger.protected_request(&path, known);
    if known {
        next.run(request).await
    } else {
        Redirect::to("/login").into_response()
    }
}

#[derive(Deserialize)]
struct Credentials {
    user: String,
    password: String,
}

async fn log_in(State(ledger): State<Arc<Ledger>>, Form(given): Form<Credentials>) -> Response {
    if given.user != USER || given.password != PASSWORD {
        ledger.refused_login();
        return (StatusCode::FORBIDDEN, Html(pages::login(true))).into_response();
    }
    let login = ledger.login();
    // No Max-Age: a session cookie, which browsers themselves forget when they end.
    let cookie = format!(
        "{COOKIE_NAME}={}; Path=/; HttpOnly; SameSite=Lax",
        login.session
    );
    let next = Redirect::to(&format!("/welcome?code={}", login.code));
    ([(SET_COOKIE, cookie)], next).into_response()
}

#[derive(Deserialize)]
struct Welcome {
    code: String,
}

async fn welcome(State(ledger): State<Arc<Ledger>>, Query(given): Query<Welcome>) -> Response {
    // The code works once, so that a token in a later page can only be the one stored there.
    match ledger.redeem(&given.code) {
        Some(token) => Html(pages::welcome(&token)).into_response(),
        None => Redirect::to("/login").into_response(),
    }
}

async fn account(State(ledger): State<Arc<Ledger>>, headers: HeaderMap) -> Response {
    let token = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let known = token
        .and_then(|value| value.strip_prefix("Bearer "))
        .is_some_and(|token| ledger.knows_token(token));
    let answer = serde_json::json!({ "name": NAME, "token": known });
    (
        if known {
            StatusCode::OK
        } else {
            StatusCode::FORBIDDEN
        },
        Json(answer),
    )
        .into_response()
}

async fn stats(State(ledger): State<Arc<Ledger>>) -> Json<Stats> {
    Json(ledger.stats())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let pairs = headers
        .get_all(COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    pairs
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE_NAME)
        .map(|(_, value)| value)
}

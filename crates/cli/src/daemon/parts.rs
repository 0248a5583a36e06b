//! What a daemon is made of, put together.

use std::sync::Arc;

use base::{Clock, Tasks};
use server::{Daemon, Dispatch, Settings};
use tokio::sync::watch;

use super::{listen, part_failed, performer, token};
use crate::config::Config;
use crate::failure::Failure;
use crate::home::Home;

/// The daemon's parts, while it runs.
pub struct Parts {
    /// The funnel of all calls.
    pub dispatch: Arc<Dispatch>,
    /// What performs operations.
    pub sessions: session::Sessions,
    /// The store below them.
    pub store: store::Store,
    /// Told when a caller asks the daemon to stop.
    pub stop: Stop,
    /// Where HTTP is served.
    pub http_url: String,
    /// Where the local user calls.
    pub socket: String,
    /// Reaps what falls to the daemon, as long as it is held.
    pub _reaper: chrome::Reaper,
}

/// The wish of a caller that the daemon stops, and whether its browsers should.
pub struct Stop(watch::Receiver<Option<Wish>>);

#[derive(Clone, Copy)]
struct Wish {
    browsers: Option<bool>,
}

impl Stop {
    /// Waits until a caller asks; says what it said of the browsers.
    pub async fn asked(&self) -> Option<bool> {
        let mut wish = self.0.clone();
        match wish.wait_for(Option::is_some).await {
            Ok(wish) => wish.and_then(|wish| wish.browsers),
            // The dispatch is gone without a wish: nobody will ask any more.
            Err(_) => std::future::pending().await,
        }
    }
}

/// Puts the parts together. The caller holds the home's lock.
///
/// # Errors
/// What keeps a part from being made. Nothing that was stored is changed by then.
pub async fn made(home: &Home, config: &Config, tasks: &Tasks) -> Result<Parts, Failure> {
    let clock = Clock::system();
    let started_at = clock.wall();
    let token = token::load_or_make(home)?;
    let tcp = listen::tcp(config.listen)?;
    let address = tcp
        .local_addr()
        .map_err(|err| Failure::io("The HTTP address", &err))?;
    let store = store(home, config, tasks).await?;
    let reaper = chrome::Reaper::start(tasks)
        .map_err(|err| Failure::io("Orphans can't be looked after", &err))?;
    let sessions = performer::started(home, config, &store, clock.clone(), tasks).await?;
    let http_url = format!("http://{address}");
    let socket = home.socket().display().to_string();
    let daemon = Daemon {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        http_url: Some(http_url.clone()),
        socket: socket.clone(),
        home: home.folder().display().to_string(),
        started_at,
    };
    let settings = Settings {
        call_limit: config.call_limit,
        max_sessions: config.max_sessions,
        ..Settings::default()
    };
    let (tell, asked) = watch::channel(None);
    let stop = move |wish: api::StopDaemon| {
        tell.send_replace(Some(Wish {
            browsers: wish.browsers,
        }));
    };
    let operate = Arc::new(server::OnSessions::new(
        sessions.clone(),
        clock,
        tasks.clone(),
    ));
    let dispatch = Arc::new(Dispatch::new(operate, daemon, settings, stop));
    let access = server::http::Access::with_token(token.expose().as_str());
    let failed = |err: std::io::Error| Failure::io("The daemon can't listen", &err);
    server::http::serve_tcp(tcp, access, Arc::clone(&dispatch), tasks).map_err(failed)?;
    // The socket last: where it answers, everything behind it does.
    let unix = listen::unix(home)?;
    server::http::serve_unix(unix, Arc::clone(&dispatch), tasks).map_err(failed)?;
    let stop = Stop(asked);
    Ok(Parts {
        dispatch,
        sessions,
        store,
        stop,
        http_url,
        socket,
        _reaper: reaper,
    })
}

async fn store(home: &Home, config: &Config, tasks: &Tasks) -> Result<store::Store, Failure> {
    let failed = |err: store::Error| part_failed(err.code(), &err, err.hint());
    let key = store::key::open(home.folder(), &config.key)
        .await
        .map_err(failed)?;
    store::Store::open(home.folder(), key, tasks)
        .await
        .map_err(failed)
}

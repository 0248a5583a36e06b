//! One request and its answer on one connection, driven by the call itself.

use std::future::{Future, poll_fn};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use api::{ApiError, Problem};
use base::Ctx;
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{Request, Response, header};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustix::net::RecvFlags;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::address::Address;
use crate::error::{Cut, Error};

/// The largest answer taken: a full-page picture in base64 fits.
const LARGEST: usize = 512 * 1024 * 1024;
/// The daemon says itself that a deadline passed; this is how much longer it is waited for.
const GRACE: Duration = Duration::from_secs(4);

/// A request that can be sent again for as long as it wasn't sent.
pub(crate) struct Outgoing(Request<Full<Bytes>>);

/// How far an exchange came.
pub(crate) enum Progress {
    /// The daemon answered. The connection is handed back if it can be used again.
    Answered {
        answer: Result<Value, Error>,
        connection: Option<Connection>,
    },
    /// The request never left.
    Unsent { outgoing: Outgoing, source: Cut },
    /// It left, and there is no answer.
    Cut(Cut),
}

impl Outgoing {
    /// Makes the request of a call.
    pub(crate) fn of(
        ctx: &Ctx,
        address: &Address,
        operation: &str,
        arguments: &Value,
    ) -> Result<Self, Error> {
        let body = serde_json::to_vec(arguments).map_err(|source| Error::Encode { source })?;
        let remaining = u64::try_from(ctx.remaining().as_millis()).unwrap_or(u64::MAX);
        let mut request = Request::post(format!("/v1/operations/{operation}"))
            .header(header::HOST, address.host())
            .header(header::CONTENT_TYPE, "application/json")
            .header(api::CALL_ID_HEADER, ctx.call.to_string())
            .header(api::DEADLINE_HEADER, remaining);
        if let Some(token) = address.token() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        // An operation's name that isn't one of a path's steps, or a token with a line break.
        let request = request.body(Full::new(Bytes::from(body))).map_err(|_| {
            Error::Refused(ApiError::invalid(format!("{operation:?} can't be sent")))
        })?;
        Ok(Self(request))
    }
}

type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// A connection to the daemon. It moves only while a call polls it.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: Driver,
    socket: OwnedFd,
}

impl Connection {
    /// Makes a connection over a stream.
    pub(crate) async fn over<S>(stream: S) -> io::Result<Self>
    where
        S: AsyncRead + AsyncWrite + AsFd + Unpin + Send + 'static,
    {
        let socket = stream.as_fd().try_clone_to_owned()?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        Ok(Self {
            sender,
            driver: Box::pin(driver),
            socket,
        })
    }

    /// Tells whether the connection could take a request.
    pub(crate) async fn is_usable(&mut self) -> bool {
        // The kernel knows that the daemon has hung up before the runtime has heard of it.
        // A call written into a dead socket could not be told from one that was received.
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        let silent = rustix::net::recv(&self.socket, &mut [0u8; 1], flags);
        if !matches!(silent, Err(rustix::io::Errno::AGAIN)) {
            return false;
        }
        // Polling the driver is what makes it see that the last answer is through.
        let ended = poll_fn(|cx| Poll::Ready(self.driver.poll_unpin(cx).is_ready())).await;
        !ended && self.sender.is_ready()
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn exchange(mut self, ctx: &Ctx, outgoing: Outgoing) -> Progress {
        // The daemon knows better than we do whether anything was sent to the page when the
        // time is over, so it gets the time to say so.
        let patient = Ctx {
            deadline: ctx.deadline + GRACE,
            ..ctx.clone()
        };
        let mut open = true;
        let out = {
            let mut answer = pin!(answer(&mut self.sender, outgoing.0));
            let driver = &mut self.driver;
            let both = poll_fn(|cx| {
                if open && driver.poll_unpin(cx).is_ready() {
                    open = false;
                }
                answer.as_mut().poll(cx)
            });
            patient.race(both).await
        };
        match out {
            Ok(Ok((head, body))) => {
                let connection = open.then_some(self);
                Progress::Answered {
                    answer: read(&head, &body),
                    connection,
                }
            }
            Ok(Err(Failed::Unsent(request, source))) => Progress::Unsent {
                outgoing: Outgoing(*request),
                source: Cut::Broken(source),
            },
            Ok(Err(Failed::Cut(cut))) => Progress::Cut(cut),
            Err(stopped) => Progress::Cut(Cut::Stopped(stopped)),
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

enum Failed {
    Unsent(Box<Request<Full<Bytes>>>, hyper::Error),
    Cut(Cut),
}

async fn answer(
    sender: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<(http::response::Parts, Bytes), Failed> {
    let response: Response<Incoming> = match sender.try_send_request(request).await {
        Ok(response) => response,
        Err(mut err) => {
            return Err(match err.take_message() {
                Some(request) => Failed::Unsent(Box::new(request), err.into_error()),
                None => Failed::Cut(Cut::Broken(err.into_error())),
            });
        }
    };
    let (head, body) = response.into_parts();
    match Limited::new(body, LARGEST).collect().await {
        Ok(body) => Ok((head, body.to_bytes())),
        Err(err) if err.is::<LengthLimitError>() => {
            Err(Failed::Cut(Cut::TooLarge { limit: LARGEST }))
        }
        Err(err) => match err.downcast::<hyper::Error>() {
            Ok(err) => Err(Failed::Cut(Cut::Broken(*err))),
            Err(_) => Err(Failed::Cut(Cut::TooLarge { limit: LARGEST })),
        },
    }
}

fn read(head: &http::response::Parts, body: &Bytes) -> Result<Value, Error> {
    if head.status.is_success() {
        return serde_json::from_slice(body).map_err(|source| Error::Decode { source });
    }
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => Err(Error::Refused(problem.error)),
        Err(source) => Err(Error::Decode { source }),
    }
}

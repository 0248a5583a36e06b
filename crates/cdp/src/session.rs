//! A flat session: calls and events of one target, or of the browser itself.

mod state;

use std::sync::Arc;

use base::{Ctx, Stopped};
use bytes::Bytes;
use serde_json::value::RawValue;

use crate::connection::Inner;
use crate::envelope::encode;
use crate::in_flight::{Failure, Waiter};
use crate::{Command, Connection, Ended, Error, Events, well_formed};

pub(crate) use state::State;

/// One flat session. Cheap to clone.
#[derive(Clone)]
pub struct Session {
    connection: Connection,
    state: Arc<State>,
}

impl Session {
    pub(crate) const fn of(connection: Connection, state: Arc<State>) -> Self {
        Self { connection, state }
    }

    /// Returns the session's id, or `None` for the browser's own.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.state.id.as_deref()
    }

    /// Returns the connection the session is on.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Returns why the session ended, or `None` while it lives.
    #[must_use]
    pub fn ended(&self) -> Option<Ended> {
        self.state.ended()
    }

    /// Sends a command and waits for what it returns.
    ///
    /// # Errors
    /// [`Error::NotSent`] if the call ended before a byte was sent, [`Error::Stopped`] if it ended
    /// later; the rest as the variants say.
    ///
    /// # Cancel safety
    /// Dropping the call withdraws its command if it was not sent. Once it was, the browser may
    /// carry it out; its reply is dropped.
    pub async fn call<C: Command>(&self, ctx: &Ctx, command: &C) -> Result<C::Returns, Error> {
        self.call_as(ctx, self.connection.reserve_id(), command)
            .await
    }

    /// Sends a command with an id from [`Connection::reserve_id`] and waits for what it returns.
    ///
    /// # Errors
    /// As [`Session::call`]; [`Error::IdInUse`] if the id has a command in flight.
    ///
    /// # Cancel safety
    /// As [`Session::call`].
    pub async fn call_as<C: Command>(
        &self,
        ctx: &Ctx,
        id: u32,
        command: &C,
    ) -> Result<C::Returns, Error> {
        let message = encode(id, self.id(), C::METHOD, command)?;
        let body = self.exchange(ctx, id, C::METHOD, message).await?;
        read(C::METHOD, &body)
    }

    /// Sends a command that has no type here and waits for what it returns.
    ///
    /// # Errors
    /// As [`Session::call`].
    ///
    /// # Cancel safety
    /// As [`Session::call`].
    pub async fn call_raw(
        &self,
        ctx: &Ctx,
        method: &str,
        params: &RawValue,
    ) -> Result<Box<RawValue>, Error> {
        let id = self.connection.reserve_id();
        let message = encode(id, self.id(), method, params)?;
        let body = self.exchange(ctx, id, method, message).await?;
        read(method, &body)
    }

    /// Sends a command and wants no answer: an error of the browser's goes to the log.
    ///
    /// # Errors
    /// [`Error::Busy`] if too much waits to be sent already; the session's end or the link's loss.
    pub fn post<C: Command>(&self, command: &C) -> Result<(), Error> {
        let inner = self.connection.inner();
        let id = inner.in_flight.reserve();
        let message = encode(id, self.id(), C::METHOD, command)?;
        let room = inner.outbox.try_room(message.len());
        let room = room.map_err(|refused| inner.no_room(refused, C::METHOD))?;
        inner.in_flight.post(id, &self.state)?;
        inner.outbox.send(id, message, room);
        Ok(())
    }

    /// Returns the session's events from now on; the first subscriber's begin with those that
    /// came since the session was attached.
    #[must_use]
    pub fn events(&self) -> Events {
        self.state.subscribe()
    }

    /// Ends the session: its waiters fail and its events end with `cause`.
    ///
    /// Nothing is sent. A session that has ended keeps its first cause.
    pub fn end(&self, cause: Ended) {
        self.connection.inner().end(&self.state, cause);
    }

    /// Sends `message` and waits for its reply's body.
    async fn exchange(
        &self,
        ctx: &Ctx,
        id: u32,
        method: &str,
        message: Bytes,
    ) -> Result<Bytes, Error> {
        let inner = self.connection.inner();
        // Whoever has no time left must not have anything done in their name.
        if ctx.cancel.is_cancelled() {
            return Err(Error::NotSent(Stopped::Cancelled));
        }
        if ctx.remaining().is_zero() {
            return Err(Error::NotSent(Stopped::Deadline));
        }
        let room = inner.outbox.room(ctx, message.len()).await;
        let room = room.map_err(|refused| inner.no_room(refused, method))?;
        let answer = inner.in_flight.wait(id, &self.state)?;
        let pending = Pending { inner, id };
        inner.outbox.send(id, message, room);
        let answer = match ctx.race(answer).await {
            Ok(answer) => answer,
            Err(stopped) if inner.outbox.withdraw(id) => return Err(Error::NotSent(stopped)),
            Err(stopped) => return Err(Error::Stopped(stopped)),
        };
        drop(pending);
        match answer {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(Failure::Refused(error))) => Err(Error::refused(method, error)),
            Ok(Err(Failure::Ended(ended))) => Err(ended.into()),
            // The table tells every waiter; only its end without a word leads here.
            Err(_) => Err(Error::Lost(inner.loss())),
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}

fn read<T: serde::de::DeserializeOwned>(method: &str, body: &[u8]) -> Result<T, Error> {
    let again = |source| {
        let text = std::str::from_utf8(body).map_err(|_| source)?;
        serde_json::from_str(&well_formed(text))
    };
    let read = serde_json::from_slice(body).or_else(again);
    read.map_err(|source| Error::Decode {
        method: method.to_owned(),
        source,
    })
}

/// A call's place in the table. Dropping it gives the place back and withdraws the command.
struct Pending<'a> {
    inner: &'a Inner,
    id: u32,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        // After a reply the place is taken out already, and there is nothing to withdraw.
        if let Some(Waiter::Call { .. }) = self.inner.in_flight.take(self.id) {
            self.inner.outbox.withdraw(self.id);
        }
    }
}

//! Calls with an idempotency key: done once, however often they are repeated.

use base::{CallId, Ctx, SessionId, StateName};
use store::{Begun, CallPrint, CallState, KeyedCall, Unsent};

use super::Sessions;
use crate::Error;

/// Whose keys these are: until there are tenants, everybody who may call is one owner.
const SCOPE: &str = "home";

impl Sessions {
    /// Returns what a key, and the call it came with, are known by.
    ///
    /// # Errors
    /// Those of the store.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn print_call(&self, key: &str, call: &str) -> Result<CallPrint, Error> {
        Ok(self.deps().store.call_keys().print(key, call).await?)
    }

    /// Takes a call with a key, durably, before anything of it is done. The caller sees to it
    /// that no other call of the key is under way.
    ///
    /// # Errors
    /// [`Error::LimitReached`] if too many keys are held, and those of the store.
    ///
    /// # Cancel safety
    /// It may have been taken: the next one with the key is done under its id.
    pub async fn begin_keyed(
        &self,
        call: CallId,
        print: CallPrint,
        operation: &str,
    ) -> Result<Begun, Error> {
        let keyed = KeyedCall {
            id: call,
            scope: SCOPE.to_owned(),
            print,
            operation: operation.to_owned(),
            epoch: self.deps().config.epoch,
            at: self.deps().clock.wall(),
        };
        match self.deps().store.call_keys().begin(&keyed).await {
            Err(store::Error::TooLarge { what, limit, .. }) => Err(Error::LimitReached {
                what,
                limit: usize::try_from(limit).unwrap_or(usize::MAX),
            }),
            begun => Ok(begun?),
        }
    }

    /// Says that a call with a key is about to be done that doesn't say so itself at its first
    /// effect: what cuts it off from now on leaves it of unknown outcome.
    ///
    /// # Errors
    /// Those of the store: the call must not be done.
    ///
    /// # Cancel safety
    /// It may be said all the same.
    pub async fn send_keyed(&self, call: CallId, operation: &str) -> Result<(), Error> {
        self.record(call, None, operation).await
    }

    /// Stores durably what came of a call with a key. Of one that was not sent and isn't done,
    /// `unsent` says what becomes.
    ///
    /// # Errors
    /// Those of the store.
    ///
    /// # Cancel safety
    /// It may be stored all the same.
    pub async fn end_keyed(
        &self,
        call: CallId,
        state: CallState,
        outcome: Option<&[u8]>,
        unsent: Unsent,
    ) -> Result<(), Error> {
        let keys = self.deps().store.call_keys();
        Ok(keys.end(call, state, outcome, unsent).await?)
    }

    /// Waits until a session is between browsers no longer: replies that an earlier daemon's
    /// calls had from its browser have arrived by then.
    ///
    /// # Errors
    /// [`Error::NotSent`] if the call ends first.
    ///
    /// # Cancel safety
    /// Yes.
    pub async fn settled(&self, ctx: &Ctx, session: SessionId) -> Result<(), Error> {
        let Some(handle) = self.live_handle(session) else {
            return Ok(());
        };
        let mut published = handle.published.clone();
        let settled = published.wait_for(|summary| {
            !matches!(
                summary.state,
                StateName::Starting | StateName::Reconnecting | StateName::Recovering
            )
        });
        // A task that ended has settled, too.
        ctx.race(settled).await.map(drop).map_err(Error::not_sent)
    }
}

//! Operations: the response store.

use api::{ApiError, KeepResult, KeptResults, ReadResult, ResultPart};
use base::{Code, Ctx, ResultId};
use session::results::{KeptResult, NewResult, Results};

use super::{Run, session_name};
use crate::sessions::OnSessions;
use crate::sessions::failure::failure;
use crate::sessions::reading::{self, Part};
use crate::sessions::wire::untrusted;

/// What is read at a time unless the caller says otherwise.
const USUAL: u64 = 8192;
/// The most that is read at a time.
const MOST: u64 = 1 << 20;
/// The longest text that is searched for, in bytes.
const LONGEST_SEARCH: usize = 1000;
/// The most lines that are shown before or after a found one.
const MOST_LINES: u32 = 50;
/// Parts that one call may keep.
const MOST_PARTS: usize = 32;
/// The longest name of a part.
const LONGEST_NAME: usize = 200;

impl Run<ReadResult> for OnSessions {
    async fn run(&self, _ctx: &Ctx, input: ReadResult) -> Result<ResultPart, ApiError> {
        let id: ResultId = input
            .handle
            .parse()
            .map_err(|err| ApiError::invalid(format!("`handle`: {err}")))?;
        let limit = input.limit.unwrap_or(USUAL);
        if !(1..=MOST).contains(&limit) {
            return Err(ApiError::invalid(format!("`limit`: not 1 to {MOST} bytes")));
        }
        let context = [input.before, input.after].map(|lines| lines.unwrap_or(0));
        if context.iter().any(|lines| MOST_LINES < *lines) {
            let told = format!("`before` and `after` are 0 to {MOST_LINES} lines");
            return Err(ApiError::invalid(told));
        }
        if let Some(search) = &input.search
            && (search.is_empty() || LONGEST_SEARCH < search.len())
        {
            let told = format!("`search`: not 1 to {LONGEST_SEARCH} bytes");
            return Err(ApiError::invalid(told));
        }
        let kept = self.results().read(id).await;
        let kept = kept.map_err(|err| failure(&err))?;
        self.refuse_other(&kept, id, input.session_id.as_deref())
            .await?;
        let text = kept.result.text.expose();
        let (offset, limit) = (input.offset.unwrap_or(0), as_usize(limit));
        if (text.len() as u64) < offset {
            let told = format!("`offset`: the result has {} bytes", text.len());
            return Err(ApiError::invalid(told));
        }
        let offset = as_usize(offset);
        let [before, after] = context.map(|lines| lines as usize);
        let (part, matches) = match &input.search {
            Some(search) => {
                let found = reading::search(text, search, offset, before, after, limit);
                (found.part, Some(found.matches))
            }
            None => (reading::slice(text, offset, limit), None),
        };
        let Part { text, begin, next } = part;
        Ok(ResultPart {
            text,
            handle: id.to_string(),
            field: kept.result.field.clone(),
            bytes: kept.result.text.expose().len() as u64,
            offset: begin as u64,
            next_offset: next.map(|next| next as u64),
            matches,
            expires_at: kept.expires_at.to_string(),
            session_id: kept.session.map(|session| session.to_string()),
            // Whatever was kept may be a page's, down to the names in it.
            untrusted: untrusted(&["text"]),
        })
    }
}

impl Run<KeepResult> for OnSessions {
    async fn run(&self, _ctx: &Ctx, input: KeepResult) -> Result<KeptResults, ApiError> {
        if input.parts.is_empty() || MOST_PARTS < input.parts.len() {
            return Err(ApiError::invalid(format!(
                "`parts`: not 1 to {MOST_PARTS} of them"
            )));
        }
        let named = |field: &str| !field.is_empty() && field.len() <= LONGEST_NAME;
        if !input.parts.iter().all(|part| named(&part.field)) {
            let told = format!("`parts`: a `field` has not 1 to {LONGEST_NAME} bytes");
            return Err(ApiError::invalid(told));
        }
        let owner = match input.session_id.as_deref().map(session_name).transpose()? {
            Some(name) => self.results().owner(&name).await,
            None => Ok(None),
        };
        let owner = owner.map_err(|err| failure(&err))?;
        let parts = input.parts.into_iter().map(|part| NewResult {
            field: part.field,
            text: part.text.into(),
        });
        let parts: Vec<_> = parts.collect();
        let kept = self.results().keep(owner, &parts).await;
        let (handles, until) = kept.map_err(|err| failure(&err))?;
        Ok(KeptResults {
            handles: handles.iter().map(ToString::to_string).collect(),
            expires_at: until.to_string(),
        })
    }
}

impl OnSessions {
    fn results(&self) -> &Results {
        self.sessions.results()
    }

    /// Refuses a handle of another session than the one that is named.
    async fn refuse_other(
        &self,
        kept: &KeptResult,
        id: ResultId,
        named: Option<&str>,
    ) -> Result<(), ApiError> {
        let (Some(named), Some(owner)) = (named, kept.session) else {
            return Ok(());
        };
        let found = self.results().owner(&session_name(named)?).await;
        if found.map_err(|err| failure(&err))? == Some(owner) {
            return Ok(());
        }
        let told = format!("{id} is a handle of another session than {named}");
        Err(ApiError::new(Code::ResultNotFound, told).hint("Leave `session_id` away."))
    }
}

fn as_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

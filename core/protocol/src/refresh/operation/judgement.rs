//! The judgement of an ID token that a refresh stored before it could be judged.

use std::sync::Arc;

use super::Operation;
use super::step::Step;
use crate::error::{Error, Result};
use crate::refresh::action::{Action, Judgement};
use crate::refresh::local_state::LocalState;
use crate::refresh::record::{Failure, Record, Stored};
use crate::time::Moment;

impl Operation {
    pub(super) fn begin_judgement(&mut self, local: &mut LocalState, found: Option<Stored>) -> Action {
        let unjudged = found.filter(|found| found.record.is_active() && found.record.unjudged.is_some());
        let Some(Stored { record, .. }) = unjudged else { return self.finish(local, Ok(())) };
        self.step = Step::Judging(Arc::clone(&record));
        Action::Judge(record)
    }

    pub(super) fn judged(&mut self, judged: Arc<Record>, judgement: Judgement, local: &mut LocalState) -> Action {
        match judgement {
            Judgement::NotYet(error) => self.finish(local, Err(error)),
            judgement => self.reload_judged(judged, judgement),
        }
    }

    pub(super) fn reload_judged(&mut self, judged: Arc<Record>, judgement: Judgement) -> Action {
        self.step = Step::ReloadingJudged(judged, judgement);
        Action::Load
    }

    /// Stores the judgement if the ID token is still the stored one, and what a refresh has stored
    /// since then stays.
    pub(super) fn apply_judgement(
        &mut self,
        judged: Arc<Record>,
        judgement: Judgement,
        local: &mut LocalState,
        found: Option<Stored>,
        now: Moment,
    ) -> Action {
        let is_the_same = |record: &Record| record.is_active() && record.grant_id == judged.grant_id && record.unjudged == judged.unjudged;
        match found {
            Some(found) if is_the_same(&found.record) => {
                let record = Arc::new(self.with_judgement(&found.record, &judgement, now));
                self.step = Step::WritingJudgement(judged, judgement, Arc::clone(&record));
                Action::Swap { expected: Some(found.version), record }
            }
            found => {
                local.loaded(found.as_ref(), now);
                self.finish(local, Ok(()))
            }
        }
    }

    /// The refresh token stays in either case (I5). An access token beside a bad ID token does not
    /// (I16).
    fn with_judgement(&self, stored: &Record, judgement: &Judgement, now: Moment) -> Record {
        let mut record = Record { unjudged: None, ..stored.clone() };
        match judgement {
            Judgement::Accepted(identity) => {
                record.identity.get_or_insert_with(|| identity.clone().into());
                record.tokens = record.tokens.zip(stored.unjudged.clone()).map(|(tokens, id_token)| tokens.with_verified(id_token));
            }
            Judgement::Refused(error) | Judgement::NotYet(error) => {
                record.tokens = None;
                record.failure = Some(Failure::after(stored.failure.as_ref(), error, self.context.credentials, now, self.context.jitter));
            }
        }
        record
    }
}

pub(super) fn outcome_of(judgement: Judgement) -> Result<(), Error> {
    match judgement {
        Judgement::Accepted(_) => Ok(()),
        Judgement::Refused(error) | Judgement::NotYet(error) => Err(error),
    }
}

//! Quarantine: one event whose judging fails is set aside by name, and the shard lives.
//!
//! What does not fold is a bug: decisions refuse what cannot be added up. Half of such a record may be in the state, so
//! what was judged before it is committed and the state is read from the disk again, which takes as long as opening
//! does. Then the event is recorded as refused, with nothing of it carried out, and nothing more is judged of the
//! member that did not fold: one bug costs one such wait. Its id is not used up. A version that is mended takes it.

use super::judge::Judge;
use crate::commit::Judged;
use crate::error::{Damage, OpenError};
use crate::live::{Answer, Live};
use crate::recover::recover;
use ledger_core::fold::Corrupt;
use ledger_core::judge::Failed;
use ledger_core::units::{MemberNo, Position};
use std::collections::{BTreeSet, HashMap};

/// What is set aside since the ledger was opened.
#[derive(Debug, Default)]
pub(crate) struct Quarantine {
    /// The event whose judging failed just now.
    pub(crate) failed: Option<Failed>,
    /// Members of which nothing more is judged.
    pub(crate) held: BTreeSet<MemberNo>,
    /// Hashes of the ids that were set aside, and the records that say so.
    pub(crate) ids: HashMap<u128, Position>,
    /// What did not fold the last time.
    pub(crate) why: String,
}

impl Judge<'_> {
    /// What did not fold is no part of the state any more, and everything judged before it is durable. Answers of a
    /// batch that is being judged are told from records that are on disk by then.
    ///
    /// # Errors
    /// If it is the disk that failed, or the ledger cannot be read again.
    pub(super) fn start_over(
        &self,
        live: &mut Live,
        judged: &mut Judged,
        answers: &mut [Answer],
        damage: Damage,
    ) -> Result<(), Damage> {
        let Damage::Corrupt(Corrupt::Fold { member, .. }) = damage else { return Err(damage) };
        answers.iter_mut().for_each(|answer| live.settle(answer));
        judged.staged = live.book.take_staged();
        let last = live.book.last_in_flight();
        let before = std::mem::take(judged);
        self.commit.send(before).map_err(|_| Damage::Database("the committer is gone".into()))?;
        self.inner.status.wait(last).map_err(Damage::Database)?;
        let recovered = recover(self.inner.disk.clone(), self.inner.options.given()).map_err(|error| match error {
            OpenError::Damage(damage) => damage,
            other => Damage::Database(other.to_string()),
        })?;
        live.replace(recovered.live);
        let quarantine = &mut live.book.quarantine;
        quarantine.why = damage.to_string();
        if member != MemberNo::NOBODY {
            quarantine.held.insert(member);
        }
        Ok(())
    }
}

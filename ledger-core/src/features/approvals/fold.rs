//! How proposals are folded.

use crate::features::approvals::change::{Approved, ProposalEnded, Proposed};
use crate::features::approvals::state::Proposal;
use crate::tables::here::{FoldsLife, Here};
use crate::tables::life::Life;

impl FoldsLife for Proposed {
    #[inline]
    fn apply(&self, life: &mut Life, here: &Here) -> Result<(), &'static str> {
        let Proposed { adjustment, wallet, points, by, lapses_at } = *self;
        let (position, by) = (here.position, [by].into());
        life.proposals.retain(|open| open.lapses_at > here.at);
        life.proposals.push(Proposal { position, adjustment, wallet, points, by, lapses_at });
        Ok(())
    }
}

impl FoldsLife for Approved {
    #[inline]
    fn apply(&self, life: &mut Life, _: &Here) -> Result<(), &'static str> {
        let open = life.proposals.iter_mut().find(|open| open.position == self.proposal);
        open.ok_or("no such proposal is open")?.by.push(self.by);
        Ok(())
    }
}

impl FoldsLife for ProposalEnded {
    #[inline]
    fn apply(&self, life: &mut Life, _: &Here) -> Result<(), &'static str> {
        let at = life.proposals.iter().position(|open| open.position == self.proposal);
        life.proposals.remove(at.ok_or("no such proposal is open")?);
        Ok(())
    }
}

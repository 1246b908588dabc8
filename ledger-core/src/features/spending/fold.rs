//! How points spent, reserved and given back are folded.

use crate::features::spending::change::{HoldClosed, HoldExtended, HoldOpened, RedeemRefunded, Redeemed};
use crate::features::spending::state::{CLOSED_HOLDS_MAX, Hold, RedemptionRef};
use crate::kernel::units::{MemberNo, Points};
use crate::tables::here::{Folds, Here, Rows};
use crate::tables::member::Member;
use alloc::vec::Vec;

impl HoldOpened {
    /// Opens it in its member's row; nobody else's is touched.
    #[inline]
    pub(crate) fn open(&self, whose: MemberNo, member: &mut Member) {
        let HoldOpened { no, wallet, ref name, expires_at, order, day, item, .. } = *self;
        if self.member == whose {
            let (name, slices) = (name.clone(), Vec::new());
            member.holds_made = no;
            member.holds.push(Hold { no, wallet, name, expires_at, slices, used: 0, order, day, item });
        }
    }
}

impl Folds for HoldOpened {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here) -> Result<(), &'static str> {
        self.open(self.member, member);
        Ok(())
    }

    #[inline]
    fn apply_shared(&self, rows: &mut Rows<'_>, _: &Here) -> Result<(), &'static str> {
        rows.state.watch_pieces(self.member, |hold| hold.no == self.no);
        Ok(())
    }
}

impl Folds for HoldExtended {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here) -> Result<(), &'static str> {
        let hold = member.holds.iter_mut().find(|open| open.no == self.no).ok_or("no such hold")?;
        hold.expires_at = self.expires_at;
        Ok(())
    }

    #[inline]
    fn apply_shared(&self, rows: &mut Rows<'_>, _: &Here) -> Result<(), &'static str> {
        rows.state.watch_pieces(self.member, |hold| hold.no == self.no);
        Ok(())
    }
}

impl Folds for HoldClosed {
    #[inline]
    fn close(&self, member: &mut Member) -> Result<(), &'static str> {
        let at = member.holds.iter().position(|hold| hold.no == self.no).ok_or("no such hold")?;
        let hold = member.holds.remove(at);
        if hold.slices.iter().any(|slice| !slice.left.is_zero()) {
            return Err("a hold is closed that still holds points");
        }
        member.closed_holds.push(hold.name.short);
        if member.closed_holds.len() > CLOSED_HOLDS_MAX {
            member.closed_holds.remove(0);
        }
        Ok(())
    }
}

impl Folds for Redeemed {
    #[inline]
    fn apply(&self, member: &mut Member, here: &Here) -> Result<(), &'static str> {
        if member.redemptions.first().is_some_and(|oldest| oldest.day < self.forget_before) {
            member.redemptions.retain(|redemption| redemption.day >= self.forget_before);
        }
        let Redeemed { wallet, order, day, points, hold, .. } = *self;
        let (position, refunded) = (here.position, Points::ZERO);
        member.redemptions.push(RedemptionRef { wallet, order, position, day, points, refunded, hold });
        Ok(())
    }
}

impl Folds for RedeemRefunded {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here) -> Result<(), &'static str> {
        let found = member.redemptions.iter_mut().find(|known| known.position == self.redemption);
        let found = found.ok_or("no such redemption")?;
        found.refunded = found.refunded.plus(self.points).ok_or("refund of points overflows")?;
        if found.refunded > found.points {
            return Err("more points given back than were redeemed");
        }
        Ok(())
    }
}

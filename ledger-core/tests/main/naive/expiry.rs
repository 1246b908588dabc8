//! Dates that are put off, and points that come back.

use super::*;

impl Books {
    /// Point by point from what would die first, whatever was reinstated apart, into a lot of another date.
    pub(super) fn extend_expiry(
        &mut self,
        work: &mut Work,
        act: &Act,
        points: Option<i64>,
        days: i64,
    ) -> Result<(), &'static str> {
        let until = self.now + days * DAY;
        if days <= 0 {
            return Err("LOT_EXPIRED");
        }
        let fits = |lot: &Lot| !lot.active && !lot.reinstated && lot.expires < until;
        let member = self.member(work.who);
        let there: i64 = member.available.iter().filter(|lot| fits(lot)).map(|lot| lot.points).sum();
        let points = points.unwrap_or(there);
        if there == 0 || points > there {
            return Err("NOT_ENOUGH_POINTS");
        }
        for _ in 0..points {
            let lot = member.available.iter_mut().find(|lot| fits(lot) && lot.points > 0);
            lot.expect("as many as there are").points -= 1;
        }
        member.available.retain(|lot| lot.points > 0);
        self.observe(work, act)?;
        self.lots_made += 1;
        let lot = Lot { expires: until, active: false, reinstated: false, made: self.lots_made, points, waits: 0 };
        give_back(&mut self.member(work.who).available, vec![lot]);
        Ok(())
    }

    /// Point by point from what died, the first first.
    pub(super) fn reinstate(
        &mut self,
        work: &mut Work,
        act: &Act,
        points: Option<i64>,
        days: i64,
    ) -> Result<(), &'static str> {
        let (expires, today) = (self.now + days * DAY, work.today);
        if days <= 0 {
            return Err("LOT_EXPIRED");
        }
        let expired_recently = &mut self.member(work.who).expired_recently;
        expired_recently.retain(|(day, _)| *day >= today - REINSTATE_DAYS);
        let there: i64 = expired_recently.iter().map(|(_, points)| points).sum();
        let points = points.unwrap_or(there);
        if there == 0 || points > there {
            return Err("NOT_ENOUGH_EXPIRED");
        }
        for _ in 0..points {
            let first = expired_recently.iter_mut().find(|(_, points)| *points > 0).expect("as many as there are");
            first.1 -= 1;
        }
        self.observe(work, act)?;
        self.lots_made += 1;
        let (made, review) = (self.lots_made, work.review);
        self.totals[EXPIRED] -= points;
        let member = self.member(work.who);
        let repaid = if review { 0 } else { points.min(member.debt) };
        member.debt -= repaid;
        if points > repaid {
            let lots = if review { &mut member.review } else { &mut member.available };
            let lot = Lot { expires, active: false, reinstated: true, made, points: points - repaid, waits: 0 };
            give_back(lots, vec![lot]);
        }
        Ok(())
    }
}

//! Lots, and what becomes of them.

use super::*;

pub(super) fn sum(lots: &[Lot]) -> i64 {
    lots.iter().map(|lot| lot.points).sum()
}

/// Takes points from the lots in their order; all or nothing.
pub(super) fn take(lots: &mut Vec<Lot>, points: i64) -> Option<Vec<Lot>> {
    if sum(lots) < points {
        return None;
    }
    let (mut taken, mut missing) = (Vec::new(), points);
    for lot in lots.iter_mut() {
        let some = lot.points.min(missing);
        lot.points -= some;
        missing -= some;
        if some > 0 {
            taken.push(Lot { points: some, ..lot.clone() });
        }
    }
    lots.retain(|lot| lot.points > 0);
    Some(taken)
}

pub(super) fn give_back(lots: &mut Vec<Lot>, back: Vec<Lot>) {
    for lot in back {
        match lots.iter_mut().find(|known| known.made == lot.made) {
            Some(known) => known.points += lot.points,
            None => lots.push(lot),
        }
    }
    lots.sort_by_key(|lot| (lot.expires, lot.active, lot.made));
}

impl Member {
    /// Notes what of these lots died and can be reinstated.
    pub(super) fn lapse(&mut self, gone: &[Lot], at: i64) -> i64 {
        let points: i64 = gone.iter().filter(|lot| !lot.reinstated).map(|lot| lot.points).sum();
        if self.closed_at.is_none() && points > 0 {
            self.expired_recently.push((day_of(at), points));
        }
        sum(gone)
    }

    /// Gives back what was held; answers how much of it died meanwhile.
    pub(super) fn release(&mut self, hold: Hold, now: i64) -> i64 {
        let (gone, back): (Vec<Lot>, _) = hold.lots.into_iter().partition(|lot| lot.expires <= now);
        give_back(&mut self.available, back);
        self.closed.push(hold.name);
        self.lapse(&gone, now)
    }

    /// Repays what is owed from these lots, in their order; the rest can be spent.
    pub(super) fn have(&mut self, mut lots: Vec<Lot>) {
        for lot in &mut lots {
            let repaid = lot.points.min(self.debt);
            self.debt -= repaid;
            (lot.points, lot.waits) = (lot.points - repaid, 0);
        }
        lots.retain(|lot| lot.points > 0);
        give_back(&mut self.available, lots);
    }

    /// What of the lots that wait has waited enough can be spent.
    pub(super) fn activate(&mut self, enough: impl Fn(&Lot) -> bool) {
        let (free, waits) = self.pending.drain(..).partition(enough);
        self.pending = waits;
        self.have(free);
    }

    /// The member was active: everything that is still alive by it lives on, wherever it is.
    pub(super) fn renew_activity(&mut self, until: i64, now: i64) {
        if self.alive_until <= now || until <= self.alive_until {
            return;
        }
        self.alive_until = until;
        let held = self.holds.iter_mut().map(|hold| &mut hold.lots);
        let spent = self.spent_points.iter_mut().map(|spent| &mut spent.lots);
        for lots in [&mut self.available, &mut self.review, &mut self.pending].into_iter().chain(held).chain(spent) {
            for lot in lots.iter_mut().filter(|lot| lot.active && lot.expires > now) {
                lot.expires = until;
            }
        }
        for lots in [&mut self.available, &mut self.review, &mut self.pending] {
            give_back(lots, Vec::new());
        }
    }
}

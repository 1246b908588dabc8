//! What is due by itself.

use super::*;

impl Member {
    pub(super) fn due(&self) -> Option<(i64, u8)> {
        let waiting = self.pending.iter().map(|lot| (lot.waits, 0));
        let lots = self.available.iter().chain(&self.review).chain(&self.pending);
        let lots = lots.map(|lot| (lot.expires.min(self.closed_at.unwrap_or(lot.expires)), 1));
        let holds = self.holds.iter().map(|hold| (hold.expires, 2));
        let tier = self.tier_due.map(|day| (start_of(day), 3));
        let dormant = self.dormant_at.map(|at| (at, 4));
        let reminders = self.reminders().filter(|at| *at > self.reminded_at).map(|at| (at, 5));
        waiting.chain(lots).chain(holds).chain(tier).chain(dormant).chain(reminders).min()
    }

    /// The instants at which the member is to be reminded of what it has.
    pub(super) fn reminders(&self) -> impl Iterator<Item = i64> + '_ {
        let of = |lot: &Lot| REMIND_DAYS.map(|days| start_of(day_of(lot.expires) - days));
        self.available.iter().flat_map(of).filter(|_| self.closed_at.is_none())
    }
}

impl Books {
    /// Everybody is brought up to date.
    pub fn go_to(&mut self, now: i64) {
        self.now = self.now.max(now);
        let everybody: Vec<MemberRef> = self.members.keys().copied().collect();
        for who in everybody {
            while let Some((due, timer)) = self.member(who).due().filter(|(due, _)| *due <= self.now) {
                self.fire(who, due, timer);
            }
            let now = self.now;
            self.member(who).reminded_at = now;
        }
    }

    fn fire(&mut self, who: MemberRef, due: i64, timer: u8) {
        let reminded_at = &mut self.member(who).reminded_at;
        // Whatever comes by this timer comes too late for earlier reminders.
        *reminded_at = (*reminded_at).max(due - 1);
        match timer {
            0 => self.member(who).activate(|lot| lot.waits <= due),
            1 => self.expire(who, due),
            2 => {
                let member = self.member(who);
                let (over, open) = member.holds.drain(..).partition(|hold| hold.expires <= due);
                member.holds = open;
                let over: Vec<Hold> = over;
                let gone: i64 = over.into_iter().map(|hold| member.release(hold, due)).sum();
                self.totals[EXPIRED] += gone;
            }
            3 => self.review_tier(who, day_of(due)),
            5 => self.remind(who, due),
            _ => {
                let rules = self.rules();
                let mut work = self.work(who, Keys::default(), due, due);
                self.member(who).dormant_at = None;
                self.count_kind(&mut work, "inactive", 0);
                self.earn(&mut work, "back", rules.back, Some(("back", 60, true, 1)));
                self.count_consequences(&mut work, "inactive");
                self.stand(&work);
                self.keep(work);
            }
        }
    }

    fn expire(&mut self, who: MemberRef, due: i64) {
        let member = self.member(who);
        let closed = member.closed_at.is_some();
        let is_over = |lot: &Lot| closed || lot.expires <= due;
        let (over, left): (Vec<Lot>, _) = member.available.drain(..).partition(is_over);
        member.available = left;
        let mut gone = member.lapse(&over, due);
        gone += member.review.iter().filter(|lot| is_over(lot)).map(|lot| lot.points).sum::<i64>();
        gone += member.pending.iter().filter(|lot| is_over(lot)).map(|lot| lot.points).sum::<i64>();
        member.review.retain(|lot| !is_over(lot));
        member.pending.retain(|lot| !is_over(lot));
        self.totals[EXPIRED] += gone;
    }

    fn remind(&mut self, who: MemberRef, due: i64) {
        let today = day_of(due);
        let member = self.member(who);
        member.reminded_at = due;
        let mut told = Vec::new();
        for days in REMIND_DAYS {
            let dies = |lot: &&Lot| day_of(lot.expires) == today + days;
            let dying: Vec<Lot> = member.available.iter().filter(dies).cloned().collect();
            if let Some(first) = dying.iter().map(|lot| lot.expires).min() {
                told.push((who, due, first, sum(&dying)));
            }
        }
        self.reminders.extend(told);
    }
}

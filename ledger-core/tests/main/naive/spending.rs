//! Redemptions and holds.

use super::*;

impl Books {
    pub(super) fn redeem(&mut self, work: &mut Work, act: &Act, points: i64) -> Done {
        let lots = take(&mut self.member(work.who).available, points).ok_or("NOT_ENOUGH_POINTS")?;
        self.member(work.who).spent_points.push(Spent { day: work.today, lots, back: 0 });
        self.observe(work, act)?;
        self.totals[REDEEMED] += points;
        Ok(())
    }

    pub(super) fn hold(&mut self, work: &mut Work, act: &Act, name: &str, points: i64, ttl: Option<i64>) -> Done {
        let rules = self.rules();
        let now = self.now;
        let member = self.member(work.who);
        if member.holds.iter().any(|hold| hold.name == name) || member.closed.iter().any(|closed| closed == name) {
            return Err("HOLD_EXISTS");
        }
        let lots = take(&mut member.available, points).ok_or("NOT_ENOUGH_POINTS")?;
        let expires = now + ttl.unwrap_or(rules.hold_ms);
        member.holds.push(Hold { name: name.to_string(), expires, lots, day: work.today });
        self.observe(work, act)?;
        self.overtaken(work, name);
        Ok(())
    }

    /// What was said of a hold before it, as if it were said now: together one redemption.
    fn overtaken(&mut self, work: &Work, name: &str) {
        let (now, today) = (self.now, work.today);
        let member = self.member(work.who);
        let is_its = |back: &Deferred| back.order == name && back.is_of_hold() && back.waits_on(today);
        let (its, others): (Vec<Deferred>, _) = std::mem::take(&mut member.deferred).into_iter().partition(is_its);
        member.deferred = others;
        let (mut spent, mut gone) = (Vec::new(), 0);
        for late in its {
            let Ok(mut hold) = member.open_hold(name) else { continue };
            let held = sum(&hold.lots);
            let (points, last) = match late.act {
                Act::Capture { points, last, .. } => (points.unwrap_or(held), last),
                _ => (0, true),
            };
            match take(&mut hold.lots, points) {
                None => member.holds.push(hold),
                Some(lots) => {
                    spent.extend(lots);
                    if last || points == held {
                        gone += member.release(hold, now);
                    } else {
                        member.holds.push(hold);
                    }
                }
            }
        }
        let redeemed = sum(&spent);
        if redeemed > 0 {
            member.spent_points.push(Spent { day: work.today, lots: spent, back: 0 });
        }
        self.totals[REDEEMED] += redeemed;
        self.totals[EXPIRED] += gone;
    }

    /// What is said of a hold that nobody knows waits for it.
    fn overtakes(&mut self, work: &mut Work, act: &Act, name: &str) -> Done {
        self.observe(work, act)?;
        let (told, happened) = (work.today, work.day);
        let waiting = &mut self.member(work.who).deferred;
        if waiting.iter().filter(|one| one.is_of_hold() && one.waits_on(told)).count() >= 64 {
            return Err("MEMBER_LIMIT_REACHED");
        }
        waiting.push(Deferred { told, happened, order: name.to_string(), act: act.clone() });
        Ok(())
    }

    pub(super) fn capture(&mut self, work: &mut Work, act: &Act, name: &str, points: Option<i64>, last: bool) -> Done {
        let (now, mut gone) = (self.now, 0);
        let member = self.member(work.who);
        if member.never_held(name) {
            return self.overtakes(work, act, name);
        }
        let mut hold = member.open_hold(name)?;
        let held = sum(&hold.lots);
        let points = points.unwrap_or(held);
        let lots = take(&mut hold.lots, points).ok_or("CAPTURE_OVER_HOLD")?;
        member.spent_points.push(Spent { day: hold.day, lots, back: 0 });
        if last || points == held {
            gone = member.release(hold, now);
        } else {
            member.holds.push(hold);
        }
        self.observe(work, act)?;
        self.totals[EXPIRED] += gone;
        self.totals[REDEEMED] += points;
        Ok(())
    }

    pub(super) fn void(&mut self, work: &mut Work, act: &Act, name: &str) -> Done {
        let now = self.now;
        let member = self.member(work.who);
        if member.never_held(name) {
            return self.overtakes(work, act, name);
        }
        let hold = member.open_hold(name)?;
        let gone = member.release(hold, now);
        self.observe(work, act)?;
        self.totals[EXPIRED] += gone;
        Ok(())
    }

    pub(super) fn extend(&mut self, work: &mut Work, act: &Act, name: &str, ttl: Option<i64>) -> Done {
        let rules = self.rules();
        let now = self.now;
        let member = self.member(work.who);
        let hold = member.open_hold(name)?;
        member.holds.push(Hold { expires: now + ttl.unwrap_or(rules.hold_ms), ..hold });
        self.observe(work, act)?;
        Ok(())
    }

    pub(super) fn give_points_back(&mut self, work: &mut Work, act: &Act, nth: usize, points: Option<i64>) -> Done {
        let horizon = work.today - HORIZON;
        let now = self.now;
        let member = self.member(work.who);
        let at = nth % (member.spent_points.len() + 1);
        let spent = member.spent_points.get_mut(at).filter(|spent| spent.day >= horizon);
        let spent = spent.ok_or("REDEMPTION_UNKNOWN")?;
        let left = sum(&spent.lots) - spent.back;
        let points = points.unwrap_or(left);
        if left == 0 || points > left {
            return Err("REFUND_OVER_REDEEMED");
        }
        // One point after the other, the last of the last lot first.
        let mut single: Vec<Lot> = Vec::new();
        for lot in &spent.lots {
            single.extend(std::iter::repeat_n(Lot { points: 1, ..lot.clone() }, lot.points as usize));
        }
        single.reverse();
        let back: Vec<Lot> = single.drain(spent.back as usize..(spent.back + points) as usize).collect();
        spent.back += points;
        let mut expired = Vec::new();
        for lot in back {
            match lot.expires <= now {
                _ if member.debt > 0 => member.debt -= 1,
                true => expired.push(lot),
                false => give_back(&mut member.available, vec![lot]),
            }
        }
        let expired = member.lapse(&expired, now);
        self.observe(work, act)?;
        self.totals[REDEEMED] -= points;
        self.totals[EXPIRED] += expired;
        Ok(())
    }
}

impl Member {
    fn never_held(&self, name: &str) -> bool {
        !self.holds.iter().any(|hold| hold.name == name) && !self.closed.iter().any(|closed| closed == name)
    }

    /// Takes an open hold out of the books.
    pub(super) fn open_hold(&mut self, name: &str) -> Result<Hold, &'static str> {
        let closed = if self.closed.iter().any(|closed| closed == name) { "HOLD_CLOSED" } else { "HOLD_UNKNOWN" };
        let at = self.holds.iter().position(|hold| hold.name == name).ok_or(closed)?;
        Ok(self.holds.remove(at))
    }
}

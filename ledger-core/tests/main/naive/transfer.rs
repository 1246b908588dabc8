//! Gifts, donations and opening balances.

use super::*;

impl Books {
    /// A gift: every point of it goes to its place alone.
    pub(super) fn give(&mut self, work: &mut Work, act: &Act, to: MemberRef, points: i64) -> Result<(), &'static str> {
        let (rules, now, who) = (self.rules(), self.now, work.who);
        let other = self.members.get(to).ok_or("RECIPIENT_UNKNOWN")?;
        if to == who {
            return Err("TRANSFER_TO_SELF");
        }
        if other.frozen.0 || other.closed_at.is_some() {
            return Err("RECIPIENT_BLOCKED");
        }
        if points < 3 {
            return Err("TRANSFER_BELOW_MIN");
        }
        if points > 120 {
            return Err("TRANSFER_ABOVE_MAX");
        }
        let member = self.member(who);
        if member.received_at.is_some_and(|at| now < at + 2 * HOUR) {
            return Err("TRANSFER_COOLING");
        }
        let today: i64 = member.gave.iter().filter(|(day, _)| *day == work.today).map(|(_, points)| points).sum();
        if today + points > rules.given_a_day {
            return Err("TRANSFER_MAX_PER_DAY");
        }
        let lots = take(&mut member.available, points).ok_or("NOT_ENOUGH_POINTS")?;
        member.gave.push((work.today, points));
        self.observe(work, act)?;
        let under_review = self.work(to, Keys::default(), now, now).review;
        let fee = points * rules.fee_percent / 100;
        self.totals[FEES] += fee;
        let made = self.lots_made;
        self.lots_made += lots.len() as u64;
        let numbered = (made + 1..).zip(&lots);
        let single = numbered.flat_map(|(made, lot)| {
            (0..lot.points).map(move |_| Lot {
                points: 1,
                made,
                active: false,
                reinstated: lot.reinstated,
                expires: lot.expires,
                waits: 0,
            })
        });
        let other = self.member(to);
        for lot in single.skip(fee as usize) {
            match (under_review, other.debt > 0) {
                (true, _) => give_back(&mut other.review, vec![lot]),
                (false, true) => other.debt -= 1,
                (false, false) => give_back(&mut other.available, vec![lot]),
            }
        }
        other.received_at = Some(now);
        Ok(())
    }

    pub(super) fn donate(&mut self, work: &mut Work, act: &Act, known: bool, points: i64) -> Done {
        if !known {
            return Err("FUND_UNKNOWN");
        }
        take(&mut self.member(work.who).available, points).ok_or("NOT_ENOUGH_POINTS")?;
        self.observe(work, act)?;
        self.totals[DONATED] += points;
        Ok(())
    }

    pub(super) fn open(&mut self, work: &mut Work, act: &Act, (lots, debt, spent): Brought<'_>) -> Done {
        let (now, version) = (self.now, self.version);
        if self.member(work.who).opened {
            return Err("OPENED_ALREADY");
        }
        if debt > 60 && version == 0 {
            return Err("OPENING_OVER_APPROVALS");
        }
        let alive_until = self.member(work.who).alive_until;
        let mut dated: Vec<(i64, Option<i64>, i64)> = Vec::new();
        for (points, age, left) in lots {
            let earned_at = now - age * DAY;
            let here = (version == 0).then(|| expires_at(0, day_of(earned_at)));
            let expires = left.map(|days| now + days * DAY).or(here);
            dated.push((earned_at, expires, *points));
        }
        if dated.iter().any(|(earned_at, ..)| *earned_at > now) {
            return Err("IN_THE_FUTURE");
        }
        let alive = if alive_until > now { alive_until } else { expires_at(1, work.day) };
        if dated.iter().any(|(_, expires, _)| expires.unwrap_or(alive) <= now) {
            return Err("LOT_EXPIRED");
        }
        if dated.iter().map(|(.., points)| points).sum::<i64>() > 200 {
            return Err("OPENING_OVER_APPROVALS");
        }
        if spent.iter().any(|(age, _)| *age < 0) {
            return Err("IN_THE_FUTURE");
        }
        dated.sort_by_key(|(earned_at, ..)| *earned_at);
        self.observe(work, act)?;
        self.member(work.who).opened = true;
        self.member(work.who).debt += debt;
        self.totals[DEBITED] += debt;
        for (_, expires, points) in dated {
            self.grant_until(work, points, expires, 0);
        }
        for (age, amount) in spent {
            self.member(work.who).measure(day_of(now - age * DAY), work.today, *amount);
        }
        Ok(())
    }
}

/// What a member brings: its points, what it owes, and what it spent.
type Brought<'a> = (&'a [(i64, i64, Option<i64>)], i64, &'a [(i64, i64)]);

//! What points are given for.

use super::*;

impl Member {
    pub(super) fn celebrates(&self, day: i64) -> bool {
        day >= self.birthday_from && self.is_birthday(day)
    }

    pub(super) fn is_birthday(&self, day: i64) -> bool {
        let (year, month, of_month) = civil(day);
        match self.birthday {
            Some((2, 29)) if !is_leap(year) => (month, of_month) == (3, 1),
            birthday => birthday == Some((month, of_month)),
        }
    }
}

impl Books {
    pub(super) fn purchase(&mut self, work: &mut Work, act: &Act, order: &str, paid: i64) -> Done {
        let (rules, version, horizon) = (self.rules(), self.version, work.today - HORIZON);
        if self.known_order(work, order).is_some() {
            return Err("ORDER_EXISTS");
        }
        self.observe(work, act)?;
        let (who, day, today) = (work.who, work.day, work.today);
        self.member(who).measure(day, today, paid);
        self.earn_of_purchase(work, &rules, paid);
        let counted = self.member(who).carried + paid;
        self.earn(work, "drops", counted / DROP, None);
        let carries = !work.denied && !work.mute;
        if carries {
            self.member(who).carried = counted % DROP;
        }
        let charity = if carries { paid / 700 * rules.charity } else { 0 };
        self.totals[0] += charity;
        self.totals[DONATED] += charity;
        let granted = std::mem::take(&mut work.bought);
        let name = order.to_string();
        let lines = [(paid / 3, true), (paid - paid / 3, true)];
        let bought = Bought { order: name, day, paid, refunded: 0, lines, version, carries, charity, granted };
        self.member(who).bought.push(bought);
        // What came back before it, as if it came now. What cannot go back now never does.
        let at = self.member(who).bought.len() - 1;
        work.best_rank = self.member(who).natural(&rules, today);
        // The days that are over, as they look now.
        let days = day.max(today - LATE)..today;
        let counts = paid > 0 && days.start - day < WINDOW;
        let rank_of = |day: i64| (day, self.members[who].was_natural(&rules, day));
        work.past = days.filter(|_| counts).map(rank_of).collect();
        let deferred = std::mem::take(&mut self.member(who).deferred);
        let is_its =
            |back: &Deferred| !back.is_of_hold() && back.order == order && back.waits_on(today) && back.happened >= day;
        let (its, others): (Vec<Deferred>, _) = deferred.into_iter().partition(is_its);
        self.member(who).deferred = others;
        for back in its.into_iter().filter(|_| day >= horizon) {
            let _ = self.take_back(work, at, &back.act);
        }
        Ok(())
    }

    /// What the rules that look at this purchase alone give.
    fn earn_of_purchase(&mut self, work: &mut Work, rules: &Rules, paid: i64) {
        let base = paid / 100 * rules.give;
        let base = self.earn(work, "base", base, Some(("base", 7, false, rules.base_most)));
        self.earn(work, "bonus", 3, None);
        if self.member(work.who).celebrates(work.day) {
            self.earn(work, "birthday", base, None);
        }
        if is_midweek(work.day) && paid >= 4_000 {
            self.earn(work, "midweek", quarter(base), None);
        }
        let rank = self.member(work.who).tier.unwrap_or(0);
        self.earn(work, "gift", [0, 2, 4, 4][rank], None);
    }

    pub(super) fn check_in(&mut self, work: &mut Work, act: &Act) -> Done {
        let rules = self.rules();
        self.observe(work, act)?;
        self.earn(work, "check_in", rules.check_in, Some(("check_in", 1, true, 1)));
        let days = &mut self.member(work.who).checked_in;
        let is_known = days.last().is_none_or(|last| work.day > last - STREAK);
        let behind = (1..).take_while(|n| days.contains(&(work.day - n))).count();
        let ahead = (1..).take_while(|n| days.contains(&(work.day + n))).count();
        if is_known && days.insert(work.day) && (behind + 1 + ahead) / 3 > behind / 3 + ahead / 3 {
            work.granted_rank = Some(1);
        }
        Ok(())
    }

    pub(super) fn refer(&mut self, work: &mut Work, act: &Act, referee: MemberRef) -> Done {
        let now = self.now;
        if referee == work.who {
            return Err("SELF_REFERRAL");
        }
        if self.members.get(referee).is_some_and(|referee| referee.referred) {
            return Err("REFERRAL_EXISTS");
        }
        self.observe(work, act)?;
        let referee = self.members.entry(referee).or_insert_with(|| Member {
            tier: Some(0),
            reminded_at: now,
            ..Member::default()
        });
        referee.referred = true;
        self.earn(work, "friend", 20, Some(("friend", 30, true, 2)));
        let member = self.member(work.who);
        member.referrals += 1;
        if member.referrals % 2 == 0 {
            work.granted_rank = Some((member.tier.unwrap_or(0) + 1).min(3));
        }
        Ok(())
    }

    /// A rule gives, within its limit: name, days, whether it counts times, and at most how much.
    pub(super) fn earn(
        &mut self,
        work: &mut Work,
        rule: &'static str,
        computed: i64,
        limit: Option<(&'static str, i64, bool, i64)>,
    ) -> i64 {
        let nothing = work.denied || work.mute;
        let mut granted = if nothing { 0 } else { computed };
        let mut late = false;
        if let Some((name, days, times, most)) = limit.filter(|_| !nothing) {
            let (is_late, from) = (work.is_late(), work.day - days + 1);
            let member = self.member(work.who);
            let used = &member.used;
            let within = |end: i64| {
                let inside =
                    move |(whose, day, _): &&(&str, i64, i64)| *whose == name && *day > end - days && *day <= end;
                used.iter().filter(inside).map(|use_| use_.2).sum::<i64>()
            };
            // Each of the spans of days in which this one is.
            let so_far = (work.day..work.day + days).map(within).max().expect("a span has days");
            let is_known = member.torn_out.get(name).is_none_or(|until| from > *until);
            late = is_late && !is_known;
            let room = if late { 0 } else { (most - so_far).max(0) };
            granted = match times {
                true if room == 0 => 0,
                true => computed,
                false => computed.min(room),
            };
        }
        if ["check_in", "friend"].contains(&rule) && !nothing {
            let (year, month, _) = civil(work.day);
            let given = self.visits_in_month_of(start_of(work.day));
            let is_known = !work.is_late() || (year, month) > self.torn_out;
            let room = if is_known { (self.rules().visits_a_month - given).max(0) } else { 0 };
            late |= !is_known && granted > 0;
            granted = granted.min(room);
            if granted > 0 {
                let (year, month, _) = civil(work.day.min(work.today - HORIZON));
                let known = self.visits.iter().filter(|(_, points)| *points > 0);
                let gone = known.map(|(when, _)| *when).filter(|when| *when < (year, month));
                self.torn_out = gone.max().map_or(self.torn_out, |last| last.max(self.torn_out));
            }
            self.visits.push(((year, month), granted));
        }
        // What gave nothing used up nothing.
        if let Some((name, days, times, _)) = limit.filter(|_| granted > 0) {
            let keep_from = (work.today - LATE).min(work.day) - days + 1;
            let member = self.member(work.who);
            // Days before any span that may still be asked for are not kept.
            let old = member.used.iter().filter(|(whose, day, _)| *whose == name && *day < keep_from);
            if let Some(last) = old.map(|(_, day, _)| *day).max() {
                let until = member.torn_out.entry(name).or_insert(last);
                *until = last.max(*until);
            }
            member.used.retain(|(whose, day, _)| *whose != name || *day >= keep_from);
            member.used.push((name, work.day, if times { 1 } else { granted }));
        }
        work.hits += i64::from(!nothing && !late && granted < computed);
        work.points += granted;
        let today = work.day;
        let waits = match (rule, self.version) {
            ("drops", 0) => start_of(today + 3),
            ("base", 1) if granted > 20 => UNSETTLED,
            _ => 0,
        };
        let expires = (self.version == 0).then(|| expires_at(0, today));
        let lot = self.grant_until(work, granted, expires, waits);
        work.bought.push((rule, granted, lot));
        granted
    }

    /// Points that live as the program says, or until a stated date.
    pub(super) fn grant(&mut self, work: &mut Work, points: i64) -> u64 {
        self.grant_until(work, points, (self.version == 0).then(|| expires_at(0, work.day)), 0)
    }

    /// The same, of points that wait until then; what is past is not waited for.
    pub(super) fn grant_until(&mut self, work: &mut Work, points: i64, stated: Option<i64>, waits: i64) -> u64 {
        self.lots_made += 1;
        let made = self.lots_made;
        let review = work.review;
        let member = self.member(work.who);
        let waits = if waits > work.counted_at { waits } else { 0 };
        // What waits, or is under review, repays nothing yet.
        let repaid = if waits > 0 || review { 0 } else { points.min(member.debt) };
        member.debt -= repaid;
        let begins = stated.is_none() && member.alive_until <= work.counted_at;
        let dies = stated.unwrap_or_else(|| if begins { expires_at(1, work.day) } else { member.alive_until });
        if points > repaid && !review && waits == 0 && dies <= work.counted_at {
            // It comes too late to be spent.
            let lot = Lot { expires: dies, active: false, reinstated: false, made, points: points - repaid, waits: 0 };
            let gone = member.lapse(&[lot], work.counted_at);
            self.totals[EXPIRED] += gone;
        } else if points > repaid {
            let active = stated.is_none() && dies > work.counted_at;
            if active {
                member.alive_until = dies;
            }
            let expires = dies;
            let lots = match (review, waits > 0) {
                (true, _) => &mut member.review,
                (false, true) => &mut member.pending,
                (false, false) => &mut member.available,
            };
            give_back(lots, vec![Lot { expires, active, reinstated: false, made, points: points - repaid, waits }]);
        }
        work.earned += points;
        self.totals[0] += points;
        made
    }

    /// What check-ins and referrals gave in a month.
    pub fn visits_in_month_of(&self, at: i64) -> i64 {
        let (year, month, _) = civil(day_of(at));
        self.visits.iter().filter(|(when, _)| *when == (year, month)).map(|(_, points)| points).sum()
    }
}

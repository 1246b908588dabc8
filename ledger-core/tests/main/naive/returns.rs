//! What goes back of purchases.

use super::*;

impl Bought {
    /// Whether all of it went back: the money for what is left of its lines, or every line.
    pub(super) fn is_gone(&self) -> bool {
        let prices = [self.paid / 3, self.paid - self.paid / 3];
        let is_left = |(price, (left, there)): (&i64, &(i64, bool))| *there && (*left > 0 || *price == 0);
        let left: i64 = self.lines.iter().map(|(left, _)| left).sum();
        (self.paid == self.refunded && left > 0) || !prices.iter().zip(&self.lines).any(is_left)
    }
}

impl Books {
    pub(super) fn returned(&mut self, work: &mut Work, act: &Act, order: &str) -> Done {
        self.observe(work, act)?;
        match self.known_order(work, order) {
            Some(at) => self.take_back(work, at, act)?,
            None => {
                let (told, happened) = (work.today, work.day);
                let deferred = Deferred { told, happened, order: order.to_string(), act: act.clone() };
                self.member(work.who).deferred.push(deferred);
            }
        }
        Ok(())
    }

    /// Where the order of this number is in the member's book, if it is not too old.
    pub(super) fn known_order(&mut self, work: &Work, order: &str) -> Option<usize> {
        let horizon = work.today - HORIZON;
        let bought = &self.member(work.who).bought;
        bought.iter().rposition(|bought| bought.order == order).filter(|at| bought[*at].day >= horizon)
    }

    /// Something of a purchase goes back, if it is there.
    pub(super) fn take_back(&mut self, work: &mut Work, at: usize, act: &Act) -> Result<(), &'static str> {
        if let Act::Settle { .. } = act {
            self.member(work.who).purchase_settled(at);
            return Ok(());
        }
        let bought = &mut self.member(work.who).bought[at];
        let (left, was_gone) = (bought.paid - bought.refunded, bought.is_gone());
        // What is told beyond what is there takes what there is.
        let amount = match act {
            Act::Cancel { .. } if left > 0 => left,
            Act::Cancel { .. } if !was_gone => {
                bought.lines = [(0, false); 2];
                0
            }
            Act::Refund { amount, .. } => (*amount).min(left),
            Act::RefundLine { line, amount, .. } => {
                let (price, there) = bought.lines.get_mut(*line).ok_or("LINE_UNKNOWN")?;
                let goes = amount.unwrap_or(*price).min(*price);
                (*price, *there) = (*price - goes, *there && amount.is_some());
                goes.min(left)
            }
            _ => return Err("REFUND_OVER_PAID"),
        };
        self.refund(work, at, amount, was_gone);
        Ok(())
    }

    pub(super) fn refund(&mut self, work: &mut Work, at: usize, amount: i64, was_gone: bool) {
        let member = self.member(work.who);
        let bought = &mut member.bought[at];
        let worth = |bought: &Bought, gone: bool| -> Vec<i64> {
            let kept = bought.paid - bought.refunded;
            let base_of = |granted: i64| granted.min(kept / 100 * Rules::of(bought.version).give);
            let base = bought.granted.first().map_or(0, |(_, granted, _)| base_of(*granted));
            let worth = |(rule, granted, _): &(&str, i64, u64)| match *rule {
                "base" => base,
                "birthday" => base.min(*granted),
                "midweek" if kept < 4_000 => 0,
                "midweek" => quarter(base).min(*granted),
                "drops" => (kept / DROP).min(*granted),
                _ if gone => 0,
                _ => *granted,
            };
            bought.granted.iter().map(worth).collect()
        };
        let kept = bought.paid - bought.refunded;
        let before = worth(bought, was_gone);
        bought.refunded += amount;
        let after = worth(bought, bought.is_gone());
        let charity = |kept: i64| bought.charity.min(kept / 700 * Rules::of(bought.version).charity);
        let from_trees = charity(kept) - charity(kept - amount);
        let day = bought.day;
        let own: Vec<u64> = bought.granted.iter().map(|(_, _, lot)| *lot).collect();
        let mut missing: Vec<i64> = before.iter().zip(&after).map(|(before, after)| before - after).collect();
        if bought.carries {
            // Cent by cent from what waits; at its end a point goes back, and three euros wait again.
            let (mut waits, mut back) = (member.carried - amount, 0);
            while waits < 0 {
                waits += DROP;
                back += 1;
            }
            member.carried = waits;
            *missing.last_mut().expect("drops is the last rule") = back;
        }
        let all: i64 = missing.iter().sum();
        member.measure(day, work.today, -amount);
        // What waits first; each rule from its own lot, then from the purchase's others, then from whatever is there.
        for waiting in [true, false] {
            for (missing, lot) in missing.iter_mut().zip(&own) {
                *missing -= member.take_from(&[*lot], *missing, waiting);
            }
            for missing in &mut missing {
                *missing -= member.take_from(&own, *missing, waiting);
            }
        }
        let rest: i64 = missing.iter().sum();
        let there = sum(&member.available.iter().filter(|lot| !own.contains(&lot.made)).cloned().collect::<Vec<_>>());
        let (mut others, mine) = member.available.drain(..).partition(|lot| !own.contains(&lot.made));
        take(&mut others, rest.min(there)).expect("as many as there are");
        member.available = mine;
        give_back(&mut member.available, others);
        member.debt += rest - rest.min(there);
        self.totals[CLAWED_BACK] += all + from_trees;
        self.totals[DONATED] -= from_trees;
    }
}

impl Member {
    /// A purchase is settled: nothing of it waits for that any more.
    pub(super) fn purchase_settled(&mut self, at: usize) {
        let made: Vec<u64> = self.bought[at].granted.iter().map(|(_, _, lot)| *lot).collect();
        let waits = |lot: &Lot| lot.waits == UNSETTLED && made.contains(&lot.made);
        self.review.iter_mut().filter(|lot| waits(lot)).for_each(|lot| lot.waits = 0);
        self.activate(waits);
    }

    /// Takes up to `points` from certain lots, of those that wait or of the others; answers how many it were.
    pub(super) fn take_from(&mut self, made: &[u64], points: i64, waiting: bool) -> i64 {
        let mut missing = points;
        for made in made {
            let all = [(true, &mut self.pending), (false, &mut self.available), (false, &mut self.review)];
            for (_, lots) in all.into_iter().filter(|(waits, _)| *waits == waiting) {
                for lot in lots.iter_mut().filter(|lot| lot.made == *made) {
                    let some = lot.points.min(missing);
                    lot.points -= some;
                    missing -= some;
                }
                lots.retain(|lot| lot.points > 0);
            }
        }
        points - missing
    }
}

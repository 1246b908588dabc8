//! Tiers, streaks and ladders.

use super::*;

impl Member {
    pub(super) fn spent_in_window(&self, day: i64) -> i64 {
        self.spent.iter().filter(|(on, _)| *on > day - WINDOW).map(|(_, amount)| amount).sum()
    }

    pub(super) fn natural(&self, rules: &Rules, day: i64) -> usize {
        self.rank_of(rules, self.spent_in_window(day))
    }

    /// The tier that was earned on a day that is over.
    pub(super) fn was_natural(&self, rules: &Rules, day: i64) -> usize {
        let inside = self.spent.iter().filter(|(on, _)| *on > day - WINDOW && *on <= day);
        self.rank_of(rules, inside.map(|(_, amount)| amount).sum())
    }

    fn rank_of(&self, rules: &Rules, metric: i64) -> usize {
        let fits = |rank: usize| {
            metric >= rules.least[rank] && (rank < 3 || self.percentile.is_some_and(|percentile| percentile <= 10))
        };
        (0..4).rev().find(|rank| fits(*rank)).unwrap_or(0)
    }

    /// The next day on which the tier must be looked at: day by day until the standard is missed.
    pub(super) fn next_look(&self, rules: &Rules, rank: usize, today: i64) -> Option<i64> {
        if let Some(since) = self.unmet_since {
            return Some(since + rules.patience_days);
        }
        let last = self.spent.iter().map(|(day, _)| day + WINDOW).max()?;
        (today + 1..=last).find(|day| self.spent_in_window(*day) < rules.least[rank])
    }

    pub(super) fn measure(&mut self, day: i64, today: i64, amount: i64) {
        self.spent.retain(|(on, _)| *on > today - LATE - WINDOW);
        if day > today - LATE - WINDOW {
            self.spent.push((day, amount));
        }
    }

    /// Falls for every time that it was short for too long of what it has.
    fn fall(&mut self, rules: &Rules, past: &[(i64, usize)], rank: &mut usize, natural: usize, today: i64) {
        while natural < *rank {
            let met = past.iter().filter(|(_, earned)| *earned >= *rank).map(|(day, _)| day + 1).max();
            self.unmet_since = self.unmet_since.max(met);
            let Some(lapses) = self.unmet_since.map(|since| since + rules.patience_days) else { return };
            if lapses > today {
                return;
            }
            (*rank, self.unmet_since) = (*rank - 1, Some(lapses));
        }
    }

    pub(super) fn settle(&mut self, rules: &Rules, rank: usize, natural: usize, today: i64) {
        self.tier = Some(rank);
        self.unmet_since = if natural < rank { self.unmet_since.or(Some(today)) } else { None };
        self.tier_due = self.next_look(rules, rank, today);
    }
}

impl Books {
    pub(super) fn review_tier(&mut self, who: MemberRef, today: i64) {
        let rules = self.rules();
        let member = self.member(who);
        let natural = member.natural(&rules, today);
        let mut rank = member.tier.unwrap_or(0);
        let expired_recently = member.unmet_since.is_some_and(|since| today >= since + rules.patience_days);
        if natural < rank && expired_recently {
            rank -= 1;
            member.unmet_since = None;
        }
        member.settle(&rules, rank, natural, today);
    }

    /// The tier after an event.
    pub(super) fn stand(&mut self, work: &Work) {
        let rules = self.rules();
        let member = self.member(work.who);
        let mut rank = member.tier.unwrap_or(0);
        let before = rank;
        let natural = member.natural(&rules, work.today);
        if let Some(granted) = work.granted_rank.filter(|granted| *granted > rank) {
            rank = granted;
            member.unmet_since = None;
        }
        let past = &work.past;
        let granted = work.granted_rank.is_some_and(|granted| granted == rank) && rank > before;
        let peak = past.iter().map(|(_, rank)| *rank).max().unwrap_or(0);
        let earned = natural.max(work.best_rank).max(peak);
        let by_metric = earned > rank;
        if by_metric {
            rank = earned;
            member.unmet_since = None;
        }
        if !past.is_empty() && (by_metric || !granted) {
            member.fall(&rules, past, &mut rank, natural, work.today);
        }
        member.settle(&rules, rank, natural, work.today);
    }

    /// How firmly somebody stands now: the metric, when it falls short, and when the tier is lost.
    pub fn tier_progress(&self, who: MemberRef) -> (i64, Option<i64>, Option<i64>) {
        let (rules, today) = (self.rules(), day_of(self.now));
        let member = &self.members[who];
        let (rank, metric) = (member.tier.unwrap_or(0), member.spent_in_window(today));
        let lost_on = member.unmet_since.map(|since| since + rules.patience_days);
        let stands = lost_on.is_none() && metric >= rules.least[rank];
        let falls_short_on = if stands { member.next_look(&rules, rank, today) } else { None };
        (metric, falls_short_on, lost_on)
    }
}

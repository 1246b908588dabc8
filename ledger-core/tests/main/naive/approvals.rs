//! What is done by hand, and who must stand for it.

use super::*;

impl Books {
    /// Points are given or taken by hand, or that is proposed.
    pub(super) fn by_hand(
        &mut self,
        work: &mut Work,
        act: &Act,
        (gives, points): (bool, i64),
        by: &'static str,
    ) -> Result<(), &'static str> {
        if self.people_for(gives, points) == 1 {
            return self.carry_out(work, act, gives, points);
        }
        if by.is_empty() {
            return Err("APPROVER_REQUIRED");
        }
        let now = self.now;
        let proposed = &mut self.member(work.who).proposed;
        if proposed.iter().filter(|one| one.is_open(now)).count() == 16 {
            return Err("MEMBER_LIMIT_REACHED");
        }
        proposed.push(Proposed { points, gives, by: vec![by], lapses: now + LAPSE, over: false });
        self.observe(work, act)
    }

    /// How many people must stand for it now.
    pub(super) fn people_for(&self, gives: bool, points: i64) -> usize {
        let rules = self.rules();
        match gives {
            true if points > 200 => rules.given_by,
            false if points > 60 => rules.taken_by,
            _ => 1,
        }
    }

    pub(super) fn carry_out(
        &mut self,
        work: &mut Work,
        act: &Act,
        gives: bool,
        points: i64,
    ) -> Result<(), &'static str> {
        if gives {
            self.observe(work, act)?;
            self.grant(work, points);
            return Ok(());
        }
        take(&mut self.member(work.who).available, points).ok_or("NOT_ENOUGH_POINTS")?;
        self.observe(work, act)?;
        self.totals[DEBITED] += points;
        Ok(())
    }

    pub(super) fn approve(
        &mut self,
        work: &mut Work,
        act: &Act,
        nth: usize,
        by: &'static str,
    ) -> Result<(), &'static str> {
        let now = self.now;
        let at = self.member(work.who).open_proposal(nth, now)?;
        let frozen = self.member(work.who).frozen.0;
        let one = &mut self.member(work.who).proposed[at];
        if one.gives && frozen {
            return Err("MEMBER_FROZEN");
        }
        if one.by.contains(&by) {
            return Err("APPROVED_ALREADY");
        }
        one.by.push(by);
        let (gives, points, people) = (one.gives, one.points, one.by.len());
        if people < self.people_for(gives, points) {
            return self.observe(work, act);
        }
        self.member(work.who).proposed[at].over = true;
        self.carry_out(work, act, gives, points)
    }

    pub(super) fn withdraw(&mut self, work: &mut Work, act: &Act, nth: usize) -> Done {
        let now = self.now;
        let at = self.member(work.who).open_proposal(nth, now)?;
        self.member(work.who).proposed[at].over = true;
        self.observe(work, act)?;
        Ok(())
    }
}

impl Proposed {
    pub fn is_open(&self, now: i64) -> bool {
        !self.over && now < self.lapses
    }
}

impl Member {
    /// The place of a proposal that can still be approved.
    pub(super) fn open_proposal(&self, nth: usize, now: i64) -> Result<usize, &'static str> {
        let at = nth % (self.proposed.len() + 1);
        let open = self.proposed.get(at).is_some_and(|one| one.is_open(now));
        if open { Ok(at) } else { Err("PROPOSAL_NOT_OPEN") }
    }
}

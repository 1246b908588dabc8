//! A member's life.

use super::*;

impl Books {
    pub(super) fn enrol(&mut self, work: &mut Work, act: &Act, birthday: Option<(i64, i64)>) -> Done {
        let day = work.day.max(work.today);
        let member = self.member(work.who);
        if member.enrolled && (birthday.is_none() || birthday == member.birthday) {
            return Err("ALREADY_ENROLLED");
        }
        if member.birthday.is_some() && birthday.is_some() {
            // No birthday within a year of the one before: it may have been celebrated.
            let last = (day - 364..=day).rev().find(|day| member.is_birthday(*day));
            member.birthday_from = last.map_or(member.birthday_from, |last| member.birthday_from.max(last + 365));
        }
        if member.enrolled {
            member.birthday = birthday;
            return Ok(());
        }
        self.observe(work, act)?;
        self.member(work.who).enrolled = true;
        self.member(work.who).birthday = birthday;
        self.earn(work, "welcome", 7, None);
        Ok(())
    }

    pub(super) fn attribute(&mut self, work: &mut Work, act: &Act, known: bool, value: i64) -> Done {
        if !known {
            return Err("ATTRIBUTE_UNKNOWN");
        }
        self.observe(work, act)?;
        self.member(work.who).percentile = Some(value);
        Ok(())
    }

    pub(super) fn freeze(&mut self, work: &mut Work, act: &Act, earn: bool, redeem: bool) -> Done {
        let frozen = &mut self.member(work.who).frozen;
        let more = (frozen.0 || earn, frozen.1 || redeem);
        if std::mem::replace(frozen, more) == more {
            return Err("ALREADY_FROZEN");
        }
        self.observe(work, act)?;
        Ok(())
    }

    pub(super) fn unfreeze(&mut self, work: &mut Work, act: &Act, earn: bool, redeem: bool) -> Done {
        let frozen = &mut self.member(work.who).frozen;
        let less = (frozen.0 && !earn, frozen.1 && !redeem);
        if std::mem::replace(frozen, less) == less {
            return Err("NOT_FROZEN");
        }
        self.observe(work, act)?;
        Ok(())
    }

    pub(super) fn close(&mut self, work: &mut Work, act: &Act) -> Done {
        if !self.member(work.who).holds.is_empty() {
            return Err("HOLDS_OPEN");
        }
        self.observe(work, act)?;
        let now = self.now;
        let member = self.member(work.who);
        (member.closed_at, member.dormant_at) = (Some(now), None);
        // Nobody can stand for what was proposed any more.
        member.proposed.iter_mut().for_each(|open| open.over = true);
        Ok(())
    }
}

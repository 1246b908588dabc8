//! What it does to a row that its member comes from another system.

use super::*;
use ledger_core::features::membership::state::Birthday;
use ledger_core::features::tiers::state::Streak;

fn came(enrolled_at: Option<i64>, streaks: &[(u16, u32, i32)]) -> Change {
    let row = |(term, days, last): &(u16, u32, i32)| Streak::row(TermNo(*term), Day(*last), *days);
    let birthday = enrolled_at.map(|_| Birthday { date: MonthDay { month: 2, day: 29 }, from: Day(4) });
    let streaks = streaks.iter().map(row).collect();
    Change::Opened(change::Opened { member: A, enrolled_at: enrolled_at.map(At), birthday, streaks })
}

pub(super) fn vectors(v: &mut Vectors) {
    v.own("change Opened", vec![], vec![came(Some(-7), &[(5, 3, 9), (3, 70, 8)])]);
    let known = || vec![streak(5, 1, 9), streak(3, 1, 9)];
    v.own("change Opened: streaks that are known", known(), vec![came(None, &[(3, 2, 9), (4, 1, 9), (5, 64, 10)])]);
    v.own("change Opened: two rows of one streak", known(), vec![came(None, &[(3, 2, 9), (3, 3, 9)])]);
    let birthday = Some(Birthday { date: MonthDay { month: 1, day: 1 }, from: Day(0) });
    let enrolled = Change::Enrolled(change::Enrolled { member: A, birthday, joined: true });
    v.own("change Opened: what is not said stays", vec![enrolled], vec![came(None, &[])]);
    v.own_wrong("change Opened twice", vec![came(None, &[])], vec![came(None, &[])]);
}

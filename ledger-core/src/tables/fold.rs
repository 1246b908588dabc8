//! Fold: adds and subtracts what a record says. No rule, no program, no clock.
//!
//! It serves the live path, recovery, rebuild, `verify`, as-of reads and scenarios: there is one of
//! it. Each row knows the last position folded into it and skips what it has, so folding a stretch of
//! the log twice is folding it once. What cannot be added up is [`Corrupt`]: the log and the state
//! contradict each other, and the shard stops.

use crate::kernel::account::{Account, Posting};
use crate::kernel::counter::{self, Key};
use crate::kernel::lots::{Lot, Slice};
use crate::kernel::units::{At, MemberNo, Points, Position, RiskKey, TermNo};
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::event::{self, Body, Event};
use crate::tables::member::{
    CLOSED_HOLDS_MAX, HISTORY_PAGE, Hold, Lapsed, LineReturned, Member, Parked, PurchaseRef, Purse, RedemptionRef,
    Spell, Streak,
};
use crate::tables::record::{Cause, Record};
use crate::tables::state::{Case, CounterRow, HistoryPage, ProgramRow, State, WalletTotals};
use alloc::vec::Vec;

pub use crate::kernel::corrupt::Corrupt;

/// Folds the record at `position` into the state.
///
/// # Errors
/// [`Corrupt::Fold`] names the record, the member and what does not add up. The state is then of no
/// more use.
pub fn fold(state: &mut State, position: Position, record: &Record) -> Result<(), Corrupt> {
    let mut last = MemberNo::NOBODY;
    for no in record.mentions() {
        // Whoever is mentioned again later has the record already, by its position.
        if core::mem::replace(&mut last, no) == no {
            continue;
        }
        let corrupt = |what| Corrupt::Fold { position, member: no, what };
        let member = state.member_for_fold(no).ok_or_else(|| corrupt("member number out of turn"))?;
        if member.position >= position {
            continue;
        }
        let page = fold_member(member, no, position, record)?;
        state.schedule(no);
        if let Some(page) = page {
            state.page(page);
        }
    }
    fold_shared(state, position, record).map_err(|what| Corrupt::Fold { position, member: MemberNo::NOBODY, what })
}

/// Folds into one member what the record at `position` says of it; a member's own records, folded in
/// order, are the member. Returns the page of history this fills, if it does.
///
/// # Errors
/// As [`fold`].
pub fn fold_member(
    member: &mut Member,
    no: MemberNo,
    position: Position,
    record: &Record,
) -> Result<Option<HistoryPage>, Corrupt> {
    let corrupt = |what| Corrupt::Fold { position, member: no, what };
    let verdict = &record.verdict;
    for change in &verdict.changes {
        change_member(member, no, position, record.at, change).map_err(corrupt)?;
    }
    move_points(member, no, &verdict.postings).map_err(corrupt)?;
    for change in &verdict.changes {
        if let Change::HoldClosed(change::HoldClosed { member: whose, no: hold }) = change
            && *whose == no
        {
            close_hold(member, *hold).map_err(corrupt)?;
        }
    }
    member.purses.iter_mut().for_each(Purse::sweep);
    if record.member() == no && member.available(verdict.wallet) != verdict.available {
        return Err(corrupt("the available balance differs from the record's"));
    }
    member.position = position;
    member.records = member.records.saturating_add(1);
    member.next_due = member.due();
    Ok(remember(member, no, position))
}

/// Moves a member's points as postings say.
pub(crate) fn move_points(member: &mut Member, no: MemberNo, postings: &[Posting]) -> Result<(), &'static str> {
    let mut coming = Coming::default();
    for posting in postings.iter().filter(|posting| posting.member == no) {
        post(member, posting, &mut coming)?;
    }
    take_in(member, &mut coming)
}

/// Points on their way back to the available lots of one wallet: there may be thousands in one record.
#[derive(Default)]
struct Coming {
    wallet: TermNo,
    lots: Vec<Lot>,
}

fn post(member: &mut Member, posting: &Posting, coming: &mut Coming) -> Result<(), &'static str> {
    let Posting { wallet, points, lot, expires_at, .. } = *posting;
    if wallet == TermNo::NONE {
        return Err("a posting names no wallet");
    }
    if posting.is_of_funds() {
        return Ok(());
    }
    if posting.from == Account::Available || coming.wallet != wallet {
        take_in(member, coming)?;
    }
    let purse = member.purses.of_mut(wallet);
    match posting.from {
        Account::Available => purse.lots.take(lot, expires_at, points).ok_or("lot overdrawn"),
        Account::Review => purse.review_mut().take(lot, expires_at, points).ok_or("lot in review overdrawn"),
        Account::Pending => purse.pending_mut().take(lot, expires_at, points).ok_or("lot that waits overdrawn"),
        Account::Held(no) => take_held(&mut member.holds, no, posting),
        Account::Debt => purse.debt.plus(points).map(|debt| purse.debt = debt).ok_or("debt overflows"),
        // What was spent may be given back, and what died may live again.
        Account::Issued | Account::Redeemed | Account::Moved | Account::Expired => Ok(()),
        // What is on its way to a partner is told by the changes of its life.
        Account::Exchanging => Ok(()),
        Account::Fees
        | Account::ClawedBack
        | Account::Voided
        | Account::Debited
        | Account::Donated
        | Account::Exchanged => Err("points cannot come back from this account"),
    }?;
    match posting.to {
        Account::Available if posting.from == Account::Issued => {
            purse.lots.put(lot, expires_at, points).ok_or("balance overflows")
        }
        Account::Available => {
            coming.wallet = wallet;
            coming.lots.push(Lot { expires_at, id: lot, left: points });
            Ok(())
        }
        Account::Review => purse.review_mut().put(lot, expires_at, points).ok_or("balance in review overflows"),
        Account::Pending => purse.pending_mut().put(lot, expires_at, points).ok_or("balance that waits overflows"),
        Account::Held(no) => {
            let hold = open_hold(&mut member.holds, no, wallet)?;
            hold.slices.push(Slice { expires_at, id: lot, left: points });
            Ok(())
        }
        Account::Debt => match purse.debt.less(points) {
            Some(debt) if debt >= Points::ZERO => {
                purse.debt = debt;
                Ok(())
            }
            _ => Err("more debt repaid than owed"),
        },
        Account::Redeemed
        | Account::Expired
        | Account::ClawedBack
        | Account::Voided
        | Account::Debited
        | Account::Moved
        | Account::Fees
        | Account::Donated
        | Account::Exchanging
        | Account::Exchanged => Ok(()),
        Account::Issued => Err("points cannot go back to issued"),
    }
}

fn take_in(member: &mut Member, coming: &mut Coming) -> Result<(), &'static str> {
    if coming.lots.is_empty() {
        return Ok(());
    }
    let lots = core::mem::take(&mut coming.lots);
    member.purses.of_mut(coming.wallet).lots.put_all(lots).ok_or("balance overflows")
}

fn open_hold(holds: &mut [Hold], no: u32, wallet: TermNo) -> Result<&mut Hold, &'static str> {
    holds.iter_mut().find(|hold| hold.no == no && hold.wallet == wallet).ok_or("no such hold")
}

fn take_held(holds: &mut [Hold], no: u32, posting: &Posting) -> Result<(), &'static str> {
    let hold = open_hold(holds, no, posting.wallet)?;
    // Slices leave a hold in the order they came.
    let at = usize::try_from(hold.used).map_err(|_| "hold overdrawn")?;
    let slice = hold.slices.get_mut(at).ok_or("hold overdrawn")?;
    if slice.id != posting.lot || slice.left < posting.points {
        return Err("hold overdrawn");
    }
    slice.left = slice.left.less(posting.points).ok_or("hold overdrawn")?;
    if slice.left.is_zero() {
        hold.used = hold.used.saturating_add(1);
    }
    Ok(())
}

fn close_hold(member: &mut Member, no: u32) -> Result<(), &'static str> {
    let at = member.holds.iter().position(|hold| hold.no == no).ok_or("no such hold")?;
    let hold = member.holds.remove(at);
    if hold.slices.iter().any(|slice| !slice.left.is_zero()) {
        return Err("a hold is closed that still holds points");
    }
    member.closed_holds.push(hold.name);
    if member.closed_holds.len() > CLOSED_HOLDS_MAX {
        member.closed_holds.remove(0);
    }
    Ok(())
}

fn change_member(
    member: &mut Member,
    no: MemberNo,
    position: Position,
    at: At,
    change: &Change,
) -> Result<(), &'static str> {
    match change {
        Change::Registered(change::Registered { member: whose, name }) if *whose == no => {
            if member.records != 0 {
                return Err("a member is registered twice");
            }
            member.name = name.bytes.clone();
        }
        Change::Enrolled(change::Enrolled { member: whose, birthday }) if *whose == no => {
            member.enrolled_at = Some(at);
            member.birthday = *birthday;
        }
        Change::AttributeSet(change::AttributeSet { member: whose, term, value }) if *whose == no => {
            match member.attributes.binary_search_by_key(term, |(name, _)| *name) {
                Ok(found) => {
                    let (_, old) = member.attributes.get_mut(found).ok_or("no such attribute")?;
                    *old = *value;
                }
                Err(place) => member.attributes.insert(place, (*term, *value)),
            }
        }
        Change::Purchased(change::Purchased { member: whose, order, day, forget_before }) if *whose == no => {
            if member.purchases.first().is_some_and(|oldest| oldest.day < *forget_before) {
                member.purchases.retain(|purchase| purchase.day >= *forget_before);
            }
            member.forget_returns(*forget_before);
            member.purchases.push(PurchaseRef { order: *order, position, day: *day, refunded: Default::default() });
        }
        Change::Refunded(change::Refunded { member: whose, purchase, amount }) if *whose == no => {
            let found = member.purchases.iter_mut().find(|known| known.position == *purchase);
            let found = found.ok_or("no such purchase")?;
            found.refunded.0 = found.refunded.0.checked_add(amount.0).ok_or("refund overflows")?;
        }
        Change::LineReturned(change::LineReturned { member: whose, purchase, line, items, amount }) if *whose == no => {
            let back = LineReturned { purchase: *purchase, line: *line, items: *items, amount: *amount };
            member.take_back(back).ok_or("what came back of a line overflows")?;
        }
        Change::Parked(change::Parked { member: whose, order, day, forget_before }) if *whose == no => {
            member.forget_returns(*forget_before);
            member.park(Parked { order: *order, position, day: *day });
        }
        Change::Unparked(change::Unparked { member: whose, event, .. }) if *whose == no => {
            member.unpark(*event).ok_or("nothing of the kind waits for a purchase")?;
        }
        Change::ReferredBy(change::ReferredBy { member: whose, referrer }) if *whose == no => {
            member.referrer = Some(*referrer)
        }
        Change::Counted(change::Counted { key: Key::Member(whose), term, bucket, keep_from, amount, seen })
            if *whose == no =>
        {
            let counter = counter::find_or_add(&mut member.counters, *term).ok_or("no counter")?;
            count(counter, *bucket, *keep_from, *amount, *seen)?;
        }
        Change::TierSet(change::TierSet { member: whose, to, unmet_since, due, .. }) if *whose == no => {
            member.tier.tier = *to;
            member.tier.unmet_since = *unmet_since;
            member.tier.due = set(*due);
        }
        Change::Streak(change::Streak { member: whose, term, count, day }) if *whose == no => {
            let streak = Streak { term: *term, count: *count, last: *day };
            match member.streaks.iter_mut().find(|streak| streak.term == *term) {
                Some(old) => *old = streak,
                None => member.streaks.push(streak),
            }
        }
        Change::Active(change::Active { member: whose, dormant_at }) if *whose == no => {
            member.dormant_at = set(*dormant_at)
        }
        Change::Redeemed(change::Redeemed { member: whose, wallet, order, day, points, forget_before, .. })
            if *whose == no =>
        {
            if member.redemptions.first().is_some_and(|oldest| oldest.day < *forget_before) {
                member.redemptions.retain(|redemption| redemption.day >= *forget_before);
            }
            member.redemptions.push(RedemptionRef {
                wallet: *wallet,
                order: *order,
                position,
                day: *day,
                points: *points,
                refunded: Points::ZERO,
            });
        }
        Change::RedeemRefunded(change::RedeemRefunded { member: whose, redemption, points }) if *whose == no => {
            let found = member.redemptions.iter_mut().find(|known| known.position == *redemption);
            let found = found.ok_or("no such redemption")?;
            found.refunded = found.refunded.plus(*points).ok_or("refund of points overflows")?;
            if found.refunded > found.points {
                return Err("more points given back than were redeemed");
            }
        }
        Change::HoldExtended(change::HoldExtended { member: whose, no: hold, expires_at }) if *whose == no => {
            let hold = member.holds.iter_mut().find(|open| open.no == *hold).ok_or("no such hold")?;
            hold.expires_at = *expires_at;
        }
        Change::HoldOpened(change::HoldOpened {
            member: whose,
            no: hold,
            wallet,
            name,
            expires_at,
            order,
            day,
            item,
        }) if *whose == no => {
            member.holds_made = *hold;
            member.holds.push(Hold {
                no: *hold,
                wallet: *wallet,
                name: name.clone(),
                expires_at: *expires_at,
                slices: Vec::new(),
                used: 0,
                order: *order,
                day: *day,
                item: *item,
            });
        }
        Change::Waits(change::Waits { member: whose, wallet, lot, until }) if *whose == no => {
            member.purses.of_mut(*wallet).aside_mut().wait(*lot, *until);
        }
        Change::Visited(change::Visited { member: whose, stay, counted }) if *whose == no => {
            let visits = member.life.get_or_insert_default().visits.get_or_insert_default();
            visits.carry_on(*stay, counted).ok_or("a visit does not add up")?;
        }
        Change::Spell(change::Spell { member: whose, wallet, since, until }) if *whose == no => {
            member.purses.of_mut(*wallet).aside_mut().spell = Some(Spell { since: *since, until: *until });
        }
        Change::ReminderSet(change::ReminderSet { member: whose, wallet, at }) if *whose == no => {
            member.purses.of_mut(*wallet).aside_mut().remind_at = set(*at);
        }
        Change::Lapsed(change::Lapsed { member: whose, wallet, day, points, forget_before }) if *whose == no => {
            let lapsed = &mut member.purses.of_mut(*wallet).aside_mut().lapsed;
            lapsed.retain(|lapsed| lapsed.day >= *forget_before);
            match lapsed.last_mut() {
                Some(last) if last.day == *day => last.points = last.points.plus(*points).ok_or("points overflow")?,
                _ => lapsed.push(Lapsed { day: *day, points: *points }),
            }
        }
        Change::Reinstated(change::Reinstated { member: whose, wallet, points, lot, forget_before })
            if *whose == no =>
        {
            let aside = member.purses.of_mut(*wallet).aside_mut();
            aside.reinstate(*points, *lot, *forget_before).ok_or("more points live again than died")?;
        }
        Change::Life(change::Life { member: whose, change }) if *whose == no => {
            let mut life = member.life.take().unwrap_or_default();
            life.apply(position, at, change)?;
            member.life = (!life.is_ordinary()).then_some(life);
        }
        Change::CaseOpened(case) if case.members.contains(&no) => member.cases.push(position),
        Change::CaseJoined(change::CaseJoined { case, members }) if members.contains(&no) => member.cases.push(*case),
        Change::CaseClosed(change::CaseClosed { case, members, .. }) if members.contains(&no) => {
            member.cases.retain(|open| open != case);
        }
        // Somebody else's, or a shared row's; holds close after the postings.
        Change::Registered(..)
        | Change::Enrolled(..)
        | Change::AttributeSet(..)
        | Change::Purchased(..)
        | Change::Refunded(..)
        | Change::ReferredBy(..)
        | Change::Counted(..)
        | Change::TierSet(..)
        | Change::Streak(..)
        | Change::Active(..)
        | Change::HoldOpened(..)
        | Change::HoldClosed(..)
        | Change::CaseOpened(_)
        | Change::CaseJoined(..)
        | Change::CaseClosed(..)
        | Change::TermsAdded(..)
        | Change::ProgramSet(change::ProgramSet)
        | Change::Life(..)
        | Change::Redeemed(..)
        | Change::RedeemRefunded(..)
        | Change::HoldExtended(..)
        | Change::Spell(..)
        | Change::Expiring(..)
        | Change::ReminderSet(..)
        | Change::Lapsed(..)
        | Change::Reinstated(..)
        | Change::LineReturned(..)
        | Change::Parked(..)
        | Change::Unparked(..)
        | Change::Waits(..)
        | Change::Visited(..)
        | Change::TierCounted(..) => {}
    }
    Ok(())
}

fn set(at: At) -> Option<At> {
    (at != At::NEVER).then_some(at)
}

fn count(
    counter: &mut counter::Counter,
    bucket: i32,
    keep_from: i32,
    amount: i64,
    seen: MemberNo,
) -> Result<(), &'static str> {
    counter.add(bucket, keep_from, amount).ok_or("counter overflows")?;
    if seen != MemberNo::NOBODY {
        counter.see(bucket, keep_from, seen);
    }
    Ok(())
}

fn remember(member: &mut Member, no: MemberNo, position: Position) -> Option<HistoryPage> {
    let history = &mut member.history;
    history.recent.push(position);
    if history.recent.len() < HISTORY_PAGE {
        return None;
    }
    let positions = core::mem::take(&mut history.recent);
    let page = history.paged.checked_div(u64::try_from(HISTORY_PAGE).ok()?)?;
    history.paged = history.paged.saturating_add(u64::try_from(positions.len()).ok()?);
    Some(HistoryPage { member: no, page, positions })
}

fn fold_shared(state: &mut State, position: Position, record: &Record) -> Result<(), &'static str> {
    // Rules that share a budget each count on it.
    let mut counted: Vec<(RiskKey, TermNo)> = Vec::new();
    for change in &record.verdict.changes {
        match change {
            Change::Counted(change::Counted { key: Key::Risk(key), term, bucket, keep_from, amount, seen }) => {
                let row = state
                    .counters
                    .entry((*key, *term))
                    .or_insert_with(|| CounterRow { position: Position(0), counter: counter::Counter::new(*term) });
                if row.position < position || counted.contains(&(*key, *term)) {
                    row.position = position;
                    counted.push((*key, *term));
                    count(&mut row.counter, *bucket, *keep_from, *amount, *seen)?;
                    state.mark_counter((*key, *term));
                }
            }
            Change::CaseOpened(opened) => {
                let case = Case { position, at: record.at, opened: opened.clone(), finding: None };
                state.cases.entry(position).or_insert(case);
                state.mark_case(position);
            }
            Change::CaseJoined(change::CaseJoined { case, members }) => {
                let row = state.cases.get_mut(case).ok_or("no such case")?;
                if row.position < position {
                    row.position = position;
                    row.opened.members.extend_from_slice(members);
                    state.mark_case(*case);
                }
            }
            Change::CaseClosed(change::CaseClosed { case, finding, .. }) => {
                let row = state.cases.get_mut(case).ok_or("no such case")?;
                if row.position < position {
                    row.position = position;
                    row.finding = Some(*finding);
                    state.mark_case(*case);
                }
            }
            Change::ProgramSet(change::ProgramSet) => fold_program(state, position, record)?,
            Change::HoldOpened(change::HoldOpened { member, no, .. })
            | Change::HoldExtended(change::HoldExtended { member, no, .. }) => {
                state.watch_pieces(*member, |hold| hold.no == *no);
            }
            Change::Registered(..)
            | Change::Enrolled(..)
            | Change::AttributeSet(..)
            | Change::Purchased(..)
            | Change::Refunded(..)
            | Change::ReferredBy(..)
            | Change::Counted(..)
            | Change::TierSet(..)
            | Change::Streak(..)
            | Change::Active(..)
            | Change::HoldClosed(..)
            | Change::TermsAdded(..)
            | Change::Life(..)
            | Change::Redeemed(..)
            | Change::RedeemRefunded(..)
            | Change::Spell(..)
            | Change::Expiring(..)
            | Change::ReminderSet(..)
            | Change::Lapsed(..)
            | Change::Reinstated(..)
            | Change::LineReturned(..)
            | Change::Parked(..)
            | Change::Unparked(..)
            | Change::Waits(..)
            | Change::Visited(..)
            | Change::TierCounted(..) => {}
        }
    }
    if state.shared.position < position {
        fold_totals(state, position, record)?;
    }
    Ok(())
}

fn fold_program(state: &mut State, position: Position, record: &Record) -> Result<(), &'static str> {
    let Cause::Event(Event { body: Body::ProgramPublished(event::ProgramPublished { text }), .. }) = &record.cause
    else {
        return Err("a program is set by something that is no program");
    };
    if state.programs.last().is_none_or(|last| last.position < position) {
        state.programs.push(ProgramRow { position, at: record.at, text: text.clone() });
    }
    Ok(())
}

fn fold_totals(state: &mut State, position: Position, record: &Record) -> Result<(), &'static str> {
    let shared = &mut state.shared;
    if record.at < shared.at {
        return Err("time runs backwards");
    }
    for posting in &record.verdict.postings {
        if posting.points <= Points::ZERO {
            return Err("a posting moves nothing");
        }
        let totals = WalletTotals::find_or_add(&mut shared.wallets, posting.wallet).ok_or("no such wallet")?;
        for (account, points) in [(posting.from, posting.points.0.saturating_neg()), (posting.to, posting.points.0)] {
            let balance = totals.accounts.get_mut(account.kind()).ok_or("unknown account")?;
            *balance = balance.checked_add(points).ok_or("total overflows")?;
        }
    }
    let kept = |totals: &WalletTotals| totals.accounts.get(Account::Moved.kind()) != Some(&0);
    if shared.wallets.iter().any(kept) {
        return Err("points are given and not taken");
    }
    for change in &record.verdict.changes {
        match change {
            Change::TierSet(change::TierSet { from, to, .. }) if from != to => {
                tier_total(&mut shared.tiers, *from, |count| count.checked_sub(1))?;
                tier_total(&mut shared.tiers, *to, |count| count.checked_add(1))?;
            }
            Change::TermsAdded(change::TermsAdded { terms }) => shared.terms.extend(terms.iter().cloned()),
            _ => {}
        }
    }
    if record.verdict.refusal.is_some() {
        shared.refused = shared.refused.saturating_add(1);
    }
    shared.position = position;
    shared.at = record.at;
    Ok(())
}

fn tier_total(
    tiers: &mut Vec<(TermNo, u64)>,
    tier: TermNo,
    step: impl Fn(u64) -> Option<u64>,
) -> Result<(), &'static str> {
    if tier == TermNo::NONE {
        return Ok(());
    }
    let at = match tiers.binary_search_by_key(&tier, |(term, _)| *term) {
        Ok(at) => at,
        Err(at) => {
            tiers.insert(at, (tier, 0));
            at
        }
    };
    let (_, count) = tiers.get_mut(at).ok_or("no such tier")?;
    *count = step(*count).ok_or("more members leave a tier than are in it")?;
    Ok(())
}

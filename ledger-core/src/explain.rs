//! Explain: why an event came to what it did, asked again of its record and of the member before it.
//!
//! What applied is in the record's trace. Of the other rules the conditions are asked again, under the
//! version of the program that judged; of a refusal, the numbers it rests on. Nothing is decided anew, so an
//! explanation of an old record is the same whatever the program has become.

use crate::features::approvals::rules as approvals;
use crate::features::earning::basket::Basket;
use crate::features::earning::rules::{Facts, unmet};
use crate::features::exchange::rules as exchange;
use crate::features::funds::rules as funds;
use crate::features::items::rules as items;
use crate::features::spending::redemption;
use crate::features::wallets::rules as wallets;
use crate::kernel::names::Found;
use crate::kernel::refusal::Refusal;
use crate::kernel::sealed::Hiding;
use crate::kernel::trace::Trace;
use crate::kernel::units::{Day, MemberNo, Points, Position, TermNo};
use crate::tables::desk::{Inputs, Subject};
use crate::tables::draft::Draft;
use crate::tables::event::{self, Body, Event, MemberRef};
use crate::tables::member::Member;
use crate::tables::program::{Program, Trigger, Wallet};
use crate::tables::record::{Cause, Record, Timer};
use crate::tables::state::State;
use alloc::vec::Vec;

pub use crate::features::earning::condition::Condition;

/// What came of one earn rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleOutcome {
    /// It applied.
    Applied(Trace),
    /// This did not hold: the first such condition.
    Unmet(Condition),
}

/// Why an event came to what it did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    /// Every earn rule that waits for such an event, in the order of the program, and the conversions that followed;
    /// of a refused one, the item that is not for this time or this tier.
    pub rules: Vec<(TermNo, RuleOutcome)>,
    /// The numbers a refusal or a proposal rests on, by name, before the event.
    pub factors: Vec<(&'static str, i64)>,
}

/// Explains a record to whoever asks. `before` is the record's own member before it, an empty row if it was
/// none; `program` is the version that judged, `hiding` how the ledger of the state hides names, `named` the record
/// that its event names, if it names one.
pub fn explain(
    (state, hiding): (&State, Hiding<'_>),
    program: &Program,
    no: MemberNo,
    before: &Member,
    (record, named): (&Record, Option<Position>),
) -> Explanation {
    let happened_at = match record.cause() {
        Cause::Event(event) => event.occurred_at,
        Cause::Timer { due, .. } => due,
        Cause::HeldBack => return Explanation::default(),
    };
    let desk = Inputs {
        state,
        program: Some(program),
        position: before.position.next(),
        at: record.at,
        prepared: None,
        hiding,
    };
    let mut draft = Draft::new(&desk, program, Subject::new(no, before, None), happened_at);
    let (on, basket) = match record.cause() {
        Cause::Event(event) => {
            if let Body::AttributesSet(event::AttributesSet { attributes }) = &event.body {
                draft.set_attributes(attributes);
            }
            (Trigger::of(event.body.kind()), Basket::of(event))
        }
        Cause::Timer { timer: Timer::Inactivity, due, .. } => (Some(Trigger::Inactive), Basket::empty(due)),
        Cause::Timer { .. } | Cause::HeldBack => (None, Basket::empty(happened_at)),
    };
    if let (Some(refusal), Cause::Event(event)) = (record.verdict.refusal, record.cause()) {
        let shortfall = record.verdict.trace.first();
        let factors =
            shortfall.map_or_else(|| factors(&draft, refusal, (event, named)), |shortfall| lacks(refusal, shortfall));
        return Explanation { rules: asks(&draft, refusal, event), factors };
    }
    if let Cause::Event(event) = record.cause()
        && record.leaves_open()
    {
        return Explanation { rules: Vec::new(), factors: approvals::stands(&draft, event, named) };
    }
    let facts = Facts { program, basket, tier: before.tier.tier };
    let rule_outcome = |rule: &crate::tables::program::EarnRule| {
        let applied =
            record.verdict.trace.iter().find(|line| line.rule == rule.id).map(|line| RuleOutcome::Applied(*line));
        let rule_outcome = applied.or_else(|| unmet(&draft, rule, &facts).map(RuleOutcome::Unmet))?;
        Some((rule.id, rule_outcome))
    };
    let mut rules: Vec<_> = on.into_iter().flat_map(|on| program.earn_on(on)).filter_map(rule_outcome).collect();
    let converted =
        record.verdict.trace.iter().filter(|line| program.conversions.iter().any(|one| one.id == line.rule));
    rules.extend(converted.map(|line| (line.rule, RuleOutcome::Applied(*line))));
    Explanation { rules, factors: Vec::new() }
}

/// What a refused item lacks.
fn lacks(refusal: Refusal, shortfall: &Trace) -> Vec<(&'static str, i64)> {
    let (asked, there) = match refusal {
        Refusal::ItemPriceDiffers => ("said", "costs"),
        Refusal::ItemNotDivisible => ("asked", "costs"),
        _ => ("pieces_asked", "pieces_left"),
    };
    Vec::from([(asked, shortfall.computed.0), (there, shortfall.granted.0)])
}

/// What an item asks for that was not so.
fn asks(draft: &Draft<'_>, refusal: Refusal, event: &Event<MemberRef>) -> Vec<(TermNo, RuleOutcome)> {
    let condition = match refusal {
        Refusal::ItemNotAvailable => Condition::Dates,
        Refusal::ItemNotForTier => Condition::Tiers,
        _ => return Vec::new(),
    };
    let item = event.body.item_request().and_then(|item_request| items::find(draft, &item_request.item));
    item.map(|item| (item.id, RuleOutcome::Unmet(condition))).into_iter().collect()
}

/// What a refusal of points asked for rests on.
fn factors(
    draft: &Draft<'_>,
    refusal: Refusal,
    (event, named): (&Event<MemberRef>, Option<Position>),
) -> Vec<(&'static str, i64)> {
    match refusal {
        Refusal::ApproverRequired => return approvals::stands(draft, event, named),
        Refusal::ItemUnknown | Refusal::ItemNotAvailable | Refusal::ItemNotForTier => return Vec::new(),
        _ => {}
    }
    let (name, asked, order) = match &event.body {
        Body::Redeem(event::Redeem { wallet, points, order, item, .. })
        | Body::Hold(event::Hold { wallet, points, order, item, .. }) => {
            let sold = item.as_ref().and_then(|item_request| items::find(draft, &item_request.item));
            let wallet = sold.map_or(&**wallet, |sold| draft.term(sold.wallet));
            (wallet, Some(items::asked(draft, *points, item.as_deref())), &**order)
        }
        Body::Transfer(event::Transfer { wallet, points, .. }) => (&**wallet, Some(*points), ""),
        Body::Reinstated(event::Reinstated { wallet, points, .. })
        | Body::Extended(event::Extended { wallet, points, .. }) => (&**wallet, *points, ""),
        Body::Credit(event::Credit { wallet, points, .. }) | Body::Debit(event::Debit { wallet, points, .. }) => {
            (&**wallet, Some(*points), "")
        }
        Body::Donate(event::Donate { fund, points }) => match funds::find(draft, fund) {
            Some(fund) => (draft.term(fund.wallet), Some(*points), ""),
            None => return Vec::new(),
        },
        Body::ExchangeOut(event::ExchangeOut { exchange, points, .. }) => match exchange::find(draft, exchange) {
            Some(exchange) => (draft.term(exchange.wallet), Some(*points), ""),
            None => return Vec::new(),
        },
        Body::ExchangeIn(event::ExchangeIn { exchange, .. }) => match exchange::find(draft, exchange) {
            Some(exchange) => (draft.term(exchange.wallet), None, ""),
            None => return Vec::new(),
        },
        Body::Approved(..) => match named.and_then(|proposal| approvals::find(draft, proposal)) {
            Some(open) => (draft.term(open.wallet), Some(open.points), ""),
            None => return Vec::new(),
        },
        Body::Capture(event::Capture { hold, points, .. }) => match draft.member().hold(draft.short(Found::Hold, hold))
        {
            Some(hold) => (draft.term(hold.wallet), *points, ""),
            None => return Vec::new(),
        },
        _ => return Vec::new(),
    };
    let Ok(wallet) = wallets::spendable(draft, name) else { return Vec::new() };
    let balances = draft.member().balances(wallet.id);
    let mut factors: Vec<_> = asked.map(|points| ("asked", points.0)).into_iter().collect();
    factors.extend([
        ("available", balances.available.0),
        ("held", balances.held.0),
        ("in_review", balances.review.0),
        ("pending", balances.pending.0),
        ("exchanging", balances.exchanging.0),
        ("debt", balances.debt.0),
    ]);
    let exchange = match &event.body {
        Body::ExchangeOut(event::ExchangeOut { exchange, .. })
        | Body::ExchangeIn(event::ExchangeIn { exchange, .. }) => exchange::find(draft, exchange),
        _ => None,
    };
    let (limit, counted) = match exchange {
        Some(exchange) => exchange::rate_factor(draft, refusal, &event.body, exchange),
        None => limit_factor(draft, refusal, wallet, order),
    };
    factors.extend(limit.map(|limit| ("limit", limit.0)));
    factors.extend(counted.map(|counted| ("counted", counted.0)));
    factors
}

/// The limit that a refusal names, and how much counted against it before.
fn limit_factor(draft: &Draft<'_>, refusal: Refusal, wallet: &Wallet, order: &str) -> (Option<Points>, Option<Points>) {
    let (redeem, transfer) = (&wallet.redeem, wallet.transfer.as_ref());
    let order = draft.short(Found::Order, order);
    let month = draft.program().calendar.month_end(draft.today());
    let taken = |counts: &dyn Fn(u64, Day) -> bool| Some(redemption::taken(draft, wallet.id, counts));
    match refusal {
        Refusal::OverMaxBalance => (wallet.max_balance, None),
        Refusal::RedeemBelowMin => (redeem.min, None),
        Refusal::RedeemAboveMax => (redeem.max, None),
        Refusal::RedeemNotMultiple => (redeem.step, None),
        Refusal::RedeemMaxPerOrder => (redeem.per_order, taken(&|of, _| order != 0 && of == order)),
        Refusal::RedeemMaxPerDay => (redeem.per_day, taken(&|_, day| day == draft.today())),
        Refusal::RedeemMaxPerMonth => {
            (redeem.per_month, taken(&|_, day| draft.program().calendar.month_end(day) == month))
        }
        Refusal::TransferBelowMin => (transfer.and_then(|rules| rules.min), None),
        Refusal::TransferAboveMax => (transfer.and_then(|rules| rules.max), None),
        Refusal::TransferMaxPerDay => {
            let gifts = draft.member().gifts_of(wallet.id);
            let given = gifts.map_or(Points::ZERO, |gifts| gifts.given_on(draft.today()));
            (transfer.and_then(|rules| rules.per_day), Some(given))
        }
        _ => (None, None),
    }
}

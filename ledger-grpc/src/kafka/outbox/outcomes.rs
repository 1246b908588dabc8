//! Outcomes: what came of a record, told as the messages of `outbox.proto`.

use super::Told;
use super::types::{self, Common, Data, Outcome, Type};
use crate::proto::shortfall::Lack;
use crate::{instant, proto};
use ledger_core::account::{Account, Posting};
use ledger_core::calendar::show_day;
use ledger_core::change;
use ledger_core::change::Change;
use ledger_core::change::LifeChange;
use ledger_core::event::{self, Body, Event, Finding};
use ledger_core::features::tiers::change::TierWhy;
use ledger_core::record::{Cause, Record, Timer};
use ledger_core::refusal::Refusal;
use ledger_core::trace::{Adjustment, Trace};
use ledger_core::units::{At, MemberNo, Money, Points, Position, TermNo};
use prost_types::Timestamp;

/// Everything that came of a record, in an order that follows from it.
pub(super) fn outcomes(position: Position, record: &Record, told: &Told) -> Vec<Outcome> {
    let telling = Telling { position, record, told };
    let verdict = &record.verdict;
    let limits = verdict.trace.iter().filter(|_| verdict.refusal.is_none());
    let mut all: Vec<Outcome> = telling.refused().into_iter().collect();
    all.extend(telling.movements());
    all.extend(limits.filter_map(|trace| telling.limit_hit(trace)));
    all.extend(verdict.changes.iter().filter_map(|change| telling.changed(change)));
    all
}

/// A record on its way out.
struct Telling<'a> {
    position: Position,
    record: &'a Record,
    told: &'a Told,
}

/// The data of an outcome whose type says all.
const PLAIN: proto::OutboxPlain = proto::OutboxPlain { position: 0, cause: None, program: 0, available: None };

impl Telling<'_> {
    fn outcome<M: Data>(&self, kind: Type<M>, member: MemberNo, data: M) -> Outcome {
        let record = self.record;
        let available = (member == record.member()).then_some(record.verdict.available);
        let common =
            Common { position: self.position.0, cause: cause(record.cause()), program: record.program, available };
        Outcome::of(kind, member, common, data)
    }

    fn term(&self, term: TermNo) -> Option<String> {
        self.told.term(term)
    }

    fn refused(&self) -> Option<Outcome> {
        let refusal = self.record.verdict.refusal?;
        let shortfall = self.record.verdict.trace.first().map(|lacks| {
            let granted = lacks.granted.0;
            let lack =
                if lacks.adjustment == Adjustment::Price { Lack::Points(granted) } else { Lack::Pieces(granted) };
            proto::Shortfall { item: self.term(lacks.rule).unwrap_or_default(), lack: Some(lack) }
        });
        let (reason, why) = (refusal.reason().to_owned(), refusal.to_string());
        let data = proto::OutboxEventRejected { reason, why, shortfall, ..Default::default() };
        Some(self.outcome(types::EVENT_REJECTED, self.record.member(), data))
    }

    fn limit_hit(&self, trace: &Trace) -> Option<Outcome> {
        let Adjustment::Limit { limit } = trace.adjustment else { return None };
        let data = proto::OutboxLimitHit {
            rule: self.term(trace.rule),
            limit: self.term(limit),
            computed: trace.computed.0,
            granted: trace.granted.0,
            ..Default::default()
        };
        Some(self.outcome(types::LIMIT_HIT, self.record.member(), data))
    }

    /// Postings of one member, kind and rule that stand beside each other are one outcome.
    fn movements(&self) -> Vec<Outcome> {
        let cause = self.record.cause();
        let same = |one: &Posting, other: &Posting| {
            let what = |posting: &Posting| (posting.member, moved(posting, cause).name, posting.rule, posting.wallet);
            what(one) == what(other)
        };
        let outcome = |group: &[Posting]| {
            let first = group.first()?;
            // They come back in the same record, with another date.
            if first.to == Account::Moved && extends(cause) {
                return None;
            }
            let data = proto::OutboxPointsMoved {
                wallet: self.term(first.wallet),
                points: Some(group.iter().map(|posting| posting.points.0).sum()),
                rule: self.term(first.rule),
                postings: group.iter().map(posting).collect(),
                ..Default::default()
            };
            Some(self.outcome(moved(first, cause), first.member, data))
        };
        self.record.verdict.postings.chunk_by(same).filter_map(outcome).collect()
    }

    fn changed(&self, change: &Change) -> Option<Outcome> {
        Some(match change {
            Change::Enrolled(change::Enrolled { joined: false, .. }) => return None,
            Change::Enrolled(change::Enrolled { member, .. }) => self.outcome(types::MEMBER_ENROLLED, *member, PLAIN),
            Change::TierSet(change::TierSet { member, from, to, why, .. }) => {
                let kind = match why {
                    TierWhy::Earned | TierWhy::Granted => types::TIER_UPGRADED,
                    TierWhy::Lapsed => types::TIER_DOWNGRADED,
                    TierWhy::Joined | TierWhy::Progress | TierWhy::Opened => return None,
                };
                let (from, tier) = (self.term(*from), self.term(*to));
                self.outcome(kind, *member, proto::OutboxTierMoved { previous_tier: from, tier, ..Default::default() })
            }
            Change::Streak(change::Streak { member, term, count, .. }) => {
                let data = proto::OutboxStreakAdvanced { streak: self.term(*term), days: *count, ..Default::default() };
                self.outcome(types::STREAK_ADVANCED, *member, data)
            }
            Change::ToldLate(change::ToldLate { member, day, since }) => {
                let (day, since) = (Some(show_day(*day)), Some(show_day(*since)));
                self.outcome(types::EVENT_LATE, *member, proto::OutboxEventLate { day, since, ..Default::default() })
            }
            Change::CaseOpened(..) | Change::CaseClosed(..) => return self.case_changed(change),
            Change::ProgramSet(..) => self.outcome(types::PROGRAM_PUBLISHED, MemberNo::NOBODY, PLAIN),
            Change::Opened(..) => return None,
            Change::Refunded(..) | Change::RefundReversed(..) | Change::DeferredApplied(..) => {
                return self.returned(change);
            }
            Change::HoldExtended(change::HoldExtended { member, expires_at, .. }) => {
                let data = proto::OutboxHoldExtended { expires_at: at(*expires_at), ..Default::default() };
                self.outcome(types::HOLD_EXTENDED, *member, data)
            }
            Change::Expiring(change::Expiring { member, wallet, expires_at, points }) => {
                self.outcome(types::POINTS_EXPIRING, *member, self.dated(*wallet, Some(*points), *expires_at))
            }
            Change::ActivityExpirySet(change::ActivityExpirySet { member, wallet, until, .. }) => {
                self.outcome(types::POINTS_EXTENDED, *member, self.dated(*wallet, None, *until))
            }
            Change::Life(change::Life { member, change }) => return self.life_changed(*member, change),
            Change::Redeemed(change::Redeemed { member, points, item: Some(piece), .. }) => {
                let (item, pieces) = (self.term(piece.item), piece.in_points(*points));
                let data = proto::OutboxItemRedeemed { item, pieces, points: points.0, ..Default::default() };
                self.outcome(types::ITEM_REDEEMED, *member, data)
            }
            Change::Registered(..)
            | Change::AttributeSet(..)
            | Change::Purchased(..)
            | Change::DiedOnce(..)
            | Change::Overtook(..)
            | Change::ReferredBy(..)
            | Change::Counted(..)
            | Change::Active(..)
            | Change::StaffRegistered(..)
            | Change::HoldOpened(..)
            | Change::HoldClosed(..)
            | Change::CaseJoined(..)
            | Change::Redeemed(..)
            | Change::RedeemRefunded(..)
            | Change::TermsAdded(..)
            | Change::LineReturned(..)
            | Change::Deferred(..)
            | Change::LineKept(..)
            | Change::PendingUntil(..)
            | Change::Visited(..)
            | Change::TierCounted(..)
            | Change::ReminderSet(..)
            | Change::ExpiredRecently(..)
            | Change::Reinstated(..) => return None,
        })
    }

    /// Refunds of more than there was, those that did not happen, and what waits no more.
    fn returned(&self, change: &Change) -> Option<Outcome> {
        Some(match change {
            Change::Refunded(change::Refunded { excess: Money(0), .. }) => return None,
            Change::Refunded(change::Refunded { member, excess, .. }) => {
                let data = proto::OutboxRefundExcess { excess: excess.0, ..Default::default() };
                self.outcome(types::REFUND_EXCESS, *member, data)
            }
            Change::DeferredApplied(change::DeferredApplied { member, event, refusal }) => {
                let kind = match refusal {
                    None => types::DEFERRED_APPLIED,
                    Some(Refusal::NeverCame) => types::DEFERRED_LAPSED,
                    Some(_) => types::DEFERRED_REFUSED,
                };
                let (reason, why) = match refusal {
                    Some(refusal) => (refusal.reason().to_owned(), refusal.to_string()),
                    None => Default::default(),
                };
                let data = proto::OutboxDeferredEnded { event: event.0, reason, why, ..Default::default() };
                self.outcome(kind, *member, data)
            }
            Change::RefundReversed(change::RefundReversed { member, refund, amount, .. }) => {
                let data = proto::OutboxRefundReversed { refund: refund.0, amount: amount.0, ..Default::default() };
                self.outcome(types::REFUND_REVERSED, *member, data)
            }
            _ => return None,
        })
    }

    fn case_changed(&self, change: &Change) -> Option<Outcome> {
        let (told, own) = (self.told, self.record.member());
        Some(match change {
            Change::CaseOpened(case) => {
                let data = proto::OutboxFraudFlagged {
                    rule: told.term(case.rule),
                    counter: told.term(case.counter),
                    value: case.value,
                    at_least: case.at_least,
                    members: told.members(&case.members),
                    ..Default::default()
                };
                self.outcome(types::FRAUD_FLAGGED, own, data)
            }
            Change::CaseClosed(change::CaseClosed { case, finding, members }) => {
                let kind = match finding {
                    Finding::Legitimate => types::FRAUD_CLEARED,
                    Finding::Fraud => types::FRAUD_CONFIRMED,
                };
                let (case_position, members) = (case.0, told.members(members));
                let data = proto::OutboxFraudEnded { case_position, members, ..Default::default() };
                self.outcome(kind, own, data)
            }
            _ => return None,
        })
    }

    /// Points that are gone at an instant.
    fn dated(&self, wallet: TermNo, points: Option<Points>, expires_at: At) -> proto::OutboxPointsMoved {
        proto::OutboxPointsMoved {
            wallet: self.term(wallet),
            points: points.map(|points| points.0),
            expires_at: at(expires_at),
            ..Default::default()
        }
    }

    fn life_changed(&self, member: MemberNo, change: &LifeChange) -> Option<Outcome> {
        let told = self.told;
        Some(match change {
            LifeChange::Frozen(change::Frozen { scope: Some(scope) }) => {
                let data = proto::OutboxMemberFrozen { scope: scope.name().to_owned(), ..Default::default() };
                self.outcome(types::MEMBER_FROZEN, member, data)
            }
            LifeChange::Frozen(change::Frozen { scope: None }) => self.outcome(types::MEMBER_UNFROZEN, member, PLAIN),
            LifeChange::Closed(change::Closed) => self.outcome(types::MEMBER_CLOSED, member, PLAIN),
            LifeChange::AliasLinked(change::AliasLinked { kind, .. }) => {
                let data = proto::OutboxAliasLinked { kind: kind.to_string(), ..Default::default() };
                self.outcome(types::MEMBER_ALIAS_LINKED, member, data)
            }
            LifeChange::AliasUnlinked(..) => self.outcome(types::MEMBER_ALIAS_UNLINKED, member, PLAIN),
            // The points themselves say it.
            LifeChange::Gave(..) | LifeChange::Received(..) => return None,
            LifeChange::MergedInto(change::MergedInto { member: into }) => {
                let data = proto::OutboxMemberMerged { into: told.name(*into).to_owned(), ..Default::default() };
                self.outcome(types::MEMBER_MERGED, member, data)
            }
            LifeChange::Unmerged(change::Unmerged) => self.outcome(types::MEMBER_UNMERGED, member, PLAIN),
            // Said of the other.
            LifeChange::Absorbed(..)
            | LifeChange::Released(..)
            | LifeChange::MemberJoined(..)
            | LifeChange::MemberLeft(..) => return None,
            LifeChange::HouseholdJoined(change::HouseholdJoined { household }) => {
                let household = told.name(*household).to_owned();
                let data = proto::OutboxHouseholdJoined { household, ..Default::default() };
                self.outcome(types::MEMBER_HOUSEHOLD_JOINED, member, data)
            }
            LifeChange::HouseholdLeft(change::HouseholdLeft) => {
                self.outcome(types::MEMBER_HOUSEHOLD_LEFT, member, PLAIN)
            }
            LifeChange::ExchangeOpened(open) => {
                let data = proto::OutboxExchangeOpened {
                    exchange: told.term(open.exchange),
                    reference: told.reference(member, &open.reference),
                    inward: open.inward,
                    wallet: told.term(open.wallet),
                    points: open.points.0,
                    units: open.units,
                    lapses_at: at(open.lapses_at),
                    ..Default::default()
                };
                self.outcome(types::EXCHANGE_OPENED, member, data)
            }
            LifeChange::ExchangeClosed(change::ExchangeClosed { exchange, reference }) => {
                let accepted = matches!(
                    self.record.cause(),
                    Cause::Event(Event {
                        body: Body::ExchangeSettled(event::ExchangeSettled { accepted: true, .. }),
                        ..
                    })
                );
                let (exchange, reference) = (told.term(*exchange), told.reference(member, reference));
                let data = proto::OutboxExchangeClosed { exchange, reference, accepted, ..Default::default() };
                self.outcome(types::EXCHANGE_CLOSED, member, data)
            }
            LifeChange::Proposed(..) | LifeChange::Approved(..) | LifeChange::ProposalEnded(..) => {
                return self.proposal(member, change);
            }
        })
    }

    fn proposal(&self, member: MemberNo, change: &LifeChange) -> Option<Outcome> {
        Some(match change {
            LifeChange::Proposed(change::Proposed { adjustment, wallet, points, by, lapses_at }) => {
                let data = proto::OutboxProposalOpened {
                    adjustment: adjustment.name().to_owned(),
                    wallet: self.term(*wallet),
                    points: points.0,
                    by: self.told.staff(*by),
                    lapses_at: at(*lapses_at),
                    ..Default::default()
                };
                self.outcome(types::PROPOSAL_OPENED, member, data)
            }
            LifeChange::Approved(change::Approved { proposal, by }) => {
                let by = Some(self.told.staff(*by));
                let data = proto::OutboxProposalMoved { proposal: proposal.0, by, ..Default::default() };
                self.outcome(types::PROPOSAL_APPROVED, member, data)
            }
            LifeChange::ProposalEnded(change::ProposalEnded { proposal }) => {
                let carried_out = !self.record.verdict.postings.is_empty();
                let kind = if carried_out { types::PROPOSAL_CARRIED_OUT } else { types::PROPOSAL_WITHDRAWN };
                let data = proto::OutboxProposalMoved { proposal: proposal.0, ..Default::default() };
                self.outcome(kind, member, data)
            }
            _ => return None,
        })
    }
}

fn posting(posting: &Posting) -> proto::OutboxPosting {
    proto::OutboxPosting {
        points: posting.points.0,
        source_account: posting.from.name().to_owned(),
        target_account: posting.to.name().to_owned(),
        lot: posting.lot.to_string(),
        expires_at: at(posting.expires_at),
    }
}

fn cause(cause: Cause<'_>) -> proto::OutboxCause {
    match cause {
        Cause::Event(event) => proto::OutboxCause {
            kind: Some(event.body.kind().name().to_owned()),
            source: Some(event.source.to_string()),
            id: Some(event.id.to_string()),
            occurred_at: Some(instant::stamp(event.occurred_at)),
            ..Default::default()
        },
        Cause::Timer { due, timer, .. } => proto::OutboxCause {
            timer: Some(timer.name().to_owned()),
            due: Some(instant::stamp(due)),
            ..Default::default()
        },
        // The store hands out no such record.
        Cause::HeldBack => proto::OutboxCause::default(),
    }
}

fn at(instant: At) -> Option<Timestamp> {
    (instant < At::SLIDING).then(|| instant::stamp(instant))
}

/// Whether points are put down again with another date.
fn extends(cause: Cause<'_>) -> bool {
    matches!(cause, Cause::Event(Event { body: Body::Extended(..), .. }))
}

/// The trade's word for a movement of points.
fn moved(posting: &Posting, cause: Cause<'_>) -> Type<proto::OutboxPointsMoved> {
    let by_timer = matches!(cause, Cause::Timer { timer: Timer::HoldExpiry, .. });
    match (posting.from, posting.to) {
        (Account::Moved, _) if extends(cause) => types::POINTS_EXTENDED,
        (Account::Debt, _) => types::DEBT_OPENED,
        (_, Account::Debt) => types::DEBT_REPAID,
        (Account::Held(_), Account::Redeemed) => types::HOLD_CAPTURED,
        (_, Account::Redeemed) => types::POINTS_SPENT,
        (_, Account::Expired) => types::POINTS_EXPIRED,
        (_, Account::ClawedBack) => types::POINTS_CLAWED_BACK,
        (_, Account::Voided) => types::POINTS_VOIDED,
        (_, Account::Debited) => types::POINTS_DEBITED,
        (_, Account::Fees) => types::POINTS_CHARGED,
        (_, Account::Donated) => types::POINTS_DONATED,
        (_, Account::Exchanging) => types::POINTS_EXCHANGING,
        (_, Account::Exchanged) => types::POINTS_EXCHANGED,
        (_, Account::Moved) => types::POINTS_GIVEN,
        (_, Account::Held(_)) => types::HOLD_CREATED,
        (_, Account::Review | Account::Pending) => types::POINTS_PENDED,
        (Account::Held(_), Account::Available) if by_timer => types::HOLD_EXPIRED,
        (Account::Held(_), Account::Available) => types::HOLD_RELEASED,
        (Account::Review | Account::Pending, Account::Available) => types::POINTS_ACTIVATED,
        (Account::Redeemed | Account::Exchanging | Account::ClawedBack, Account::Available) => types::POINTS_RESTORED,
        (Account::Moved, Account::Available) => types::POINTS_RECEIVED,
        (Account::Expired, Account::Available) => types::POINTS_REINSTATED,
        (_, Account::Available | Account::Issued) => types::POINTS_EARNED,
    }
}

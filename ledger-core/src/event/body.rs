//! What is said in an event, asked about without looking into it: its word, its class, whom else it names.

use super::{Body, Class, Currency, Line, Wanted};
use crate::units::{Money, Points};
use alloc::vec::Vec;

impl<W> Body<W> {
    /// A purchase of which no more is said than its lines.
    pub fn purchase(order: &str, currency: Currency, lines: Vec<Line>) -> Body<W> {
        Body::Purchase { order: order.into(), currency, lines, shipping: Money(0), points_paid: Money(0) }
    }

    /// A refund of which no more is said than its amount.
    pub fn refund(order: &str, currency: Currency, amount: Money) -> Body<W> {
        Body::Refunded { order: order.into(), currency, amount, lines: Vec::new() }
    }

    /// A credit to the first wallet for which nobody stands.
    pub fn credit(points: Points, reason: &str) -> Body<W> {
        Body::Credit { wallet: "".into(), points, reason: reason.into(), by: "".into() }
    }

    /// A debit of the first wallet for which nobody stands.
    pub fn debit(points: Points, reason: &str) -> Body<W> {
        Body::Debit { wallet: "".into(), points, reason: reason.into(), by: "".into() }
    }

    /// A redemption of the first wallet of which no more is said than its points.
    pub fn redeem(points: Points) -> Body<W> {
        Body::Redeem { wallet: "".into(), points, order: "".into(), total: None, item: None }
    }

    /// A hold of the first wallet of which no more is said than its points.
    pub fn hold(hold: &str, points: Points) -> Body<W> {
        let (hold, wallet, order) = (hold.into(), "".into(), "".into());
        Body::Hold { hold, wallet, points, ttl_ms: None, order, total: None, item: None }
    }

    /// The trade's word for this kind of event, as in program files and the API.
    pub fn kind(&self) -> &'static str {
        match self {
            Body::Enrolled { .. } => "enrolled",
            Body::AttributesSet { .. } => "attributes_set",
            Body::Purchase { .. } => "purchase",
            Body::Cancelled { .. } => "cancelled",
            Body::Refunded { .. } => "refunded",
            Body::CheckIn => "check_in",
            Body::Referral { .. } => "referral",
            Body::Redeem { .. } => "redeem",
            Body::Hold { .. } => "hold",
            Body::Capture { .. } => "capture",
            Body::Void { .. } => "void",
            Body::Credit { .. } => "credit",
            Body::Debit { .. } => "debit",
            Body::CaseResolved { .. } => "case_resolved",
            Body::ProgramPublished { .. } => "program_published",
            Body::Tick { .. } => "tick",
            Body::Frozen { .. } => "frozen",
            Body::Unfrozen { .. } => "unfrozen",
            Body::Closed { .. } => "closed",
            Body::AliasLinked { .. } => "alias_linked",
            Body::AliasUnlinked { .. } => "alias_unlinked",
            Body::HoldExtended { .. } => "hold_extended",
            Body::RedeemRefunded { .. } => "redeem_refunded",
            Body::Transfer { .. } => "transfer",
            Body::Imported { .. } => "imported",
            Body::Reinstated { .. } => "reinstated",
            Body::Merged { .. } => "merged",
            Body::Unmerged { .. } => "unmerged",
            Body::Approved { .. } => "approved",
            Body::Withdrawn { .. } => "withdrawn",
            Body::Donate { .. } => "donate",
            Body::HouseholdJoined { .. } => "household_joined",
            Body::HouseholdLeft => "household_left",
            Body::Settled { .. } => "settled",
            Body::ExchangeOut { .. } => "exchange_out",
            Body::ExchangeIn { .. } => "exchange_in",
            Body::ExchangeSettled { .. } => "exchange_settled",
            Body::Extended { .. } => "extended",
        }
    }

    /// What kind of speech it is.
    pub fn class(&self) -> Class {
        match self {
            Body::Enrolled { .. }
            | Body::AttributesSet { .. }
            | Body::Purchase { .. }
            | Body::Cancelled { .. }
            | Body::Refunded { .. }
            | Body::CheckIn
            | Body::Referral { .. }
            | Body::RedeemRefunded { .. }
            | Body::Settled { .. } => Class::Fact,
            Body::Redeem { .. }
            | Body::Hold { .. }
            | Body::Capture { .. }
            | Body::Void { .. }
            | Body::Credit { .. }
            | Body::Debit { .. }
            | Body::HoldExtended { .. }
            | Body::Transfer { .. }
            | Body::Imported { .. }
            | Body::Reinstated { .. }
            | Body::Approved { .. }
            | Body::Donate { .. }
            | Body::ExchangeOut { .. }
            | Body::ExchangeIn { .. }
            | Body::Extended { .. } => Class::Command,
            Body::CaseResolved { .. }
            | Body::ProgramPublished { .. }
            | Body::Tick { .. }
            | Body::Frozen { .. }
            | Body::Unfrozen { .. }
            | Body::Closed { .. }
            | Body::AliasLinked { .. }
            | Body::AliasUnlinked { .. }
            | Body::Merged { .. }
            | Body::Unmerged { .. }
            | Body::Withdrawn { .. }
            | Body::HouseholdJoined { .. }
            | Body::HouseholdLeft
            | Body::ExchangeSettled { .. } => Class::Control,
        }
    }

    /// Facts make their member known; commands and controls do not.
    pub fn is_fact(&self) -> bool {
        self.class() == Class::Fact
    }

    /// The other one the event names, beside its member.
    pub fn other(&self) -> Option<&W> {
        match self {
            Body::Referral { referee } => Some(referee),
            Body::Transfer { to, .. } => Some(to),
            Body::Merged { from } | Body::Unmerged { from } => Some(from),
            Body::HouseholdJoined { household } => Some(household),
            Body::AliasLinked { alias, .. } | Body::AliasUnlinked { alias, .. } => Some(alias),
            _ => None,
        }
    }

    /// The item it asks for.
    pub fn wanted(&self) -> Option<&Wanted> {
        match self {
            Body::Redeem { item, .. } | Body::Hold { item, .. } => item.as_deref(),
            _ => None,
        }
    }

    /// Whether the event speaks of a member at all.
    pub fn has_member(&self) -> bool {
        !matches!(self, Body::CaseResolved { .. } | Body::ProgramPublished { .. } | Body::Tick { .. })
    }

    /// The same body, speaking of other people.
    pub fn map<V>(self, mut who: impl FnMut(W) -> V) -> Body<V> {
        match self {
            Body::Enrolled { birthday } => Body::Enrolled { birthday },
            Body::AttributesSet { attributes } => Body::AttributesSet { attributes },
            Body::Purchase { order, currency, lines, shipping, points_paid } => {
                Body::Purchase { order, currency, lines, shipping, points_paid }
            }
            Body::Cancelled { order } => Body::Cancelled { order },
            Body::Refunded { order, currency, amount, lines } => Body::Refunded { order, currency, amount, lines },
            Body::CheckIn => Body::CheckIn,
            Body::Referral { referee } => Body::Referral { referee: who(referee) },
            Body::Redeem { wallet, points, order, total, item } => Body::Redeem { wallet, points, order, total, item },
            Body::Hold { hold, wallet, points, ttl_ms, order, total, item } => {
                Body::Hold { hold, wallet, points, ttl_ms, order, total, item }
            }
            Body::Capture { hold, points, last } => Body::Capture { hold, points, last },
            Body::Void { hold } => Body::Void { hold },
            Body::Credit { wallet, points, reason, by } => Body::Credit { wallet, points, reason, by },
            Body::Debit { wallet, points, reason, by } => Body::Debit { wallet, points, reason, by },
            Body::CaseResolved { case, finding, note } => Body::CaseResolved { case, finding, note },
            Body::ProgramPublished { text } => Body::ProgramPublished { text },
            Body::Tick { up_to } => Body::Tick { up_to },
            Body::Frozen { scope, reason } => Body::Frozen { scope, reason },
            Body::Unfrozen { scope, reason } => Body::Unfrozen { scope, reason },
            Body::Closed { reason } => Body::Closed { reason },
            Body::AliasLinked { kind, alias } => Body::AliasLinked { kind, alias: who(alias) },
            Body::AliasUnlinked { kind, alias } => Body::AliasUnlinked { kind, alias: who(alias) },
            Body::HoldExtended { hold, ttl_ms } => Body::HoldExtended { hold, ttl_ms },
            Body::RedeemRefunded { redemption, points } => Body::RedeemRefunded { redemption, points },
            Body::Transfer { to, wallet, points, note } => Body::Transfer { to: who(to), wallet, points, note },
            Body::Imported { wallet, lots } => Body::Imported { wallet, lots },
            Body::Extended { wallet, points, expires_at, reason } => {
                Body::Extended { wallet, points, expires_at, reason }
            }
            Body::Reinstated { wallet, points, expires_at, reason } => {
                Body::Reinstated { wallet, points, expires_at, reason }
            }
            Body::Merged { from } => Body::Merged { from: who(from) },
            Body::Unmerged { from } => Body::Unmerged { from: who(from) },
            Body::Approved { proposal, by } => Body::Approved { proposal, by },
            Body::Withdrawn { proposal, by, reason } => Body::Withdrawn { proposal, by, reason },
            Body::Donate { fund, points } => Body::Donate { fund, points },
            Body::HouseholdJoined { household } => Body::HouseholdJoined { household: who(household) },
            Body::HouseholdLeft => Body::HouseholdLeft,
            Body::Settled { order } => Body::Settled { order },
            Body::ExchangeOut { exchange, reference, points } => Body::ExchangeOut { exchange, reference, points },
            Body::ExchangeIn { exchange, reference, units } => Body::ExchangeIn { exchange, reference, units },
            Body::ExchangeSettled { exchange, reference, accepted } => {
                Body::ExchangeSettled { exchange, reference, accepted }
            }
        }
    }
}

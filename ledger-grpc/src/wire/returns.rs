//! Returns: purchases given back, as messages.

use super::reference::{Said, decode_record, encode_record};
use super::values::stamp;
use super::{Decode, Encode, EncodeChange, Faults, Names, Within, values};
use crate::proto::{self, change::Change};
use ledger_core::calendar::show_day;
use ledger_core::event::{LineName, LinePart, LineRefund, ReversalWhy};
use ledger_core::member::Deferred;
use ledger_core::program::Program;
use ledger_core::units::{At, Money};
use ledger_core::{change, event};

impl Decode for proto::Cancelled {
    type Event = event::Cancelled;

    fn decode(self, _: &mut Faults) -> event::Cancelled {
        event::Cancelled { order: self.order.into() }
    }
}

impl Encode for event::Cancelled {
    type Message = proto::Cancelled;

    fn encode(&self, _: &Names) -> proto::Cancelled {
        proto::Cancelled { order: self.order.to_string() }
    }
}

impl Decode for proto::Refunded {
    type Event = event::Refunded;

    fn decode(self, faults: &mut Faults) -> event::Refunded {
        let currency = values::currency("currency", &self.currency, faults);
        let lines = self.lines.into_iter().enumerate().map(|(n, line)| decode_line(n, line, faults)).collect();
        event::Refunded { order: self.order.into(), currency, amount: Money(self.amount), lines, so_far: self.so_far }
    }
}

impl Encode for event::Refunded {
    type Message = proto::Refunded;

    fn encode(&self, _: &Names) -> proto::Refunded {
        proto::Refunded {
            order: self.order.to_string(),
            currency: self.currency.to_string(),
            amount: self.amount.0,
            lines: self.lines.iter().map(encode_line).collect(),
            so_far: self.so_far,
        }
    }
}

/// A line beyond all lines stands for the last there can be. No item is none, which the event says of itself.
fn decode_line(n: usize, refund: proto::LineRefund, faults: &mut Faults) -> LineRefund {
    if refund.line.is_some() != refund.sku.is_empty() {
        faults.add(&format!("lines[{n}].line"), "say exactly one of line and sku");
    }
    if refund.quantity.is_some() == refund.amount.is_some() {
        faults.add(&format!("lines[{n}].quantity"), "say exactly one of quantity and amount");
    }
    let place = |line| LineName::Place(u16::try_from(line).unwrap_or(u16::MAX));
    let line = if refund.sku.is_empty() { place(refund.line.unwrap_or(0)) } else { LineName::Sku(refund.sku.into()) };
    let amount = || LinePart::Amount(Money(refund.amount.unwrap_or(1)));
    let items = |number| LinePart::Items(values::quantity(n, (number, refund.quantity_digits), faults));
    let part = refund.quantity.map_or_else(amount, items);
    LineRefund { line, part }
}

fn encode_line(refund: &LineRefund) -> proto::LineRefund {
    let mut message = proto::LineRefund::default();
    match &refund.line {
        LineName::Place(line) => message.line = Some((*line).into()),
        LineName::Sku(sku) => message.sku = sku.to_string(),
    }
    match refund.part {
        LinePart::Items(items) => {
            message.quantity = Some(items.number());
            message.quantity_digits = items.digits();
        }
        LinePart::Amount(amount) => message.amount = Some(amount.0),
    }
    message
}

impl Decode for proto::RefundReversed {
    type Event = event::RefundReversed;

    fn decode(self, faults: &mut Faults) -> event::RefundReversed {
        let said = self.refund.map(|said| match said {
            proto::refund_reversed::Refund::RefundPosition(position) => Said::Position(position),
            proto::refund_reversed::Refund::Event(event) => Said::Event(event),
        });
        let why = match proto::ReversalWhy::try_from(self.why) {
            Ok(proto::ReversalWhy::Failed) => ReversalWhy::Failed,
            Ok(proto::ReversalWhy::WonBack) => ReversalWhy::WonBack,
            Ok(proto::ReversalWhy::Unspecified) | Err(_) => {
                faults.add("why", "must be REVERSAL_WHY_FAILED or REVERSAL_WHY_WON_BACK");
                ReversalWhy::Failed
            }
        };
        event::RefundReversed { refund: decode_record(said, "event", faults), why }
    }
}

impl Encode for event::RefundReversed {
    type Message = proto::RefundReversed;

    fn encode(&self, _: &Names) -> proto::RefundReversed {
        let refund = match encode_record(&self.refund) {
            Said::Position(position) => proto::refund_reversed::Refund::RefundPosition(position),
            Said::Event(event) => proto::refund_reversed::Refund::Event(event),
        };
        let why = match self.why {
            ReversalWhy::Failed => proto::ReversalWhy::Failed,
            ReversalWhy::WonBack => proto::ReversalWhy::WonBack,
        };
        proto::RefundReversed { refund: Some(refund), why: why.into() }
    }
}

impl EncodeChange for change::RefundReversed {
    fn encode_change(&self, within: &Within<'_>) -> Option<Change> {
        let (member, refund, amount) = (within.names.member(self.member), self.refund.0, self.amount.0);
        Some(Change::PurchaseKept(proto::PurchaseKept { member, refund, amount }))
    }
}

/// What waits for what it speaks of.
pub fn parked(waiting: &Deferred, program: &Program) -> proto::ParkedEvent {
    let (since, until) = (show_day(waiting.day), last_day(waiting.until, program));
    proto::ParkedEvent { position: waiting.position.0, since, until }
}

/// The last local date before an instant.
fn last_day(until: At, program: &Program) -> String {
    show_day(program.calendar.day_of(until.plus_ms(-1)))
}

impl EncodeChange for change::Overtook {
    fn encode_change(&self, within: &Within<'_>) -> Option<Change> {
        Some(Change::Deferred(proto::Deferred { member: within.names.member(self.member), until: stamp(self.until) }))
    }
}

impl EncodeChange for change::Deferred {
    fn encode_change(&self, within: &Within<'_>) -> Option<Change> {
        Some(Change::Deferred(proto::Deferred { member: within.names.member(self.member), until: stamp(self.until) }))
    }
}

impl EncodeChange for change::DeferredApplied {
    fn encode_change(&self, within: &Within<'_>) -> Option<Change> {
        let (member, event) = (within.names.member(self.member), self.event.0);
        let refused = self.refusal.map(|refusal| refusal.reason().to_owned()).unwrap_or_default();
        Some(Change::DeferredApplied(proto::DeferredApplied { member, event, refused }))
    }
}

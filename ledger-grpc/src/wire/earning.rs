//! Earning: what members do that may earn points, as messages.

use super::{Decode, Encode, EncodeChange, Faults, Names, Within, values};
use crate::proto::{self, change::Change};
use ledger_core::event::{Line, LineDetail, MemberRef, Name};
use ledger_core::units::Money;
use ledger_core::{change, event};

impl Decode for proto::Purchase {
    type Event = event::Purchase;

    fn decode(self, faults: &mut Faults) -> event::Purchase {
        event::Purchase {
            order: self.order.into(),
            currency: values::currency("currency", &self.currency, faults),
            lines: self.lines.into_iter().enumerate().map(|(n, line)| decode_line(n, line, faults)).collect(),
            shipping: Money(self.shipping),
            points_paid: Money(self.points_paid),
        }
    }
}

impl Encode for event::Purchase {
    type Message = proto::Purchase;

    fn encode(&self, _: &Names) -> proto::Purchase {
        proto::Purchase {
            order: self.order.to_string(),
            currency: self.currency.to_string(),
            lines: self.lines.iter().map(encode_line).collect(),
            shipping: self.shipping.0,
            points_paid: self.points_paid.0,
        }
    }
}

fn decode_line(n: usize, line: proto::Line, faults: &mut Faults) -> Line {
    let proto::Line { sku, quantity, net, category, tags, discount, tax, quantity_digits } = line;
    let detail = LineDetail {
        category: category.into(),
        tags: tags.into_iter().map(Into::into).collect(),
        discount: Money(discount),
        tax: Money(tax),
    };
    let detail = (detail != LineDetail::default()).then(|| Box::new(detail));
    let quantity = values::quantity(n, (quantity, quantity_digits), faults);
    Line { sku: sku.into(), quantity, net: Money(net), detail }
}

fn encode_line(line: &Line) -> proto::Line {
    let detail = line.detail.as_deref().cloned().unwrap_or_default();
    proto::Line {
        sku: line.sku.to_string(),
        quantity: line.quantity.number(),
        quantity_digits: line.quantity.digits(),
        net: line.net.0,
        category: detail.category.into(),
        tags: detail.tags.into_iter().map(Into::into).collect(),
        discount: detail.discount.0,
        tax: detail.tax.0,
    }
}

impl Decode for proto::CheckIn {
    type Event = event::CheckIn;

    fn decode(self, _: &mut Faults) -> event::CheckIn {
        event::CheckIn
    }
}

impl Encode for event::CheckIn {
    type Message = proto::CheckIn;

    fn encode(&self, _: &Names) -> proto::CheckIn {
        proto::CheckIn {}
    }
}

impl Decode for proto::Referral {
    type Event = event::Referral<Name>;

    fn decode(self, _: &mut Faults) -> event::Referral<Name> {
        event::Referral { referee: self.referee.into() }
    }
}

impl Encode for event::Referral<MemberRef> {
    type Message = proto::Referral;

    fn encode(&self, names: &Names) -> proto::Referral {
        proto::Referral { referee: names.who(&self.referee) }
    }
}

impl EncodeChange for change::ReferredBy {
    fn encode_change(&self, within: &Within<'_>) -> Option<Change> {
        let (member, referrer) = (within.names.member(self.member), within.names.member(self.referrer));
        Some(Change::ReferredBy(proto::ReferredBy { member, referrer }))
    }
}

//! Spending: points redeemed, held and given back, as messages.

use super::items::{decode_wanted, encode_wanted, redeemed};
use super::reference::{Said, decode_record, encode_record};
use super::{Decode, Encode, EncodeChange, Faults, Names, Within, values};
use crate::proto::{self, change::Change, redeem_refunded::Spent};
use ledger_core::event::SpentRef;
use ledger_core::member::Hold;
use ledger_core::units::{MemberNo, Money, Points};
use ledger_core::{change, event};

impl Decode for proto::Redeem {
    type Event = event::Redeem;

    fn decode(self, faults: &mut Faults) -> event::Redeem {
        event::Redeem {
            wallet: self.wallet.into(),
            points: Points(self.points),
            order: self.order.into(),
            total: self.total.map(Money),
            item: decode_wanted(self.item, self.pieces, faults),
        }
    }
}

impl Encode for event::Redeem {
    type Message = proto::Redeem;

    fn encode(&self, _: &Names) -> proto::Redeem {
        let (item, pieces) = encode_wanted(self.item.as_deref());
        let (wallet, order, total) = (self.wallet.to_string(), self.order.to_string(), self.total.map(|total| total.0));
        proto::Redeem { wallet, points: self.points.0, order, total, item, pieces }
    }
}

impl Decode for proto::Hold {
    type Event = event::Hold;

    fn decode(self, faults: &mut Faults) -> event::Hold {
        event::Hold {
            hold: self.hold.into(),
            wallet: self.wallet.into(),
            points: Points(self.points),
            ttl_ms: self.ttl.map(values::duration_ms),
            order: self.order.into(),
            total: self.total.map(Money),
            item: decode_wanted(self.item, self.pieces, faults),
        }
    }
}

impl Encode for event::Hold {
    type Message = proto::Hold;

    fn encode(&self, _: &Names) -> proto::Hold {
        let ((item, pieces), hold) = (encode_wanted(self.item.as_deref()), self.hold.to_string());
        let (wallet, order, total) = (self.wallet.to_string(), self.order.to_string(), self.total.map(|total| total.0));
        let ttl = self.ttl_ms.map(values::duration);
        proto::Hold { hold, wallet, points: self.points.0, ttl, order, total, item, pieces }
    }
}

impl Decode for proto::Capture {
    type Event = event::Capture;

    fn decode(self, _: &mut Faults) -> event::Capture {
        event::Capture { hold: self.hold.into(), points: self.points.map(Points), last: self.last }
    }
}

impl Encode for event::Capture {
    type Message = proto::Capture;

    fn encode(&self, _: &Names) -> proto::Capture {
        let points = self.points.map(|points| points.0);
        proto::Capture { hold: self.hold.to_string(), points, last: self.last }
    }
}

impl Decode for proto::Void {
    type Event = event::Void;

    fn decode(self, _: &mut Faults) -> event::Void {
        event::Void { hold: self.hold.into() }
    }
}

impl Encode for event::Void {
    type Message = proto::Void;

    fn encode(&self, _: &Names) -> proto::Void {
        proto::Void { hold: self.hold.to_string() }
    }
}

impl Decode for proto::HoldExtended {
    type Event = event::HoldExtended;

    fn decode(self, _: &mut Faults) -> event::HoldExtended {
        event::HoldExtended { hold: self.hold.into(), ttl_ms: self.ttl.map(values::duration_ms) }
    }
}

impl Encode for event::HoldExtended {
    type Message = proto::HoldExtended;

    fn encode(&self, _: &Names) -> proto::HoldExtended {
        proto::HoldExtended { hold: self.hold.to_string(), ttl: self.ttl_ms.map(values::duration) }
    }
}

impl Decode for proto::RedeemRefunded {
    type Event = event::RedeemRefunded;

    fn decode(self, faults: &mut Faults) -> event::RedeemRefunded {
        let record = |said| SpentRef::Record(decode_record(Some(said), "event", &mut Faults::default()));
        let redemption = match self.spent {
            Some(Spent::Redemption(position)) => record(Said::Position(position)),
            Some(Spent::Event(event)) => record(Said::Event(event)),
            Some(Spent::Order(order)) => SpentRef::Order(order.into()),
            Some(Spent::Hold(hold)) => SpentRef::Hold(hold.into()),
            None => SpentRef::Record(decode_record(None, "event", faults)),
        };
        event::RedeemRefunded { redemption, points: self.points.map(Points) }
    }
}

impl Encode for event::RedeemRefunded {
    type Message = proto::RedeemRefunded;

    fn encode(&self, _: &Names) -> proto::RedeemRefunded {
        let spent = match &self.redemption {
            SpentRef::Record(record) => match encode_record(record) {
                Said::Position(position) => Spent::Redemption(position),
                Said::Event(event) => Spent::Event(event),
            },
            SpentRef::Order(order) => Spent::Order(order.to_string()),
            SpentRef::Hold(hold) => Spent::Hold(hold.to_string()),
        };
        proto::RedeemRefunded { spent: Some(spent), points: self.points.map(|points| points.0) }
    }
}

/// An open hold.
pub(super) fn open_hold(hold: &Hold, member: MemberNo, names: &Names) -> proto::OpenHold {
    proto::OpenHold {
        wallet: names.term(hold.wallet),
        name: names.hold(member, &hold.name),
        no: hold.no,
        points: hold.points().0,
        expires_at: values::stamp(hold.expires_at),
        item: hold.item.map(|piece| names.term(piece.item)).unwrap_or_default(),
        pieces: hold.pieces(),
    }
}

impl EncodeChange for change::HoldOpened {
    fn encode_change(&self, within: &Within<'_>) -> Option<Change> {
        Some(Change::HoldOpened(proto::HoldOpened {
            wallet: within.names.term(self.wallet),
            member: within.names.member(self.member),
            no: self.no,
            name: within.names.hold(self.member, &self.name),
            expires_at: values::stamp(self.expires_at),
        }))
    }
}

impl EncodeChange for change::HoldClosed {
    fn encode_change(&self, within: &Within<'_>) -> Option<Change> {
        Some(Change::HoldClosed(proto::HoldClosed { member: within.names.member(self.member), no: self.no }))
    }
}

impl EncodeChange for change::HoldExtended {
    fn encode_change(&self, within: &Within<'_>) -> Option<Change> {
        let (member, expires_at) = (within.names.member(self.member), values::stamp(self.expires_at));
        Some(Change::HoldExtended(proto::HoldExtension { member, no: self.no, expires_at }))
    }
}

/// The postings tell of points; only what they bought is left to say.
impl EncodeChange for change::Redeemed {
    fn encode_change(&self, within: &Within<'_>) -> Option<Change> {
        let member = within.names.member(self.member);
        Some(Change::ItemRedeemed(redeemed(member, self.item?, self.points, within.names)))
    }
}

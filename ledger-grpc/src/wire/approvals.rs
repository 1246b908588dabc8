//! Approvals: points by hand, and who stands for them, as messages.

use super::reference::{Said, decode_record, encode_record};
use super::{Decode, Encode, EncodeChange, Faults, Names, Within, values};
use crate::proto::{self, change::Change};
use ledger_core::event::Name;
use ledger_core::features::approvals::state::{ManualAdjustment, Proposal};
use ledger_core::units::{Points, StaffNo};
use ledger_core::{change, event};

impl Decode for proto::Credit {
    type Event = event::Credit<Name>;

    fn decode(self, _: &mut Faults) -> event::Credit<Name> {
        let (wallet, reason, by) = (self.wallet.into(), self.reason.into(), self.by.into());
        event::Credit { wallet, points: Points(self.points), reason, by }
    }
}

impl Encode for event::Credit<StaffNo> {
    type Message = proto::Credit;

    fn encode(&self, names: &Names) -> proto::Credit {
        let (wallet, reason, by) = (self.wallet.to_string(), self.reason.to_string(), names.staff(self.by));
        proto::Credit { wallet, points: self.points.0, reason, by }
    }
}

impl Decode for proto::Debit {
    type Event = event::Debit<Name>;

    fn decode(self, _: &mut Faults) -> event::Debit<Name> {
        let (wallet, reason, by) = (self.wallet.into(), self.reason.into(), self.by.into());
        event::Debit { wallet, points: Points(self.points), reason, by }
    }
}

impl Encode for event::Debit<StaffNo> {
    type Message = proto::Debit;

    fn encode(&self, names: &Names) -> proto::Debit {
        let (wallet, reason, by) = (self.wallet.to_string(), self.reason.to_string(), names.staff(self.by));
        proto::Debit { wallet, points: self.points.0, reason, by }
    }
}

impl Decode for proto::Approved {
    type Event = event::Approved<Name>;

    fn decode(self, faults: &mut Faults) -> event::Approved<Name> {
        let said = self.proposed.map(|said| match said {
            proto::approved::Proposed::Proposal(position) => Said::Position(position),
            proto::approved::Proposed::Event(event) => Said::Event(event),
        });
        event::Approved { proposal: decode_record(said, "event", faults), by: self.by.into() }
    }
}

impl Encode for event::Approved<StaffNo> {
    type Message = proto::Approved;

    fn encode(&self, names: &Names) -> proto::Approved {
        let proposed = match encode_record(&self.proposal) {
            Said::Position(position) => proto::approved::Proposed::Proposal(position),
            Said::Event(event) => proto::approved::Proposed::Event(event),
        };
        proto::Approved { proposed: Some(proposed), by: names.staff(self.by) }
    }
}

impl Decode for proto::Withdrawn {
    type Event = event::Withdrawn<Name>;

    fn decode(self, faults: &mut Faults) -> event::Withdrawn<Name> {
        let said = self.proposed.map(|said| match said {
            proto::withdrawn::Proposed::Proposal(position) => Said::Position(position),
            proto::withdrawn::Proposed::Event(event) => Said::Event(event),
        });
        let (by, reason) = (self.by.into(), self.reason.into());
        event::Withdrawn { proposal: decode_record(said, "event", faults), by, reason }
    }
}

impl Encode for event::Withdrawn<StaffNo> {
    type Message = proto::Withdrawn;

    fn encode(&self, names: &Names) -> proto::Withdrawn {
        let proposed = match encode_record(&self.proposal) {
            Said::Position(position) => proto::withdrawn::Proposed::Proposal(position),
            Said::Event(event) => proto::withdrawn::Proposed::Event(event),
        };
        let (by, reason) = (names.staff(self.by), self.reason.to_string());
        proto::Withdrawn { proposed: Some(proposed), by, reason }
    }
}

/// An open proposal.
pub(super) fn proposal(open: &Proposal, names: &Names) -> proto::Proposal {
    let Proposal { position, adjustment, wallet, points, by, lapses_at } = open;
    let adjustment = match adjustment {
        ManualAdjustment::Credit => proto::ManualAdjustment::Credit,
        ManualAdjustment::Debit => proto::ManualAdjustment::Debit,
    };
    proto::Proposal {
        position: position.0,
        adjustment: adjustment.into(),
        wallet: names.term(*wallet),
        points: points.0,
        by: by.iter().map(|one| names.staff(*one)).collect(),
        lapses_at: values::stamp(*lapses_at),
    }
}

impl EncodeChange for change::Proposed {
    fn encode_change(&self, within: &Within<'_>) -> Option<Change> {
        let change::Proposed { adjustment, wallet, points, by, lapses_at } = *self;
        let open = Proposal { position: within.position, adjustment, wallet, points, by: vec![by], lapses_at };
        Some(Change::Proposed(proposal(&open, within.names)))
    }
}

impl EncodeChange for change::Approved {
    fn encode_change(&self, within: &Within<'_>) -> Option<Change> {
        let (member, by) = (within.member(), within.names.staff(self.by));
        Some(Change::ProposalApproved(proto::ProposalApproved { member, proposal: self.proposal.0, by }))
    }
}

impl EncodeChange for change::ProposalEnded {
    fn encode_change(&self, within: &Within<'_>) -> Option<Change> {
        Some(Change::ProposalEnded(proto::ProposalEnded { member: within.member(), proposal: self.proposal.0 }))
    }
}

//! Proposals and exchanges as they are told: those that are open, and what became of one in a record.

use super::stamp;
use crate::proto;
use crate::wire::Words;
use ledger_core::change;
use ledger_core::change::LifeChange;
use ledger_core::features::approvals::state::{ByHand, Proposal};
use ledger_core::features::exchange::state::OpenExchange;
use ledger_core::units::Position;

/// Tells an open proposal.
pub(super) fn proposal(open: &Proposal, words: &Words) -> proto::Proposal {
    let Proposal { position, hand, wallet, points, by, lapses_at } = open;
    let hand = match hand {
        ByHand::Credit => proto::ByHand::Credit,
        ByHand::Debit => proto::ByHand::Debit,
    };
    proto::Proposal {
        position: position.0,
        hand: hand.into(),
        wallet: words.term(*wallet),
        points: points.0,
        by: by.iter().map(|one| one.to_string()).collect(),
        lapses_at: stamp(*lapses_at),
    }
}

/// Tells an open exchange.
pub(super) fn open_exchange(open: &OpenExchange, words: &Words) -> proto::OpenExchange {
    proto::OpenExchange {
        exchange: words.term(open.exchange),
        reference: open.reference.to_string(),
        inward: open.inward,
        wallet: words.term(open.wallet),
        points: open.points.0,
        units: open.units,
        lapses_at: stamp(open.lapses_at),
    }
}

/// Of a life the event itself tells all but what became of proposals and exchanges.
pub(super) fn proposing(
    position: Position,
    member: String,
    change: &LifeChange,
    words: &Words,
) -> Option<proto::change::Change> {
    use proto::change::Change as Told;
    Some(match change {
        LifeChange::Proposed(change::Proposed { hand, wallet, points, by, lapses_at }) => {
            let (hand, wallet, points, lapses_at) = (*hand, *wallet, *points, *lapses_at);
            let open = Proposal { position, hand, wallet, points, by: vec![by.clone()], lapses_at };
            Told::Proposed(proposal(&open, words))
        }
        LifeChange::Approved(change::Approved { proposal, by }) => {
            Told::ProposalApproved(proto::ProposalApproved { member, proposal: proposal.0, by: by.to_string() })
        }
        LifeChange::ProposalEnded(change::ProposalEnded { proposal }) => {
            Told::ProposalEnded(proto::ProposalEnded { member, proposal: proposal.0 })
        }
        LifeChange::ExchangeOpened(open) => Told::ExchangeOpened(open_exchange(open, words)),
        LifeChange::ExchangeClosed(change::ExchangeClosed { exchange, reference }) => {
            let (exchange, reference) = (words.term(*exchange), reference.to_string());
            Told::ExchangeClosed(proto::ExchangeClosed { member, exchange, reference })
        }
        LifeChange::Frozen(..)
        | LifeChange::Closed(change::Closed)
        | LifeChange::AliasLinked(..)
        | LifeChange::AliasUnlinked(..)
        | LifeChange::Gave(..)
        | LifeChange::Received(..)
        | LifeChange::MergedInto(..)
        | LifeChange::Absorbed(..)
        | LifeChange::Unmerged(change::Unmerged)
        | LifeChange::Released(..)
        | LifeChange::HouseholdJoined(..)
        | LifeChange::HouseholdLeft(change::HouseholdLeft)
        | LifeChange::MemberJoined(..)
        | LifeChange::MemberLeft(..) => return None,
    })
}

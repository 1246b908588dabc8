//! Items: what is wanted and redeemed of them, and what a refused one lacks, as messages.

use super::{Faults, Names};
use crate::proto;
use ledger_core::event::ItemRequest;
use ledger_core::features::items::state::Piece;
use ledger_core::trace::{Adjustment, Trace};
use ledger_core::units::Points;

/// Pieces of an item; one if it is not said how many.
pub(super) fn decode_wanted(item: String, pieces: u32, faults: &mut Faults) -> Option<Box<ItemRequest>> {
    if item.is_empty() {
        if pieces > 0 {
            faults.add("pieces", "are of no item; name it in `item`");
        }
        return None;
    }
    Some(Box::new(ItemRequest { item: item.into(), pieces: pieces.max(1) }))
}

/// What an event wants: the name of the item, and how many pieces of it.
pub(super) fn encode_wanted(item: Option<&ItemRequest>) -> (String, u32) {
    item.map(|item_request| (item_request.item.to_string(), item_request.pieces)).unwrap_or_default()
}

/// What was redeemed of an item.
pub(super) fn redeemed(member: String, piece: Piece, points: Points, names: &Names) -> proto::ItemRedeemed {
    let pieces = piece.in_points(points);
    proto::ItemRedeemed { member, item: names.term(piece.item), pieces, points: points.0 }
}

/// What a refused item lacks.
pub(super) fn shortfall(trace: &Trace, names: &Names) -> proto::Shortfall {
    use proto::shortfall::Lack;
    let lack = match trace.adjustment {
        Adjustment::Price => Lack::Points(trace.granted.0),
        _ => Lack::Pieces(trace.granted.0),
    };
    proto::Shortfall { item: names.term(trace.rule), lack: Some(lack) }
}

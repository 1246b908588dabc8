//! Items as they are told: what is wanted and redeemed of them, and what a refused one lacks.

use crate::proto;
use crate::wire::Words;
use ledger_core::event::Wanted;
use ledger_core::features::items::state::Piece;
use ledger_core::trace::{Cut, Trace};
use ledger_core::units::Points;

/// Tells what an event wants: the name of the item, and how many pieces of it.
pub(super) fn wanted(item: Option<&Wanted>) -> (String, u32) {
    item.map(|wanted| (wanted.item.to_string(), wanted.pieces)).unwrap_or_default()
}

/// Tells what was redeemed of an item.
pub(super) fn redeemed(member: String, piece: Piece, points: Points, words: &Words) -> proto::ItemRedeemed {
    let pieces = piece.in_points(points);
    proto::ItemRedeemed { member, item: words.term(piece.item), pieces, points: points.0 }
}

/// Tells what a refused item lacks.
pub(super) fn lacking(trace: &Trace, words: &Words) -> proto::Lacking {
    use proto::lacking::Lack;
    let lack = match trace.cut {
        Cut::Price => Lack::Points(trace.granted.0),
        _ => Lack::Pieces(trace.granted.0),
    };
    proto::Lacking { item: words.term(trace.rule), lack: Some(lack) }
}

//! Items: what points are redeemed for, and whether there is a piece left.
//!
//! Pieces are counted when they are taken, by a redemption or by a hold, and no more once a hold lets them go: for
//! everybody, by which the stock is exact in the order of the log, and for the member on the day it took them, by
//! which its limits are. A price is never another than the one that was said, and a capture takes whole pieces.
//! What a refused one lacks stands in its record, as a trace of the item.

use crate::features::counting::rules::{Counting, count};
use crate::features::items::state::Piece;
use crate::kernel::counter::Key;
use crate::kernel::refusal::Refusal;
use crate::kernel::trace::{Adjustment, Trace};
use crate::kernel::units::{Day, Points, TermNo};
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::desk::Redemption;
use crate::tables::draft::Draft;
use crate::tables::event::ItemRequest;
use crate::tables::member::Hold;
use crate::tables::program::{Item, PIECES_DAYS};

/// Pieces of an item that may be had.
#[derive(Clone, Copy)]
pub(crate) struct Bought<'a> {
    pub(crate) item: &'a Item,
    pub(crate) pieces: i64,
}

impl Bought<'_> {
    pub(crate) fn piece(&self) -> Piece {
        Piece { item: self.item.id, taken: self.item.taken, points: self.item.points }
    }

    pub(crate) fn cost(&self) -> Points {
        self.item.cost(self.pieces)
    }
}

/// The item of this name.
pub(crate) fn find<'a>(draft: &Draft<'a>, name: &str) -> Option<&'a Item> {
    draft.program().items.iter().find(|item| draft.term(item.id) == name)
}

/// How many points are asked for, be they said or what an item costs.
pub(crate) fn asked(draft: &Draft<'_>, points: Points, item_request: Option<&ItemRequest>) -> Points {
    let item = item_request.and_then(|item_request| Some((find(draft, &item_request.item)?, item_request.pieces)));
    item.map_or(points, |(item, pieces)| item.cost(pieces.into()))
}

/// What is wanted, if the member may have it now, whatever its balance: in this order it is known, there at this
/// time and for this tier, at the price that was said, within the member's limits, and left.
pub(crate) fn buys<'a>(
    draft: &mut Draft<'a>,
    wallet: &str,
    points: Points,
    item_request: &ItemRequest,
) -> Result<Bought<'a>, Refusal> {
    let item = find(draft, &item_request.item).ok_or(Refusal::ItemUnknown)?;
    let bought = Bought { item, pieces: item_request.pieces.into() };
    if !item.is_on(draft.today()) {
        return Err(Refusal::ItemNotAvailable);
    }
    if !item.is_for(draft.member().tier.tier) {
        return Err(Refusal::ItemNotForTier);
    }
    let is_its_wallet = wallet.is_empty() || draft.term(item.wallet) == wallet;
    if !is_its_wallet || (points != Points::ZERO && points != bought.cost()) {
        let said = if is_its_wallet { points } else { Points::ZERO };
        let trace = Trace { rule: item.id, computed: said, granted: bought.cost(), adjustment: Adjustment::Price };
        return Err(draft.lacks(Refusal::ItemPriceDiffers, trace));
    }
    let asked = Points(bought.pieces);
    for limit in &item.limits {
        let counter = draft.member().counter(item.taken);
        let used = counter.map_or(0, |counter| limit.used(counter, &draft.program().calendar, draft.today()));
        let left = limit.pieces.saturating_sub(used).max(0);
        if left < bought.pieces {
            let adjustment = Adjustment::Limit { limit: item.taken };
            let trace = Trace { rule: item.id, computed: asked, granted: Points(left), adjustment };
            return Err(draft.lacks(Refusal::ItemOverLimit, trace));
        }
    }
    let left = item.stock.map(|stock| stock.saturating_sub(taken_of(draft, item)).max(0));
    if let Some(left) = left.filter(|left| *left < bought.pieces) {
        let trace = Trace { rule: item.id, computed: asked, granted: Points(left), adjustment: Adjustment::Stock };
        return Err(draft.lacks(Refusal::ItemSoldOut, trace));
    }
    Ok(bought)
}

/// Whether so many points of a hold are whole pieces, if it holds pieces at all.
pub(crate) fn is_whole(draft: &mut Draft<'_>, hold: &Hold, points: Points) -> Result<(), Refusal> {
    match hold.item {
        Some(Piece { item, points: price, .. }) if points.0.checked_rem(price.0) != Some(0) => {
            let trace = Trace { rule: item, computed: points, granted: price, adjustment: Adjustment::Price };
            Err(draft.lacks(Refusal::ItemNotDivisible, trace))
        }
        _ => Ok(()),
    }
}

/// How many pieces are given or held, but for holds that are over by now: that is so even before their timers say
/// it.
fn taken_of(draft: &Draft<'_>, item: &Item) -> i64 {
    let taken = draft.counter(Key::EVERYONE, item.taken).map_or(0, |counter| counter.total);
    draft.pieces_over(item.id).map(Hold::pieces).fold(taken, i64::saturating_sub)
}

/// Notes that the member takes pieces.
pub(crate) fn take_pieces(draft: &mut Draft<'_>, bought: &Bought<'_>) {
    count_pieces(draft, bought.item.taken, draft.today(), bought.pieces);
}

/// So many points of a hold are let go: the pieces they are can be had again.
pub(crate) fn let_pieces_go(draft: &mut Draft<'_>, hold: &Hold, points: Points) {
    let Some(piece) = hold.item else { return };
    count_pieces(draft, piece.taken, hold.day, piece.in_points(points).saturating_neg());
}

/// All points of a redemption were given back: so are its pieces, where the program puts them back on the shelf.
pub(crate) fn restock(draft: &mut Draft<'_>, redemption: &Redemption<'_>) {
    let bought = redemption.record.verdict.changes.iter().find_map(|change| match change {
        Change::Redeemed(change::Redeemed { item, points, .. }) => item.map(|piece| (piece, piece.in_points(*points))),
        _ => None,
    });
    let Some((piece, pieces)) = bought else { return };
    if draft.program().items.iter().any(|one| one.id == piece.item && one.restock) {
        let (day, pieces) = (redemption.known.day, pieces.saturating_neg());
        draft.lend_to_no(redemption.owner, |owner| count_pieces(owner, piece.taken, day, pieces));
    }
}

fn count_pieces(draft: &mut Draft<'_>, term: TermNo, day: Day, amount: i64) {
    if amount == 0 {
        return;
    }
    count(draft, (Key::EVERYONE, term), Counting::Sum, amount);
    let keep_from = draft.today().0.saturating_sub(PIECES_DAYS).saturating_add(1);
    count(draft, (Key::Member(draft.no()), term), Counting::Limited { bucket: day.0, keep_from }, amount);
}

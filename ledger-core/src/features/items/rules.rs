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
use crate::kernel::trace::{Cut, Trace};
use crate::kernel::units::{Day, MemberNo, Points, TermNo};
use crate::tables::change;
use crate::tables::change::Change;
use crate::tables::draft::{Draft, Redemption};
use crate::tables::event::Wanted;
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

impl<'a> Draft<'a> {
    /// The item of this name.
    pub(crate) fn item(&self, name: &str) -> Option<&'a Item> {
        self.program.items.iter().find(|item| self.desk.state.term(item.id) == name)
    }

    /// How many points are asked for, be they said or what an item costs.
    pub(crate) fn asked(&self, points: Points, wanted: Option<&Wanted>) -> Points {
        let item = wanted.and_then(|wanted| Some((self.item(&wanted.item)?, wanted.pieces)));
        item.map_or(points, |(item, pieces)| item.cost(pieces.into()))
    }

    /// What is wanted, if the member may have it now, whatever its balance: in this order it is known, there at this
    /// time and for this tier, at the price that was said, within the member's limits, and left.
    pub(crate) fn buys(&mut self, wallet: &str, points: Points, wanted: &Wanted) -> Result<Bought<'a>, Refusal> {
        let item = self.item(&wanted.item).ok_or(Refusal::ItemUnknown)?;
        let bought = Bought { item, pieces: wanted.pieces.into() };
        if !item.is_on(self.today) {
            return Err(Refusal::ItemNotNow);
        }
        if !item.is_for(self.member.tier.tier) {
            return Err(Refusal::ItemNotForTier);
        }
        let is_its_wallet = wallet.is_empty() || self.desk.state.term(item.wallet) == wallet;
        if !is_its_wallet || (points != Points::ZERO && points != bought.cost()) {
            let said = if is_its_wallet { points } else { Points::ZERO };
            let trace = Trace { rule: item.id, computed: said, granted: bought.cost(), cut: Cut::Price };
            return Err(self.lacks(Refusal::ItemPriceDiffers, trace));
        }
        let asked = Points(bought.pieces);
        for limit in &item.limits {
            let counter = self.member.counter(item.taken);
            let used = counter.map_or(0, |counter| limit.used(counter, &self.program.calendar, self.today));
            let left = limit.pieces.saturating_sub(used).max(0);
            if left < bought.pieces {
                let cut = Cut::Limit { limit: item.taken };
                let trace = Trace { rule: item.id, computed: asked, granted: Points(left), cut };
                return Err(self.lacks(Refusal::ItemOverLimit, trace));
            }
        }
        let left = item.stock.map(|stock| stock.saturating_sub(self.taken_of(item)).max(0));
        if let Some(left) = left.filter(|left| *left < bought.pieces) {
            let trace = Trace { rule: item.id, computed: asked, granted: Points(left), cut: Cut::Stock };
            return Err(self.lacks(Refusal::ItemSoldOut, trace));
        }
        Ok(bought)
    }

    /// Whether so many points of a hold are whole pieces, if it holds pieces at all.
    pub(crate) fn is_whole(&mut self, hold: &Hold, points: Points) -> Result<(), Refusal> {
        match hold.item {
            Some(Piece { item, points: price, .. }) if points.0.checked_rem(price.0) != Some(0) => {
                let trace = Trace { rule: item, computed: points, granted: price, cut: Cut::Price };
                Err(self.lacks(Refusal::ItemNotWhole, trace))
            }
            _ => Ok(()),
        }
    }

    fn lacks(&mut self, refusal: Refusal, trace: Trace) -> Refusal {
        self.lacking = Some(trace);
        refusal
    }

    /// How many pieces are given or held, but for holds that are over by now: that is so even before their timers say
    /// it.
    fn taken_of(&self, item: &Item) -> i64 {
        let state = self.desk.state;
        let over = state.pieces_over(item.id, self.desk.at).map(Hold::pieces);
        over.fold(state.counted(item.taken), i64::saturating_sub)
    }

    /// Notes that the member takes pieces.
    pub(crate) fn take_pieces(&mut self, bought: &Bought<'_>) {
        self.count_pieces(self.no, bought.item.taken, self.today, bought.pieces);
    }

    /// So many points of a hold are let go: the pieces they are can be had again.
    pub(crate) fn let_pieces_go(&mut self, hold: &Hold, points: Points) {
        let Some(piece) = hold.item else { return };
        self.count_pieces(self.no, piece.taken, hold.day, piece.in_points(points).saturating_neg());
    }

    /// All points of a redemption were given back: so are its pieces, where the program puts them back on the shelf.
    pub(crate) fn restock(&mut self, redemption: &Redemption<'_>) {
        let bought = redemption.record.verdict.changes.iter().find_map(|change| match change {
            Change::Redeemed(change::Redeemed { item, points, .. }) => {
                item.map(|piece| (piece, piece.in_points(*points)))
            }
            _ => None,
        });
        let Some((piece, pieces)) = bought else { return };
        if self.program.items.iter().any(|one| one.id == piece.item && one.restock) {
            self.count_pieces(redemption.owner, piece.taken, redemption.known.day, pieces.saturating_neg());
        }
    }

    fn count_pieces(&mut self, member: MemberNo, term: TermNo, day: Day, amount: i64) {
        if amount == 0 {
            return;
        }
        count(self, (Key::EVERYONE, term), Counting::Sum, amount);
        let keep_from = self.today.0.saturating_sub(PIECES_DAYS).saturating_add(1);
        count(self, (Key::Member(member), term), Counting::Limited { bucket: day.0, keep_from }, amount);
    }
}

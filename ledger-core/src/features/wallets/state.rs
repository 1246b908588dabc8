//! Purses: what a member has of each wallet.

use crate::features::expiry::state::{ActivityExpiry, ExpiredRecently, Lifetimes};
use crate::features::pending::state::{Wait, Waiting};
use crate::kernel::lots::{Lot, Lots, Slice, slices_of};
use crate::kernel::units::{At, LotId, Points, TermNo};
use alloc::boxed::Box;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A member's purses: one for each wallet it ever had points in, in order of the first. Nearly all
/// members have one, which is kept in the row itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purses {
    first: Purse,
    more: Vec<Purse>,
}

/// What a member has of one wallet. What it has reserved is in its holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purse {
    /// The wallet; [`TermNo::NONE`] in a purse nobody has.
    pub wallet: TermNo,
    /// Lots that can be spent.
    pub lots: Lots,
    /// Points owed, 0 or more.
    pub debt: Points,
    /// What most purses do not have, if this one ever had any of it.
    aside: Option<Box<Aside>>,
}

/// What most purses do not have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Aside {
    /// Lots that wait for a risk case.
    review: Lots,
    /// How its points live, beside the dates of their lots.
    lifetimes: Lifetimes,
    /// What waits.
    waiting: Waiting,
}

static NO_PURSE: Purse = Purse { wallet: TermNo::NONE, lots: Lots::NONE, debt: Points::ZERO, aside: None };
static NO_LOTS: Lots = Lots::NONE;

impl Purses {
    /// The purse of a wallet; an empty one if the member never had any of it.
    #[inline]
    pub fn of(&self, wallet: TermNo) -> &Purse {
        if self.first.wallet == wallet {
            return &self.first;
        }
        self.more.iter().find(|purse| purse.wallet == wallet).unwrap_or(&NO_PURSE)
    }

    /// The first purse there was anything in; an empty one if there never was.
    pub fn first(&self) -> &Purse {
        &self.first
    }

    /// The purses, in order of the first time there was anything in them.
    pub fn iter(&self) -> impl Iterator<Item = &Purse> {
        let first = (self.first.wallet != TermNo::NONE).then_some(&self.first);
        first.into_iter().chain(&self.more)
    }

    /// The purse of a wallet, made if it is not there yet.
    pub(crate) fn of_mut(&mut self, wallet: TermNo) -> &mut Purse {
        if self.first.wallet == TermNo::NONE {
            self.first.wallet = wallet;
        }
        if self.first.wallet == wallet {
            return &mut self.first;
        }
        let known = self.more.iter().position(|purse| purse.wallet == wallet);
        let at = known.unwrap_or_else(|| {
            self.more.push(Purse { wallet, ..Purse::default() });
            self.more.len().saturating_sub(1)
        });
        self.more.get_mut(at).unwrap_or(&mut self.first)
    }

    /// All of them, to be changed.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Purse> {
        core::iter::once(&mut self.first).chain(&mut self.more)
    }
}

impl Purse {
    /// Lots that wait for a risk case.
    #[inline]
    pub fn review(&self) -> &Lots {
        self.aside.as_ref().map_or(&NO_LOTS, |aside| &aside.review)
    }

    pub(crate) fn review_mut(&mut self) -> &mut Lots {
        &mut self.aside_mut().review
    }

    /// Lots that wait until they can be spent.
    #[inline]
    pub fn pending(&self) -> &Lots {
        self.aside.as_ref().map_or(&NO_LOTS, |aside| &aside.waiting.pending)
    }

    pub(crate) fn pending_mut(&mut self) -> &mut Lots {
        &mut self.aside_mut().waiting.pending
    }

    fn waits(&self) -> &[Wait] {
        self.aside.as_ref().map(|aside| aside.waiting.waits.as_slice()).unwrap_or_default()
    }

    /// Until when a lot waits, be it in review as well: [`At::NEVER`] for as long as its purchase is not settled.
    pub fn waits_until(&self, lot: LotId) -> Option<At> {
        self.waits().iter().find(|wait| wait.lot == lot).map(|wait| wait.until)
    }

    /// The lots that have waited long enough at `at`, in the order in which they will be spent.
    pub(crate) fn waited(&self, at: At) -> impl Iterator<Item = Lot> {
        let waited = self.waits().iter().take_while(|wait| wait.until <= at);
        let mut waited: Vec<LotId> = waited.map(|wait| wait.lot).collect();
        waited.sort_unstable();
        self.pending().in_order(self.spell_until()).filter(move |lot| waited.binary_search(&lot.id).is_ok()).copied()
    }

    /// When the first lot has waited long enough, but for those in review.
    pub(crate) fn next_activation(&self) -> At {
        let is_pending = |wait: &&Wait| self.review().is_empty() || self.review().pieces(wait.lot).next().is_none();
        self.waits().iter().find(is_pending).map_or(At::NEVER, |wait| wait.until)
    }

    fn aside_mut(&mut self) -> &mut Aside {
        self.aside.get_or_insert_default()
    }

    pub(crate) fn lifetimes_mut(&mut self) -> &mut Lifetimes {
        &mut self.aside_mut().lifetimes
    }

    pub(crate) fn waiting_mut(&mut self) -> &mut Waiting {
        &mut self.aside_mut().waiting
    }

    /// The last spell of activity, over or not.
    pub fn spell(&self) -> Option<ActivityExpiry> {
        self.aside.as_ref().and_then(|aside| aside.lifetimes.spell)
    }

    /// When a lot is gone, as things stand; long ago if it is of a spell before the last.
    pub fn dies_at(&self, lot: &Lot) -> At {
        ActivityExpiry::dies_at(self.spell(), lot)
    }

    pub(crate) fn spell_until(&self) -> At {
        self.spell().map_or(At::NEVER, |spell| spell.until)
    }

    /// The lots in the order in which they are spent, each with the date on which it dies.
    pub fn dated<'a>(&'a self, lots: &'a Lots) -> impl Iterator<Item = Lot> + 'a {
        lots.in_order(self.spell_until()).map(|lot| Lot { expires_at: self.dies_at(lot), ..*lot })
    }

    /// The lots of these that are gone at `at`, in the order in which they die.
    pub(crate) fn dead<'a>(&'a self, lots: &'a Lots, at: At) -> impl Iterator<Item = &'a Lot> {
        lots.in_order(self.spell_until()).take_while(move |lot| self.dies_at(lot) <= at)
    }

    /// The first date at or behind `from` on which lots that can be spent die; those of a spell die at `until`.
    pub(crate) fn next_death(&self, from: At, until: At) -> Option<At> {
        let dated = self.lots.first_from(from).map(|lot| lot.expires_at).filter(|at| *at < At::SLIDING);
        let spell = self.lots.first_from(At::SLIDING).filter(|lot| lot.expires_at == At::SLIDING);
        let spell = spell.map(|_| until).filter(|until| *until >= from);
        dated.into_iter().chain(spell).min()
    }

    /// When the member is next reminded of points that die.
    pub fn remind_at(&self) -> At {
        self.aside.as_ref().and_then(|aside| aside.lifetimes.remind_at).unwrap_or(At::NEVER)
    }

    /// What died and can be reinstated, by date.
    pub fn expired_recently(&self) -> &[ExpiredRecently] {
        self.aside.as_ref().map(|aside| aside.lifetimes.expired_recently.as_slice()).unwrap_or_default()
    }

    /// Whether the points of a lot died before.
    pub(crate) fn is_reinstated(&self, lot: LotId) -> bool {
        self.aside.as_ref().is_some_and(|aside| aside.lifetimes.reinstated.contains(&lot))
    }

    /// The slices that spending `points` would take, soonest expiry first, or how many points there are if too
    /// few. `skip` leaves lots out.
    pub fn quote(&self, points: Points, skip: impl Fn(&Lot) -> bool) -> Result<Vec<Slice>, Points> {
        slices_of(self.lots.in_order(self.spell_until()).filter(|lot| !skip(lot)), points)
    }

    /// The youngest lot that can be spent and dies on this date.
    pub(crate) fn youngest_of(&self, expires_at: At) -> Option<LotId> {
        let lot = self.lots.last_of(expires_at)?;
        let is_of_spell = expires_at != At::SLIDING || self.spell().is_some_and(|spell| lot.id.position >= spell.since);
        is_of_spell.then_some(lot.id)
    }

    /// How many lots there are, whatever they wait for.
    pub fn lots_len(&self) -> usize {
        self.lots.len().saturating_add(self.review().len()).saturating_add(self.pending().len())
    }

    /// When the first lot of any kind expires.
    pub fn first_expiry(&self) -> At {
        if self.aside.is_none() {
            return self.lots.first_expiry();
        }
        let first = |lots: &Lots| lots.in_order(self.spell_until()).next().map_or(At::NEVER, |lot| self.dies_at(lot));
        first(&self.lots).min(first(self.review())).min(first(self.pending()))
    }

    /// Drops lots that were emptied: once per record, not once per slice.
    pub(crate) fn sweep(&mut self) {
        self.lots.sweep();
        if let Some(aside) = &mut self.aside {
            let is_review_swept = aside.review.sweep();
            aside.waiting.sweep(&aside.review, is_review_swept);
        }
    }
}

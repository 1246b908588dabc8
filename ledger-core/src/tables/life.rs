//! Life: what few members have beside points, each part with its feature. The row keeps it apart.

use crate::features::approvals::state::Proposal;
use crate::features::exchange::state::OpenExchange;
use crate::features::membership::state::{Alias, Scope};
use crate::features::merge::state::Absorbed;
use crate::features::transfer::state::Gifts;
use crate::features::visits::state::Visits;
use crate::kernel::units::{At, Day, MemberNo, Points, TermNo};
use alloc::boxed::Box;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// What became of a member beside its points.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// What is frozen, if anything.
    pub frozen: Option<Scope>,
    /// When the member closed, if it did: for ever.
    pub closed_at: Option<At>,
    /// Other names, oldest first.
    pub aliases: Vec<Alias>,
    /// What the member gave to others and got from them, by wallet, in order of the first time.
    pub gifts: Vec<Gifts>,
    /// The member it is merged into.
    pub merged_into: Option<MemberNo>,
    /// Members merged into it, oldest first.
    pub absorbed: Vec<Absorbed>,
    /// What was proposed, oldest first; some may have lapsed.
    pub proposals: Vec<Proposal>,
    /// The household it shares with.
    pub household: Option<MemberNo>,
    /// Who shares with it, in the order of joining.
    pub household_members: Vec<MemberNo>,
    /// Its last visits, where the program counts by them.
    pub visits: Option<Box<Visits>>,
    /// Exchanges that no partner has settled yet, oldest first.
    pub exchanges: Vec<OpenExchange>,
    /// The last that are settled or lapsed, by exchange and reference, oldest first.
    pub closed_exchanges: Vec<(TermNo, Box<str>)>,
}

impl Life {
    /// Whether nothing is out of the ordinary: such a life is not kept.
    pub fn is_ordinary(&self) -> bool {
        *self == Life::default()
    }

    /// Whether this is frozen.
    pub fn freezes(&self, scope: Scope) -> bool {
        self.frozen.is_some_and(|frozen| frozen.covers(scope))
    }

    /// What was given and got of a wallet, if any was.
    pub fn gifts_of(&self, wallet: TermNo) -> Option<&Gifts> {
        self.gifts.iter().find(|gifts| gifts.wallet == wallet)
    }

    pub(crate) fn gifts_mut(&mut self, wallet: TermNo) -> Option<&mut Gifts> {
        let known = self.gifts.iter().position(|gifts| gifts.wallet == wallet);
        let at = known.unwrap_or_else(|| {
            self.gifts.push(Gifts { wallet, day: Day(i32::MIN), given: Points::ZERO, received_at: None });
            self.gifts.len().saturating_sub(1)
        });
        self.gifts.get_mut(at)
    }

    /// What was proposed and is open at `at`, oldest first.
    pub fn open_proposals(&self, at: At) -> impl Iterator<Item = &Proposal> {
        self.proposals.iter().filter(move |open| open.lapses_at > at)
    }
}

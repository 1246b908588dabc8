//! Life: what few members have beside points, each part with its feature. The row keeps it apart.

use crate::features::approvals::state::Proposal;
use crate::features::exchange::state::{CLOSED_EXCHANGES_MAX, OpenExchange};
use crate::features::membership::state::{Alias, Scope};
use crate::features::merge::state::Absorbed;
use crate::features::transfer::state::Gifts;
use crate::features::visits::state::Visits;
use crate::kernel::units::{At, Day, MemberNo, Points, Position, TermNo};
use crate::tables::change::{self, LifeChange};
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

    fn gifts_mut(&mut self, wallet: TermNo) -> Option<&mut Gifts> {
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

    /// Carries out a change that was recorded at `at`.
    pub(crate) fn apply(&mut self, position: Position, at: At, change: &LifeChange) -> Result<(), &'static str> {
        match change {
            LifeChange::Frozen(change::Frozen { scope }) => self.frozen = *scope,
            LifeChange::Closed(change::Closed) => {
                if self.closed_at.replace(at).is_some() {
                    return Err("a member is closed twice");
                }
            }
            LifeChange::AliasLinked(change::AliasLinked { kind, key }) => {
                if self.aliases.iter().any(|alias| alias.key == *key) {
                    return Err("an alias is linked twice");
                }
                self.aliases.push(Alias { kind: kind.clone(), key: *key, linked_at: at });
            }
            LifeChange::Gave(change::Gave { wallet, day, points }) => {
                let gifts = self.gifts_mut(*wallet).ok_or("no such gifts")?;
                (gifts.day, gifts.given) = (*day, gifts.given_on(*day).plus(*points).ok_or("points given overflow")?);
            }
            LifeChange::Received(change::Received { wallet }) => {
                self.gifts_mut(*wallet).ok_or("no such gifts")?.received_at = Some(at);
            }
            LifeChange::MergedInto(change::MergedInto { member }) => {
                if self.merged_into.replace(*member).is_some() {
                    return Err("a member is merged twice");
                }
            }
            LifeChange::Absorbed(change::Absorbed { member }) => {
                self.absorbed.push(Absorbed { member: *member, position })
            }
            LifeChange::Unmerged(change::Unmerged) => {
                self.merged_into.take().ok_or("a member is unmerged that is not merged")?;
            }
            LifeChange::Released(change::Released { member }) => {
                let at = self.absorbed.iter().position(|one| one.member == *member);
                self.absorbed.remove(at.ok_or("no such member is merged")?);
            }
            LifeChange::Proposed(change::Proposed { hand, wallet, points, by, lapses_at }) => {
                self.proposals.retain(|open| open.lapses_at > at);
                let (hand, wallet, points, lapses_at) = (*hand, *wallet, *points, *lapses_at);
                self.proposals.push(Proposal { position, hand, wallet, points, by: [by.clone()].into(), lapses_at });
            }
            LifeChange::Approved(change::Approved { proposal, by }) => {
                let open = self.proposals.iter_mut().find(|open| open.position == *proposal);
                open.ok_or("no such proposal is open")?.by.push(by.clone());
            }
            LifeChange::ProposalEnded(change::ProposalEnded { proposal }) => {
                let at = self.proposals.iter().position(|open| open.position == *proposal);
                self.proposals.remove(at.ok_or("no such proposal is open")?);
            }
            LifeChange::HouseholdJoined(change::HouseholdJoined { household }) => {
                if self.household.replace(*household).is_some() {
                    return Err("a member joins two households");
                }
            }
            LifeChange::HouseholdLeft(change::HouseholdLeft) => {
                self.household.take().ok_or("a member leaves no household")?;
            }
            LifeChange::ExchangeOpened(open) => self.exchanges.push((**open).clone()),
            LifeChange::ExchangeClosed(change::ExchangeClosed { exchange, reference }) => {
                let is_meant = |open: &OpenExchange| open.exchange == *exchange && open.reference == *reference;
                let at = self.exchanges.iter().position(is_meant).ok_or("no such exchange is open")?;
                let open = self.exchanges.remove(at);
                self.closed_exchanges.push((open.exchange, open.reference));
                if self.closed_exchanges.len() > CLOSED_EXCHANGES_MAX {
                    self.closed_exchanges.remove(0);
                }
            }
            LifeChange::MemberJoined(change::MemberJoined { member }) => self.household_members.push(*member),
            LifeChange::MemberLeft(change::MemberLeft { member }) => {
                let at = self.household_members.iter().position(|one| one == member);
                self.household_members.remove(at.ok_or("no such member of the household")?);
            }
            LifeChange::AliasUnlinked(change::AliasUnlinked { key }) => {
                let at = self.aliases.iter().position(|alias| alias.key == *key).ok_or("no such alias")?;
                self.aliases.remove(at);
            }
        }
        Ok(())
    }
}

//! Life: what a member may still do, and under which other names it is known.
//!
//! Most members have none of this: the row keeps it apart. A freeze stops earning, redeeming or both
//! and takes nothing; a closed member keeps its history and its name, and its points are due at once.
//! An alias (card, phone, QR code) stands for its member wherever a name is asked for; the ledger
//! knows only its keyed hash. A member that is merged into another sleeps: its row stays as it is, nothing of it
//! falls due, and its names stand for the other. What was proposed by hand waits here until enough people stand for it.
//! A household is a member with whom others share; each of the two lists the other. Visits are kept here as well.
//!
//! Owns what these changes do to each other. Knows nothing of who may ask for them: that is `decide`.

use crate::lots::Slice;
use crate::units::{At, Day, MemberNo, Points, Position, RiskKey, TermNo};
use crate::visit::Visits;
use alloc::boxed::Box;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Most members merged into one.
pub const MERGED_MAX: usize = 16;
/// Most aliases of one member.
pub const ALIASES_MAX: usize = 64;
/// Most members of one household.
pub const HOUSEHOLD_MAX: usize = 16;
/// Most open exchanges of one member.
pub const EXCHANGES_MAX: usize = 64;
/// Most closed exchanges remembered, so that a partner's reference is not used again.
pub const CLOSED_EXCHANGES_MAX: usize = 64;
/// Most open proposals of one member.
pub const PROPOSALS_MAX: usize = 16;

/// What a freeze stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// Facts give no points, and none are given by hand.
    Earn,
    /// Points are neither spent, reserved, nor given away.
    Redeem,
    /// Both.
    All,
}

impl Scope {
    /// Whether this stops all that `other` stops.
    pub fn covers(self, other: Scope) -> bool {
        self == Scope::All || self == other
    }

    /// What is stopped once `other` is stopped as well.
    pub fn with(self, other: Scope) -> Scope {
        if self == other { self } else { Scope::All }
    }

    /// What is still stopped once `other` is not; `None` if nothing is.
    pub fn without(self, other: Scope) -> Option<Scope> {
        match (self, other) {
            (Scope::All, Scope::Earn) => Some(Scope::Redeem),
            (Scope::All, Scope::Redeem) => Some(Scope::Earn),
            (Scope::Earn, Scope::Redeem) | (Scope::Redeem, Scope::Earn) => Some(self),
            (_, Scope::All) | (Scope::Earn, Scope::Earn) | (Scope::Redeem, Scope::Redeem) => None,
        }
    }

    /// The trade's word.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Earn => "earn",
            Scope::Redeem => "redeem",
            Scope::All => "all",
        }
    }

    /// The scope of this word.
    pub fn read(word: &str) -> Option<Scope> {
        [Scope::Earn, Scope::Redeem, Scope::All].into_iter().find(|scope| scope.name() == word)
    }
}

/// Another name of a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// What it is, in the sender's word: `card`, `phone`, `qr`.
    pub kind: Box<str>,
    /// Its keyed hash.
    pub key: RiskKey,
    /// When it was linked.
    pub linked_at: At,
}

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

/// An exchange that its partner has not settled yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenExchange {
    /// Which, by the program.
    pub exchange: TermNo,
    /// The partner's reference.
    pub reference: Box<str>,
    /// Whether points come in, or go out.
    pub inward: bool,
    /// The wallet.
    pub wallet: TermNo,
    /// How many points.
    pub points: Points,
    /// How many of the partner's units.
    pub units: i64,
    /// What is set aside of the member's lots; nothing if points come in.
    pub slices: Vec<Slice>,
    /// The first instant at which it is undone.
    pub lapses_at: At,
}

/// What is done by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ByHand {
    /// Points are given.
    Credit,
    /// Points are taken.
    Debit,
}

impl ByHand {
    /// The trade's word, as of the event.
    pub fn name(self) -> &'static str {
        match self {
            ByHand::Credit => "credit",
            ByHand::Debit => "debit",
        }
    }
}

/// A credit or debit for which not enough people stand yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The record that proposed it.
    pub position: Position,
    /// Which of the two.
    pub hand: ByHand,
    /// The wallet.
    pub wallet: TermNo,
    /// How many points.
    pub points: Points,
    /// Who stands for it, whoever proposed it first.
    pub by: Vec<Box<str>>,
    /// The first instant at which it is open no more.
    pub lapses_at: At,
}

/// A member that is merged into another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absorbed {
    /// Which.
    pub member: MemberNo,
    /// The record that merged it.
    pub position: Position,
}

/// What of one wallet went from the member to others, and when some last came: no more than limits ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gifts {
    /// The wallet.
    pub wallet: TermNo,
    /// The last local date on which the member gave any.
    pub day: Day,
    /// How many points it gave on that date.
    pub given: Points,
    /// When the member last got any.
    pub received_at: Option<At>,
}

/// A change of a member's life. Variants are numbered by their order in the record's bytes: add at
/// the end only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LifeChange {
    /// This is frozen now; nothing if absent.
    Frozen {
        /// What.
        scope: Option<Scope>,
    },
    /// The member is closed.
    Closed,
    /// The member has another name.
    AliasLinked {
        /// What it is.
        kind: Box<str>,
        /// Its keyed hash.
        key: RiskKey,
    },
    /// The member has it no more.
    AliasUnlinked {
        /// Its keyed hash.
        key: RiskKey,
    },
    /// The member gave points to another.
    Gave {
        /// Of which wallet.
        wallet: TermNo,
        /// On which local date.
        day: Day,
        /// How many.
        points: Points,
    },
    /// The member got points from another.
    Received {
        /// Of which wallet.
        wallet: TermNo,
    },
    /// The member is merged into another.
    MergedInto {
        /// Which.
        member: MemberNo,
    },
    /// Another is merged into the member.
    Absorbed {
        /// Which.
        member: MemberNo,
    },
    /// The member stands for itself again.
    Unmerged,
    /// Another stands for itself again.
    Released {
        /// Which.
        member: MemberNo,
    },
    /// Points are to be given or taken by hand once enough people stand for it; named by this record.
    Proposed {
        /// Which of the two.
        hand: ByHand,
        /// The wallet.
        wallet: TermNo,
        /// How many points.
        points: Points,
        /// Who stands for it.
        by: Box<str>,
        /// The first instant at which it is open no more.
        lapses_at: At,
    },
    /// One more stands for a proposal, which is still open.
    Approved {
        /// The record that proposed it.
        proposal: Position,
        /// Who.
        by: Box<str>,
    },
    /// A proposal is open no more: it is carried out by this record, or withdrawn.
    ProposalEnded {
        /// The record that proposed it.
        proposal: Position,
    },
    /// The member shares with a household.
    HouseholdJoined {
        /// Which.
        household: MemberNo,
    },
    /// The member shares with none.
    HouseholdLeft,
    /// Another shares with the member.
    MemberJoined {
        /// Who.
        member: MemberNo,
    },
    /// Another does so no more.
    MemberLeft {
        /// Who.
        member: MemberNo,
    },
    /// Points are exchanged once the partner settles.
    ExchangeOpened(Box<OpenExchange>),
    /// The partner settled it, or it lapsed.
    ExchangeClosed {
        /// Which.
        exchange: TermNo,
        /// The partner's reference.
        reference: Box<str>,
    },
}

impl Gifts {
    /// How many points the member gave on this date, if it is the last on which it gave any.
    pub fn given_on(&self, day: Day) -> Points {
        if self.day == day { self.given } else { Points::ZERO }
    }
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
            LifeChange::Frozen { scope } => self.frozen = *scope,
            LifeChange::Closed => {
                if self.closed_at.replace(at).is_some() {
                    return Err("a member is closed twice");
                }
            }
            LifeChange::AliasLinked { kind, key } => {
                if self.aliases.iter().any(|alias| alias.key == *key) {
                    return Err("an alias is linked twice");
                }
                self.aliases.push(Alias { kind: kind.clone(), key: *key, linked_at: at });
            }
            LifeChange::Gave { wallet, day, points } => {
                let gifts = self.gifts_mut(*wallet).ok_or("no such gifts")?;
                (gifts.day, gifts.given) = (*day, gifts.given_on(*day).plus(*points).ok_or("points given overflow")?);
            }
            LifeChange::Received { wallet } => {
                self.gifts_mut(*wallet).ok_or("no such gifts")?.received_at = Some(at);
            }
            LifeChange::MergedInto { member } => {
                if self.merged_into.replace(*member).is_some() {
                    return Err("a member is merged twice");
                }
            }
            LifeChange::Absorbed { member } => self.absorbed.push(Absorbed { member: *member, position }),
            LifeChange::Unmerged => {
                self.merged_into.take().ok_or("a member is unmerged that is not merged")?;
            }
            LifeChange::Released { member } => {
                let at = self.absorbed.iter().position(|one| one.member == *member);
                self.absorbed.remove(at.ok_or("no such member is merged")?);
            }
            LifeChange::Proposed { hand, wallet, points, by, lapses_at } => {
                self.proposals.retain(|open| open.lapses_at > at);
                let (hand, wallet, points, lapses_at) = (*hand, *wallet, *points, *lapses_at);
                self.proposals.push(Proposal { position, hand, wallet, points, by: [by.clone()].into(), lapses_at });
            }
            LifeChange::Approved { proposal, by } => {
                let open = self.proposals.iter_mut().find(|open| open.position == *proposal);
                open.ok_or("no such proposal is open")?.by.push(by.clone());
            }
            LifeChange::ProposalEnded { proposal } => {
                let at = self.proposals.iter().position(|open| open.position == *proposal);
                self.proposals.remove(at.ok_or("no such proposal is open")?);
            }
            LifeChange::HouseholdJoined { household } => {
                if self.household.replace(*household).is_some() {
                    return Err("a member joins two households");
                }
            }
            LifeChange::HouseholdLeft => {
                self.household.take().ok_or("a member leaves no household")?;
            }
            LifeChange::ExchangeOpened(open) => self.exchanges.push((**open).clone()),
            LifeChange::ExchangeClosed { exchange, reference } => {
                let is_meant = |open: &OpenExchange| open.exchange == *exchange && open.reference == *reference;
                let at = self.exchanges.iter().position(is_meant).ok_or("no such exchange is open")?;
                let open = self.exchanges.remove(at);
                self.closed_exchanges.push((open.exchange, open.reference));
                if self.closed_exchanges.len() > CLOSED_EXCHANGES_MAX {
                    self.closed_exchanges.remove(0);
                }
            }
            LifeChange::MemberJoined { member } => self.household_members.push(*member),
            LifeChange::MemberLeft { member } => {
                let at = self.household_members.iter().position(|one| one == member);
                self.household_members.remove(at.ok_or("no such member of the household")?);
            }
            LifeChange::AliasUnlinked { key } => {
                let at = self.aliases.iter().position(|alias| alias.key == *key).ok_or("no such alias")?;
                self.aliases.remove(at);
            }
        }
        Ok(())
    }
}

/// Under which name a member is found from a record on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming<'r> {
    /// A new member's own name.
    Name(&'r str, MemberNo),
    /// The keyed hash of an alias, and the member it stands for; nobody if it stands for no one now.
    Alias(RiskKey, MemberNo),
}

//! What a stage tells: members, purses, counters, and the ledger as a whole, as far as stories look at them.

use ledger_core::account::Account;
use ledger_core::event::Finding;
use ledger_core::explain::{Explanation, RuleOutcome};
use ledger_core::features::approvals::state::Proposal;
use ledger_core::features::exchange::state::OpenExchange;
use ledger_core::features::membership::state::Scope;
use ledger_core::features::risk::in_window;
use ledger_core::member::Member;
use ledger_core::program::{CounterRule, Program};
use ledger_core::state::{Case, WalletTotals};
use ledger_core::tally::Tally;
use ledger_core::units::{At, Day, MemberNo, Position, StaffNo, TermNo};

/// What a stage tells of a member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// What it has of each wallet, the program's first one first.
    pub purses: Vec<SeenPurse>,
    /// Tier, or empty.
    pub tier: String,
    /// Since when the tier is not earned any more.
    pub unmet_since: Option<Day>,
    /// What is frozen.
    pub frozen: Option<Scope>,
    /// Whether the member is closed.
    pub closed: bool,
    /// What other names the member has, by their kinds, oldest first.
    pub aliases: Vec<String>,
    /// The dates on which came what waits for what it speaks of.
    pub deferred: Vec<Day>,
    /// Whether it shares with a household.
    pub in_household: bool,
    /// How many share with it.
    pub household_members: usize,
    /// What was proposed and is open, oldest first.
    pub proposals: Vec<SeenProposal>,
    /// Exchanges that are open, oldest first.
    pub exchanges: Vec<SeenExchange>,
}

/// What a stage tells of an open proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenProposal {
    /// `credit` or `debit`.
    pub adjustment: String,
    /// The wallet.
    pub wallet: String,
    /// How many points.
    pub points: i64,
    /// Who stands for it.
    pub by: Vec<String>,
    /// When it lapses.
    pub lapses_at: At,
}

/// What a stage tells of one of a member's purses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeenPurse {
    /// The wallet.
    pub wallet: String,
    /// Free to spend.
    pub available: i64,
    /// Reserved.
    pub held: i64,
    /// Waiting for a case.
    pub review: i64,
    /// Earned, and not to be spent yet.
    pub pending: i64,
    /// On their way to partners.
    pub exchanging: i64,
    /// Owed.
    pub debt: i64,
    /// Available lots in the order of spending: points left and expiry.
    pub lots: Vec<(i64, At)>,
    /// Lots that wait until they can be spent: points, and until when; never, if for a settlement.
    pub waits: Vec<(i64, At)>,
}

/// An open exchange as a stage tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenExchange {
    /// Its name in the program.
    pub exchange: String,
    /// The partner's reference.
    pub reference: String,
    /// Whether points come in.
    pub inward: bool,
    /// How many points.
    pub points: i64,
    /// How many of the partner's units.
    pub units: i64,
    /// When it lapses.
    pub lapses_at: At,
}

impl SeenExchange {
    /// What there is to see of an open exchange of this name.
    pub fn of(open: &OpenExchange, name: &str) -> SeenExchange {
        SeenExchange {
            exchange: name.to_string(),
            reference: open.reference.sealed.as_plain().unwrap_or("(sealed)").to_string(),
            inward: open.inward,
            points: open.points.0,
            units: open.units,
            lapses_at: open.lapses_at,
        }
    }
}

impl Seen {
    /// What there is to see at an instant of a member with these purses in this tier. Proposals are the stage's to add.
    pub fn of(member: &Member, purses: Vec<SeenPurse>, tier: &str, at: At) -> Seen {
        Seen {
            purses,
            tier: tier.to_string(),
            unmet_since: member.tier.unmet_since,
            frozen: member.frozen(),
            closed: member.closed_at().is_some(),
            aliases: member.aliases().iter().map(|alias| alias.kind.to_string()).collect(),
            in_household: member.household().is_some(),
            household_members: member.household_members().len(),
            proposals: Vec::new(),
            exchanges: Vec::new(),
            deferred: member.waiting(at).map(|waiting| waiting.day).collect(),
        }
    }
}

impl SeenProposal {
    /// What there is to see of a proposal of points of this wallet; `staff` names who stands for it.
    pub fn of(open: &Proposal, wallet: &str, staff: impl Fn(StaffNo) -> String) -> SeenProposal {
        SeenProposal {
            adjustment: open.adjustment.name().to_string(),
            wallet: wallet.to_string(),
            points: open.points.0,
            by: open.by.iter().map(|no| staff(*no)).collect(),
            lapses_at: open.lapses_at,
        }
    }
}

/// What a stage tells of the ledger as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeenLedger {
    /// The trial balance of every wallet in which points ever moved, the program's first one first.
    pub wallets: Vec<SeenTotals>,
    /// What all members did together: campaigns, budgets, funds, items and exchanges.
    pub tallies: Vec<SeenTally>,
    /// All risk cases, oldest first.
    pub cases: Vec<SeenCase>,
    /// The dates on which came what is of no member and waits for its case.
    pub deferred: Vec<Day>,
    /// How many events came again.
    pub duplicates: u64,
}

/// One of a member's counters as a stage tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenCounter {
    /// Its name.
    pub name: String,
    /// What it says in its window.
    pub window: i64,
    /// What it ever counted.
    pub total: i64,
}

impl SeenCounter {
    /// What there is to see at `at` of a member's counter of this name; none if it never counted anything.
    pub fn of(member: &Member, rule: &CounterRule, name: &str, at: At) -> Option<SeenCounter> {
        let counter = member.counter(rule.id)?;
        let (window, _) = in_window(rule, counter, at);
        Some(SeenCounter { name: name.to_string(), window, total: counter.total })
    }
}

/// The trial balance of one wallet as a stage tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenTotals {
    /// The wallet.
    pub wallet: String,
    /// Balance of each kind of account, in order of [`Account::kind`].
    pub accounts: [i64; Account::KINDS],
    /// What the outstanding points cost, in minor units, if the program says so.
    pub liability: Option<i64>,
}

impl SeenTotals {
    /// The trial balance of one wallet.
    pub fn of(totals: &WalletTotals, program: Option<&Program>, name: &str) -> SeenTotals {
        let liability = program.and_then(|program| totals.liability(program)).map(|money| money.0);
        SeenTotals { wallet: name.to_string(), accounts: totals.accounts, liability }
    }
}

impl SeenPurse {
    /// What a member has of one wallet.
    pub fn of(member: &Member, wallet: TermNo, name: &str) -> SeenPurse {
        let (balances, purse) = (member.balances(wallet), member.purses.of(wallet));
        SeenPurse {
            wallet: name.to_string(),
            available: balances.available.0,
            held: balances.held.0,
            review: balances.review.0,
            pending: balances.pending.0,
            exchanging: balances.exchanging.0,
            debt: balances.debt.0,
            waits: purse
                .pending()
                .iter()
                .map(|lot| (lot.left.0, purse.waits_until(lot.id).unwrap_or(At::NEVER)))
                .collect(),
            lots: purse.dated(&purse.lots).map(|lot| (lot.left.0, lot.expires_at)).collect(),
        }
    }
}

/// A risk case as a stage tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenCase {
    /// Its name.
    pub position: Position,
    /// The risk rule.
    pub rule: String,
    /// What its counter said.
    pub value: i64,
    /// Names of the members concerned.
    pub members: Vec<String>,
    /// `open`, `legitimate` or `fraud`.
    pub state: String,
}

impl SeenCase {
    /// What there is to see of a case of this rule; `name` knows the members.
    pub fn of(position: Position, case: &Case, rule: &str, name: impl Fn(MemberNo) -> String) -> SeenCase {
        let state = match case.finding {
            None => "open",
            Some(Finding::Legitimate) => "legitimate",
            Some(Finding::Fraud) => "fraud",
        };
        SeenCase {
            position,
            rule: rule.to_string(),
            value: case.opened.value,
            members: case.opened.members.iter().map(|no| name(*no)).collect(),
            state: state.to_string(),
        }
    }
}

/// What all members did together under a name of the program, as a stage tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenTally {
    /// What it is of.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The wallet.
    pub wallet: String,
    /// Its figures: what each says, and how much.
    pub figures: Vec<(String, i64)>,
    /// How much there is in all, if the program says so.
    pub max: Option<i64>,
    /// What is left of it.
    pub left: Option<i64>,
}

impl SeenTally {
    /// What there is to see of a tally; `word` knows its name and that of its wallet.
    pub fn of(tally: &Tally, word: impl Fn(TermNo) -> String) -> SeenTally {
        let figures = tally.figures.iter().map(|figure| (figure.name.to_string(), figure.amount));
        SeenTally {
            kind: tally.kind.to_string(),
            name: word(tally.name),
            wallet: word(tally.wallet),
            figures: figures.collect(),
            max: tally.max,
            left: tally.left(),
        }
    }

    /// The amount of a figure; 0 if there is none of this name.
    pub fn figure(&self, name: &str) -> i64 {
        self.find(name).unwrap_or(0)
    }

    /// The amount of a figure that may be absent.
    pub fn find(&self, name: &str) -> Option<i64> {
        self.figures.iter().find(|(known, _)| known == name).map(|(_, amount)| *amount)
    }
}

/// One reason of an explanation as a stage tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeenWhy {
    /// A rule applied: its name, what it gave, and what it came to by itself.
    Gave(String, i64, i64),
    /// A rule did not apply: its name, and what did not hold.
    Asks(String, String),
    /// A number that a refusal rests on.
    Factor(String, i64),
}

impl SeenWhy {
    /// The reasons of an explanation, its words told by `word`.
    pub fn of(why: &Explanation, word: impl Fn(TermNo) -> String) -> Vec<SeenWhy> {
        let rules = why.rules.iter().map(|(rule, rule_outcome)| match rule_outcome {
            RuleOutcome::Applied(trace) => SeenWhy::Gave(word(*rule), trace.granted.0, trace.computed.0),
            RuleOutcome::Unmet(condition) => SeenWhy::Asks(word(*rule), condition.name().to_string()),
        });
        let factors = why.factors.iter().map(|(name, points)| SeenWhy::Factor((*name).to_string(), *points));
        rules.chain(factors).collect()
    }
}

impl std::fmt::Display for SeenWhy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SeenWhy::Gave(rule, gave, whole) if gave == whole => write!(f, "{rule} gave {gave}"),
            SeenWhy::Gave(rule, gave, whole) => write!(f, "{rule} gave {gave} of {whole}"),
            SeenWhy::Asks(rule, condition) => write!(f, "{rule} asks for {condition}"),
            SeenWhy::Factor(name, points) => write!(f, "{name} {points}"),
        }
    }
}

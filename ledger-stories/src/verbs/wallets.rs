//! What a member has in its wallets, and the trial balance of all.

use super::{Act, Detail, Verb, no_place};
use crate::play::{Answer, Play, list};
use crate::seen::{Seen, SeenPurse};
use crate::words::Words;
use ledger_core::account::Account;
use ledger_core::event::{self, Body, Name};

pub(super) const VERBS: &[Verb] = &[
    Verb {
        word: "balance",
        syntax: &["balance MEMBER [in WALLET] [as-of TIME]"],
        meaning: "What the member has of a wallet, the first one if none is named: to spend, held, under review and \
                  owed; what waits and what is on its way to a partner only if there is any.",
        example: "
purchase M1 o-1 20.00            -> earned 20, available 20, basic
at 2026-03-04 12:00
redeem M1 5                      -> earned 0, available 15, basic
balance M1                       -> available 15, held 0, review 0, debt 0
balance M1 in miles              -> available 0, held 0, review 0, debt 0
balance M1 as-of 2026-03-03      -> available 20, held 0, review 0, debt 0
",
        act: Act::Other(balance),
    },
    Verb {
        word: "lots",
        syntax: &["lots MEMBER [in WALLET]"],
        meaning: "The member's points in the order in which they would be spent, each part with its expiry.",
        example: "
credit M1 5 welcome  -> earned 5, available 5, basic
at 2026-03-04
credit M1 7 sorry    -> earned 7, available 12, basic
lots M1              -> 5 until 2027-03-02 00:00, 7 until 2027-03-04 00:00
",
        act: Act::Other(lots),
    },
    Verb {
        word: "totals",
        syntax: &["totals [in WALLET]"],
        meaning: "The trial balance of a wallet, the first one if none is named: what was issued is what was used and \
                  what is outstanding; then what that costs, if the program says so.",
        example: "
purchase M1 o-1 20.00 -> earned 20, available 20, basic
redeem M1 5           -> earned 0, available 15, basic
totals                -> issued 20 = redeemed 5 + outstanding 15, liability 0.15
totals in miles       -> issued 0 = outstanding 0
",
        act: Act::Other(totals),
    },
];

pub(super) const DETAILS: &[Detail] = &[Detail {
    word: "wallet",
    value: "points",
    of: &["redeem", "quote", "hold", "credit", "debit", "transfer", "reinstate", "prolong"],
    meaning: "Of which wallet; otherwise the program's first one, or that of the item.",
    set: |_, saying, name| wallet(&mut saying.said.event.body, name),
}];

fn wallet(body: &mut Body<Name>, name: &str) -> Result<(), String> {
    match body {
        Body::Redeem(event::Redeem { wallet, .. })
        | Body::Hold(event::Hold { wallet, .. })
        | Body::Credit(event::Credit { wallet, .. })
        | Body::Debit(event::Debit { wallet, .. })
        | Body::Transfer(event::Transfer { wallet, .. })
        | Body::Reinstated(event::Reinstated { wallet, .. })
        | Body::Extended(event::Extended { wallet, .. }) => {
            *wallet = name.into();
            Ok(())
        }
        body => Err(no_place(body)),
    }
}

/// The purse of this wallet; the first if none is named.
pub(super) fn purse(seen: Seen, wallet: Option<&str>) -> SeenPurse {
    let mut purses = seen.purses.into_iter();
    purses.find(|purse| wallet.is_none_or(|wallet| purse.wallet == wallet)).unwrap_or_default()
}

/// The purse of the wallet that the line names, or the first, of the member it names before.
pub(super) fn purse_now(play: &mut Play<'_>, words: &mut Words<'_>) -> Result<SeenPurse, String> {
    let (name, wallet) = (words.next()?, words.behind("in")?);
    Ok(purse(play.stage.member(name, play.at, false)?, wallet))
}

fn balance(play: &mut Play<'_>, words: &mut Words<'_>) -> Answer {
    let (name, wallet) = (words.next()?, words.behind("in")?);
    let seen = play.seen_of(name, words)?;
    let SeenPurse { available, held, review, pending, exchanging, debt, .. } = purse(seen, wallet);
    let rare = [("pending", pending), ("exchanging", exchanging)].into_iter().filter(|(_, points)| *points != 0);
    let rare: String = rare.map(|(name, points)| format!(", {name} {points}")).collect();
    Ok(format!("available {available}, held {held}, review {review}{rare}, debt {debt}"))
}

fn lots(play: &mut Play<'_>, words: &mut Words<'_>) -> Answer {
    let purse = purse_now(play, words)?;
    Ok(play.show_lots(&purse.lots))
}

fn totals(play: &mut Play<'_>, words: &mut Words<'_>) -> Answer {
    const USED: [Account; 8] = [
        Account::Redeemed,
        Account::Expired,
        Account::ClawedBack,
        Account::Voided,
        Account::Debited,
        Account::Fees,
        Account::Donated,
        Account::Exchanged,
    ];
    const MEMBERS: [Account; 6] =
        [Account::Available, Account::Review, Account::Held(0), Account::Debt, Account::Pending, Account::Exchanging];
    let wallet = words.behind("in")?;
    let mut all = play.stage.ledger()?.wallets.into_iter();
    let found = all.find(|totals| wallet.is_none_or(|wallet| totals.wallet == wallet));
    let accounts = found.as_ref().map_or([0; Account::KINDS], |totals| totals.accounts);
    let of = |account: &Account| accounts.get(account.kind()).copied().unwrap_or_default();
    let outstanding = MEMBERS.iter().fold(0i64, |sum, account| sum.saturating_add(of(account)));
    let used = USED.iter().filter(|account| of(account) != 0);
    let used = used.map(|account| format!("{} {}", account.name(), of(account)));
    let parts = list(" + ", used.chain([format!("outstanding {outstanding}")]));
    let sum = accounts.iter().fold(0i64, |sum, balance| sum.saturating_add(*balance));
    let sum = if sum == 0 { String::new() } else { format!(" OFF BY {sum}") };
    let liability = found.and_then(|totals| totals.liability);
    let liability = liability.map_or_else(String::new, |cost| format!(", liability {}", play.show_money(cost)));
    Ok(format!("issued {} = {parts}{sum}{liability}", of(&Account::Issued).saturating_neg()))
}

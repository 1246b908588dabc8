//! Where features meet: programs that combine some of them, played with ticks everywhere and with none, end the same.

use crate::ledger::{self, event};
use ledger_core::event::{self, Body, Currency, Line, Name};
use ledger_core::member::Member;
use ledger_core::memory::Memory;
use ledger_core::units::{At, DAY_MS, Money, Points, Position};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Sections that a program has or has not, beside its wallets.
const SECTIONS: [&str; 5] = [
    "[[convert]]\nid = \"cup\"\nfrom = { wallet = \"stamps\", points = 5 }\nto = { wallet = \"cups\", points = 1 }\n",
    "[household]\nshare = \"40%\"\n",
    "[redeem]\ngrace = \"3d\"\n",
    "[[exchange]]\nid = \"album\"\nwallet = \"stamps\"\nout = { points = 1, units = 1 }\nwithin = \"4d\"\n",
    "[tiers]\nwindow = \"20d\"\n[[tier]]\nid = \"plain\"\n[[tier]]\nid = \"fine\"\nat_least = \"60.00\"\n",
];

const MEMBERS: [&str; 3] = ["A", "B", "home"];

/// A program with some of the sections, points that wait or do not, and room for many or few.
fn program(sections: [bool; 5], waits: bool, room: bool) -> String {
    // Points that wait are not shared.
    let pending = if waits && !sections[1] { "pending = { after = \"3d\" }\n" } else { "" };
    let room = if room { "" } else { "max_balance = 60\n" };
    let some = SECTIONS.iter().zip(sections).filter(|(_, has)| *has).map(|(section, _)| *section);
    format!(
        "id = \"meet\"\ntimezone = \"Europe/Berlin\"\ncurrency = \"EUR\"\n\
         [[wallet]]\nid = \"points\"\nexpiry = {{ after = \"10d\", reinstate = \"6d\" }}\nhold_ttl = \"50h\"\n{room}\
         [[wallet]]\nid = \"stamps\"\nkind = \"stamp\"\nexpiry = {{ after = \"6d\" }}\nhold_ttl = \"50h\"\n\
         [[wallet]]\nid = \"cups\"\nkind = \"entitlement\"\nexpiry = {{ after = \"8d\" }}\nmax_balance = 2\n\
         [[earn]]\nid = \"base\"\non = \"purchase\"\nper = \"1.00\"\ngive = 1\n\
         limit = {{ points = 90, per = \"5d\" }}\n\
         [[earn]]\nid = \"stamp\"\non = \"purchase\"\nwallet = \"stamps\"\nper_items = 1\ngive = 1\n\
         [[earn]]\nid = \"extra\"\non = \"purchase\"\nper = \"3.00\"\ngive = 1\n{pending}{}",
        some.collect::<String>()
    )
}

/// One thing said: how many hours later, by whom, what, and a number that says which or how many.
type Said = (i64, usize, u8, i64);

fn wallet_of(number: i64) -> Box<str> {
    ["points", "stamps", "cups"][(number % 3) as usize].into()
}

fn body((_, who, what, number): Said, n: usize, at: At, spent: &[Position]) -> Body<Name> {
    let eur = Currency(*b"EUR");
    let (order, hold) = (format!("o-{}", number % 4), format!("h-{}", number % 4));
    let points = Points(number % 23 + 1);
    let wallet = wallet_of(number);
    match what {
        0..=2 => {
            let line = Line::plain("tea", (number % 6 + 1) as u32, Money(number * 100));
            Body::purchase(&format!("o-{}", n % 4), eur, vec![line])
        }
        3 => Body::refund(&order, eur, Money(number * 37)),
        4 => Body::Cancelled(event::Cancelled { order: order.into() }),
        5 => Body::Redeem(event::Redeem { wallet, points, order: "".into(), total: None, item: None }),
        6 => Body::RedeemRefunded(event::RedeemRefunded {
            redemption: spent.get(number as usize % (spent.len() + 1)).copied().unwrap_or(Position(u64::MAX)).into(),
            points: None,
        }),
        7 => Body::Hold(event::Hold {
            wallet,
            hold: hold.into(),
            points,
            ttl_ms: (number % 2 == 0).then_some(DAY_MS * 12),
            order: "".into(),
            total: None,
            item: None,
        }),
        8 => Body::Capture(event::Capture { hold: hold.into(), points: Some(Points(1)), last: number % 2 == 0 }),
        9 => Body::Void(event::Void { hold: hold.into() }),
        10 => Body::ExchangeOut(event::ExchangeOut { exchange: "album".into(), reference: hold.into(), points }),
        11 => Body::ExchangeSettled(event::ExchangeSettled {
            exchange: "album".into(),
            reference: hold.into(),
            accepted: number % 3 == 0,
        }),
        12 => Body::Reinstated(event::Reinstated {
            wallet: "points".into(),
            points: None,
            expires_at: At(at.0 + DAY_MS * 4),
            reason: "sorry".into(),
        }),
        13 => Body::Merged(event::Merged { from: MEMBERS[1 - who % 2].into() }),
        14 => Body::Unmerged(event::Unmerged { from: MEMBERS[1 - who % 2].into() }),
        _ => Body::HouseholdJoined(event::HouseholdJoined { household: "home".into() }),
    }
}

/// What there is of a member, whatever its lots are called.
fn seen(memory: &Memory, member: &Member) -> String {
    let mut seen = String::new();
    for purse in member.purses.iter() {
        let lots = |lots: &ledger_core::lots::Lots| {
            let mut lots: Vec<(i64, i64)> = lots.iter().map(|lot| (lot.expires_at.0, lot.left.0)).collect();
            lots.sort_unstable();
            // Lots of one date are one to whoever spends them.
            let mut dated: BTreeMap<i64, i64> = BTreeMap::new();
            lots.into_iter().for_each(|(dies, left)| *dated.entry(dies).or_default() += left);
            dated
        };
        let balances = member.balances(purse.wallet);
        if balances != Default::default() {
            let waits = lots(purse.pending());
            seen += &format!("{} {balances:?} {:?} {waits:?}; ", purse.wallet, lots(&purse.lots));
        }
    }
    let tier = member.tier;
    seen + &format!("{:?} {:?} {}", tier.tier, tier.unmet_since, memory.state.shared.terms.len())
}

fn play(text: &str, story: &[Said], ticks: bool) -> Vec<String> {
    let mut at = At(1_800_000_000_000);
    let mut memory = ledger::publish(text, at);
    let tell = |memory: &mut Memory, id: &str, who: &str, body, at| {
        memory.submit(event(id, who, at, body), at).expect("every record folds")
    };
    for who in MEMBERS {
        tell(&mut memory, &format!("enrol {who}"), who, Body::Enrolled(event::Enrolled { birthday: None }), at);
    }
    // The household is full where there is little room, until its points die.
    tell(&mut memory, "credit home", "home", Body::credit(Points(60), "start"), at);
    for who in ["A", "B"] {
        let joined = Body::HouseholdJoined(event::HouseholdJoined { household: "home".into() });
        tell(&mut memory, &format!("join {who}"), who, joined, at);
    }
    let mut spent: BTreeMap<usize, Vec<Position>> = BTreeMap::new();
    let mut told = Vec::new();
    for (n, said) in story.iter().enumerate() {
        at = At(at.0 + said.0 * 3_600_000);
        if ticks {
            tell(&mut memory, &format!("tick {n}"), "", Body::Tick(event::Tick { up_to: at }), at);
        }
        let who = said.1 % 2;
        let body = body(*said, n, at, spent.get(&who).map(Vec::as_slice).unwrap_or_default());
        let spends = matches!(body, Body::Redeem(..) | Body::Capture(..));
        let outcome = tell(&mut memory, &n.to_string(), MEMBERS[who], body, at);
        if spends && outcome.refusal.is_none() {
            spent.entry(who).or_default().push(outcome.position);
        }
        told.push(format!("{:?} {} {}", outcome.refusal, outcome.earned_first(), outcome.available));
    }
    at = At(at.0 + DAY_MS * 3);
    tell(&mut memory, "the last tick", "", Body::Tick(event::Tick { up_to: at }), at);
    ledger::check(&memory);
    let rows = MEMBERS.iter().filter_map(|who| memory.state.member(memory.member_no(who)?));
    told.extend(rows.map(|member| seen(&memory, member)));
    told
}

proptest! {
    #![proptest_config(crate::properties::config(300))]

    #[test]
    fn programs_that_combine_features_end_the_same_whoever_ticks(
        sections in any::<[bool; 5]>(),
        waits in any::<bool>(),
        room in any::<bool>(),
        story in prop::collection::vec((0i64..90, 0usize..2, 0u8..16, 0i64..60), 1..60),
    ) {
        let text = program(sections, waits, room);
        let faults = ledger_core::program::Program::read(&text, &mut Vec::new()).err();
        prop_assert!(faults.is_none(), "{:?}", faults);
        prop_assert_eq!(play(&text, &story, true), play(&text, &story, false));
    }
}

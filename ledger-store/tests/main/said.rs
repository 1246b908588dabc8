//! What the tests say to a ledger: single events, and streams of made-up ones that are the same
//! wherever they are made, so that a parent can say again what a killed child said.

use ledger_core::event::{self, Body, Currency, Event, Line, Name, RiskKeys, RiskKind};
use ledger_core::units::{At, Money, MonthDay, Points, RiskKey};

/// The program of most tests here.
pub const HARBOUR: &str = include_str!("harbour.toml");
/// When the streams begin: 2026-01-01 00:00 UTC.
pub const BEGIN: At = At(1_767_225_600_000);

/// A small source of chance (xorshift64*).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        // Any seed will do, 0 too.
        Random((seed ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9) | 1)
    }

    /// A new seed, or the one in `LEDGER_SEED`; printed either way.
    pub fn seeded() -> (Random, u64) {
        let seed = match std::env::var("LEDGER_SEED") {
            Ok(seed) => seed.parse().expect("LEDGER_SEED is a number"),
            Err(_) => getrandom::u64().expect("randomness") >> 1,
        };
        println!("again with LEDGER_SEED={seed}");
        (Random::new(seed), seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 11) % n
    }

    /// Whether one of `n` chances came true.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// An event without risk keys.
pub fn event(source: &str, id: &str, at: At, member: &str, body: Body<Name>) -> Event<Name> {
    let keys = RiskKeys::default();
    Event { source: source.into(), id: id.into(), occurred_at: at, member: member.into(), keys, origin: None, body }
}

/// A purchase of one line.
pub fn purchase(order: &str, net: i64) -> Body<Name> {
    let lines = vec![Line::plain("", 1, Money(net))];
    Body::purchase(order, Currency(*b"EUR"), lines)
}

/// The publication of a program.
pub fn publish(text: &str, at: At) -> Event<Name> {
    event("office", "program", at, "", Body::ProgramPublished(event::ProgramPublished { text: text.into() }))
}

/// A stream of events: the n-th is the same whoever asks for it, and may speak of earlier ones.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    pub seed: u64,
    /// How many members it speaks of.
    pub members: u64,
    /// How much later each event is than the one before, in milliseconds.
    pub step_ms: i64,
}

impl Stream {
    /// The publication of its program; send it first.
    pub fn program(&self) -> Event<Name> {
        publish(HARBOUR, BEGIN)
    }

    /// The n-th event.
    pub fn event(&self, n: u64) -> Event<Name> {
        let mut random = self.random(n);
        let member = random.below(self.members);
        let body = self.body(n, member, &mut random);
        let name = if body.kind().has_member() { self.name(member) } else { String::new() };
        let mut event = event("till", &format!("e-{n}"), self.at(n), &name, body);
        if !random.one_in(4) {
            // Few devices and phones: they are shared, and their counters meet.
            event.keys.set(RiskKind::Device, key(b'd', random.below(1 + self.members / 2)));
            event.keys.set(RiskKind::Ip, key(b'i', random.below(5)));
            event.keys.set(RiskKind::Phone, key(b'p', member));
        }
        event
    }

    pub fn events(&self, numbers: impl IntoIterator<Item = u64>) -> Vec<Event<Name>> {
        numbers.into_iter().map(|n| self.event(n)).collect()
    }

    /// When the n-th event happens.
    pub fn at(&self, n: u64) -> At {
        At(BEGIN.0 + (i64::try_from(n).unwrap() + 1) * self.step_ms)
    }

    pub fn name(&self, member: u64) -> String {
        format!("m{member}")
    }

    fn random(&self, n: u64) -> Random {
        let mut random = Random::new(self.seed.wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        random.next();
        random
    }

    /// The latest event before `n` of the same member that `is` so, among the last hundred.
    fn earlier(&self, n: u64, member: u64, is: fn(u64) -> bool) -> Option<u64> {
        (n.saturating_sub(100)..n).rev().find(|n| {
            let mut random = self.random(*n);
            random.below(self.members) == member && is(random.below(100))
        })
    }

    fn body(&self, n: u64, member: u64, random: &mut Random) -> Body<Name> {
        let kind = random.below(100);
        let hold_of = |n: Option<u64>| n.map_or_else(|| "none".into(), |n| format!("h-{n}").into());
        let order_of = |n: Option<u64>| n.map_or_else(|| "none".to_owned(), |n| format!("o-{n}"));
        let is_purchase: fn(u64) -> bool = |kind| (8..38).contains(&kind);
        let is_hold: fn(u64) -> bool = |kind| (62..74).contains(&kind);
        match kind {
            0..4 => {
                let birthday = random.one_in(2).then_some(MonthDay { month: 2, day: 29 });
                Body::Enrolled(event::Enrolled { birthday })
            }
            4..6 => {
                Body::AttributesSet(event::AttributesSet { attributes: vec![("rank".into(), random.below(50) as i64)] })
            }
            6..8 => Body::Referral(event::Referral { referee: self.name(random.below(self.members * 2)).into() }),
            8..38 => purchase(&format!("o-{n}"), random.below(9_000) as i64),
            38..43 => {
                let order = order_of(self.earlier(n, member, is_purchase));
                Body::refund(&order, Currency(*b"EUR"), Money(1 + random.below(4_000) as i64))
            }
            43..45 => {
                Body::Cancelled(event::Cancelled { order: order_of(self.earlier(n, member, is_purchase)).into() })
            }
            45..54 => Body::CheckIn(event::CheckIn),
            54..62 => Body::Redeem(event::Redeem {
                wallet: "".into(),
                points: Points(1 + random.below(120) as i64),
                order: "".into(),
                total: None,
                item: None,
            }),
            62..74 => Body::Hold(event::Hold {
                wallet: "".into(),
                hold: format!("h-{n}").into(),
                points: Points(1 + random.below(80) as i64),
                ttl_ms: random.one_in(2).then_some(3_600_000),
                order: "".into(),
                total: None,
                item: None,
            }),
            74..86 => Body::Capture(event::Capture {
                hold: hold_of(self.earlier(n, member, is_hold)),
                points: random.one_in(2).then_some(Points(1 + random.below(60) as i64)),
                last: random.one_in(3),
            }),
            86..92 => Body::Void(event::Void { hold: hold_of(self.earlier(n, member, is_hold)) }),
            92..95 => Body::credit(Points(1 + random.below(40) as i64), "a kind word"),
            95..97 => Body::debit(Points(1 + random.below(20) as i64), "a slip"),
            _ => Body::Tick(event::Tick { up_to: self.at(n) }),
        }
    }
}

/// A risk key made of a letter and a number.
pub fn key(kind: u8, n: u64) -> RiskKey {
    let mut key = [kind; 16];
    key[8..].copy_from_slice(&n.to_be_bytes());
    RiskKey(key)
}

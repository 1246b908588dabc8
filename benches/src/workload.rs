//! The workload: purchases of many members, made from a fixed seed. Made, not real; the demo shows
//! real ones.

use ledger_core::event::{self, Body, Currency, Event, Line, Name};
use ledger_core::units::{At, Money};
use std::sync::Arc;

/// 2026-01-01T00:00:00Z: the first event.
pub(crate) const START: At = At(1_767_225_600_000);

/// Xorshift64* (Vigna): the same numbers on every machine.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// Makes events; ids and orders never repeat within one workload.
pub(crate) struct Workload {
    pub(crate) random: Random,
    made: u64,
    members: u64,
}

impl Workload {
    pub(crate) fn new(members: u64, seed: u64) -> Workload {
        Workload { random: Random::new(seed), made: 0, members }
    }

    /// Example A's program.
    pub(crate) fn publish() -> Event<Name> {
        let text = include_str!("../../programs/community.toml");
        event("publish".into(), "", START, Body::ProgramPublished(event::ProgramPublished { text: text.into() }))
    }

    /// The name of a member, by number.
    pub(crate) fn name(member: u64) -> String {
        format!("m{member:08}")
    }

    /// A purchase of this member.
    pub(crate) fn purchase(&mut self, member: u64) -> Event<Name> {
        self.made += 1;
        let id = format!("{:016x}", self.random.next());
        let lines = vec![Line::plain("", 1, Money(self.random.below(20_000) as i64))];
        let body = Body::purchase(&format!("o{}", self.made), Currency(*b"CNY"), lines);
        event(id, &Workload::name(member), At(START.0 + self.made as i64), body)
    }

    /// Purchases of members picked uniformly.
    pub(crate) fn batch(&mut self, events: usize) -> Vec<Event<Name>> {
        (0..events)
            .map(|_| {
                let member = self.random.below(self.members);
                self.purchase(member)
            })
            .collect()
    }
}

pub(crate) fn event(id: String, member: &str, occurred_at: At, body: Body<Name>) -> Event<Name> {
    Event {
        source: "bench-pos-17".into(),
        id: id.into(),
        occurred_at,
        member: member.into(),
        keys: Default::default(),
        origin: None,
        body,
    }
}

/// A clock that never holds a backfill back.
pub(crate) fn clock() -> ledger_store::Clock {
    Arc::new(|| At(4_000_000_000_000))
}

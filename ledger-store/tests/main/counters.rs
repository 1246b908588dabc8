//! Risk counters against a recount: what the store says of a device, an address or a phone is what a
//! look at every record says, at any position.

use crate::ledger::{self, directory, log_from, open, say};
use crate::said::{Random, Stream};
use ledger_core::change::{self, Change};
use ledger_core::event::{self, Body, Event, MemberRef, RiskKind};
use ledger_core::record::{Cause, Record};
use ledger_core::refusal::Refusal;
use ledger_core::trace::Adjustment;
use ledger_core::units::{At, MemberNo, Position, RiskKey};
use std::collections::{BTreeMap, BTreeSet};

const HOUR_MS: i64 = 3_600_000;
/// Counters of the program: name, width of a bucket, and buckets in a window.
const COUNTERS: [(&str, i64, i64); 3] =
    [("members_by_device", HOUR_MS, 24), ("moves_by_address", HOUR_MS / 2, 12), ("points_by_phone", HOUR_MS, 12)];

/// One thing counted.
struct Counted {
    at: At,
    member: MemberNo,
    amount: i64,
}

/// What each key and counter counted.
#[derive(Default)]
struct Recount(BTreeMap<(RiskKey, &'static str), Vec<Counted>>);

impl Recount {
    /// Counts one record, as the program's text says.
    fn record(&mut self, record: &Record) {
        let Cause::Event(event) = record.cause() else { return };
        let refusal = record.verdict.refusal;
        let Event { member: MemberRef::Known(member), keys, origin: None, body, .. } = event else { return };
        // What a rule denies has still happened.
        if refusal.is_some_and(|refusal| refusal != Refusal::RiskDenied) {
            return;
        }
        let hits =
            record.verdict.trace.iter().filter(|line| matches!(line.adjustment, Adjustment::Limit { .. })).count()
                as i64;
        let granted: i64 = record.verdict.trace.iter().map(|line| line.granted.0).sum();
        let moved = i64::from(matches!(body, Body::CheckIn(event::CheckIn) | Body::Redeem(..)));
        let points = match body {
            Body::Purchase(..) => granted,
            Body::Redeem(event::Redeem { points, .. }) => points.0,
            _ => 0,
        };
        // Who tells another birthday does not join again.
        let joins = |change: &Change| matches!(change, Change::Enrolled(change::Enrolled { joined: true, .. }));
        let joined = record.verdict.changes.iter().any(joins);
        let seen = i64::from(joined || matches!(body, Body::CheckIn(event::CheckIn)));
        let amounts = [(RiskKind::Device, seen), (RiskKind::Ip, moved + hits), (RiskKind::Phone, points)];
        for ((key, amount), (counter, _, _)) in amounts.into_iter().zip(COUNTERS) {
            if let Some(key) = keys.get(key)
                && amount > 0
            {
                let counted = Counted { at: record.at, member: *member, amount };
                self.0.entry((key, counter)).or_default().push(counted);
            }
        }
    }
}

#[test]
fn risk_counters_are_what_a_recount_of_the_log_says_at_any_position() {
    let (mut random, seed) = Random::seeded();
    let stream = Stream { seed, members: 14, step_ms: 240_000 };
    let dir = directory();
    let mut ledger = open(dir.path(), 300);
    say(&ledger.handle(), vec![stream.program()]);
    let mut recount = Recount::default();
    let (mut next, mut counted, mut compared) = (0, Position(0), 0);
    while next < 4_000 {
        let end = next + 1 + random.below(200);
        say(&ledger.handle(), stream.events(next..end));
        next = end;
        if random.one_in(10) {
            drop(ledger);
            ledger = open(dir.path(), 300);
        }
        let handle = ledger.handle();
        for (position, record) in log_from(&handle, counted.next()) {
            recount.record(&record);
            counted = position;
        }
        let (terms, now) = (handle.terms(), handle.time());
        let keys: BTreeSet<RiskKey> = recount.0.keys().map(|(key, _)| *key).collect();
        for key in keys {
            let views = handle.risk_counters(key).wait().expect("the shard works");
            let counters = recount.0.range((key, "")..).take_while(|((other, _), _)| *other == key);
            assert_eq!(views.len(), counters.clone().count(), "counters of {key}");
            for ((_, counter), counted) in counters {
                let view = views.iter().find(|view| *terms[usize::from(view.term.0) - 1] == **counter);
                let view = view.expect("the counter is there");
                let (_, width, buckets) = COUNTERS.into_iter().find(|(name, _, _)| name == counter).expect("known");
                let from = now.0.div_euclid(width) - buckets;
                let window = || counted.iter().filter(|counted| counted.at.0.div_euclid(width) >= from);
                let members: BTreeSet<MemberNo> = window().map(|counted| counted.member).collect();
                let expected = match *counter {
                    "members_by_device" => {
                        assert_eq!(view.members.iter().copied().collect::<BTreeSet<_>>(), members);
                        members.len() as i64
                    }
                    _ => window().map(|counted| counted.amount).sum(),
                };
                assert_eq!(view.window, Some(expected), "{counter} of {key} at {}", handle.committed());
                assert_eq!(view.total, counted.iter().map(|counted| counted.amount).sum::<i64>());
                compared += 1;
            }
        }
    }
    drop(ledger);
    let report = ledger::verified(dir.path());
    println!("{compared} counters compared over {} records", report.records);
}

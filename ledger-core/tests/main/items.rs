//! Items: no piece is given twice and none is lost, whatever happens in which order; a naive shelf counts along.

use crate::ledger::{self, event};
use ledger_core::event::{self, Body, ItemRequest, Name};
use ledger_core::memory::Memory;
use ledger_core::refusal::Refusal;
use ledger_core::state::State;
use ledger_core::tally::Tally;
use ledger_core::totals::tallies;
use ledger_core::units::{At, Points, Position};
use proptest::prelude::*;

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
const START: i64 = 20_000 * DAY;
const MEMBERS: [&str; 4] = ["A", "B", "C", "D"];
const NAMES: [&str; 2] = ["cup", "mug"];
/// By version: what a piece costs, and how many there are.
const VERSIONS: [[(i64, i64); 2]; 3] = [[(10, 4), (7, 3)], [(12, 6), (7, 5)], [(10, 2), (8, 1)]];
/// Of cups, each member has at most so many in two days.
const CUPS_MAX: i64 = 3;

fn program(version: usize) -> Body<Name> {
    let [(cup, cups), (mug, mugs)] = VERSIONS[version];
    let text = format!(
        "id = \"shelf\"\ntimezone = \"UTC\"\ncurrency = \"EUR\"\n[[wallet]]\nid = \"points\"\n\
         [[item]]\nid = \"cup\"\npoints = {cup}\nstock = {cups}\nrestock = true\n\
         limit = {{ pieces = {CUPS_MAX}, per = \"2d\" }}\n\
         [[item]]\nid = \"mug\"\npoints = {mug}\nstock = {mugs}\n"
    );
    Body::ProgramPublished(event::ProgramPublished { text: text.into() })
}

/// What may happen; numbers choose among what there is.
#[derive(Clone, Debug)]
enum Act {
    Redeem { who: usize, item: usize, pieces: u32, said: Option<i64> },
    Hold { who: usize, item: usize, pieces: u32, hours: i64 },
    Extend { nth: usize, hours: i64 },
    Capture { nth: usize, points: i64, last: bool },
    Void { nth: usize },
    GiveBack { nth: usize, points: Option<i64> },
    Publish { version: usize },
    Wait { hours: i64 },
    Tick,
    Restart,
}

fn act() -> impl Strategy<Value = Act> {
    let (who, item, pieces) = (0usize..4, 0usize..2, 1u32..4);
    prop_oneof![
        4 => (who.clone(), item.clone(), pieces.clone(), prop::option::of(7i64..37))
            .prop_map(|(who, item, pieces, said)| Act::Redeem { who, item, pieces, said }),
        5 => (who, item, pieces, 1i64..40).prop_map(|(who, item, pieces, hours)| Act::Hold { who, item, pieces, hours }),
        1 => (0usize..8, 1i64..40).prop_map(|(nth, hours)| Act::Extend { nth, hours }),
        4 => (0usize..8, 1i64..40, any::<bool>()).prop_map(|(nth, points, last)| Act::Capture { nth, points, last }),
        2 => (0usize..8).prop_map(|nth| Act::Void { nth }),
        3 => (0usize..8, prop::option::of(1i64..20)).prop_map(|(nth, points)| Act::GiveBack { nth, points }),
        1 => (0usize..3).prop_map(|version| Act::Publish { version }),
        3 => (0i64..40).prop_map(|hours| Act::Wait { hours }),
        1 => Just(Act::Tick),
        1 => Just(Act::Restart),
    ]
}

/// Pieces that a member has or holds.
#[derive(Clone, Debug)]
struct Pieces {
    who: usize,
    item: usize,
    price: i64,
    points: i64,
    day: i64,
}

#[derive(Clone, Debug)]
struct Held {
    name: String,
    until: i64,
    of: Pieces,
}

#[derive(Clone, Debug)]
struct PurchaseState {
    record: Position,
    back: i64,
    restocked: bool,
    of: Pieces,
}

/// A shelf that looks at all holds and all sales each time.
#[derive(Default)]
struct Naive {
    now: i64,
    version: usize,
    holds: Vec<Held>,
    sold: Vec<PurchaseState>,
}

impl Naive {
    fn out(&self) -> impl Iterator<Item = &Pieces> {
        let sold = self.sold.iter().filter(|sold| !sold.restocked).map(|sold| &sold.of);
        self.holds.iter().map(|held| &held.of).chain(sold)
    }

    fn taken(&self, item: usize) -> i64 {
        self.out().filter(|of| of.item == item).map(|of| of.points / of.price).sum()
    }

    /// Why it is refused, if it is.
    fn buys(&self, who: usize, item: usize, pieces: i64, said: Option<i64>) -> Option<Refusal> {
        let (price, stock) = VERSIONS[self.version][item];
        let today = self.now / DAY;
        let own = self.out().filter(|of| (of.who, of.item) == (who, item) && of.day > today - 2);
        let own: i64 = own.map(|of| of.points / of.price).sum();
        if said.is_some_and(|said| said != price * pieces) {
            Some(Refusal::ItemPriceDiffers)
        } else if item == 0 && own + pieces > CUPS_MAX {
            Some(Refusal::ItemOverLimit)
        } else if self.taken(item) + pieces > stock {
            Some(Refusal::ItemSoldOut)
        } else {
            None
        }
    }

    fn pieces(&self, who: usize, item: usize, pieces: i64) -> Pieces {
        let (price, _) = VERSIONS[self.version][item];
        Pieces { who, item, price, points: price * pieces, day: self.now / DAY }
    }
}

/// A ledger and the shelf beside it.
struct World {
    memory: Memory,
    naive: Naive,
    said: u32,
    ticks: bool,
    answers: Vec<Option<Refusal>>,
}

impl World {
    /// With `ticks`, everything due is told before every event.
    fn new(ticks: bool) -> World {
        let naive = Naive { now: START, ..Naive::default() };
        let mut world = World { memory: Memory::new(), naive, said: 0, ticks, answers: Vec::new() };
        world.say("", program(0));
        for who in MEMBERS {
            world.say(who, Body::Enrolled(event::Enrolled { birthday: None }));
            world.say(who, Body::credit(Points(1_000_000), "start"));
        }
        world.answers.clear();
        world
    }

    fn say(&mut self, who: &str, body: Body<Name>) -> (Position, Option<Refusal>) {
        let at = At(self.naive.now);
        self.said += 1;
        let outcome = self.memory.submit(event(&self.said.to_string(), who, at, body), at).expect("it folds");
        self.answers.push(outcome.refusal);
        (outcome.position, outcome.refusal)
    }

    /// Plays an act to both; every answer is the naive shelf's.
    fn play(&mut self, act: &Act) -> Result<(), TestCaseError> {
        let now = self.naive.now;
        if self.ticks {
            self.memory.tick(At(now)).expect("it folds");
        }
        self.naive.holds.retain(|held| held.until > now);
        let held = |nth: usize| self.naive.holds.get(nth % self.naive.holds.len().max(1)).cloned();
        match *act {
            Act::Wait { hours } => self.naive.now += hours * HOUR,
            Act::Tick => {
                self.say("", Body::Tick(event::Tick { up_to: At(now) }));
                self.compare()?;
            }
            Act::Restart => self.restart(),
            Act::Publish { version } => {
                prop_assert_eq!(self.say("", program(version)).1, None);
                self.naive.version = version;
            }
            Act::Redeem { who, item, pieces, said } => {
                let expected = self.naive.buys(who, item, pieces.into(), said);
                let item_request = Box::new(ItemRequest { item: NAMES[item].into(), pieces });
                let points = Points(said.unwrap_or(0));
                let (wallet, order) = ("".into(), "".into());
                let (record, refusal) = self.say(
                    MEMBERS[who],
                    Body::Redeem(event::Redeem { wallet, points, order, total: None, item: Some(item_request) }),
                );
                prop_assert_eq!(refusal, expected);
                if refusal.is_none() {
                    let of = self.naive.pieces(who, item, pieces.into());
                    self.naive.sold.push(PurchaseState { record, back: 0, restocked: false, of });
                }
            }
            Act::Hold { who, item, pieces, hours } => {
                let expected = self.naive.buys(who, item, pieces.into(), None);
                let (name, wallet, order) = (format!("h-{}", self.said), "".into(), "".into());
                let body = Body::Hold(event::Hold {
                    hold: name.as_str().into(),
                    wallet,
                    points: Points::ZERO,
                    ttl_ms: Some(hours * HOUR),
                    order,
                    total: None,
                    item: Some(Box::new(ItemRequest { item: NAMES[item].into(), pieces })),
                });
                prop_assert_eq!(self.say(MEMBERS[who], body).1, expected);
                if expected.is_none() {
                    let of = self.naive.pieces(who, item, pieces.into());
                    self.naive.holds.push(Held { name, until: now + hours * HOUR, of });
                }
            }
            Act::Extend { nth, hours } => {
                let Some(Held { name, of, .. }) = held(nth) else { return Ok(()) };
                let body =
                    Body::HoldExtended(event::HoldExtended { hold: name.as_str().into(), ttl_ms: Some(hours * HOUR) });
                prop_assert_eq!(self.say(MEMBERS[of.who], body).1, None);
                self.naive.holds.iter_mut().filter(|held| held.name == name).for_each(|held| {
                    held.until = now + hours * HOUR;
                });
            }
            Act::Capture { nth, points, last } => {
                let Some(held) = held(nth) else { return Ok(()) };
                // Half of them are whole pieces.
                let points = if nth % 2 == 0 { points } else { held.of.price * (1 + points % 3) };
                let expected = match points {
                    points if points > held.of.points => Some(Refusal::CaptureOverHold),
                    points if points % held.of.price != 0 => Some(Refusal::ItemNotDivisible),
                    _ => None,
                };
                let body = Body::Capture(event::Capture {
                    hold: held.name.as_str().into(),
                    points: Some(Points(points)),
                    last,
                });
                let (record, refusal) = self.say(MEMBERS[held.of.who], body);
                prop_assert_eq!(refusal, expected);
                if refusal.is_none() {
                    let of = Pieces { points, ..held.of.clone() };
                    self.naive.sold.push(PurchaseState { record, back: 0, restocked: false, of });
                    self.naive.holds.iter_mut().filter(|one| one.name == held.name).for_each(|one| {
                        one.of.points -= points;
                    });
                    self.naive.holds.retain(|one| one.name != held.name || (one.of.points > 0 && !last));
                }
            }
            Act::Void { nth } => {
                let Some(Held { name, of, .. }) = held(nth) else { return Ok(()) };
                prop_assert_eq!(
                    self.say(MEMBERS[of.who], Body::Void(event::Void { hold: name.as_str().into() })).1,
                    None
                );
                self.naive.holds.retain(|held| held.name != name);
            }
            Act::GiveBack { nth, points } => {
                let Some(PurchaseState { record, back, of, .. }) = self.naive.sold.get(nth).cloned() else {
                    return Ok(());
                };
                let left = of.points - back;
                let all = points.unwrap_or(left);
                let expected = (left == 0 || all > left).then_some(Refusal::RefundOverRedeemed);
                let body = Body::RedeemRefunded(event::RedeemRefunded {
                    redemption: record.into(),
                    points: points.map(Points),
                });
                prop_assert_eq!(self.say(MEMBERS[of.who], body).1, expected);
                if expected.is_none() {
                    let sold = &mut self.naive.sold[nth];
                    sold.back += all;
                    sold.restocked = of.item == 0 && sold.back == of.points;
                }
            }
        }
        self.bounded()
    }

    /// The ledger knows no more than its rows say.
    fn restart(&mut self) {
        // A page of history that has left its row is nowhere but in a store.
        if !self.memory.state.dirty().pages.is_empty() {
            return;
        }
        let old = std::mem::take(&mut self.memory.state);
        let mut state = State::new();
        for (no, member) in ledger::members(&old) {
            assert!(state.load_member(no, member.clone()), "members come in order");
        }
        (state.counters, state.cases) = (old.counters, old.cases);
        (state.programs, state.shared) = (old.programs, old.shared);
        state.loaded();
        self.memory.state = state;
    }

    fn shelves(&self) -> Vec<Tally> {
        let told = tallies(&self.memory.state, self.memory.programs.current().expect("a program"));
        told.into_iter().filter(|tally| tally.kind == "item").collect()
    }

    /// No more was taken than there ever was of it.
    fn bounded(&self) -> Result<(), TestCaseError> {
        for (item, shelf) in self.shelves().iter().enumerate() {
            let most = VERSIONS.iter().map(|version| version[item].1).max().expect("there are versions");
            let taken = shelf.figure("taken").unwrap_or(-1);
            prop_assert!((0..=most).contains(&taken), "{} of {}: {}", taken, most, NAMES[item]);
        }
        Ok(())
    }

    /// Everything due has been told: the ledger counts what the naive shelf does.
    fn compare(&self) -> Result<(), TestCaseError> {
        for (item, shelf) in self.shelves().iter().enumerate() {
            let (taken, stock) = (self.naive.taken(item), VERSIONS[self.naive.version][item].1);
            prop_assert_eq!(
                (shelf.figure("taken"), shelf.left()),
                (Some(taken), Some((stock - taken).max(0))),
                "{}",
                NAMES[item]
            );
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), TestCaseError> {
        self.play(&Act::Wait { hours: 48 })?;
        self.play(&Act::Tick)?;
        ledger::check(&self.memory);
        Ok(())
    }
}

proptest! {
    #![proptest_config(crate::properties::config(400))]

    #[test]
    fn no_piece_is_given_twice_and_none_is_lost(story in prop::collection::vec(act(), 1..80)) {
        let (mut lazy, mut eager) = (World::new(false), World::new(true));
        for act in &story {
            lazy.play(act)?;
            eager.play(act)?;
            if !matches!(act, Act::Wait { .. }) {
                eager.compare()?;
            }
        }
        lazy.end()?;
        eager.end()?;
        // Whether somebody ticks changes no answer, and nobody's points.
        prop_assert_eq!(&lazy.answers, &eager.answers);
        let balances = |world: &World| -> Vec<_> {
            let state = &world.memory.state;
            let wallet = world.memory.programs.current().expect("a program").wallet.id;
            ledger::members(state).map(|(_, member)| member.balances(wallet)).collect()
        };
        prop_assert_eq!(balances(&lazy), balances(&eager));
    }
}

//! How what is counted is folded: into the counters of its member, or of everybody.

use crate::features::counting::change::{Counted, ToldLate};
use crate::features::counting::state::CounterRow;
use crate::kernel::counter::{self, Counter, Key};
use crate::kernel::units::Position;
use crate::tables::here::{Folds, Here, Rows};
use crate::tables::member::Member;
use crate::tables::state::State;

const OVERFLOWS: &str = "counter overflows";

impl Counted {
    fn add_to(&self, counter: &mut Counter) -> Result<(), &'static str> {
        counter.count(self.bucket, self.keep_from, self.amount, self.seen).ok_or(OVERFLOWS)
    }
}

impl Folds for Counted {
    #[inline]
    fn fits(&self, state: &State) -> bool {
        let counter = match self.key {
            Key::Member(no) => state.member(no).and_then(|member| counter::find(&member.counters, self.term)),
            Key::Risk(key) => state.counters.get(&(key, self.term)).map(|row| &row.counter),
        };
        counter.is_none_or(|counter| counter.fits(self.bucket, self.amount))
    }

    #[inline]
    fn apply(&self, member: &mut Member, _: &Here) -> Result<(), &'static str> {
        self.add_to(counter::find_or_add(&mut member.counters, self.term).ok_or("no counter")?)
    }

    #[inline]
    fn apply_shared(&self, rows: &mut Rows<'_>, here: &Here) -> Result<(), &'static str> {
        let Key::Risk(key) = self.key else { return Ok(()) };
        let key = (key, self.term);
        let none = || CounterRow { position: Position(0), counter: Counter::new(self.term) };
        let row = rows.state.counters.entry(key).or_insert_with(none);
        if row.position < here.position || rows.counted.contains(&key) {
            row.position = here.position;
            rows.counted.push(key);
            self.add_to(&mut row.counter)?;
            rows.state.mark_counter(key);
        }
        Ok(())
    }
}

impl Folds for ToldLate {}

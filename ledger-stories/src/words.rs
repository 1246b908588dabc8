//! The words of a line, read one after the other.

use crate::verbs::Verb;
use ledger_core::features::membership::state::Scope;
use ledger_core::units::Points;

/// What is left of a line of this verb.
pub(crate) struct Words<'w> {
    verb: &'static Verb,
    rest: &'w [&'w str],
}

impl<'w> Words<'w> {
    pub(crate) fn new(verb: &'static Verb, rest: &'w [&'w str]) -> Words<'w> {
        Words { verb, rest }
    }

    /// The next word.
    ///
    /// # Errors
    /// If there is none: how the line is written.
    pub(crate) fn next(&mut self) -> Result<&'w str, String> {
        let (first, rest) = self.rest.split_first().ok_or_else(|| self.verb.is_written())?;
        self.rest = rest;
        Ok(first)
    }

    /// The next word, if there is one; it stays.
    pub(crate) fn peek(&self) -> Option<&'w str> {
        self.rest.first().copied()
    }

    /// Whether this word is next; if so it is read.
    pub(crate) fn take(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(word);
        if found {
            self.rest = self.rest.get(1..).unwrap_or_default();
        }
        found
    }

    /// This word, which the line must have here.
    ///
    /// # Errors
    /// If it has another: how the line is written.
    pub(crate) fn expect(&mut self, word: &str) -> Result<(), String> {
        if self.take(word) { Ok(()) } else { Err(self.verb.is_written()) }
    }

    /// The word behind this one, if this one is next; none otherwise.
    ///
    /// # Errors
    /// If nothing is behind it.
    pub(crate) fn behind(&mut self, word: &str) -> Result<Option<&'w str>, String> {
        if self.take(word) { self.next().map(Some) } else { Ok(None) }
    }

    /// All that is left, as it was written but for blanks.
    pub(crate) fn all(&mut self) -> String {
        std::mem::take(&mut self.rest).join(" ")
    }

    /// The next pair of a word and its value; none at the end.
    ///
    /// # Errors
    /// If it has no value.
    pub(crate) fn pair(&mut self) -> Result<Option<(&'w str, &'w str)>, String> {
        let Some(name) = self.peek() else { return Ok(None) };
        match self.rest.get(..2) {
            Some([_, value]) => {
                self.rest = self.rest.get(2..).unwrap_or_default();
                Ok(Some((name, value)))
            }
            _ => Err(format!("{name:?} has no value behind it; {}", self.verb.is_written())),
        }
    }

    /// That nothing is left.
    ///
    /// # Errors
    /// If something is: how the line is written.
    pub(crate) fn end(&self) -> Result<(), String> {
        match self.peek() {
            None => Ok(()),
            Some(word) => Err(format!("{word:?} is not understood; {}", self.verb.is_written())),
        }
    }

    /// The verb of the line.
    pub(crate) fn verb(&self) -> &'static Verb {
        self.verb
    }

    /// The next word as a number of points.
    ///
    /// # Errors
    /// If it is none.
    pub(crate) fn points(&mut self) -> Result<Points, String> {
        let word = self.next()?;
        word.parse().map(Points).map_err(|_| format!("{word:?} is no number of points"))
    }

    /// The next word as a number of points, if it is one.
    pub(crate) fn some_points(&mut self) -> Option<Points> {
        let points = self.peek()?.parse().map(Points).ok()?;
        self.rest = self.rest.get(1..).unwrap_or_default();
        Some(points)
    }

    /// The next word as a number of points; none if it is `all`.
    ///
    /// # Errors
    /// If it is neither.
    pub(crate) fn points_or_all(&mut self) -> Result<Option<Points>, String> {
        if self.take("all") { Ok(None) } else { self.points().map(Some) }
    }

    /// The next word as what a freeze stops.
    ///
    /// # Errors
    /// If it is no such word.
    pub(crate) fn scope(&mut self) -> Result<Scope, String> {
        let word = self.next()?;
        Scope::read(word).ok_or_else(|| format!("{word:?} is no scope; write earn, redeem or all"))
    }
}

/// A time a hold lasts, in ms: `6h`. None if it is beyond all bounds.
pub(crate) fn read_hours(word: &str) -> Result<Option<i64>, String> {
    let hours: i64 =
        word.trim_end_matches('h').parse().map_err(|_| format!("{word:?} is no time that a hold lasts; write 48h"))?;
    Ok(hours.checked_mul(3_600_000))
}

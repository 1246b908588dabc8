//! Fields of a section, by what they take: each within the bounds that its word describes.

use crate::kernel::amounts::{days_in, number_and_unit, one_of, read_money, show_duration};
use crate::kernel::calendar::read_day;
use crate::kernel::toml_reader::{Reading, Section};
use crate::kernel::units::{DAY_MS, Day, Money};
use crate::kernel::words::{DAYS_MAX, DURATION_MS_MAX, MINUTE_MS, RULES_MAX, Takes};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

impl Reading<'_> {
    pub(crate) fn text_of(&mut self, section: &mut Section<'_>, key: &'static str) -> Option<(String, usize)> {
        let (value, at) = self.value(section, key)?;
        let text = value.as_str();
        if text.is_none() {
            self.mistyped(section, key, at, "must be a text in quotes");
        }
        if let (Some(text), Some(Takes::Text(least, most))) = (text, section.takes(key))
            && !(*least..=*most).contains(&text.len())
        {
            self.fault(at, &section.field(key), format!("must be a text of {least} to {most} bytes"));
        }
        Some((text?.to_string(), at))
    }

    pub(crate) fn int(&mut self, section: &mut Section<'_>, key: &'static str) -> Option<(i64, usize)> {
        let (value, at) = self.value(section, key)?;
        let (least, most) = self.takes(section, key, |takes| match takes {
            Takes::Integer(least, most, _) => Some((*least, *most)),
            _ => None,
        })?;
        let number = value.as_integer().and_then(|int| i64::from_str_radix(int.as_str(), int.radix()).ok());
        match number {
            Some(number) if (least..=most).contains(&number) => Some((number, at)),
            Some(number) => {
                self.fault(at, &section.field(key), format!("is {number}; must be {least} to {most}"));
                None
            }
            None => {
                self.mistyped(section, key, at, "must be a whole number");
                None
            }
        }
    }

    /// Which of its words a field says.
    pub(crate) fn choice(&mut self, section: &mut Section<'_>, key: &'static str) -> Option<usize> {
        let (word, at) = self.text_of(section, key)?;
        let choices = self.takes(section, key, |takes| match takes {
            Takes::OneOf(words) | Takes::OneOfThe(_, words) => Some(words()),
            _ => None,
        })?;
        let choice = choices.iter().position(|choice| *choice == word);
        if choice.is_none() {
            self.fault(at, &section.field(key), one_of(&word, &choices));
        }
        choice
    }

    pub(crate) fn flag(&mut self, section: &mut Section<'_>, key: &'static str) -> bool {
        let Some((value, at)) = self.value(section, key) else { return false };
        let only_true = self.takes(section, key, |takes| match takes {
            Takes::Flag => Some(false),
            Takes::True => Some(true),
            _ => None,
        });
        let flag = value.as_bool();
        match flag {
            None => self.mistyped(section, key, at, "must be true or false"),
            Some(false) if only_true == Some(true) => {
                self.fault(at, &section.field(key), "must be true, or be left out: false asks for nothing".into());
            }
            Some(_) => {}
        }
        flag.unwrap_or(false)
    }

    /// A list of texts.
    pub(crate) fn texts(&mut self, section: &mut Section<'_>, key: &'static str) -> Vec<(String, usize)> {
        let Some((value, at)) = self.value(section, key) else { return Vec::new() };
        let taken = self.takes(section, key, |takes| match takes {
            Takes::List(entry, least, most) => Some((*entry, *least, *most)),
            _ => None,
        });
        let (Some(array), Some((entry, least, most))) = (value.as_array(), taken) else {
            self.mistyped(section, key, at, "must be a list of texts");
            return Vec::new();
        };
        let mut texts = Vec::new();
        // One more than there may be says that there are too many.
        for item in array.iter().take(most.max(RULES_MAX).saturating_add(1)) {
            match item.get_ref().as_str() {
                Some(text) => texts.push((text.to_string(), item.span().start)),
                None => self.mistyped(section, key, item.span().start, "must be a list of texts"),
            }
        }
        if array.len() < least {
            self.fault(at, &section.field(key), "is empty: name at least one".into());
        }
        if let Some(item) = array.get(most).filter(|_| !matches!(entry, Takes::Days(..))) {
            self.fault(
                item.span().start,
                &section.field(key),
                format!("has {} entries; at most {most} are allowed", array.len()),
            );
        }
        let Takes::Text(least, most) = entry else { return texts };
        for (_, at) in texts.iter().filter(|(text, _)| !(*least..=*most).contains(&text.len())) {
            let problem = format!("holds a word that is not of {least} to {most} bytes");
            self.fault(*at, &section.field(key), problem);
        }
        texts
    }

    /// A list of some of the field's words, by their places.
    pub(crate) fn choices(&mut self, section: &mut Section<'_>, key: &'static str) -> Vec<usize> {
        let texts = self.texts(section, key);
        let known = self.takes(section, key, |takes| match takes {
            Takes::List(Takes::OneOf(words) | Takes::OneOfThe(_, words), ..) => Some(words()),
            _ => None,
        });
        let (known, mut found) = (known.unwrap_or_default(), Vec::new());
        for (word, at) in texts {
            match known.iter().position(|name| *name == word) {
                Some(place) => found.push(place),
                None => self.fault(at, &section.field(key), one_of(&word, &known)),
            }
        }
        found
    }

    pub(crate) fn money(&mut self, section: &mut Section<'_>, key: &'static str) -> Option<(Money, usize)> {
        let (text, at) = self.text_of(section, key)?;
        let least = self.takes(section, key, |takes| match takes {
            Takes::Money(least) => Some(*least),
            _ => None,
        })?;
        let digits = self.digits;
        let money = read_money(&text, u32::try_from(digits).unwrap_or(2));
        match money {
            None => {
                let problem = format!("{text:?} is no amount; write one such as \"1.00\" with {digits} digits at most");
                self.fault(at, &section.field(key), problem);
            }
            Some(money) if money.0 < least => self.fault(at, &section.field(key), "must be more than 0".into()),
            Some(_) => {}
        }
        Some((money?, at))
    }

    pub(crate) fn duration_ms(&mut self, section: &mut Section<'_>, key: &'static str) -> Option<(i64, usize)> {
        let (text, at) = self.text_of(section, key)?;
        let (least, most) = self.takes(section, key, |takes| match takes {
            Takes::Duration(least, most) => Some((*least, *most)),
            _ => None,
        })?;
        let ms = number_and_unit(&text).and_then(|(number, unit)| match unit {
            "m" => number.checked_mul(MINUTE_MS),
            "h" => number.checked_mul(60 * MINUTE_MS),
            "d" => number.checked_mul(DAY_MS),
            _ => None,
        });
        match ms.filter(|ms| (1..=DURATION_MS_MAX).contains(ms)) {
            None => self.fault(at, &section.field(key), format!("{text:?} is no duration; write 15m, 24h or 30d")),
            Some(ms) if (least..=most).contains(&ms) => return Some((ms, at)),
            Some(_) => {
                let problem = format!("must be {} to {}", show_duration(least), show_duration(most));
                self.fault(at, &section.field(key), problem);
            }
        }
        None
    }

    pub(crate) fn days(&mut self, section: &mut Section<'_>, key: &'static str) -> Option<i32> {
        let (text, at) = self.text_of(section, key)?;
        let bounds = self.takes(section, key, |takes| match takes {
            Takes::Days(least, most) => Some((*least, *most)),
            _ => None,
        })?;
        let days = days_in(&text, bounds);
        if days.is_none() {
            let problem = match bounds {
                (1, DAYS_MAX) => format!("{text:?} is no number of days; write 1d or 90d"),
                (least, most) => format!("{text:?} is not {least} to {most} days; write {least}d to {most}d"),
            };
            self.fault(at, &section.field(key), problem);
        }
        days
    }

    /// Whole percents, in hundredths of a percent.
    pub(crate) fn percent(&mut self, section: &mut Section<'_>, key: &'static str) -> Option<i64> {
        let (text, at) = self.text_of(section, key)?;
        let (least, most) = self.takes(section, key, |takes| match takes {
            Takes::Percent(least, most) => Some((*least, *most)),
            _ => None,
        })?;
        let percent = number_and_unit(&text).filter(|(number, unit)| *unit == "%" && (least..=most).contains(number));
        if percent.is_none() {
            self.fault(at, &section.field(key), format!("{text:?} is no {key}; write {least}% to {most}%"));
        }
        percent?.0.checked_mul(100)
    }

    /// A percentage, in hundredths of a percent.
    pub(crate) fn rate(&mut self, section: &mut Section<'_>, key: &'static str) -> Option<(i64, usize)> {
        let (text, at) = self.text_of(section, key)?;
        let (least, most) = self.takes(section, key, |takes| match takes {
            Takes::Rate(least, most) => Some((*least, *most)),
            _ => None,
        })?;
        let rate = text.strip_suffix('%').and_then(|number| read_money(number, 2)).map(|rate| rate.0);
        let rate = rate.filter(|rate| (least..=most).contains(rate));
        if rate.is_none() {
            let most = most.div_euclid(100);
            self.fault(at, &section.field(key), format!("{text:?} is no rate; write 50% or 12.5%, at most {most}%"));
        }
        Some((rate?, at))
    }

    /// `from` and `until`, both included.
    pub(crate) fn dates(&mut self, section: &mut Section<'_>) -> (Option<Day>, Option<Day>) {
        let (from, until) = (self.date(section, "from"), self.date(section, "until"));
        if let (Some(from), Some(until)) = (from, until)
            && until < from
        {
            self.object(section, "until", "lies before `from`");
        }
        (from, until)
    }

    fn date(&mut self, section: &mut Section<'_>, key: &'static str) -> Option<Day> {
        let (text, at) = self.text_of(section, key)?;
        let day = read_day(&text);
        if day.is_none() {
            self.fault(at, &section.field(key), format!("{text:?} is no date; write one such as \"2026-06-16\""));
        }
        day
    }
}

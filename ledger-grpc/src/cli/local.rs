//! Local: times and money as people of the program's zone and currency write them.

use ledger_core::calendar::Calendar;
use ledger_core::currencies::minor_digits;
use ledger_core::event::Currency;
use ledger_core::program::Program;
use ledger_core::units::At;
use ledger_grpc::instant::{self, UTC};
use prost_types::Timestamp;

/// How a program writes times and money; UTC and plain numbers where there is no program.
#[derive(Clone, Debug)]
pub(super) struct Local {
    calendar: Calendar,
    currency: String,
    digits: usize,
}

impl Local {
    /// That of a program file.
    pub(super) fn of(text: Option<&str>) -> Local {
        Local::of_program(text.and_then(|text| Program::read(text, &mut Vec::new()).ok()).as_ref())
    }

    /// That of a program.
    pub(super) fn of_program(program: Option<&Program>) -> Local {
        match program {
            Some(program) => Local {
                calendar: program.calendar.clone(),
                currency: format!(" {}", program.currency),
                digits: usize::try_from(program.minor_digits).unwrap_or(2),
            },
            None => Local { calendar: UTC.clone(), currency: String::new(), digits: 0 },
        }
    }

    /// `1997-01-31 09:00`, or the date alone at the start of a day.
    pub(super) fn time(&self, at: At) -> String {
        let shown = self.calendar.show(at);
        shown.strip_suffix(" 00:00").map(str::to_owned).unwrap_or(shown)
    }

    /// The same of an instant of the API; what is absent is never.
    pub(super) fn stamp(&self, stamp: Option<&Timestamp>) -> String {
        stamp.map_or_else(|| "never".to_owned(), |stamp| self.time(instant::at(stamp)))
    }

    /// `1,012.34 USD`.
    pub(super) fn money(&self, minor: i64) -> String {
        format!("{}{}", decimal(minor, self.digits), self.currency)
    }

    /// The same in the currency that is named, with the digits that it has; in the program's if none is.
    pub(super) fn money_in(&self, currency: &str, minor: i64) -> String {
        if currency.is_empty() || self.currency.strip_prefix(' ') == Some(currency) {
            return self.money(minor);
        }
        match Currency::read(currency).and_then(minor_digits) {
            Some(digits) => format!("{} {currency}", decimal(minor, digits as usize)),
            None => format!("{minor} of the minor unit of {currency}"),
        }
    }

    /// An instant as a person writes it: RFC 3339, or a date and perhaps a time of the program's zone.
    pub(super) fn read(&self, text: &str) -> Option<At> {
        instant::read(text).or_else(|| self.calendar.read(text))
    }
}

/// A number of minor units, as a decimal with so many digits: `1,012.34`.
fn decimal(minor: i64, digits: usize) -> String {
    let (sign, minor) = (if minor < 0 { "-" } else { "" }, i128::from(minor).abs());
    let scale = 10i128.pow(u32::try_from(digits).unwrap_or(0));
    let part = match digits {
        0 => String::new(),
        digits => format!(".{:0digits$}", minor % scale),
    };
    format!("{sign}{}{part}", grouped(minor / scale))
}

/// `69,659`.
pub(super) fn grouped<N: Into<i128>>(number: N) -> String {
    let number = number.into();
    let digits = number.unsigned_abs().to_string();
    let mut out = String::from(if number < 0 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        let shown = [0, 7, 999, 1_000, 69_659, -1_574, 250_031_563].map(grouped::<i64>);
        assert_eq!(shown, ["0", "7", "999", "1,000", "69,659", "-1,574", "250,031,563"]);
    }

    #[test]
    fn money_has_the_digits_of_its_program() {
        let dollars = Local { calendar: UTC.clone(), currency: " USD".into(), digits: 2 };
        assert_eq!([123_456, 5, -250].map(|minor| dollars.money(minor)), ["1,234.56 USD", "0.05 USD", "-2.50 USD"]);
        let yen = Local { digits: 0, ..dollars };
        assert_eq!(yen.money(1234), "1,234 USD");
        let program = "id = \"x\"\ntimezone = \"UTC\"\ncurrency = \"JPY\"\n[[wallet]]\nid = \"p\"";
        let yen = Local::of(Some(program));
        assert_eq!(yen.money(1234), "1,234 JPY");
        let shown = ["JPY", "EUR", "KWD", "", "QQQ"].map(|currency| yen.money_in(currency, 1234));
        assert_eq!(shown, ["1,234 JPY", "12.34 EUR", "1.234 KWD", "1,234 JPY", "1234 of the minor unit of QQQ"]);
        let cents = program.replace("[[wallet]]", "minor_digits = 2\n[[wallet]]");
        assert_eq!(Local::of(Some(&cents)).money_in("JPY", 1234), "12.34 JPY", "as the program says");
    }
}

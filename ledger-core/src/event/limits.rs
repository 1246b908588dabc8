//! Limits: what is wrong with an event as it was said, each with its field.
//!
//! Every field has a limit here, and what breaks one never becomes a record. Whether it fits the ledger is
//! not asked: that is `decide`.

use super::{
    AMOUNT_MAX, AT_MAX, AT_MIN, ATTRIBUTES_MAX, Body, Currency, Event, HOLD_MS_MAX, KIND_BYTES_MAX, LINES_MAX, Line,
    LineName, LinePart, LineRefund, NAME_BYTES_MAX, NOTE_BYTES_MAX, Name, OPENING_LOTS_MAX, OpeningLot, PIECES_MAX,
    PROGRAM_BYTES_MAX, STAFF_BYTES_MAX, TAGS_MAX, Violation, Wanted,
};
use crate::units::{Money, MonthDay};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

impl Event<Name> {
    /// Every field that breaks its limit; empty if the event may be judged.
    pub fn violations(&self) -> Vec<Violation> {
        let mut found = Found(Vec::new());
        found.name("source", &self.source, 1);
        found.name("id", &self.id, 1);
        if self.occurred_at < AT_MIN || self.occurred_at > AT_MAX {
            found.add("occurred_at", "must lie between 1900-01-01 and 9999-01-01".into());
        }
        match (self.body.has_member(), self.member.is_empty()) {
            (true, _) => found.name("member", &self.member, 1),
            (false, false) => found.add("member", format!("must be empty for {}", self.body.kind())),
            (false, true) => {}
        }
        for (field, text) in self.origin.iter().flat_map(|origin| origin.fields()) {
            found.name(field, text, 0);
        }
        found.body(&self.body);
        found.0
    }
}

struct Found(Vec<Violation>);

impl Found {
    fn add(&mut self, field: &str, problem: String) {
        self.0.push(Violation { field: field.into(), problem });
    }

    fn name(&mut self, field: &str, value: &str, bytes_min: usize) {
        self.text(field, value, bytes_min, NAME_BYTES_MAX);
    }

    fn text(&mut self, field: &str, value: &str, bytes_min: usize, bytes_max: usize) {
        if value.len() < bytes_min {
            self.add(field, "must not be empty".into());
        } else if value.len() > bytes_max {
            self.add(field, format!("has {} bytes; at most {bytes_max} are allowed", value.len()));
        } else if value.chars().any(char::is_control) {
            self.add(field, "must not contain control characters".into());
        }
    }

    fn amount(&mut self, field: &str, value: i64, least: i64) {
        if value < least || value > AMOUNT_MAX {
            self.add(field, format!("is {value}; must be {least} to {AMOUNT_MAX}"));
        }
    }

    fn body(&mut self, body: &Body<Name>) {
        match body {
            Body::Enrolled { birthday } => {
                let valid = |at: &MonthDay| {
                    let days: u8 = match at.month {
                        2 => 29,
                        4 | 6 | 9 | 11 => 30,
                        _ => 31,
                    };
                    (1..=12).contains(&at.month) && (1..=days).contains(&at.day)
                };
                if !birthday.as_ref().is_none_or(valid) {
                    self.add("enrolled.birthday", "is not a date; send month 1-12 and a day of it".into());
                }
            }
            Body::AttributesSet { attributes } => {
                if attributes.is_empty() || attributes.len() > ATTRIBUTES_MAX {
                    self.add("attributes_set.attributes", format!("must hold 1 to {ATTRIBUTES_MAX} attributes"));
                }
                for (name, _) in attributes.iter().take(ATTRIBUTES_MAX) {
                    self.name("attributes_set.attributes", name, 1);
                }
            }
            Body::Purchase { order, currency, lines, shipping, points_paid } => {
                self.name("purchase.order", order, 1);
                self.currency("purchase.currency", *currency);
                if lines.is_empty() || lines.len() > LINES_MAX {
                    self.add("purchase.lines", format!("has {} lines; send 1 to {LINES_MAX}", lines.len()));
                }
                lines.iter().take(LINES_MAX).enumerate().for_each(|(n, line)| self.line(n, line));
                self.amount("purchase.shipping", shipping.0, 0);
                let paid = lines.iter().fold(shipping.0, |sum, line| sum.saturating_add(line.net.0)).max(0);
                if points_paid.0 < 0 || points_paid.0 > paid {
                    let problem = format!("is {points_paid}; must be 0 to what was paid in all, {paid}");
                    self.add("purchase.points_paid", problem);
                }
            }
            Body::Cancelled { order } => self.name("cancelled.order", order, 1),
            Body::Settled { order } => self.name("settled.order", order, 1),
            Body::ExchangeOut { exchange, reference, points } => {
                self.name("exchange_out.exchange", exchange, 1);
                self.name("exchange_out.reference", reference, 1);
                self.amount("exchange_out.points", points.0, 1);
            }
            Body::ExchangeIn { exchange, reference, units } => {
                self.name("exchange_in.exchange", exchange, 1);
                self.name("exchange_in.reference", reference, 1);
                self.amount("exchange_in.units", *units, 1);
            }
            Body::ExchangeSettled { exchange, reference, .. } => {
                self.name("exchange_settled.exchange", exchange, 1);
                self.name("exchange_settled.reference", reference, 1);
            }
            Body::Refunded { order, currency, amount, lines } => {
                self.name("refunded.order", order, 1);
                self.currency("refunded.currency", *currency);
                self.amount("refunded.amount", amount.0, i64::from(lines.is_empty()));
                if lines.len() > LINES_MAX {
                    self.add("refunded.lines", format!("has {} lines; send at most {LINES_MAX}", lines.len()));
                }
                lines.iter().take(LINES_MAX).enumerate().for_each(|(n, line)| self.line_refund(n, line));
            }
            Body::CheckIn | Body::HouseholdLeft => {}
            Body::Referral { referee } => self.name("referral.referee", referee, 1),
            Body::Redeem { wallet, points, order, total, item } => {
                self.name("redeem.wallet", wallet, 0);
                self.amount("redeem.points", points.0, i64::from(item.is_none()));
                self.name("redeem.order", order, 0);
                self.total("redeem.total", *total);
                self.wanted("redeem", item.as_deref());
            }
            Body::Hold { hold, wallet, points, ttl_ms, order, total, item } => {
                self.name("hold.hold", hold, 1);
                self.name("hold.wallet", wallet, 0);
                self.amount("hold.points", points.0, i64::from(item.is_none()));
                self.ttl("hold.ttl", *ttl_ms);
                self.name("hold.order", order, 0);
                self.total("hold.total", *total);
                self.wanted("hold", item.as_deref());
            }
            Body::Capture { hold, points, .. } => {
                self.name("capture.hold", hold, 1);
                if let Some(points) = points {
                    self.amount("capture.points", points.0, 1);
                }
            }
            Body::Void { hold } => self.name("void.hold", hold, 1),
            Body::Credit { wallet, points, reason, by } => {
                self.name("credit.wallet", wallet, 0);
                self.amount("credit.points", points.0, 1);
                self.text("credit.reason", reason, 1, NOTE_BYTES_MAX);
                self.text("credit.by", by, 0, STAFF_BYTES_MAX);
            }
            Body::Debit { wallet, points, reason, by } => {
                self.name("debit.wallet", wallet, 0);
                self.amount("debit.points", points.0, 1);
                self.text("debit.reason", reason, 1, NOTE_BYTES_MAX);
                self.text("debit.by", by, 0, STAFF_BYTES_MAX);
            }
            Body::Donate { fund, points } => {
                self.name("donate.fund", fund, 1);
                self.amount("donate.points", points.0, 1);
            }
            Body::Approved { by, .. } => self.text("approved.by", by, 1, STAFF_BYTES_MAX),
            Body::Withdrawn { by, reason, .. } => {
                self.text("withdrawn.by", by, 1, STAFF_BYTES_MAX);
                self.text("withdrawn.reason", reason, 1, NOTE_BYTES_MAX);
            }
            Body::CaseResolved { note, .. } => self.text("case_resolved.note", note, 0, NOTE_BYTES_MAX),
            Body::ProgramPublished { text } => {
                if text.len() > PROGRAM_BYTES_MAX {
                    self.add("program_published.text", format!("at most {PROGRAM_BYTES_MAX} bytes are allowed"));
                }
            }
            Body::Tick { up_to } => {
                if *up_to < AT_MIN || *up_to > AT_MAX {
                    self.add("tick.up_to", "must lie between 1900-01-01 and 9999-01-01".into());
                }
            }
            Body::Frozen { reason, .. } => self.text("frozen.reason", reason, 0, NOTE_BYTES_MAX),
            Body::Unfrozen { reason, .. } => self.text("unfrozen.reason", reason, 0, NOTE_BYTES_MAX),
            Body::Closed { reason } => self.text("closed.reason", reason, 0, NOTE_BYTES_MAX),
            Body::AliasLinked { kind, alias } => self.alias("alias_linked", kind, alias),
            Body::AliasUnlinked { kind, alias } => self.alias("alias_unlinked", kind, alias),
            Body::HoldExtended { hold, ttl_ms } => {
                self.name("hold_extended.hold", hold, 1);
                self.ttl("hold_extended.ttl", *ttl_ms);
            }
            Body::RedeemRefunded { points, .. } => {
                if let Some(points) = points {
                    self.amount("redeem_refunded.points", points.0, 1);
                }
            }
            Body::Transfer { to, wallet, points, note } => {
                self.name("transfer.to", to, 1);
                self.name("transfer.wallet", wallet, 0);
                self.amount("transfer.points", points.0, 1);
                self.text("transfer.note", note, 0, NOTE_BYTES_MAX);
            }
            Body::Merged { from } => self.name("merged.from", from, 1),
            Body::Unmerged { from } => self.name("unmerged.from", from, 1),
            Body::HouseholdJoined { household } => self.name("household_joined.household", household, 1),
            Body::Imported { wallet, lots } => {
                self.name("imported.wallet", wallet, 0);
                self.opening_lots(lots);
            }
            Body::Reinstated { wallet, points, expires_at, reason }
            | Body::Extended { wallet, points, expires_at, reason } => {
                let field = |name: &str| format!("{}.{name}", body.kind());
                self.name(&field("wallet"), wallet, 0);
                if let Some(points) = points {
                    self.amount(&field("points"), points.0, 1);
                }
                if *expires_at < AT_MIN || *expires_at > AT_MAX {
                    self.add(&field("expires_at"), "must lie between 1900-01-01 and 9999-01-01".into());
                }
                self.text(&field("reason"), reason, 1, NOTE_BYTES_MAX);
            }
        }
    }

    fn opening_lots(&mut self, lots: &[OpeningLot]) {
        if lots.is_empty() || lots.len() > OPENING_LOTS_MAX {
            self.add("imported.lots", format!("has {} lots; send 1 to {OPENING_LOTS_MAX}", lots.len()));
        }
        for (n, lot) in lots.iter().take(OPENING_LOTS_MAX).enumerate() {
            self.amount(&format!("imported.lots[{n}].points"), lot.points.0, 1);
            let dates = [("earned_at", Some(lot.earned_at)), ("expires_at", lot.expires_at)];
            for (field, _) in dates.iter().filter(|(_, at)| at.is_some_and(|at| !(AT_MIN..=AT_MAX).contains(&at))) {
                let problem = "must lie between 1900-01-01 and 9999-01-01";
                self.add(&format!("imported.lots[{n}].{field}"), problem.into());
            }
        }
    }

    fn total(&mut self, field: &str, total: Option<Money>) {
        if let Some(total) = total {
            self.amount(field, total.0, 0);
        }
    }

    fn wanted(&mut self, field: &str, wanted: Option<&Wanted>) {
        let Some(Wanted { item, pieces }) = wanted else { return };
        self.name(&format!("{field}.item"), item, 1);
        if !(1..=PIECES_MAX).contains(pieces) {
            self.add(&format!("{field}.pieces"), format!("is {pieces}; must be 1 to {PIECES_MAX}"));
        }
    }

    fn ttl(&mut self, field: &str, ttl_ms: Option<i64>) {
        if ttl_ms.is_some_and(|ms| !(1..=HOLD_MS_MAX).contains(&ms)) {
            self.add(field, "must be longer than 0 and at most 400 days".into());
        }
    }

    fn alias(&mut self, field: &str, kind: &str, alias: &str) {
        let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        if kind.is_empty() || kind.len() > KIND_BYTES_MAX || !kind.bytes().all(plain) {
            self.add(&format!("{field}.kind"), format!("must be 1 to {KIND_BYTES_MAX} of a-z, 0-9 and _"));
        } else if let Some(rest) = alias.strip_prefix(kind).and_then(|rest| rest.strip_prefix(':')) {
            self.text(&format!("{field}.name"), rest, 1, NAME_BYTES_MAX.saturating_sub(kind.len()).saturating_sub(1));
        } else {
            self.add(&format!("{field}.name"), format!("must be {kind}: and the rest, as events name it"));
        }
    }

    fn line(&mut self, n: usize, line: &Line) {
        // A plain line without a fault writes no name of a field.
        let field = |name: &str| format!("purchase.lines[{n}].{name}");
        if line.sku.len() > NAME_BYTES_MAX || line.sku.chars().any(char::is_control) {
            self.name(&field("sku"), &line.sku, 0);
        }
        if line.quantity == 0 {
            self.add(&field("quantity"), "must be at least 1".into());
        }
        if line.net.0 < 0 || line.net.0 > AMOUNT_MAX {
            self.amount(&field("net"), line.net.0, 0);
        }
        let Some(detail) = &line.detail else { return };
        self.name(&field("category"), &detail.category, 0);
        if detail.tags.len() > TAGS_MAX {
            self.add(&field("tags"), format!("has {} tags; send at most {TAGS_MAX}", detail.tags.len()));
        }
        detail.tags.iter().take(TAGS_MAX).for_each(|tag| self.name(&field("tags"), tag, 1));
        self.amount(&field("discount"), detail.discount.0, 0);
        if detail.tax.0 < 0 || detail.tax.0 > line.net.0 {
            self.add(&field("tax"), format!("is {}; must be 0 to the net price", detail.tax));
        }
    }

    fn line_refund(&mut self, n: usize, refund: &LineRefund) {
        let field = |name: &str| format!("refunded.lines[{n}].{name}");
        if let LineName::Sku(sku) = &refund.line {
            self.name(&field("sku"), sku, 1);
        }
        match refund.part {
            LinePart::Items(0) => self.add(&field("quantity"), "must be at least 1".into()),
            LinePart::Items(_) => {}
            LinePart::Amount(amount) => self.amount(&field("amount"), amount.0, 1),
        }
    }

    fn currency(&mut self, field: &str, currency: Currency) {
        if !currency.0.iter().all(u8::is_ascii_uppercase) {
            self.add(field, "must be three capital letters, as in ISO 4217".into());
        }
    }
}

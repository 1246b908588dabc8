//! Outcomes: what became of events, and what would become of one, as messages.

use super::items::shortfall;
use super::member::lot;
use super::{Invalid, LIST_BYTES_MAX, LOTS_SHOWN, Names, VIOLATIONS_BYTES_MAX, token, values};
use crate::proto;
use ledger_core::account::{Account, Posting};
use ledger_core::event::Violation;
use ledger_core::lots::Lot;
use ledger_core::outcome::Outcome;
use ledger_core::record::Verdict;
use ledger_core::refusal::Refusal;
use ledger_core::trace::{Adjustment, Trace};
use ledger_core::units::{At, Points, Position, TermNo};
use prost::Message;

/// One outcome.
pub fn outcome(outcome: &Outcome, names: &Names) -> proto::Outcome {
    let available = outcome.available.0;
    let result = match outcome.refusal {
        Some(refusal) => proto::outcome::Result::Refused(refused(refusal, available, outcome.trace.first(), names)),
        None => proto::outcome::Result::Accepted(proto::Accepted {
            trace: outcome.trace.iter().map(|one| trace(one, names)).collect(),
            earned: outcome.earned.iter().map(|one| wallet_points(*one, names)).collect(),
            available,
            waiting: outcome.waits.iter().map(|one| waiting(*one, names)).collect(),
            deferred: outcome.deferred,
            proposed: outcome.proposed,
            excess: outcome.excess.0,
            expired: outcome.expired.iter().map(|one| wallet_points(*one, names)).collect(),
        }),
    };
    proto::Outcome {
        position: outcome.position.0,
        at: values::stamp(outcome.at),
        duplicate: outcome.duplicate,
        result: Some(result),
    }
}

fn wallet_points((wallet, points): (TermNo, Points), names: &Names) -> proto::WalletPoints {
    proto::WalletPoints { wallet: names.term(wallet), points: points.0 }
}

fn waiting((wallet, points, until): (TermNo, Points, At), names: &Names) -> proto::Waiting {
    proto::Waiting { wallet: names.term(wallet), points: points.0, until: values::stamp(until) }
}

/// The outcomes of a batch, the invalid in their places.
pub fn outcomes(judged: &[Outcome], invalid: Vec<(usize, Invalid)>, names: &Names) -> Vec<proto::Outcome> {
    let total = judged.len() + invalid.len();
    let mut answers = Vec::with_capacity(total);
    let (mut judged, mut invalid) = (judged.iter(), invalid.into_iter().peekable());
    let mut bytes = 0;
    while answers.len() < total {
        let answer = match invalid.next_if(|(at, _)| *at == answers.len()) {
            Some((_, found)) => unrecorded(found, bytes),
            None => match judged.next() {
                Some(one) => fit_trace(outcome(one, names), bytes),
                None => break,
            },
        };
        bytes += answer.encoded_len();
        answers.push(answer);
    }
    answers
}

fn fit_trace(mut answer: proto::Outcome, bytes: usize) -> proto::Outcome {
    if let Some(proto::outcome::Result::Accepted(accepted)) = &mut answer.result
        && bytes > LIST_BYTES_MAX
    {
        accepted.trace.clear();
    }
    answer
}

/// As traces are, what is wrong is cut once the answer is long: then it is only told how much it is.
fn unrecorded(invalid: Invalid, bytes: usize) -> proto::Outcome {
    let most = if bytes > LIST_BYTES_MAX { 0 } else { VIOLATIONS_BYTES_MAX };
    let field = |one: Violation| proto::FieldViolation { field: one.field, problem: one.problem };
    let violations = invalid.fitted(most).into_iter().map(field).collect();
    let result = proto::outcome::Result::Invalid(proto::Invalid { violations });
    proto::Outcome { result: Some(result), ..proto::Outcome::default() }
}

/// A refusal, the member's available points, and what a refused item lacks.
pub(super) fn refused(refusal: Refusal, available: i64, lacks: Option<&Trace>, names: &Names) -> proto::Refused {
    proto::Refused {
        reason: refusal.reason().to_owned(),
        message: refusal.to_string(),
        retry_may_succeed: refusal.retry_may_succeed(),
        available,
        shortfall: lacks.map(|trace| shortfall(trace, names)),
    }
}

/// What a rule came to.
pub fn trace(trace: &Trace, names: &Names) -> proto::Trace {
    let adjustment = match trace.adjustment {
        Adjustment::None => proto::Adjustment::None,
        Adjustment::Limit { .. } => proto::Adjustment::Limit,
        Adjustment::Review => proto::Adjustment::Review,
        Adjustment::Denied => proto::Adjustment::Denied,
        Adjustment::Frozen => proto::Adjustment::Frozen,
        Adjustment::Closed => proto::Adjustment::Closed,
        Adjustment::MaxBalance => proto::Adjustment::MaxBalance,
        Adjustment::Clamped => proto::Adjustment::Clamped,
        Adjustment::Beaten { .. } => proto::Adjustment::Beaten,
        Adjustment::Expired => proto::Adjustment::Expired,
        Adjustment::Stock => proto::Adjustment::Stock,
        Adjustment::Price => proto::Adjustment::Price,
        Adjustment::Late { .. } => proto::Adjustment::Late,
        Adjustment::History => proto::Adjustment::History,
    };
    proto::Trace {
        rule: names.term(trace.rule),
        computed: trace.computed.0,
        granted: trace.granted.0,
        adjustment: adjustment.into(),
        limit: match trace.adjustment {
            Adjustment::Limit { limit } | Adjustment::Late { limit } => names.term(limit),
            Adjustment::Beaten { by } => names.term(by),
            _ => String::new(),
        },
    }
}

/// What would come of a redemption.
pub fn quoted(verdict: &Verdict, most: Option<i64>, position: Position, names: &Names) -> proto::QuoteResponse {
    let result = match verdict.refusal {
        Some(refusal) => {
            let lacks = verdict.trace.first();
            proto::quote_response::Result::Refused(refused(refusal, verdict.available.0, lacks, names))
        }
        None => {
            let spent = || verdict.postings.iter().filter(|posting| posting.to == Account::Redeemed);
            let of = |one: &Posting| Lot { expires_at: one.expires_at, id: one.lot, left: one.points };
            let lots = spent().take(LOTS_SHOWN).map(|one| lot(&of(one))).collect();
            let (lots_count, available) = (values::count(spent().count()), verdict.available.0);
            proto::quote_response::Result::Quoted(proto::Quoted { lots, lots_count, available })
        }
    };
    proto::QuoteResponse { result: Some(result), position: position.0, token: token(position, names), most }
}

/// Takes what fits into one answer of `items`, of which each says where it stands, and the token for
/// the rest: items beyond `limit` are not for this page.
pub fn fit<M: Message>(items: impl IntoIterator<Item = (u64, M)>, limit: usize) -> (Vec<M>, String) {
    let (mut page, mut bytes, mut last) = (Vec::new(), 0, 0);
    for (at, item) in items {
        bytes += item.encoded_len();
        if page.len() == limit || (bytes > LIST_BYTES_MAX && !page.is_empty()) {
            return (page, format!("p{last:x}"));
        }
        last = at;
        page.push(item);
    }
    (page, String::new())
}

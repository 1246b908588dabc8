//! Risk: what rules saw, and what people found out about it, as messages.

use super::counting::owner;
use super::reference::{Said, decode_record, encode_record};
use super::{CASE_MEMBERS_SHOWN, Decode, Encode, EncodeChange, Faults, Names, Within, values};
use crate::proto::{self, change::Change};
use ledger_core::counter::Key;
use ledger_core::event::Finding;
use ledger_core::features::risk::change::{Action, CaseOpened};
use ledger_core::state::Case;
use ledger_core::units::{MemberNo, Position};
use ledger_core::{change, event};

impl Decode for proto::CaseResolved {
    type Event = event::CaseResolved;

    fn decode(self, faults: &mut Faults) -> event::CaseResolved {
        let said = self.opened.map(|said| match said {
            proto::case_resolved::Opened::CasePosition(position) => Said::Position(position),
            proto::case_resolved::Opened::Event(event) => Said::Event(event),
        });
        let finding = decode_finding(self.finding, faults);
        event::CaseResolved { case: decode_record(said, "event", faults), finding, note: self.note.into() }
    }
}

impl Encode for event::CaseResolved {
    type Message = proto::CaseResolved;

    fn encode(&self, _: &Names) -> proto::CaseResolved {
        let finding = finding(Some(self.finding)).into();
        let opened = match encode_record(&self.case) {
            Said::Position(position) => proto::case_resolved::Opened::CasePosition(position),
            Said::Event(event) => proto::case_resolved::Opened::Event(event),
        };
        proto::CaseResolved { opened: Some(opened), finding, note: self.note.to_string() }
    }
}

fn decode_finding(finding: i32, faults: &mut Faults) -> Finding {
    match proto::Finding::try_from(finding) {
        Ok(proto::Finding::Legitimate) => Finding::Legitimate,
        Ok(proto::Finding::Fraud) => Finding::Fraud,
        Ok(proto::Finding::Unspecified) | Err(_) => {
            faults.add("finding", "must be FINDING_LEGITIMATE or FINDING_FRAUD");
            Finding::Legitimate
        }
    }
}

fn finding(finding: Option<Finding>) -> proto::Finding {
    match finding {
        None => proto::Finding::Unspecified,
        Some(Finding::Legitimate) => proto::Finding::Legitimate,
        Some(Finding::Fraud) => proto::Finding::Fraud,
    }
}

/// A risk case.
pub fn case(position: Position, case: &Case, names: &Names) -> proto::Case {
    proto::Case {
        position: position.0,
        opened_at: values::stamp(case.at),
        evidence: Some(evidence(&case.opened, names)),
        finding: finding(case.finding).into(),
    }
}

/// Every member that the answer about a case names.
pub fn members_of_case(case: &Case) -> impl Iterator<Item = MemberNo> + '_ {
    let own = match case.opened.key {
        Key::Member(no) => Some(no),
        Key::Risk(_) => None,
    };
    case.opened.members.iter().take(CASE_MEMBERS_SHOWN).copied().chain(own)
}

fn evidence(opened: &CaseOpened, names: &Names) -> proto::CaseEvidence {
    let (member, risk_key) = owner(opened.key, names);
    let action = match opened.action {
        Action::Flag => proto::RiskAction::Flag,
        Action::Review => proto::RiskAction::Review,
        Action::Deny => proto::RiskAction::Deny,
    };
    proto::CaseEvidence {
        rule: names.term(opened.rule),
        action: action.into(),
        counter: names.term(opened.counter),
        member,
        risk_key,
        value: opened.value,
        at_least: opened.at_least,
        members: opened.members.iter().take(CASE_MEMBERS_SHOWN).map(|no| names.member(*no)).collect(),
        members_count: values::count(opened.members.len()),
    }
}

impl EncodeChange for change::CaseOpened {
    fn encode_change(&self, within: &Within<'_>) -> Option<Change> {
        Some(Change::CaseOpened(evidence(self, within.names)))
    }
}

impl EncodeChange for change::CaseJoined {
    fn encode_change(&self, within: &Within<'_>) -> Option<Change> {
        let members = self.members.iter().map(|no| within.names.member(*no)).collect();
        Some(Change::CaseJoined(proto::CaseJoined { case_position: self.case.0, members }))
    }
}

impl EncodeChange for change::CaseClosed {
    fn encode_change(&self, _: &Within<'_>) -> Option<Change> {
        let finding = finding(Some(self.finding)).into();
        Some(Change::CaseClosed(proto::CaseClosed { case_position: self.case.0, finding }))
    }
}

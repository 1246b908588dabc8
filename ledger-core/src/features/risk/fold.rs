//! How cases are folded: into the rows of their members, and into their own.

use crate::features::risk::change::{CaseClosed, CaseJoined, CaseOpened};
use crate::features::risk::state::Case;
use crate::tables::here::{Folds, Here, Rows};
use crate::tables::member::Member;

impl Folds for CaseOpened {
    #[inline]
    fn apply(&self, member: &mut Member, here: &Here) -> Result<(), &'static str> {
        member.cases.push(here.position);
        Ok(())
    }

    #[inline]
    fn apply_shared(&self, rows: &mut Rows<'_>, here: &Here) -> Result<(), &'static str> {
        let Here { position, at, .. } = *here;
        let case = Case { position, at, opened: self.clone(), finding: None };
        rows.state.cases.entry(position).or_insert(case);
        rows.state.note_case(position);
        rows.state.mark_case(position);
        Ok(())
    }
}

impl Folds for CaseJoined {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here) -> Result<(), &'static str> {
        member.cases.push(self.case);
        Ok(())
    }

    #[inline]
    fn apply_shared(&self, rows: &mut Rows<'_>, here: &Here) -> Result<(), &'static str> {
        let case = rows.state.cases.get_mut(&self.case).ok_or("no such case")?;
        if case.position < here.position {
            case.position = here.position;
            case.opened.members.extend_from_slice(&self.members);
            rows.state.mark_case(self.case);
        }
        Ok(())
    }
}

impl Folds for CaseClosed {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here) -> Result<(), &'static str> {
        member.cases.retain(|open| *open != self.case);
        Ok(())
    }

    #[inline]
    fn apply_shared(&self, rows: &mut Rows<'_>, here: &Here) -> Result<(), &'static str> {
        let case = rows.state.cases.get_mut(&self.case).ok_or("no such case")?;
        if case.position < here.position {
            case.position = here.position;
            case.finding = Some(self.finding);
            rows.state.note_case(self.case);
            rows.state.mark_case(self.case);
        }
        Ok(())
    }
}

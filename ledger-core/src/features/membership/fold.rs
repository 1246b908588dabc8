//! How it is folded who a member is, and what it may do.

use crate::features::membership::change::{
    AliasLinked, AliasUnlinked, AttributeSet, Closed, Enrolled, Frozen, Registered, StaffRegistered,
};
use crate::features::membership::state::{Alias, StaffRow};
use crate::tables::here::{Folds, FoldsLife, Here, Rows};
use crate::tables::life::Life;
use crate::tables::member::Member;

impl Folds for Registered {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here) -> Result<(), &'static str> {
        if member.records != 0 {
            return Err("a member is registered twice");
        }
        member.name = self.name.clone();
        Ok(())
    }
}

impl Folds for StaffRegistered {
    #[inline]
    fn apply_shared(&self, rows: &mut Rows<'_>, here: &Here) -> Result<(), &'static str> {
        let known = match rows.state.staff(self.staff) {
            Some(row) => row.position == here.position,
            None => rows.state.add_staff(self.staff, StaffRow { position: here.position, name: self.name.clone() }),
        };
        if known { Ok(()) } else { Err("staff number out of turn") }
    }
}

impl Folds for Enrolled {
    #[inline]
    fn apply(&self, member: &mut Member, here: &Here) -> Result<(), &'static str> {
        if self.joined {
            member.enrolled_at = Some(here.at);
        }
        member.birthday = self.birthday;
        Ok(())
    }
}

impl Folds for AttributeSet {
    #[inline]
    fn apply(&self, member: &mut Member, _: &Here) -> Result<(), &'static str> {
        match member.attributes.binary_search_by_key(&self.term, |(name, _)| *name) {
            Ok(found) => {
                let (_, old) = member.attributes.get_mut(found).ok_or("no such attribute")?;
                *old = self.value;
            }
            Err(place) => member.attributes.insert(place, (self.term, self.value)),
        }
        Ok(())
    }
}

impl FoldsLife for Frozen {
    #[inline]
    fn apply(&self, life: &mut Life, _: &Here) -> Result<(), &'static str> {
        life.membership.frozen = self.scope;
        Ok(())
    }
}

impl FoldsLife for Closed {
    #[inline]
    fn apply(&self, life: &mut Life, here: &Here) -> Result<(), &'static str> {
        match life.membership.closed_at.replace(here.at) {
            Some(_) => Err("a member is closed twice"),
            None => Ok(()),
        }
    }
}

impl FoldsLife for AliasLinked {
    #[inline]
    fn apply(&self, life: &mut Life, here: &Here) -> Result<(), &'static str> {
        if life.membership.aliases.iter().any(|alias| alias.key == self.key) {
            return Err("an alias is linked twice");
        }
        life.membership.aliases.push(Alias { kind: self.kind.clone(), key: self.key, linked_at: here.at });
        Ok(())
    }
}

impl FoldsLife for AliasUnlinked {
    #[inline]
    fn apply(&self, life: &mut Life, _: &Here) -> Result<(), &'static str> {
        let at = life.membership.aliases.iter().position(|alias| alias.key == self.key).ok_or("no such alias")?;
        life.membership.aliases.remove(at);
        Ok(())
    }
}

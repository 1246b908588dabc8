//! Restore: a directory that was copied back says so, names what it may lack, and goes on in a lineage of its own.
//!
//! Nothing else opens a log that its mark does not vouch for. What was answered behind the end of the copy is lost,
//! and other records will take its positions: tokens and proofs of the lineage before are not taken for this one's.

use crate::chain::{Commit, Restored};
use crate::commit::make_durable;
use crate::disk::Disk;
use crate::error::{Damage, MarkError, OpenError};
use crate::identity::Identity;
use crate::keys;
use crate::mark::{self, Marked};
use crate::owner;
use crate::verify::{AtLeast, checked};
use ledger_core::units::{At, Position};
use rocksdb::WriteBatch;
use std::path::Path;

/// What a restored ledger is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outset {
    /// Which ledger it is, with the lineage that begins now.
    pub identity: Identity,
    /// Where its log ends.
    pub end: Position,
    /// How far the ledger is known to have reached: by its mark, or by what was held against it. What lies between is
    /// lost.
    pub reached: Position,
}

/// Takes the ledger in a directory as a copy that was put back: moves its lineage on, and marks where its log ends.
/// `at_least` is how far the ledger is known to have reached.
///
/// # Errors
/// If the log is damaged, is of another ledger than its mark, or differs from what its mark, or `at_least`, vouches
/// for. Nothing is written then.
pub fn restore(dir: &Path, at_least: Option<AtLeast>, now: At) -> Result<Outset, OpenError> {
    let _owner = owner::own(dir)?;
    let found = mark::find(dir)?;
    let none = || OpenError::NoLedger { dir: dir.display().to_string() };
    let disk = Disk::look(dir)?.ok_or_else(none)?;
    let identity = disk.stored_identity()?.ok_or_else(none)?;
    let (tip, root) = checked(&disk, identity, at_least)?;
    let (mut reached, mut lineage) = (tip.size, identity.lineage);
    if let Some(Ok(mark::Found { marked, .. })) = &found {
        let of = marked.identity;
        if (of.ledger, of.shard) != (identity.ledger, identity.shard) {
            return Err(MarkError::Other { of, found: identity }.into());
        }
        let is_there = marked.tip.number <= tip.number && of.lineage == identity.lineage;
        if is_there && disk.tip_at(identity, marked.tip.number)? != marked.tip {
            return Err(MarkError::Differs { at: marked.tip.size }.into());
        }
        reached = reached.max(marked.tip.size);
        lineage = lineage.max(of.lineage);
    }
    if let Some(AtLeast { position, root: told }) = at_least {
        if let (Some(root), Some(told)) = (root, told)
            && root != told
        {
            return Err(MarkError::Differs { at: position.0 }.into());
        }
        reached = reached.max(position.0);
    }
    drop(disk);
    let disk = Disk::open(dir)?;
    // Rows may be ahead of what is left of the log: they are folded again.
    disk.drop_rows()?;
    let identity = Identity { lineage: lineage + 1, ..identity };
    let restored = Some(Restored { lineage: identity.lineage, reached });
    let commit =
        Commit { before: tip.hash, at: now, size: tip.size, blocks: Vec::new(), cursors: Vec::new(), restored };
    let mut rows = WriteBatch::default();
    rows.put_cf(disk.family(keys::META), keys::IDENTITY, identity.to_bytes());
    rows.put_cf(disk.family(keys::META), keys::lineage(identity.lineage), (tip.size + 1).to_le_bytes());
    let stored = make_durable(&disk, &tip, &commit, rows)?;
    let tip = tip.with(tip.size, tip.root, &stored);
    let made = mark::make(dir, Marked { identity, tip });
    made.map_err(|error| Damage::Database(format!("the mark: {error}")))?;
    Ok(Outset { identity, end: Position(tip.size), reached: Position(reached) })
}

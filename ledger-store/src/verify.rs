//! Verify: folds the whole log from its beginning and compares with everything that is stored.
//!
//! It hashes every record into the tree and compares each block's root; folds every record into an
//! empty state; compares every row of folded state, every page of history and every event id byte by
//! byte; and checks that the trial balance sums to zero and equals the members. The first divergence
//! is named. `rebuild` drops what is folded and writes it anew from the log.

use crate::disk::{Disk, SnapshotAt};
use crate::error::{Damage, OpenError};
use crate::ids::{self, Ids};
use crate::keys;
use crate::recover::recover;
use crate::snapshot::rows;
use ledger_core::bytes::{decode, encode};
use ledger_core::fold::fold;
use ledger_core::merkle::{Frontier, Hash, leaf};
use ledger_core::record::{Account, Record};
use ledger_core::state::{HistoryPage, State};
use ledger_core::units::{At, MemberNo, Position};
use rocksdb::WriteBatch;
use sha2::{Digest, Sha256};
use std::path::Path;

/// Most divergences that are told.
pub const FINDINGS_MAX: usize = 20;

/// What `verify` found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Records folded.
    pub records: u64,
    /// Ledger time of the last one.
    pub at: At,
    /// Members compared.
    pub members: u32,
    /// Rows of state, pages of history and event ids compared.
    pub rows: u64,
    /// Root of the tree over the whole log (RFC 6962, SHA-256).
    pub root: Hash,
    /// SHA-256 over all rows of folded state, in order of keys: equal for equal histories.
    pub digest: Hash,
    /// Balance of each kind of account.
    pub accounts: [i64; Account::KINDS],
    /// What diverges, first things first; at most [`FINDINGS_MAX`].
    pub findings: Vec<String>,
}

impl Report {
    /// Whether everything agrees.
    pub fn agrees(&self) -> bool {
        self.findings.is_empty()
    }

    fn finding(&mut self, what: String) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(what);
        }
    }
}

/// Checks a ledger that nobody has open. `progress` is told how many records are folded.
///
/// # Errors
/// Only if the directory cannot be read at all; damage is a finding.
pub fn verify(dir: &Path, progress: &mut dyn FnMut(u64)) -> Result<Report, OpenError> {
    let mut report = Report::default();
    // First the ledger as anyone would open it: stored rows, and the tail of the log over them.
    let live = match recover(dir, None) {
        Ok(recovered) => Some(recovered.live.state),
        Err(OpenError::Damage(damage)) => {
            report.finding(format!("the ledger cannot be opened: {damage}"));
            None
        }
        Err(other) => return Err(other),
    };
    let disk = Disk::open(dir)?;
    let secret = disk.secret(None)?;
    let refolded = refold(&disk, &secret, &mut report, progress);
    match refolded {
        Ok(refolded) => {
            compare(&disk, live.as_ref(), &refolded, &mut report).map_err(OpenError::Damage)?;
            balance(&refolded.state, &mut report);
        }
        Err(damage) => report.finding(damage.to_string()),
    }
    Ok(report)
}

/// Drops folded state and writes it anew from the log.
///
/// # Errors
/// If the log itself is damaged, or cannot be read.
pub fn rebuild(dir: &Path) -> Result<(), OpenError> {
    let disk = Disk::open(dir)?;
    for family in [keys::STATE, keys::HISTORY, keys::IDS] {
        let mut batch = WriteBatch::default();
        batch.delete_range_cf(disk.family(family), &[][..], &[0xff; 32][..]);
        disk.write_synced(batch).map_err(Damage::from)?;
    }
    disk.set_snapshot_at(&SnapshotAt::default())?;
    Ok(())
}

struct Refolded {
    state: State,
    pages: Vec<HistoryPage>,
}

/// Folds the log from its beginning, hashing every record and looking up every id.
fn refold(
    disk: &Disk,
    secret: &[u8; 32],
    report: &mut Report,
    progress: &mut dyn FnMut(u64),
) -> Result<Refolded, Damage> {
    let hashes = Ids::new(secret, 0);
    let snapshot = disk.snapshot_at();
    let folded = snapshot.as_ref().map_or(Position(0), |snapshot| snapshot.folded);
    let mut refolded = Refolded { state: State::new(), pages: Vec::new() };
    let mut tree = Frontier::default();
    let mut id_rows = 0u64;
    for block in disk.blocks(Position(1)) {
        let block = block?;
        if block.first.0 != tree.size() + 1 {
            return Err(Damage::Block { last: block.last(), what: "does not follow the block before" });
        }
        for (position, bytes) in block.records() {
            tree.append(leaf(bytes));
            let record: Record = decode(bytes)?;
            fold(&mut refolded.state, position, &record)?;
            refolded.pages.extend(refolded.state.take_pages());
            if position <= folded
                && let Some(key) = hashes.key_of(&record)?
            {
                id_rows += 1;
                match disk.get(keys::IDS, &key.to_be_bytes())? {
                    Some(bytes) if ids::position(&bytes)? == position => {}
                    _ => report.finding(format!("the id of record {position} is not found or names another record")),
                }
            }
        }
        if tree.root() != block.root {
            return Err(Damage::Block { last: block.last(), what: "the tree has another root: a record was changed" });
        }
        if tree.size() == snapshot.as_ref().map_or(0, |snapshot| snapshot.tree.size())
            && snapshot.as_ref().is_ok_and(|snapshot| snapshot.tree != tree)
        {
            report.finding("the snapshot's tree is not that of the log".into());
        }
        progress(tree.size());
    }
    report.records = tree.size();
    report.root = tree.root();
    report.rows += id_rows;
    let stored_ids = disk.scan(keys::IDS, b"").count() as u64;
    if stored_ids < id_rows {
        report.finding(format!("{stored_ids} ids are stored, the log has {id_rows} up to the snapshot"));
    }
    if let Ok(snapshot) = &snapshot
        && (snapshot.ids != id_rows || snapshot.tree.size() > tree.size())
    {
        report.finding("the snapshot claims more than the log has".into());
    }
    if let Err(damage) = snapshot {
        report.finding(damage.to_string());
    }
    Ok(refolded)
}

/// Compares what is stored with what the log folds to, row by row.
fn compare(disk: &Disk, live: Option<&State>, refolded: &Refolded, report: &mut Report) -> Result<(), Damage> {
    let mut digest = Sha256::new();
    let mut expected: Vec<(Box<[u8]>, Hash)> = Vec::new();
    rows(&refolded.state, |key, value| {
        digest.update((key.len() as u64).to_le_bytes());
        digest.update(key);
        digest.update((value.len() as u64).to_le_bytes());
        digest.update(value);
        expected.push((key.into(), Sha256::digest(value).into()));
        Ok(())
    })?;
    report.digest = digest.finalize().into();
    report.rows += expected.len() as u64;
    report.members = refolded.state.members_len();
    report.at = refolded.state.shared.at;
    report.accounts = refolded.state.shared.accounts;
    if let Some(live) = live {
        let mut expected = expected.iter();
        rows(live, |key, value| {
            match expected.next() {
                Some((other, _)) if **other != *key => {
                    report.finding(format!("{} is stored where the log folds to {}", name(key), name(other)));
                }
                Some((_, other)) if *other != Hash::from(Sha256::digest(value)) => {
                    report.finding(format!("{} differs from what the log folds to", name(key)));
                }
                Some(_) => {}
                None => report.finding(format!("{} is stored, but not in the log", name(key))),
            }
            Ok(())
        })?;
        if let Some((key, _)) = expected.next() {
            report.finding(format!("{} is in the log, but not stored", name(key)));
        }
    }
    compare_pages(disk, live, refolded, report)
}

fn compare_pages(
    disk: &Disk,
    live: Option<&State>,
    refolded: &Refolded,
    report: &mut Report,
) -> Result<(), Damage> {
    report.rows += refolded.pages.len() as u64;
    let mut bytes = Vec::new();
    let in_tail = |page: &HistoryPage| {
        // A page that filled behind the snapshot waits for the next one.
        let folded = disk.snapshot_at().map_or(Position(0), |snapshot| snapshot.folded);
        live.is_some() && page.positions.last().is_some_and(|last| *last > folded)
    };
    for page in &refolded.pages {
        bytes.clear();
        encode(page, &mut bytes)?;
        match disk.get(keys::HISTORY, &keys::page(page.member, page.page))? {
            Some(stored) if stored == bytes => {}
            Some(_) => report.finding(format!("page {} of member {} differs from the log", page.page, page.member)),
            None if in_tail(page) => {}
            None => report.finding(format!("page {} of member {} is missing", page.page, page.member)),
        }
    }
    let stored = disk.scan(keys::HISTORY, b"").count();
    if stored > refolded.pages.len() {
        report.finding(format!("{stored} pages of history are stored, the log has {}", refolded.pages.len()));
    }
    Ok(())
}

/// The trial balance: everything sums to zero, and the members' accounts to the members.
fn balance(state: &State, report: &mut Report) {
    let accounts = state.shared.accounts;
    let sum: i128 = accounts.iter().map(|balance| i128::from(*balance)).sum();
    if sum != 0 {
        report.finding(format!("the trial balance is off by {sum}"));
    }
    let mut members = [0i128; 4];
    for member in (1..=state.members_len()).filter_map(|no| state.member(MemberNo(no))) {
        let balances = member.balances();
        let own = [balances.available.0, balances.review.0, balances.held.0, -balances.debt.0];
        members.iter_mut().zip(own).for_each(|(sum, own)| *sum += i128::from(own));
    }
    let kinds = [Account::Available, Account::Review, Account::Held(0), Account::Debt];
    for (kind, members) in kinds.into_iter().zip(members) {
        if i128::from(accounts[kind.kind()]) != members {
            report.finding(format!("{} is {} in total, {members} over members", kind.name(), accounts[kind.kind()]));
        }
    }
}

fn name(key: &[u8]) -> String {
    let int = |key: &[u8]| key.try_into().map(u32::from_be_bytes).unwrap_or_default();
    match key.split_first_chunk::<2>() {
        Some((b"me", no)) => format!("member {}", int(no)),
        Some((b"pr", version)) => format!("program version {}", int(version)),
        Some((b"sh", _)) => "the row of totals".into(),
        Some((b"ca", at)) => format!("case {}", at.try_into().map(u64::from_be_bytes).unwrap_or_default()),
        Some((b"co", _)) => format!("risk counter {key:02x?}"),
        _ => format!("row {key:02x?}"),
    }
}

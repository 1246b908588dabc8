//! Verify: folds the whole log from its beginning and compares with everything that is stored.
//!
//! It hashes every record into the tree and compares each block's root; folds every record into an
//! empty state; compares every row of folded state, every page of history and every event id byte by
//! byte; and checks that the trial balance sums to zero and equals the members. The first divergence
//! is named. `rebuild` drops what is folded, so that the next opening folds it anew from the log.

mod balance;
mod sealed;

use self::balance::balance;
use self::sealed::SealedIds;
use crate::block::Block;
use crate::causes::Entry;
use crate::chain::{Chain, Commit, Tip};
use crate::disk::{Disk, SnapshotAt};
use crate::error::{Damage, OpenError};
use crate::identity::{FIRST_LINEAGE, Identity};
use crate::ids::{self, Ids};
use crate::keys;
use crate::mark::{self, Look};
use crate::owner;
use crate::prove::Subtrees;
use crate::read::Totals;
use crate::recover::{Given, recover};
use crate::sealing::Seals;
use crate::signer;
use crate::snapshot::rows;
use ledger_core::bytes::{decode, encode_row};
use ledger_core::fold::fold;
use ledger_core::judge::Programs;
use ledger_core::merkle::{Frontier, Hash, Subtree};
use ledger_core::record::VerdictPart;
use ledger_core::refusal::Refusal;
use ledger_core::state::{HistoryPage, State, WalletTotals};
use ledger_core::units::{At, Position};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Most divergences that are told.
pub const FINDINGS_MAX: usize = 20;

/// What `verify` found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Which ledger this is.
    pub identity: Identity,
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
    /// The trial balance of each wallet, and the wallet's name.
    pub wallets: Vec<(Box<str>, WalletTotals)>,
    /// Records whose causes are sealed, and no key was there: their hashes are compared, and that each has one id;
    /// what was said, and which ids, is not.
    pub sealed: u64,
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

/// A root that somebody holds against a ledger: from an earlier report, a checkpoint or an old copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtLeast {
    /// So many records the log must have at least.
    pub position: Position,
    /// The root of the tree over them, if it is known.
    pub root: Option<Hash>,
}

/// Checks a ledger as it is at this moment, whoever has it open, and writes nothing. `progress` is told how many
/// records are folded.
///
/// # Errors
/// Only if the directory cannot be read at all; damage is a finding.
pub fn verify(dir: &Path, progress: &mut dyn FnMut(u64)) -> Result<Report, OpenError> {
    verify_at_least(dir, None, progress)
}

/// The same, of a log that must reach so far at least, and have that root there.
///
/// # Errors
/// Only if the directory cannot be read at all; damage is a finding.
pub fn verify_at_least(
    dir: &Path,
    at_least: Option<AtLeast>,
    progress: &mut dyn FnMut(u64),
) -> Result<Report, OpenError> {
    verify_with(dir, Seals::unread(), at_least, progress)
}

/// The same with the key of the ledger: what was said is compared with its hashes, and every event id.
///
/// # Errors
/// Only if the directory cannot be read at all, or is under another key; damage is a finding.
pub fn verify_under(
    dir: &Path,
    sealing_key: [u8; 32],
    at_least: Option<AtLeast>,
    progress: &mut dyn FnMut(u64),
) -> Result<Report, OpenError> {
    verify_with(dir, Seals::under(Some(sealing_key)), at_least, progress)
}

fn verify_with(
    dir: &Path,
    seals: Seals,
    at_least: Option<AtLeast>,
    progress: &mut dyn FnMut(u64),
) -> Result<Report, OpenError> {
    let mut report = Report::default();
    let Look { disk, identity, admitted } = mark::look_at(dir)?;
    let disk = Arc::new(disk.opened_by(seals.clone()));
    report.identity = identity;
    match admitted {
        Err(OpenError::Mark(wrong)) => report.finding(format!("the ledger cannot be opened: {wrong}")),
        Err(OpenError::Damage(damage)) => report.finding(format!("the ledger cannot be opened: {damage}")),
        Err(other) => return Err(other),
        Ok(_) => {}
    }
    // The ledger as anyone would open it: stored rows, and the tail of the log over them.
    let given = Given { secret: None, ledger: None, salts: None, pepper: None, seals, may_write: false };
    let live = match recover(disk.clone(), given) {
        Ok(recovered) => Some(recovered.live.state),
        Err(OpenError::Damage(damage)) => {
            report.finding(format!("the ledger cannot be opened: {damage}"));
            None
        }
        Err(other) => return Err(other),
    };
    let secret = disk.secret(None)?;
    match check_log(&disk, &secret, at_least, &mut report, progress) {
        Ok(refolded) => {
            compare(&disk, live.as_ref(), &refolded, &mut report).map_err(OpenError::Damage)?;
            balance(&refolded.state, &mut report);
            if let Some(what) = signer::finding(&disk, &report.identity, Position(report.records))? {
                report.finding(what);
            }
        }
        Err(damage) => report.finding(damage.to_string()),
    }
    Ok(report)
}

/// Drops folded state and the hashes of the tree: the next opening folds them again from the log, which is checked
/// before.
///
/// # Errors
/// If the log itself is damaged, is not what its mark says, or cannot be read. Nothing is dropped then.
pub fn rebuild(dir: &Path) -> Result<(), OpenError> {
    let _owner = owner::own(dir)?;
    let found = mark::find(dir)?;
    let none = || OpenError::NoLedger { dir: dir.display().to_string() };
    mark::admit(dir, found.as_ref())?.ok_or_else(none)?;
    let disk = Disk::open(dir)?;
    checked(&disk, disk.identity(None)?, None)?;
    Ok(disk.drop_rows()?)
}

/// Hashes and folds the whole log. Answers where it ends, and the root at a position, if it reaches so far.
pub(crate) fn checked(
    disk: &Disk,
    identity: Identity,
    at_least: Option<AtLeast>,
) -> Result<(Tip, Option<Hash>), Damage> {
    let refolded = refold(disk, identity, at_least, |_, _, _| Ok(()), |_, _| (), |_| ())?;
    Ok((refolded.commits.tip, refolded.root_at_least))
}

/// The totals as they were at a position, by folding the log up to it; those of the end if it lies beyond.
/// Nothing is written. `progress` is told how many records are folded.
///
/// # Errors
/// If the log cannot be read or is damaged before that position.
pub fn totals_at(dir: &Path, position: Position, progress: &mut dyn FnMut(u64)) -> Result<Totals, OpenError> {
    let Look { disk, identity, admitted } = mark::look_at(dir)?;
    admitted?;
    let state = fold_up_to(&disk, position, progress)?;
    Ok(Totals::of(identity, &state, Programs::of(&state).current()))
}

fn fold_up_to(disk: &Disk, position: Position, progress: &mut dyn FnMut(u64)) -> Result<State, Damage> {
    let mut state = State::new();
    for block in disk.blocks(Position(0)) {
        let block = block?;
        for (at, bytes) in block.verdicts() {
            if at > position {
                return Ok(state);
            }
            fold(&mut state, at, &decode::<VerdictPart>(bytes)?)?;
            state.take_pages();
        }
        progress(state.shared.position.0);
    }
    Ok(state)
}

struct Refolded {
    state: State,
    pages: Vec<HistoryPage>,
    tree: Frontier,
    commits: Commits,
    /// The root at the position that was asked for, if the log reaches so far.
    root_at_least: Option<Hash>,
}

/// What the commits come to.
struct Commits {
    tip: Tip,
    /// Where each source stands.
    cursors: BTreeMap<Box<str>, u64>,
    /// Where each lineage began, but the first.
    lineages: Vec<(u32, Position)>,
}

impl Commits {
    fn take(&mut self, commit: &Commit, tip: &Tip) {
        self.tip = *tip;
        self.cursors.extend(commit.cursors.iter().cloned());
        let begun = commit.restored.map(|restored| (restored.lineage, Position(tip.size + 1)));
        self.lineages.extend(begun);
    }
}

/// Folds the log from its beginning and hashes every record. `folded` sees every verdict part with its block,
/// `completed` every subtree whose hash is kept, `packed` the tree after every block.
fn refold(
    disk: &Disk,
    identity: Identity,
    at_least: Option<AtLeast>,
    mut folded: impl FnMut(Position, VerdictPart, &Block) -> Result<(), Damage>,
    mut completed: impl FnMut(Subtree, &Hash),
    mut packed: impl FnMut(&Frontier),
) -> Result<Refolded, Damage> {
    let beginning = Tip::beginning(identity);
    let mut refolded = Refolded {
        state: State::new(),
        pages: Vec::new(),
        tree: Frontier::default(),
        commits: Commits { tip: beginning, cursors: BTreeMap::new(), lineages: Vec::new() },
        root_at_least: None,
    };
    let Refolded { state, pages, tree, commits, root_at_least } = &mut refolded;
    let at_least = at_least.map(|at_least| at_least.position);
    let mut chain = Chain::new(disk, beginning)?;
    chain.settle(&mut |commit, tip| commits.take(commit, tip))?;
    let mut salts = disk.salt_walk()?;
    for block in disk.blocks(Position(0)) {
        let block = block?;
        if block.first.0 != tree.size() + 1 {
            return Err(Damage::Block { last: block.last(), what: "does not follow the block before" });
        }
        if let Some(position) = at_least.filter(|position| (block.first..=block.last()).contains(position)) {
            *root_at_least = Some(block.root_at(position, tree, &salts)?);
        }
        block.grow(tree, &mut salts, &mut completed)?;
        chain.block(block.first, block.last(), block.root);
        chain.settle(&mut |commit, tip| commits.take(commit, tip))?;
        for (position, bytes) in block.verdicts() {
            let verdict_part: VerdictPart = decode(bytes)?;
            fold(state, position, &verdict_part)?;
            pages.extend(state.take_pages());
            folded(position, verdict_part, &block)?;
        }
        packed(tree);
    }
    chain.end()?;
    Ok(refolded)
}

/// Folds the log and compares with it every event id and where the snapshot stands.
fn check_log(
    disk: &Disk,
    secret: &[u8; 32],
    at_least: Option<AtLeast>,
    report: &mut Report,
    progress: &mut dyn FnMut(u64),
) -> Result<Refolded, Damage> {
    let hashes = Ids::new(secret, 0);
    let snapshot = disk.snapshot_at().unwrap_or_else(|damage| {
        report.finding(format!("the snapshot's row: {damage}"));
        SnapshotAt::default()
    });
    let (mut of_snapshot, mut found, mut astray) = (0u64, 0u64, Vec::new());
    let mut tree = (snapshot.tree.size() == 0).then(Frontier::default);
    let mut sealed = SealedIds::default();
    let check_id = |position: Position, verdict_part: VerdictPart, block: &Block| {
        let entry = block.entry(position)?;
        if let Entry::Sealed { .. } = entry {
            let has_id = verdict_part.verdict.refusal != Some(Refusal::EventQuarantined);
            of_snapshot += u64::from(has_id && position <= snapshot.folded);
            sealed.note(position, has_id);
            return Ok(());
        }
        let record = entry.join(verdict_part)?;
        let Some(key) = hashes.key_of(&record, entry)? else { return Ok(()) };
        of_snapshot += u64::from(position <= snapshot.folded);
        match disk.get(keys::IDS, &key.to_be_bytes())?.as_deref().map(ids::position) {
            Some(Ok(known)) if known == position => found += 1,
            // Behind the snapshot: the next one writes it.
            None if position > snapshot.folded => {}
            _ if astray.len() < FINDINGS_MAX => astray.push(position),
            _ => {}
        }
        Ok(())
    };
    let mut subtrees = Subtrees::new(disk, snapshot.tree.size() == 0);
    let completed = |subtree, hash: &Hash| subtrees.compare(subtree, hash);
    let refolded = refold(disk, report.identity, at_least, check_id, completed, |packed| {
        progress(packed.size());
        if packed.size() == snapshot.tree.size() {
            tree = Some(packed.clone());
        }
    })?;
    report.rows += subtrees.compared();
    subtrees.findings()?.into_iter().for_each(|what| report.finding(what));
    report.sealed = sealed.records;
    found += sealed.find(disk, snapshot.folded, &mut astray)?;
    for position in astray {
        report.finding(format!("the id of record {position} is not found or names another record"));
    }
    report.records = refolded.tree.size();
    report.root = refolded.tree.root();
    if let Some(AtLeast { position, root }) = at_least {
        match (refolded.root_at_least, root) {
            (None, _) if position.0 > 0 => {
                report.finding(format!("the log ends at {}, before {position}", report.records));
            }
            (Some(found), Some(told)) if found != told => {
                report.finding(format!("the log has another root at {position} than the one held against it"));
            }
            _ => {}
        }
    }
    check_meta(disk, &refolded.commits, report)?;
    report.rows += of_snapshot;
    let stored = disk.scan(keys::IDS, b"").count() as u64;
    if stored != found {
        report.finding(format!("{stored} event ids are stored, and the log has {found} of them"));
    }
    if tree.as_ref() != Some(&snapshot.tree) {
        report.finding("the snapshot's tree is not that of the log".into());
    }
    if snapshot.ids != of_snapshot || snapshot.folded.0 > snapshot.tree.size() {
        report.finding("the snapshot claims what the log does not have".into());
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
    let name = |totals: &WalletTotals| refolded.state.term(totals.wallet).into();
    report.wallets = refolded.state.shared.wallets.iter().map(|totals| (name(totals), totals.clone())).collect();
    if let Some(live) = live {
        // Both come in order of keys.
        let mut expected = expected.iter().peekable();
        rows(live, |key, value| {
            while let Some((missing, _)) = expected.next_if(|(other, _)| **other < *key) {
                report.finding(format!("{} is in the log, but not stored", row_name(missing)));
            }
            match expected.next_if(|(other, _)| **other == *key) {
                Some((_, other)) if *other != Hash::from(Sha256::digest(value)) => {
                    report.finding(format!("{} differs from what the log folds to", row_name(key)));
                }
                Some(_) => {}
                None => report.finding(format!("{} is stored, but not in the log", row_name(key))),
            }
            Ok(())
        })?;
        expected
            .for_each(|(missing, _)| report.finding(format!("{} is in the log, but not stored", row_name(missing))));
    }
    compare_pages(disk, live, refolded, report)
}

fn compare_pages(disk: &Disk, live: Option<&State>, refolded: &Refolded, report: &mut Report) -> Result<(), Damage> {
    report.rows += refolded.pages.len() as u64;
    let key_of = |page: &HistoryPage| keys::page(page.member, page.page);
    let mut pages: BTreeMap<[u8; 12], &HistoryPage> = refolded.pages.iter().map(|page| (key_of(page), page)).collect();
    let mut bytes = Vec::new();
    for row in disk.scan(keys::HISTORY, b"") {
        let (key, value) = row?;
        let page = <[u8; 12]>::try_from(&*key).ok().and_then(|key| pages.remove(&key));
        bytes.clear();
        match page.map(|page| encode_row(page, &mut bytes).map(|_| page)).transpose()? {
            Some(_) if *value == *bytes => {}
            Some(page) => report.finding(format!("page {} of member {} differs from the log", page.page, page.member)),
            None => report.finding(format!("page {key:02x?} is stored, but not in the log")),
        }
    }
    let folded = disk.snapshot_at().map_or(Position(0), |snapshot| snapshot.folded);
    for page in pages.into_values() {
        // A page that filled behind the snapshot waits for the next one.
        if live.is_none() || page.positions.last().is_none_or(|last| *last <= folded) {
            report.finding(format!("page {} of member {} is missing", page.page, page.member));
        }
    }
    Ok(())
}

/// Whether everything in `meta` is something this version knows, and says what the commits say.
fn check_meta(disk: &Disk, commits: &Commits, report: &mut Report) -> Result<(), Damage> {
    let (stored, last) = (disk.scan(keys::COMMITS, b"").count() as u64, commits.tip.number);
    if stored != last {
        report.finding(format!("{stored} commits are stored, and the chain has {last}"));
    }
    let mut cursors = commits.cursors.clone();
    for row in disk.scan(keys::META, b"") {
        let (key, value) = row?;
        match &*key {
            keys::FORMAT | keys::SECRET | keys::IDENTITY | keys::SALTS | keys::PEPPER | keys::SNAPSHOT => {}
            [b'l', b'i', ..] => {}
            [b'c', b'u', source @ ..] => {
                let source = String::from_utf8_lossy(source);
                match cursors.remove(&*source) {
                    Some(next) if *value == next.to_le_bytes() => {}
                    Some(_) => report.finding(format!("the cursor of {source} differs from what the commits say")),
                    None => report.finding(format!("the cursor of {source} is stored, but not in the commits")),
                }
            }
            _ => report.finding(format!("meta {key:02x?} is not understood")),
        }
    }
    for source in cursors.keys() {
        report.finding(format!("the cursor of {source} is in the commits, but not stored"));
    }
    let lineage = commits.lineages.last().map_or(FIRST_LINEAGE, |(lineage, _)| *lineage);
    if disk.lineages()? != commits.lineages || report.identity.lineage != lineage {
        report.finding("the lineage is not that of the commits".into());
    }
    Ok(())
}

fn row_name(key: &[u8]) -> String {
    let int = |key: &[u8]| key.try_into().map(u32::from_be_bytes).unwrap_or_default();
    match key.split_first_chunk::<2>() {
        Some((b"me", no)) => format!("member {}", int(no)),
        Some((b"pr", version)) => format!("program version {}", int(version)),
        Some((b"sh", _)) => "the row of totals".into(),
        Some((b"st", no)) => format!("staff {}", int(no)),
        Some((b"ca", at)) => format!("case {}", at.try_into().map(u64::from_be_bytes).unwrap_or_default()),
        Some((b"co", _)) => format!("risk counter {key:02x?}"),
        _ => format!("row {key:02x?}"),
    }
}

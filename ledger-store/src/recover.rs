//! Recover: from what is on disk to a ledger in memory.
//!
//! Loads the rows of the last snapshot, then folds the tail of the log over them. Rows stand at different positions;
//! each skips what it has. Rows that an older version wrote are dropped, and all of the log is folded. Blocks behind
//! the snapshot's tree are hashed and must have the root they claim. Where no snapshot was written, the hashes of the
//! tree are written anew. Of what was said only the hashes and the ids are needed. No program is asked: one that
//! cannot be read is no damage.

use crate::causes::Entry;
use crate::chain::{Chain, Tip};
use crate::disk::Disk;
use crate::error::{Damage, OpenError};
use crate::identity::{Identity, LedgerId};
use crate::ids;
use crate::keys;
use crate::live::{Live, StoreLog};
use crate::pepper::Pepper;
use crate::prove::StoredTree;
use crate::sealing::Seals;
use crate::tiles::Tiles;
use ledger_core::bytes::{decode, decode_row};
use ledger_core::fold::{Corrupt, fold};
use ledger_core::judge::Programs;
use ledger_core::member::Member;
use ledger_core::merkle::Frontier;
use ledger_core::record::Record;
use ledger_core::salts::{Salt, SaltWalk};
use ledger_core::state::State;
use ledger_core::units::{MemberNo, Position, RiskKey, StaffNo, TermNo};
use std::sync::Arc;

/// A ledger as it was left.
pub(crate) struct Recovered {
    pub(crate) disk: Arc<Disk>,
    pub(crate) live: Live,
    pub(crate) secret: [u8; 32],
    pub(crate) pepper: Pepper,
    pub(crate) identity: Identity,
    pub(crate) tree: Frontier,
    pub(crate) salts: SaltWalk,
    /// The last commit.
    pub(crate) tip: Tip,
    /// Where each lineage but the first began.
    pub(crate) lineages: Vec<(u32, Position)>,
    /// How far the snapshot reached.
    pub(crate) snapshot: Position,
}

/// What a ledger may be made with, and must be opened with if it is given.
#[derive(Clone)]
pub(crate) struct Given {
    pub(crate) secret: Option<[u8; 32]>,
    pub(crate) ledger: Option<LedgerId>,
    pub(crate) salts: Option<Salt>,
    pub(crate) pepper: Option<[u8; 32]>,
    pub(crate) seals: Seals,
    /// Whether what is missing beside the log may be written.
    pub(crate) may_write: bool,
}

/// Brings the ledger on this disk up to the end of its log.
pub(crate) fn recover(disk: Arc<Disk>, given: Given) -> Result<Recovered, OpenError> {
    let secret = disk.secret(given.secret)?;
    let pepper = Pepper::of(&disk, given.pepper)?;
    let identity = disk.identity(given.ledger)?;
    let mut salts = SaltWalk::from(disk.salts(given.salts)?);
    let may_write = given.may_write && !disk.is_read_only;
    if disk.has_older_rows()? {
        if !may_write {
            return Err(OpenError::OlderRows);
        }
        disk.drop_rows()?;
    }
    let snapshot = disk.snapshot_at()?;
    let mut live = Live {
        state: State::new(),
        programs: Programs::default(),
        book: StoreLog::new(disk.clone(), secret, given.seals, snapshot.ids),
        terms: Arc::default(),
        duplicates: 0,
    };
    load(&disk, &mut live)?;
    let is_whole = snapshot.tree.size() == 0;
    let (mut tree, mut subtrees) = (snapshot.tree, Vec::new());
    let mut chain = Chain::behind(&disk, identity, snapshot.folded)?;
    let mut last = Position(chain.tip().size);
    for block in disk.blocks(last.next()) {
        let block = block?;
        if block.first > last.next() {
            return Err(Damage::Block { last: block.last(), what: "does not follow the block before" }.into());
        }
        last = block.last();
        chain.block(block.first, last, block.root);
        chain.settle(&mut |_, _| ())?;
        if last.0 > tree.size() {
            block.grow(&mut tree, &mut salts, |subtree, hash| subtrees.push((subtree, *hash)))?;
        }
        for (position, bytes) in block.verdicts().filter(|(position, _)| *position > snapshot.folded) {
            let entry = block.entry(position)?;
            let record = entry.join(decode(bytes).map_err(Damage::from)?)?;
            refold(&mut live, position, &record, entry)?;
        }
    }
    chain.settle(&mut |_, _| ())?;
    let tip = chain.end()?;
    let end = Position(tree.size());
    let reached = match disk.block(end)? {
        Some(block) => block.last() == end && block.root == tree.root(),
        None => end == Position(0),
    };
    if !reached || snapshot.folded > end {
        let what = format!("stands at {}, its tree at {end}, where the log does not end so", snapshot.folded);
        return Err(Damage::Row { row: "snapshot".into(), what }.into());
    }
    match is_whole {
        true if !may_write => {}
        true => disk.put_tree(&subtrees)?,
        false => StoredTree::new(&disk, &Tiles::default())?.must_end_as(&tree)?,
    }
    if tree.size() != live.state.shared.position.0 {
        let what = format!("stands at {}, the log at {}", live.state.shared.position, tree.size());
        return Err(Damage::Row { row: "shared".into(), what }.into());
    }
    live.programs = Programs::of(&live.state);
    let lineages = disk.lineages()?;
    Ok(Recovered { disk, live, secret, pepper, identity, tree, salts, tip, lineages, snapshot: snapshot.folded })
}

fn refold(live: &mut Live, position: Position, record: &Record, entry: Entry<'_>) -> Result<(), Damage> {
    fold(&mut live.state, position, record)?;
    live.end_batch();
    live.book.learn_names(record)?;
    if let Some(key) = live.book.ids.key_of(record, entry)? {
        live.book.ids.insert(key, position);
    }
    Ok(())
}

/// Puts the rows of the snapshot back.
fn load(disk: &Disk, live: &mut Live) -> Result<(), Damage> {
    for row in disk.scan(keys::STATE, b"") {
        let (key, value) = row?;
        load_row(live, &key, &value).map_err(|what| Damage::Row { row: format!("{key:02x?}"), what })?;
    }
    for no in (1..=live.state.members_len()).map(MemberNo) {
        let Live { state, book, .. } = live;
        if let Some(member) = state.member(no) {
            book.learn_name(&member.name, no)?;
        }
    }
    for no in (1..=live.state.staff_len()).map(StaffNo) {
        let Live { state, book, .. } = live;
        if let Some(row) = state.staff(no) {
            book.learn_staff(&row.name, no)?;
        }
    }
    live.state.loaded();
    for row in disk.scan(keys::IDS, b"") {
        let (key, value) = row?;
        let key: [u8; 16] = key
            .as_ref()
            .try_into()
            .map_err(|_| Damage::Row { row: format!("ids {key:02x?}"), what: "is no key".into() })?;
        ids::position(&value)?;
        live.book.ids.remember(u128::from_be_bytes(key));
    }
    Ok(())
}

fn load_row(live: &mut Live, key: &[u8], value: &[u8]) -> Result<(), String> {
    let text = |corrupt: Corrupt| corrupt.to_string();
    let Some((kind, key)) = key.split_first_chunk::<2>() else { return Err("is no key".into()) };
    let int = || key.try_into().map(u32::from_be_bytes).map_err(|_| "is no key".to_string());
    match kind {
        b"me" => {
            let no = MemberNo(int()?);
            let member: Member = decode_row(value).map_err(text)?;
            live.book.learn_aliases(&member, no);
            if live.state.load_member(no, member) { Ok(()) } else { Err("member number out of turn".into()) }
        }
        b"co" => {
            let (risk, term) = key.split_first_chunk::<16>().ok_or("is no key")?;
            let term = TermNo(u16::from_be_bytes(term.try_into().map_err(|_| "is no key")?));
            live.state.counters.insert((RiskKey(*risk), term), decode_row(value).map_err(text)?);
            Ok(())
        }
        b"ca" => {
            let position = Position(u64::from_be_bytes(key.try_into().map_err(|_| "is no key")?));
            live.state.cases.insert(position, decode_row(value).map_err(text)?);
            Ok(())
        }
        b"pr" if int()? as usize == live.state.programs.len() + 1 => {
            live.state.programs.push(decode_row(value).map_err(text)?);
            Ok(())
        }
        b"pr" => Err("program version out of turn".into()),
        b"st" if live.state.add_staff(StaffNo(int()?), decode_row(value).map_err(text)?) => Ok(()),
        b"st" => Err("staff number out of turn".into()),
        b"sh" if key.is_empty() => {
            live.state.shared = decode_row(value).map_err(text)?;
            Ok(())
        }
        _ => Err("unknown kind of row".into()),
    }
}

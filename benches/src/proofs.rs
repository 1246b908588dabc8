//! Proofs out of a log of all sizes of blocks: of a record anywhere, and of growth from anywhere.

use crate::store::{open_with, pump, submit};
use crate::workload::Workload;
use crate::{Figures, Plan};
use ledger_core::units::Position;
use ledger_store::{Checkpoints, ConsistencyProof, InclusionProof, Options, Seed};
use std::path::Path;
use std::time::Instant;

/// How many of each kind.
const PROOFS: usize = 20_000;
/// Events of a batch that makes the log long.
const BATCH: u64 = 10_000;
/// Events that come alone at its end.
const SINGLES: usize = 300;

pub(crate) fn proofs(dir: &Path, plan: &Plan, workload: &mut Workload, figures: &mut Figures) {
    let seeds = vec![Seed::new([7; 32])];
    let signing = Options { checkpoints: Checkpoints { seeds, file: None }, ..Options::default() };
    let ledger = open_with(dir, signing.clone());
    let mut batches = plan.events / BATCH;
    pump(&ledger.handle(), || {
        batches = batches.checked_sub(1)?;
        Some(workload.batch(BATCH as usize))
    });
    // Blocks of a single record, as many as a proof may have to hash.
    workload.batch(SINGLES).into_iter().for_each(|event| submit(&ledger.handle(), vec![event]));
    ledger.close().expect("closes");
    let ledger = open_with(dir, signing);
    let handle = ledger.handle();
    let (signed, keys) = (handle.checkpoint().expect("it signed as it closed"), handle.checkpoint_keys());
    figures.add("proof: records under the checkpoint", signed.head.size as f64, "");
    let mut checks = Vec::new();
    let made = (0..PROOFS).map(|_| {
        let index = workload.random.below(signed.head.size);
        let start = Instant::now();
        let position = Position(index + 1);
        let proved = handle.prove_inclusion(position, &signed.head, true).expect("reads");
        let (shown, hashes) = proved.expect("a record in the tree");
        let proof = InclusionProof { shown, index, hashes, checkpoint: signed.note.clone() };
        let text = proof.to_string();
        let time = start.elapsed();
        let start = Instant::now();
        InclusionProof::read(&text).and_then(|proof| proof.check(&keys)).expect("it proves");
        checks.push(start.elapsed());
        time
    });
    let made: Vec<_> = made.collect();
    figures.latency("proof: of a record, as a text", made);
    figures.latency("proof: of a record, checked", checks);
    let grown = (0..PROOFS).map(|_| {
        let old = workload.random.below(signed.head.size);
        let start = Instant::now();
        let hashes = handle.prove_consistency(old, &signed.head).expect("reads").expect("a proof");
        let text = ConsistencyProof { old, hashes, checkpoint: signed.note.clone() }.to_string();
        assert!(text.len() > signed.note.len());
        start.elapsed()
    });
    let grown: Vec<_> = grown.collect();
    figures.latency("proof: of growth, as a text", grown);
    ledger.close().expect("closes");
}

//! Proofs of a ledger of 70,000 records before Go's own packages for transparency logs: each is accepted, by them and
//! by us, and each with one bit changed is refused.

use super::{go, said};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ledger_core::event::{self, Body, Event};
use ledger_core::inclusion::TreeHead;
use ledger_core::units::{At, Position};
use ledger_store::{
    Batch, Checkpoint, ConsistencyProof, Handle, InclusionProof, Ledger, NoteSigner, Options, Time, VerifierKey, sign,
};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::Arc;

const RECORDS: u64 = 70_000;
const PROOFS: u64 = 10_000;

fn written(dir: &Path) -> Ledger {
    let options = Options { time: Time::Simulated, ..Options::default() };
    let ledger = Ledger::open(dir, options, Arc::new(|| At(4_000_000_000_000))).unwrap();
    let event = |n: u64, body| Event {
        source: "till".into(),
        id: n.to_string().into(),
        occurred_at: At(1_767_225_600_000 + n as i64),
        member: if n == 0 { "".into() } else { format!("m{}", n % 1_000).into() },
        keys: Default::default(),
        origin: None,
        body,
    };
    let program = "id = \"t\"\ntimezone = \"UTC\"\ncurrency = \"EUR\"\n[[wallet]]\nid = \"points\"\n\
        [[earn]]\nid = \"visit\"\non = \"check_in\"\nfixed = 3\n";
    let publish = Body::ProgramPublished(event::ProgramPublished { text: program.into() });
    let mut events = vec![event(0, publish)];
    for n in 1..RECORDS {
        events.push(event(n, Body::CheckIn(event::CheckIn)));
        if n % 999 == 0 || n == RECORDS - 1 {
            let events = std::mem::take(&mut events);
            ledger.handle().submit_and_wait(Batch { events, cursors: Vec::new() }).unwrap();
        }
    }
    assert_eq!(ledger.handle().committed(), Position(RECORDS));
    ledger
}

/// What proofs are made with.
struct Prover {
    handle: Handle,
    signer: NoteSigner,
}

impl Prover {
    fn head(&self, size: u64) -> TreeHead {
        self.handle.tree_head(size).unwrap().expect("the log has it")
    }

    fn note(&self, head: TreeHead) -> String {
        let origin = self.handle.identity().origin();
        sign(&Checkpoint { origin, head }.to_string(), [&self.signer])
    }

    fn key(&self) -> [VerifierKey; 1] {
        [self.signer.verifier().clone()]
    }

    fn inclusion(&self, size: u64, index: u64, with_cause: bool) -> String {
        let (head, position) = (self.head(size), Position(index + 1));
        let proved = self.handle.prove_inclusion(position, &head, with_cause).unwrap();
        let (shown, hashes) = proved.expect("the tree has it");
        let proof = InclusionProof { shown, index, hashes, checkpoint: self.note(head) }.to_string();
        let takes = |text: &str| InclusionProof::read(text).and_then(|proof| proof.check(&self.key()));
        assert_eq!(takes(&proof).map(|checkpoint| checkpoint.head), Ok(head));
        proof
    }

    fn growth(&self, old: u64, size: u64) -> (String, String) {
        let (older, head) = (self.head(old), self.head(size));
        let hashes = self.handle.prove_consistency(old, &head).unwrap().expect("it grew");
        let proof = ConsistencyProof { old, hashes, checkpoint: self.note(head) }.to_string();
        let takes =
            |text: &str| ConsistencyProof::read(text).and_then(|proof| proof.check(&self.open(older), &self.key()));
        assert_eq!(takes(&proof).map(|checkpoint| checkpoint.head), Ok(head));
        (self.note(older), proof)
    }

    fn open(&self, head: TreeHead) -> Checkpoint {
        Checkpoint::open(&self.note(head), &self.key()).unwrap()
    }

    fn takes(&self, proof: &[u8], older: Option<&str>) -> bool {
        let Ok(text) = std::str::from_utf8(proof) else { return false };
        let key = self.key();
        match older {
            None => InclusionProof::read(text).and_then(|proof| proof.check(&key)).is_ok(),
            Some(older) => {
                let older = Checkpoint::open(older, &key).unwrap();
                ConsistencyProof::read(text).and_then(|proof| proof.check(&older, &key)).is_ok()
            }
        }
    }
}

#[test]
fn gos_packages_take_ten_thousand_proofs_and_none_with_a_bit_changed() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = written(&dir.path().join("ledger"));
    let handle = ledger.handle();
    let signer = NoteSigner::new(&handle.identity().origin(), &[3; 32]).unwrap();
    let prover = Prover { handle, signer };
    let mut lines = String::new();
    for n in 0..PROOFS {
        let size = if n < 300 { n / 2 + 1 } else { 1 + (n * 2_654_435_761) % RECORDS };
        let place = (n * 40_503) % size;
        let (older, proof) = match n % 2 {
            0 => (None, prover.inclusion(size, place, n % 4 == 0)),
            _ => {
                let (older, proof) = prover.growth(place + 1, size);
                (Some(older), proof)
            }
        };
        // Each bit of a byte, and each part of a proof, in turn.
        let bit = (n * 7_919) as usize % (proof.len() * 8);
        let mut changed = proof.clone().into_bytes();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(prover.takes(proof.as_bytes(), older.as_deref()));
        assert!(!prover.takes(&changed, older.as_deref()), "bit {bit} of\n{proof}");
        let older = older.map(|older| STANDARD.encode(older)).unwrap_or_default();
        writeln!(lines, "{bit} {} {older}", STANDARD.encode(proof)).unwrap();
    }
    let file = dir.path().join("proofs");
    fs::write(&file, lines).unwrap();
    let output = go(&["run", "./proofs"]).arg(prover.signer.verifier().to_string()).arg(&file).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let told = format!("{PROOFS} accepted, {PROOFS} with a bit changed refused\n");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), told);
}

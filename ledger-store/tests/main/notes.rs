//! Signed checkpoints against another implementation of C2SP notes: each opens what the other signs, and neither
//! what was changed.

use ledger_core::inclusion::TreeHead;
use ledger_store::{Checkpoint, NoteError, NoteSigner, VerifierKey, sign};
use signed_note::{Note, StandardSigner, StandardVerifier, VerifierList};

const ORIGIN: &str = "0123456789abcdef0123456789abcdef/1/0";

fn checkpoint() -> Checkpoint {
    Checkpoint { origin: ORIGIN.into(), head: TreeHead { size: 108_663, root: [0x5a; 32] } }
}

fn theirs_takes(note: &[u8], key: &VerifierKey) -> bool {
    let verifier = StandardVerifier::new(&key.to_string()).expect("the key is as they know it");
    let known = VerifierList::new(vec![Box::new(verifier)]);
    Note::from_bytes(note).is_ok_and(|note| note.verify(&known).is_ok())
}

fn ours_takes(note: &[u8], key: &VerifierKey) -> bool {
    std::str::from_utf8(note).is_ok_and(|note| Checkpoint::open(note, std::slice::from_ref(key)).is_ok())
}

#[test]
fn what_a_ledger_signs_others_open_and_nothing_with_a_bit_changed() {
    let signer = NoteSigner::new(ORIGIN, &[9; 32]).expect("the name is one");
    let note = sign(&checkpoint().to_string(), [&signer]);
    let key = signer.verifier();
    assert!(theirs_takes(note.as_bytes(), key));
    assert_eq!(Checkpoint::open(&note, std::slice::from_ref(key)), Ok(checkpoint()));
    for bit in 0..note.len() * 8 {
        let mut other = note.clone().into_bytes();
        other[bit / 8] ^= 1 << (bit % 8);
        assert!(!theirs_takes(&other, key) && !ours_takes(&other, key), "bit {bit}");
    }
}

#[test]
fn what_others_sign_a_ledger_opens() {
    // Their notation of a seed of zeros: the name, the ID, and the seed behind its type.
    let vkey = NoteSigner::new(ORIGIN, &[0; 32]).expect("the name is one").verifier().to_string();
    let id = vkey.split('+').nth(1).expect("a key has three parts");
    let skey = format!("PRIVATE+KEY+{ORIGIN}+{id}+AQ{}", "A".repeat(42));
    let signer = StandardSigner::new(&skey).expect("they know it");
    let mut note = Note::new(checkpoint().to_string().as_bytes(), &[]).expect("it is a text");
    note.add_sigs(&[&signer]).expect("it signs");
    let note = String::from_utf8(note.to_bytes()).expect("it is text");
    let key: VerifierKey = vkey.parse().expect("the key is as we know it");
    assert_eq!(Checkpoint::open(&note, &[key]), Ok(checkpoint()));
}

#[test]
fn a_checkpoint_is_opened_with_a_key_of_its_origin_alone() {
    let [own, old, other] = [(ORIGIN, 1), (ORIGIN, 2), ("witness.example", 3)]
        .map(|(name, seed)| NoteSigner::new(name, &[seed; 32]).expect("the name is one"));
    let [own_key, old_key, other_key] = [&own, &old, &other].map(|signer| signer.verifier().clone());
    let both = sign(&checkpoint().to_string(), [&own, &old, &other]);
    for keys in [vec![own_key.clone()], vec![old_key.clone()], vec![other_key.clone(), own_key.clone()]] {
        assert_eq!(Checkpoint::open(&both, &keys), Ok(checkpoint()), "while a key changes, either opens it");
    }
    assert_eq!(
        Checkpoint::open(&both, std::slice::from_ref(&other_key)),
        Err(NoteError::Unsigned),
        "a witness is not the log"
    );
    let forged = sign(&checkpoint().to_string(), [&own]) + &sign("x\n", [&old])["x\n\n".len()..];
    assert!(matches!(Checkpoint::open(&forged, &[own_key.clone(), old_key]), Err(NoteError::Signature { .. })));
    assert_eq!(Checkpoint::open(&forged, &[own_key]), Ok(checkpoint()), "a key that is not known is passed over");
}

#[test]
fn what_is_no_checkpoint_is_refused() {
    let signer = NoteSigner::new(ORIGIN, &[1; 32]).expect("the name is one");
    let keys = [signer.verifier().clone()];
    let good = checkpoint().to_string();
    let lines: Vec<&str> = good.lines().collect();
    let more = format!("{good}more of somebody\n");
    assert_eq!(Checkpoint::open(&sign(&more, [&signer]), &keys), Ok(checkpoint()), "further lines are passed over");
    for other in [
        String::from("\n"),
        format!("{}\n{}\n", lines[0], lines[1]),
        format!("{}\n\n{}\n{}\n", lines[0], lines[1], lines[2]),
        good.replace("108663", "0108663"),
        good.replace("108663", "+108663"),
        good.replace("108663", "-1"),
        good.replace("108663", "18446744073709551616"),
        good.replace("108663", "0x1"),
        good.replace(lines[2], &lines[2][1..]),
        good.replace(lines[2], "AAAA"),
        good.replace(lines[2], "\u{2014}"),
        good.replace(ORIGIN, "0123456789abcdef0123456789abcdef/2/0"),
    ] {
        assert!(Checkpoint::open(&sign(&other, [&signer]), &keys).is_err(), "{other:?}");
    }
}

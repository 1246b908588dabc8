//! What a ledger signs and proves, taken away from it and checked by whoever has the key and nothing else.

use super::{Place, Ran, Server, purchases, say};
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// A ledger of some hundred purchases, a key, and a server that signs.
fn signed(place: &Place) -> Server {
    let file = place.file("purchases.csv", &purchases(700));
    place.import(&file, "music.toml", "").exits(0);
    say(&format!("keygen {}", place.path("key"))).exits(0).has(&["is made"]);
    Server::start_with(place, &["--checkpoint-key", &place.path("key")])
}

impl Server {
    fn ask(&self, line: &str) -> Ran {
        say(&format!("{line} --server {}", self.address))
    }

    /// The key that verifies, as the server tells it.
    fn key(&self) -> String {
        self.ask("checkpoint --keys").exits(0).out.trim().to_owned()
    }
}

/// The file with one byte changed behind these words.
fn changed(place: &Place, file: &str, behind: &str) -> String {
    let mut bytes = fs::read(file).unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let at = text.find(behind).expect("the words are there") + behind.len();
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    let path = place.path("changed");
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn a_record_is_proved_to_whoever_has_the_key() {
    let place = Place::new();
    let server = signed(&place);
    let key = server.key();
    let proof = place.path("record.tlog-proof");
    server.ask(&format!("prove 300 --out {proof}")).exits(0);
    let ran = say(&format!("check {proof} --key {key}")).exits(0);
    let ran = ran.has(&["proved: record 300 of ", "issued to available", "what was said is not shown: "]);
    assert!(!ran.out.contains("o-2"), "nothing that was said: {ran:#?}");
    // What was said, if its holder shows it.
    let order = place.path("order.tlog-proof");
    server.ask(&format!("prove 300 --with-cause --out {order}")).exits(0);
    say(&format!("check {order} --key {key}")).exits(0).has(&["proved: record 300 of ", "said by \""]);
    for (file, behind) in [(&proof, "extra "), (&order, "extra "), (&proof, "index "), (&proof, "\n\n"), (&proof, " ")]
    {
        let changed = changed(&place, file, behind);
        say(&format!("check {changed} --key {key}")).exits(1).has(&["REFUSED: "]);
    }
    let other = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    say(&format!("check {proof} --key {other}")).exits(1).has(&["REFUSED: no key that was given has signed it"]);
    say(&format!("check {proof} --key nonsense")).exits(2).has(&["NAME+ID+KEY"]);
    say(&format!("check {} --key {key}", place.path("nowhere"))).exits(3).has(&["cannot read"]);
    say(&format!("check {} --key {key}", place.file("none", "no proof"))).exits(1).has(&["REFUSED: "]);
    server.ask("prove 99999").exits(1).has(&["no record at this position"]);
    server.ask("prove --event shop nothing").exits(1).has(&["no event of this source and id"]);
    server.stop();
    // Closed, it tells the same of what it signed last.
    let here = place.ask("prove 300").exits(0);
    assert_eq!(here.out.lines().nth(1), fs::read_to_string(&proof).unwrap().lines().nth(1));
    let again = place.file("again", &here.out);
    say(&format!("check {again} --key {key}")).exits(0);
}

#[test]
fn a_log_is_proved_to_have_only_grown_and_said_to_part_where_it_has_not() {
    let place = Place::new();
    let server = signed(&place);
    let key = server.key();
    let older = place.file("older", &server.ask("checkpoint").exits(0).out);
    server.stop();
    let size: u64 = fs::read_to_string(&older).unwrap().lines().nth(1).unwrap().parse().unwrap();
    place.import(&place.file("more.csv", &purchases(900)), "music.toml", "").exits(0);
    let server = Server::start_with(&place, &["--checkpoint-key", &place.path("key")]);
    let growth = place.path("growth");
    server.ask(&format!("prove --since {size} --out {growth}")).exits(0);
    say(&format!("check {growth} --key {key} --older {older}")).exits(0).has(&["has grown from"]);
    let newer = place.file("newer", &server.ask("checkpoint").exits(0).out);
    say(&format!("check {newer} --key {key} --older {newer}")).exits(0).has(&["is the same"]);
    say(&format!("check {newer} --key {key} --older {older}")).exits(1).has(&[&format!("prove --since {size}")]);
    say(&format!("check {growth} --key {key} --older {newer}")).exits(1).has(&["REFUSED: "]);
    say(&format!("check {growth} --key {key}")).exits(2).has(&["needs --older"]);
    let changed = changed(&place, &growth, &format!("old {size}\n"));
    say(&format!("check {changed} --key {key} --older {older}")).exits(1).has(&["REFUSED: "]);
    server.ask("prove --since 99999").exits(1).has(&["no record at this position"]);
    server.stop();
}

#[test]
fn verdicts_that_are_exported_begin_with_what_was_signed_or_part_from_it() {
    let place = Place::new();
    let server = signed(&place);
    let key = server.key();
    let older = place.file("older", &server.ask("checkpoint").exits(0).out);
    server.stop();
    let verdicts = place.path("verdicts");
    place.ask(&format!("export --verdicts {verdicts}")).exits(0).has(&["records, root "]);
    place.ask(&format!("export --verdicts {verdicts}")).exits(3).has(&["File exists"]);
    let ran = say(&format!("check {verdicts} --key {key} --older {older}")).exits(0);
    assert_eq!(ran.out.matches("proved: it begins with the checkpoint over").count(), 2, "its own, and the older one");
    let bytes = fs::read(&verdicts).unwrap();
    for at in (0..bytes.len()).step_by(bytes.len() / 60) {
        let mut other = bytes.clone();
        other[at] ^= 1;
        fs::write(place.path("other"), other).unwrap();
        say(&format!("check {} --key {key}", place.path("other"))).exits(1);
        fs::write(place.path("other"), &bytes[..at]).unwrap();
        say(&format!("check {} --key {key}", place.path("other"))).exits(1);
    }
    say(&format!("check {verdicts} --key {key} --older {}", place.path("key"))).exits(1).has(&["REFUSED: "]);
}

#[test]
fn two_pasts_under_one_key_are_told_apart_by_whoever_kept_a_checkpoint() {
    let (place, forged) = (Place::new(), Place::new());
    let begun = place.file("begun.csv", &purchases(10));
    place.import(&begun, "music.toml", "").exits(0);
    fs::create_dir(forged.path("ledger")).unwrap();
    for entry in fs::read_dir(place.path("ledger")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, forged.0.path().join("ledger").join(path.file_name().unwrap())).unwrap();
    }
    let told = purchases(700);
    say(&format!("keygen {}", place.path("key"))).exits(0);
    let mut kept = Vec::new();
    for (place_of, told) in [(&place, told.clone()), (&forged, told.replace(",1100,o-11\n", ",1200,o-11\n"))] {
        place_of.import(&place_of.file("purchases.csv", &told), "music.toml", "").exits(0);
        let server = Server::start_with(place_of, &["--checkpoint-key", &place.path("key")]);
        kept.push((server.key(), place_of.file("kept", &server.ask("checkpoint").exits(0).out)));
        server.stop();
    }
    let [(key, older), (other, newer)] = kept.try_into().expect("two pasts");
    assert_eq!(key, other, "nobody can tell by the key");
    say(&format!("check {newer} --key {key} --older {older}")).exits(1).has(&["PARTS: "]);
    let verdicts = forged.path("verdicts");
    forged.ask(&format!("export --verdicts {verdicts}")).exits(0);
    say(&format!("check {verdicts} --key {key}")).exits(0);
    say(&format!("check {verdicts} --key {key} --older {older}")).exits(1).has(&["PARTS from the checkpoint over"]);
}

#[test]
fn a_key_that_others_may_have_is_refused_and_nothing_is_made() {
    let place = Place::new();
    let (key, ledger) = (place.path("key"), place.path("ledger"));
    let serve = |key: &str| say(&format!("serve --data {ledger} --listen 127.0.0.1:0 --checkpoint-key {key}")).exits(3);
    serve(&key).has(&["the checkpoint key", "No such file"]);
    say(&format!("keygen {key}")).exits(0);
    say(&format!("keygen {key}")).exits(3).has(&["File exists"]);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    serve(&key).has(&["may be read by others (mode 0644)"]);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&key, "short").unwrap();
    serve(&key).has(&["holds 5 bytes"]);
    assert!(!fs::exists(&ledger).unwrap(), "nothing is made");
    fs::create_dir(&ledger).unwrap();
    let inside = place.path("ledger/key");
    say(&format!("keygen {inside}")).exits(0);
    serve(&inside).has(&["inside the ledger's directory"]);
    assert!(!fs::exists(place.path("ledger/CURRENT")).unwrap(), "nothing is made");
    place.ask("checkpoint").exits(3).has(&["there is no ledger"]);
}

#[test]
fn a_ledger_without_a_key_says_so() {
    let place = Place::new();
    let file = place.file("purchases.csv", &purchases(10));
    place.import(&file, "music.toml", "").exits(0);
    place.ask("checkpoint").exits(1).has(&["no checkpoint is signed", "--checkpoint-key"]);
    place.ask("prove 3").exits(1).has(&["no checkpoint is signed"]);
    let server = Server::start(&place);
    server.ask("checkpoint").exits(1).has(&["no checkpoint is signed"]);
    server.ask("prove --since 3").exits(1).has(&["no checkpoint is signed"]);
    server.stop();
    let verdicts = place.path("verdicts");
    place.ask(&format!("export --verdicts {verdicts}")).exits(0);
    let key = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    say(&format!("check {verdicts} --key {key}")).exits(1).has(&["NOT SIGNED"]);
}

//! Looking: nothing changes by it, not a byte and not a time of a file, wherever the ledger lies and whoever has it
//! open; and one process owns a ledger, whatever somebody removes.

use crate::child;
use crate::ledger::{self, directory, far_future, open, say, simulated};
use crate::raw;
use crate::said::Stream;
use ledger_core::units::Position;
use ledger_store::{AsOf, Ledger, OpenError, export_verdicts, rebuild, restore, totals_at, verify};
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

const STREAM: Stream = Stream { seed: 15, members: 20, step_ms: 60_000 };

/// A ledger that was closed once, and has a tail behind its snapshot that no snapshot knows.
fn killed(dir: &Path) {
    let mut load = child::start("tail", "", &[("LEDGER_DIR", dir.display().to_string())]);
    assert_eq!(load.hear().as_deref(), Some("written"));
    load.kill();
}

/// The child that is killed.
pub fn leave_a_tail() {
    let dir = child::var("LEDGER_DIR");
    let ledger = open(Path::new(&dir), 1_000_000);
    say(&ledger.handle(), vec![STREAM.program()]);
    say(&ledger.handle(), STREAM.events(0..200));
    ledger.close().expect("nothing failed");
    let ledger = open(Path::new(&dir), 1_000_000);
    say(&ledger.handle(), STREAM.events(200..400));
    child::tell(["written".to_owned()]);
    loop {
        std::thread::park();
    }
}

/// Every file with its bytes and the time it was changed, and the directory's.
fn files(dir: &Path) -> BTreeMap<String, (Vec<u8>, SystemTime, u32)> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir).expect("readable") {
        let entry = entry.expect("readable");
        let about = entry.metadata().expect("readable");
        let name = entry.file_name().to_string_lossy().into_owned();
        let bytes = fs::read(entry.path()).expect("readable");
        files.insert(name, (bytes, about.modified().expect("a time"), about.permissions().mode()));
    }
    let about = fs::metadata(dir).expect("readable");
    files.insert(".".into(), (Vec::new(), about.modified().expect("a time"), about.permissions().mode()));
    files
}

/// Looks at a ledger in every way there is. Answers how many records it has.
fn look_at_all(dir: &Path) -> u64 {
    let records = ledger::verified(dir).records;
    let ledger = Ledger::look(dir, simulated(1_000), far_future()).expect("it is read");
    let handle = ledger.handle();
    assert!(handle.committed().0 >= records);
    assert_eq!(handle.totals().wait().expect("readable").position, handle.committed());
    let now = ledger::member(&handle, "m1");
    let then = handle.member_as_of("m1", AsOf::Position(now.position)).expect("readable").expect("a member");
    assert_eq!(now.member, then.member);
    assert!(handle.replay("m1").expect("readable").expect("a member").count() > 3);
    drop(handle);
    let _ = ledger.close();
    let totals = totals_at(dir, Position(100), &mut |_| ()).expect("readable");
    assert_eq!(totals.position, Position(100));
    let elsewhere = directory();
    let head = export_verdicts(dir, &elsewhere.path().join("verdicts"), &mut |_| ()).expect("readable");
    assert!(head.size >= records);
    records
}

#[test]
fn looking_changes_nothing_not_even_a_tail_that_no_snapshot_knows() {
    let dir = directory();
    killed(dir.path());
    let before = files(dir.path());
    let records = look_at_all(dir.path());
    let after = files(dir.path());
    let changed: Vec<_> =
        before.iter().filter(|(name, was)| after.get(*name) != Some(was)).map(|(name, _)| name).collect();
    assert!(changed.is_empty() && before.len() == after.len(), "{changed:?}, {:?}", after.keys());
    let ledger = open(dir.path(), 1_000_000);
    assert_eq!(ledger.handle().committed().0, records);
}

#[test]
fn looking_takes_no_more_than_a_medium_that_cannot_be_written() {
    let dir = directory();
    let copy = directory();
    killed(dir.path());
    raw::copy(dir.path(), copy.path());
    // Bound to itself and mounted for reading only, where that is allowed.
    let path = copy.path().display().to_string();
    let mount = |args: &[&str]| Command::new("mount").args(args).output().is_ok_and(|done| done.status.success());
    let is_mounted = mount(&["--bind", &path, &path]) && mount(&["-o", "remount,ro,bind", &path]);
    if !is_mounted {
        for entry in fs::read_dir(&path).expect("readable") {
            fs::set_permissions(entry.expect("readable").path(), Permissions::from_mode(0o400)).expect("ours");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o500)).expect("ours");
    }
    let looked = std::panic::catch_unwind(|| look_at_all(copy.path()));
    if is_mounted {
        assert!(fs::write(copy.path().join("x"), "x").is_err(), "it cannot be written");
        assert!(Command::new("umount").arg(&path).status().expect("umount").success());
    } else {
        fs::set_permissions(&path, Permissions::from_mode(0o700)).expect("ours");
    }
    assert_eq!(looked.expect("it is read"), look_at_all(dir.path()));
}

#[test]
fn looking_at_a_ledger_that_is_written_meanwhile_disturbs_nobody() {
    let dir = directory();
    let ledger = open(dir.path(), 2_000);
    let handle = ledger.handle();
    say(&handle, vec![STREAM.program()]);
    say(&handle, STREAM.events(0..400));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut next = 400;
            while !done.load(Ordering::SeqCst) {
                say(&handle, STREAM.events(next..next + 20));
                next += 20;
            }
        });
        let looked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let (mut last, begun) = (0, handle.committed().0);
            // Until snapshots were written meanwhile, too.
            while handle.stats().snapshot.0 < begun + 4_000 {
                let before = handle.committed().0;
                let seen = look_at_all(dir.path());
                assert!(seen >= before && seen >= last, "what was answered before is seen: {seen} of {before}");
                last = seen;
            }
        }));
        done.store(true, Ordering::SeqCst);
        looked.expect("it is read");
    });
    drop(handle);
    ledger.close().expect("it never noticed");
    ledger::verified(dir.path());
}

#[test]
fn one_process_owns_a_ledger_whatever_is_removed() {
    let dir = directory();
    // Its log is empty, so that no mark is missed.
    let ledger = open(dir.path(), 1_000);
    let remove = |name: &str| fs::remove_file(dir.path().join(name)).expect("it is there");
    let is_refused = || {
        let refused =
            |answer: Result<(), OpenError>| assert!(matches!(answer, Err(OpenError::InUse { .. })), "{answer:?}");
        refused(Ledger::open(dir.path(), simulated(1_000), far_future()).map(drop));
        refused(rebuild(dir.path()));
        refused(restore(dir.path(), None, ledger_core::units::At(0)).map(drop));
    };
    is_refused();
    remove("LOCK");
    is_refused();
    let mark = fs::read(dir.path().join("mark")).expect("it is there");
    remove("mark");
    is_refused();
    // A link to it is the same directory.
    let link = directory();
    let link = link.path().join("link");
    std::os::unix::fs::symlink(dir.path(), &link).expect("a link");
    assert!(matches!(Ledger::open(&link, simulated(1_000), far_future()), Err(OpenError::InUse { .. })));
    fs::write(dir.path().join("mark"), mark).expect("put back");
    ledger.close().expect("it never noticed");
    open(dir.path(), 1_000).close().expect("whoever comes next owns it");
    assert!(verify(dir.path(), &mut |_| ()).is_ok());
}

#[test]
fn a_directory_is_its_owners_alone_from_the_beginning() {
    let place = directory();
    let dir = place.path().join("some/ledger");
    open(&dir, 1_000).close().expect("nothing failed");
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    // And one that was made before becomes so.
    fs::set_permissions(&dir, Permissions::from_mode(0o755)).expect("ours");
    fs::set_permissions(dir.join("mark"), Permissions::from_mode(0o644)).expect("ours");
    let ledger = open(&dir, 1_000);
    assert_eq!((mode(&dir), mode(&dir.join("mark")), mode(&dir.join("CURRENT"))), (0o700, 0o600, 0o600));
    drop(ledger);
}

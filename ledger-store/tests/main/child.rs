//! Children: this very binary again, doing one thing until it is killed or done. What it says on its
//! standard output after `said ` is for its parent.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

/// Where a child finds what it is to do.
const ROLE: &str = "LEDGER_CHILD";

/// The only test that children run; without a parent there is nothing to do.
#[test]
fn a_child_does_what_its_parent_says() {
    match std::env::var(ROLE).as_deref() {
        Ok("feed") => crate::data::feed(),
        Ok("fill") => crate::failure::fill(),
        Ok("read on") => crate::failure::read_on(),
        Ok("tail") => crate::looking::leave_a_tail(),
        Ok("load") => crate::crash::load(),
        Ok(other) => panic!("no child does {other:?}"),
        Err(_) => {}
    }
}

/// A child of this process.
pub struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
}

/// Starts a child. `before` is a command of the shell that runs first in its process.
pub fn start(role: &str, before: &str, vars: &[(&str, String)]) -> Running {
    let this = std::env::current_exe().expect("this binary");
    let mut child = Command::new("sh")
        .args(["-c", &format!("{before} exec \"$0\" \"$@\"")])
        .arg(this)
        .args(["--exact", "child::a_child_does_what_its_parent_says", "--nocapture"])
        .env(ROLE, role)
        .envs(vars.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the child starts");
    let out = BufReader::new(child.stdout.take().expect("a pipe"));
    Running { child, out }
}

impl Running {
    /// The next thing the child says; `None` at its end.
    pub fn hear(&mut self) -> Option<String> {
        let mut line = String::new();
        loop {
            line.clear();
            // A last line without an end was cut by the kill: it was never said.
            if self.out.read_line(&mut line).expect("the pipe") == 0 || !line.ends_with('\n') {
                return None;
            }
            if let Some((_, said)) = line.trim_end().split_once("said ") {
                return Some(said.to_string());
            }
        }
    }

    /// Kills the child where it is (SIGKILL).
    pub fn kill(&mut self) {
        self.child.kill().expect("killed");
    }

    /// Waits for the end of the child; whether it ended well.
    pub fn ended_well(&mut self) -> bool {
        self.child.wait().expect("a child").success()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Says lines to the parent, in one write.
pub fn tell(lines: impl IntoIterator<Item = String>) {
    let text: String = lines.into_iter().map(|line| format!("said {line}\n")).collect();
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).expect("the parent listens");
}

/// What the parent set.
pub fn var(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("the parent sets {name}"))
}

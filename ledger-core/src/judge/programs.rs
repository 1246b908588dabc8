//! Programs: those of a ledger, compiled, as far as this version of the software can read them.
//!
//! A log is folded without asking any program, so one that has newer words than this version knows is no damage. What
//! cannot be done without it is told by its name: see [`Unreadable`].

use crate::tables::program::{Fault, PreparedProgram, Program};
use crate::tables::state::State;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A published program that this version of the software cannot read. Whatever it would have to be asked for cannot be
/// done; nothing else is lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "version {version} of the program cannot be read by this version of the software, which therefore neither judges \
     nor quotes nor explains by it: {fault}"
)]
pub struct Unreadable {
    /// Which version of the program; the first is 1.
    pub version: u32,
    /// The first thing in it that cannot be read.
    pub fault: Fault,
}

/// The programs of a ledger, compiled, in order of their versions.
#[derive(Clone, Debug, Default)]
pub struct Programs(Vec<Result<Arc<Program>, Unreadable>>);

impl Programs {
    /// The programs of a state, be they readable or not.
    pub fn of(state: &State) -> Programs {
        Programs(compiled(state, 0).collect())
    }

    /// The program in force, if it can be read.
    pub fn current(&self) -> Option<&Arc<Program>> {
        self.0.last()?.as_ref().ok()
    }

    /// A version, if it can be read; the first is 1.
    pub fn version(&self, version: u32) -> Option<&Arc<Program>> {
        self.readable(version).ok().flatten()
    }

    /// A version, if there is one.
    ///
    /// # Errors
    /// [`Unreadable`], if there is one and it cannot be read.
    pub fn readable(&self, version: u32) -> Result<Option<&Arc<Program>>, &Unreadable> {
        let at = usize::try_from(version).ok().and_then(|version| version.checked_sub(1));
        at.and_then(|at| self.0.get(at)).map(Result::as_ref).transpose()
    }

    /// The first version that cannot be read. As long as there is one, nothing can be judged: what was bought under it
    /// may be given back under any other.
    pub fn unreadable(&self) -> Option<&Unreadable> {
        self.0.iter().find_map(|program| program.as_ref().err())
    }

    /// How many versions there are.
    pub fn len(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// Whether none was published yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes over a program that was set by the last record, if it was read before.
    pub(super) fn take_over(&mut self, state: &State, prepared: Option<&PreparedProgram>) {
        let is_next = state.programs.len() == self.0.len().saturating_add(1);
        let program = prepared.and_then(|one| one.program_behind(state.shared.terms.len()));
        self.0.extend(program.filter(|_| is_next).map(|program| Ok(program.clone())));
    }

    /// Compiles what the state has and this has not.
    ///
    /// # Errors
    /// [`Unreadable`], if something of it cannot be read.
    pub fn catch_up(&mut self, state: &State) -> Result<(), Unreadable> {
        let from = self.0.len();
        self.0.extend(compiled(state, from));
        self.0.iter().skip(from).find_map(|program| program.as_ref().err()).map_or(Ok(()), |one| Err(one.clone()))
    }
}

/// The programs of a state behind the first `from`, compiled.
fn compiled(state: &State, from: usize) -> impl Iterator<Item = Result<Arc<Program>, Unreadable>> {
    state.programs.iter().zip(1u32..).skip(from).map(|(row, version)| {
        let mut terms = state.shared.terms.clone();
        let faults = match Program::read(&row.text, &mut terms) {
            Ok(program) => return Ok(Arc::new(program)),
            Err(faults) => faults,
        };
        let none = || Fault { line: 1, field: "id".into(), problem: "cannot be read".into() };
        Err(Unreadable { version, fault: faults.into_iter().next().unwrap_or_else(none) })
    })
}

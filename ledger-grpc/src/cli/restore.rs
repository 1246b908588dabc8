//! Restore: what an operator says of a ledger that was copied back, and what may be held against one.

use super::open::{hex, keep_private, must_be_ledger, open_error};
use super::{Answer, say};
use anyhow::Result;
use clap::Args;
use ledger_core::units::Position;
use ledger_grpc::engine::wall_clock;
use ledger_store::{AtLeast, Outset};
use std::path::PathBuf;

#[derive(Args)]
pub(super) struct Restore {
    /// The ledger's directory
    #[arg(long, value_name = "DIR", env = "LEDGERD_DATA")]
    data: PathBuf,
    /// How far the ledger is known to have reached, and the root there if it is known
    #[arg(long, value_name = "POSITION[:ROOT]", value_parser = at_least)]
    at_least: Option<AtLeast>,
}

impl Restore {
    pub(super) fn run(self) -> Result<Answer> {
        must_be_ledger(&self.data)?;
        keep_private();
        let Outset { identity, end, reached } =
            ledger_store::restore(&self.data, self.at_least, wall_clock()()).map_err(open_error)?;
        say(format_args!("ledger {}: lineage {} goes on from position {end}", identity.ledger, identity.lineage))?;
        if reached > end {
            let from = end.next();
            say(format_args!(
                "lost: positions {from} to {reached} were durable before and are not in this copy. Whoever sent them \
                 has to send them again; tokens of the lineage before are refused"
            ))?;
        } else {
            say("nothing is known to be lost; what the copy lacks can be told by --at-least alone")?;
        }
        Ok(Answer::Yes)
    }
}

/// Reads a position, and behind a colon the root of the log there.
pub(super) fn at_least(text: &str) -> Result<AtLeast, String> {
    let (position, root) = text.split_once(':').map_or((text, None), |(position, root)| (position, Some(root)));
    let position = position.parse().map_err(|_| format!("{position:?} is no position"))?;
    let root =
        root.map(|digits| read_root(digits).ok_or_else(|| format!("{digits:?} is no root: 64 hexadecimal digits")));
    Ok(AtLeast { position: Position(position), root: root.transpose()? })
}

fn read_root(digits: &str) -> Option<[u8; 32]> {
    let mut root = [0; 32];
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, at) in root.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&digits[at..at + 2], 16).ok()?;
    }
    (hex(&root) == digits.to_ascii_lowercase()).then_some(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_against_a_ledger_is_a_position_and_perhaps_a_root() {
        let root = "00ff".repeat(16);
        let told = at_least(&format!("17:{root}")).expect("it is well formed");
        assert_eq!((told.position, told.root.map(|root| hex(&root))), (Position(17), Some(root)));
        assert_eq!(at_least("17").map(|told| told.root), Ok(None));
        for wrong in
            ["", "x", "-1", "17:", "17:00", &format!("17:{}", "0g".repeat(32)), &format!("17:{}", "é".repeat(32))]
        {
            assert!(at_least(wrong).is_err(), "{wrong}");
        }
    }
}

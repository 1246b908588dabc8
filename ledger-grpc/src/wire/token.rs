//! Tokens: what an answer rests on, for reads that come after. Callers pass them on and do not look inside.

use super::{Invalid, Names};
use ledger_core::units::Position;
use ledger_store::{Identity, LedgerId};

/// Stands before what a token says, for whoever will say it otherwise some day.
const FORM: &str = "2-";

/// The token of an answer that is true at a position of the ledger that these names are of.
pub fn token(position: Position, names: &Names) -> String {
    token_of(position, names.identity())
}

/// The token of an answer that is true at a position of this ledger.
pub fn token_of(position: Position, Identity { ledger, lineage, shard }: Identity) -> String {
    format!("{FORM}{ledger}-{lineage:x}-{shard:x}-{:x}", position.0)
}

/// The position to wait for in this ledger; 0 if there is no token.
pub fn read_token(token: &str, here: Identity) -> Result<Position, Invalid> {
    if token.is_empty() {
        return Ok(Position(0));
    }
    let read = read(token).ok_or_else(|| Invalid::one("token", "is not from an answer of a ledger"));
    let (Identity { ledger, lineage, shard }, position) = read?;
    let why = if ledger != here.ledger {
        format!("is of the ledger {ledger}, and this is the ledger {}", here.ledger)
    } else if shard != here.shard {
        format!("is of shard {shard}, and this is shard {}", here.shard)
    } else if lineage != here.lineage {
        format!(
            "is of lineage {lineage}, and the ledger is in lineage {}: a copy was restored since, and other records \
             may stand at its positions; read again without a token",
            here.lineage
        )
    } else {
        return Ok(position);
    };
    Err(Invalid::one("token", why))
}

fn read(token: &str) -> Option<(Identity, Position)> {
    let mut parts = token.strip_prefix(FORM)?.split('-');
    let mut hex = || parts.next().filter(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let ledger = hex().filter(|digits| digits.len() == 32)?;
    let ledger = LedgerId(u128::from_str_radix(ledger, 16).ok()?.to_be_bytes());
    let lineage = u32::from_str_radix(hex()?, 16).ok()?;
    let shard = u16::from_str_radix(hex()?, 16).ok()?;
    let position = u64::from_str_radix(hex()?, 16).ok()?;
    parts.next().is_none().then_some((Identity { ledger, lineage, shard }, Position(position)))
}

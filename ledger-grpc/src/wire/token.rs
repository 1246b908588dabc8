//! Tokens: what an answer rests on, for reads that come after. Callers pass them on and do not look inside.

use super::Invalid;
use ledger_core::units::Position;

/// Stands before what a token says, for whoever will say it otherwise some day.
const FORM: &str = "1-";

/// The token of an answer that is true at a position.
pub fn token(position: Position) -> String {
    format!("{FORM}{:x}", position.0)
}

/// The position to wait for; 0 if there is no token.
pub fn read_token(token: &str) -> Result<Position, Invalid> {
    if token.is_empty() {
        return Ok(Position(0));
    }
    let digits = token.strip_prefix(FORM).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let position = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
    position.map(Position).ok_or_else(|| Invalid::one("token", "is not from an answer of this ledger"))
}

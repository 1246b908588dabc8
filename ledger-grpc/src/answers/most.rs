//! Most: how many points could be redeemed at most, for what a quote asks for.
//!
//! Found by asking the judge: limits of a wallet allow what is less than something they allow, so as few questions do
//! as the number has digits.

use super::words_of;
use ledger_core::event::{Body, Event, Name};
use ledger_core::refusal::Refusal;
use ledger_core::units::Points;
use ledger_store::{Moment, ReadError};

/// What is refused because it is too much; with less of it the answer may be another.
const TOO_MUCH: [Refusal; 7] = [
    Refusal::RedeemAboveMax,
    Refusal::RedeemShareExceeded,
    Refusal::RedeemMaxPerOrder,
    Refusal::RedeemMaxPerDay,
    Refusal::RedeemMaxPerMonth,
    Refusal::NotEnoughPoints,
    Refusal::TooManyLots,
];

/// The most points that could be redeemed from the wallet, for the order and total that are said. Nothing is known of
/// what the program cannot judge without a total, and of items, which cost what they cost.
pub(super) fn redeemable(moment: &mut Moment<'_>, event: &Event<Name>) -> Result<Option<i64>, ReadError> {
    let Body::Redeem(said) = &event.body else { return Ok(None) };
    let of_wallet = moment.look(&event.member, |moment, look| {
        let names = words_of(moment);
        let named = |id| said.wallet.is_empty() || *names.term(id) == *said.wallet;
        let wallet = look.program?.wallets().find(|wallet| named(wallet.id))?;
        let step = wallet.redeem.step.map_or(1, |step| step.0);
        Some((step, look.member.balances(wallet.id).available.0))
    });
    let Some((step, available)) = of_wallet.flatten().filter(|_| said.item.is_none()) else { return Ok(None) };
    let mut refusal = |steps: i64| {
        let redeem = ledger_core::event::Redeem { points: Points(steps * step), ..said.clone() };
        Ok::<_, ReadError>(moment.preview(Event { body: Body::Redeem(redeem), ..event.clone() })?.refusal)
    };
    let mut is_too_much = |steps: i64| Ok::<_, ReadError>(refusal(steps)?.is_some_and(|no| TOO_MUCH.contains(&no)));
    let (mut fits, mut beyond) = (0, available / step + 1);
    if beyond > 1 && !is_too_much(beyond - 1)? {
        fits = beyond - 1;
    }
    while beyond - fits > 1 {
        let between = fits + (beyond - fits) / 2;
        if is_too_much(between)? {
            beyond = between;
        } else {
            fits = between;
        }
    }
    Ok(match (fits > 0).then(|| refusal(fits)).transpose()?.flatten() {
        None => Some(fits * step),
        Some(Refusal::OrderTotalMissing) => None,
        Some(_) => Some(0),
    })
}

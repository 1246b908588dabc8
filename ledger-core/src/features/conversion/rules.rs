//! Conversion: as soon as there are enough points of one wallet, they become points of another (ten stamps, one cup).
//!
//! What is converted is redeemed, and what it becomes is issued, both by the name of the conversion: each wallet
//! adds up by itself. A conversion is never undone. A refund of what earned the stamps takes back stamps; those
//! that are gone are owed, let go or forbidden, as their wallet says.

use crate::features::expiry::rules as expiry;
use crate::features::wallets::rules::in_spend_order;
use crate::kernel::account::Account;
use crate::kernel::lots::{BALANCE_MAX, SLICES_MAX};
use crate::kernel::trace::Adjustment;
use crate::kernel::units::Points;
use crate::tables::draft::Draft;
use crate::tables::program::{Conversion, Wallet};

/// After points came: converts what is enough by now, in the order of the program. Nothing is converted of a
/// member who earns nothing, is under review or leaves in this record.
pub(crate) fn convert(draft: &mut Draft<'_>) {
    let program = draft.program();
    if draft.closes() {
        return;
    }
    for conversion in &program.conversions {
        let (from, to) = (program.wallet(conversion.from), program.wallet(conversion.to));
        let enough = draft.running(from.id).available >= conversion.takes;
        if enough && draft.denied().is_none() && !draft.in_review() && !to.expiry.is_over(draft.day()) {
            convert_by(draft, conversion, from, to);
        }
    }
}

/// As often as there are enough, as there is room for what it gives, and as one record can tell.
fn convert_by(draft: &mut Draft<'_>, conversion: &Conversion, from: &Wallet, to: &Wallet) {
    let row = draft.row();
    let purse = row.purses.of(from.id);
    let times = |points: Points| points.0.checked_div(conversion.takes.0).unwrap_or(0);
    let taken = |times: i64| Points(times.saturating_mul(conversion.takes.0));
    let room = BALANCE_MAX.saturating_sub(draft.running(to.id).available.0);
    let room = draft.room(to).map_or(room, |points| points.0.min(room)).min(draft.issuable(to.id));
    let most = times(purse.lots.total()).min(room.checked_div(conversion.gives.0).unwrap_or(0));
    let Ok(slices) = in_spend_order(from, purse, taken(most)) else { return };
    let told = slices.iter().take(SLICES_MAX).fold(0i64, |sum, slice| sum.saturating_add(slice.left.0));
    let most = times(Points(told));
    let Ok(slices) = in_spend_order(from, purse, taken(most)) else { return };
    if most == 0 {
        return;
    }
    draft.post_all(from.id, (Account::Available, Account::Redeemed), &slices, conversion.id);
    let given = Points(most.saturating_mul(conversion.gives.0));
    draft.trace(conversion.id, given, given, Adjustment::None);
    let expires_at = expiry::expires_at(draft, to);
    draft.grant(conversion.id, to.id, given, expires_at);
}

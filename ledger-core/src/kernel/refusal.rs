//! Refusals: the numbered "no" of the business.
//!
//! A refusal is data: it goes into the log as a record and is answered again for the same event.
//! It is neither a failure (disk full: nothing was decided) nor damage (the shard stops).

use serde::{Deserialize, Serialize};

/// Writes the refusals from their table. A row is: what it means and how to mend it; its number, which is for ever;
/// its variant; its stable name; whether the same wish, under a new id and with nothing else changed, `may_succeed`
/// later or `never` does; and what the sender is told.
macro_rules! refusals {
    (@may may_succeed) => { true };
    (@may never) => { false };
    ($($(#[$doc:meta])* $no:literal $refusal:ident $reason:literal $may:ident: $message:literal;)*) => {
        /// Why an event was not carried out. Numbers are for ever: add at the end, never reuse. `decide`
        /// checks what is most fundamental first, so a caller learns the true reason, not its consequence.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[repr(u16)]
        #[non_exhaustive]
        pub enum Refusal {
            $($(#[$doc])* $refusal = $no,)*
        }

        impl Refusal {
            /// All of them, in order of their numbers.
            pub const ALL: &'static [Refusal] = &[$(Refusal::$refusal),*];

            /// The stable name of the reason, as in `ErrorInfo.reason`.
            pub const fn reason(self) -> &'static str {
                match self { $(Refusal::$refusal => $reason,)* }
            }

            /// What the sender is told: what is wrong and, where something can be done, what.
            pub const fn message(self) -> &'static str {
                match self { $(Refusal::$refusal => $message,)* }
            }

            /// Whether the same wish, under a new id and with nothing else changed, may succeed later.
            pub const fn retry_may_succeed(self) -> bool {
                match self { $(Refusal::$refusal => refusals!(@may $may),)* }
            }
        }
    };
}

refusals! {
    /// The same source sent this id before with another body. Send it under a new id.
    0 IdReused "ID_REUSED" never: "this id was used before with a different body; send the event under a new id";
    /// No program has been published yet, so nothing can be judged.
    1 NoProgram "NO_PROGRAM" may_succeed: "no program is published yet; publish one first";
    /// The event happened later than the ledger's clock allows. Check the source's clock.
    2 InTheFuture "IN_THE_FUTURE" may_succeed:
        "the event lies in the future; check the clock of the source and send it under a new id";
    /// A command names a member nobody has enrolled.
    3 MemberUnknown "MEMBER_UNKNOWN" may_succeed: "no such member; enrol the member first";
    /// The member enrolled before.
    4 AlreadyEnrolled "ALREADY_ENROLLED" never: "the member is enrolled already";
    /// An attribute the program does not declare.
    5 AttributeUnknown "ATTRIBUTE_UNKNOWN" never:
        "the program declares no such attribute; add it to [attributes] or leave it out";
    /// The money is not in the program's currency.
    6 CurrencyMismatch "CURRENCY_MISMATCH" never: "the currency is not the program's; convert the amount first";
    /// The member already has a purchase with this order number.
    7 OrderExists "ORDER_EXISTS" never:
        "this order was recorded before, and nothing is given for it again; send changes as refunds, and if the till \
         numbers its receipts anew, say store and date with the number";
    /// The member has no purchase with this order number within the refund horizon.
    8 OrderUnknown "ORDER_UNKNOWN" may_succeed:
        "no such order within the refund horizon; check the order number and the member";
    /// All of the purchase went back before: nothing of it is left to be cancelled.
    9 RefundOverPaid "REFUND_OVER_PAID" never: "all that was paid for the purchase went back before; nothing is left";
    /// The member is both referrer and referee.
    10 SelfReferral "SELF_REFERRAL" never: "a member cannot refer itself";
    /// Somebody was already rewarded for this referee.
    11 ReferralExists "REFERRAL_EXISTS" never: "this referee was referred before; one referral is rewarded per referee";
    /// A risk rule denies this command.
    12 RiskDenied "RISK_DENIED" may_succeed: "denied by a risk rule; see the flag on this record";
    /// The member already has, or had, a hold of this name.
    13 HoldExists "HOLD_EXISTS" never: "a hold of this name exists already; choose another name";
    /// The member has no hold of this name.
    14 HoldUnknown "HOLD_UNKNOWN" never: "no such hold; check its name and the member";
    /// The hold was captured, voided or has expired.
    15 HoldClosed "HOLD_CLOSED" never: "the hold is closed: captured, voided or expired; make a new hold";
    /// More would be captured than is still held.
    16 CaptureOverHold "CAPTURE_OVER_HOLD" never:
        "the capture exceeds what is held; capture at most the rest of the hold";
    /// Fewer points are free than asked for. Later earnings may change that, but this id stays
    /// refused: ask again under a new one.
    17 NotEnoughPoints "NOT_ENOUGH_POINTS" may_succeed: "not enough points are available";
    /// The points asked for lie in more lots than one record may move.
    18 TooManyLots "TOO_MANY_LOTS" never: "the points lie in too many lots for one movement; split it";
    /// The member's holds, lots, balance or proposals are at their limit, or what is counted of it or its wallets is.
    19 MemberLimitReached "MEMBER_LIMIT_REACHED" may_succeed:
        "the member is at a limit of the ledger (holds, lots, balance, proposals or a sum that is counted)";
    /// The position names no risk case.
    20 CaseUnknown "CASE_UNKNOWN" never: "no such case; cases are named by the position of the record that opened them";
    /// The case was resolved before.
    21 CaseClosed "CASE_CLOSED" never: "the case is resolved already";
    /// The program has errors. Check it with `ledgerd program check` first.
    22 ProgramInvalid "PROGRAM_INVALID" never: "the program has errors; check it first";
    /// The ledger has no room for another member.
    23 LedgerFull "LEDGER_FULL" never: "the ledger is full: no more members can be added";
    /// The member closed: nothing can be asked of it any more.
    24 MemberClosed "MEMBER_CLOSED" never: "the member is closed";
    /// The member is frozen for what is asked. Once it is not, ask again under a new id.
    25 MemberFrozen "MEMBER_FROZEN" may_succeed: "the member is frozen; unfreeze it first";
    /// All that is to be frozen is frozen already.
    26 AlreadyFrozen "ALREADY_FROZEN" never: "the member is frozen already";
    /// Nothing of what is to be unfrozen is frozen.
    27 NotFrozen "NOT_FROZEN" never: "the member is not frozen so";
    /// The member has open holds, which somebody counts on.
    28 HoldsOpen "HOLDS_OPEN" may_succeed: "the member has open holds; capture or void them first";
    /// The alias is a member's name or alias already.
    29 AliasTaken "ALIAS_TAKEN" may_succeed:
        "this alias stands for a member already; unlink it there first, or merge the two members";
    /// The member has no such alias.
    30 AliasUnknown "ALIAS_UNKNOWN" never: "the member has no such alias";
    /// Fewer points than the program lets go at once.
    31 RedeemBelowMin "REDEEM_BELOW_MIN" never: "fewer points than the program's least redemption";
    /// More points than the program lets go at once.
    32 RedeemAboveMax "REDEEM_ABOVE_MAX" never: "more points than the program's largest redemption";
    /// The points are no multiple of the program's step.
    33 RedeemNotMultiple "REDEEM_NOT_MULTIPLE" never: "the points are no multiple of the program's step";
    /// The program limits the share of an order that points may pay, and the order's total is not said.
    34 OrderTotalMissing "ORDER_TOTAL_MISSING" never:
        "the program limits the share paid with points; say the order's total";
    /// The points are worth more than the share of the order that they may pay.
    35 RedeemShareExceeded "REDEEM_SHARE_EXCEEDED" never: "the points pay more than their share of the order";
    /// With what was captured and is held for the order, more than the program allows for one.
    36 RedeemMaxPerOrder "REDEEM_MAX_PER_ORDER" may_succeed:
        "more points than one order may take, counting what is captured and held for it";
    /// With what was captured and is held since midnight, more than the program allows a day.
    37 RedeemMaxPerDay "REDEEM_MAX_PER_DAY" may_succeed:
        "more points than one day may take, counting what is captured and held";
    /// With what was captured and is held this month, more than the program allows a month.
    38 RedeemMaxPerMonth "REDEEM_MAX_PER_MONTH" may_succeed:
        "more points than one month may take, counting what is captured and held";
    /// The member has no redemption at this position within the refund horizon.
    39 RedemptionUnknown "REDEMPTION_UNKNOWN" never:
        "no such redemption of this member within the refund horizon; name it by its record";
    /// More points would come back than were redeemed and not yet given back.
    40 RefundOverRedeemed "REFUND_OVER_REDEEMED" never: "more points than were redeemed and not yet given back";
    /// The program has no wallet of this name.
    41 WalletUnknown "WALLET_UNKNOWN" never: "the program has no such wallet";
    /// The wallet's points only measure: they cannot be spent, held or given by hand.
    42 WalletNotSpendable "WALLET_NOT_SPENDABLE" never: "the points of this wallet only measure and cannot be spent";
    /// More than the wallet lets a member have.
    43 OverMaxBalance "OVER_MAX_BALANCE" may_succeed: "the member would have more than the wallet allows";
    /// The program has no `[transfer]` for the wallet.
    44 TransferNotAllowed "TRANSFER_NOT_ALLOWED" never:
        "the program lets no points of this wallet be given to other members";
    /// Nobody of this name gets points: only members can.
    45 RecipientUnknown "RECIPIENT_UNKNOWN" may_succeed: "no such member to give points to";
    /// A member gives points to itself.
    46 TransferToSelf "TRANSFER_TO_SELF" never: "a member cannot give points to itself";
    /// The recipient is closed, or frozen for earning.
    47 RecipientBlocked "RECIPIENT_BLOCKED" may_succeed: "the other member is closed, or frozen for earning";
    /// Fewer points than the program lets be given at once.
    48 TransferBelowMin "TRANSFER_BELOW_MIN" never: "fewer points than the program's least transfer";
    /// More points than the program lets be given at once.
    49 TransferAboveMax "TRANSFER_ABOVE_MAX" never: "more points than the program's largest transfer";
    /// The member got points from another too short a time ago.
    50 TransferCooling "TRANSFER_COOLING" may_succeed:
        "the member got points from another; it may give some once the cooling time is over";
    /// With what was given since midnight, more than the program allows a day.
    51 TransferMaxPerDay "TRANSFER_MAX_PER_DAY" may_succeed:
        "more points than one day may give, counting what was given";
    /// The member came from another system before.
    52 OpenedAlready "OPENED_ALREADY" never:
        "the member came from another system before, which happens once; send what is missing as credits or history";
    /// An opening lot has expired already, or points given by hand would have.
    53 LotExpired "LOT_EXPIRED" never: "the points would have expired already; leave them out";
    /// The program has no `reinstate` for the wallet.
    54 ReinstateNotAllowed "REINSTATE_NOT_ALLOWED" never:
        "the program lets no expired points of this wallet be reinstated";
    /// Fewer points died within the program's window, and were not reinstated, than are asked for.
    55 NotEnoughExpired "NOT_ENOUGH_EXPIRED" never:
        "no such points have expired within the program's window, or they were reinstated before";
    /// The purchase has no such line, or several lines of that stock-keeping unit.
    56 LineUnknown "LINE_UNKNOWN" never:
        "the purchase has no such line, or more than one of that sku; name the line by its place";
    /// More of a line would go back than was bought and not yet returned.
    57 RefundOverLine "REFUND_OVER_LINE" never: "more of a line than was bought and not yet returned";
    /// The two names stand for one member already.
    58 MergeWithSelf "MERGE_WITH_SELF" never: "both names stand for this member already";
    /// The other member has members merged into it.
    59 MergeChained "MERGE_CHAINED" may_succeed:
        "the other member has members merged into it; unmerge them, or merge this one into it";
    /// One of the two owes points or is in an open risk case, or the other has open proposals or shares in a household.
    60 MergePrecondition "MERGE_PRECONDITION" may_succeed:
        "one of the two owes points or is in an open case, or the other has proposals or a household; settle that";
    /// The other member is not merged into this one.
    61 NotMerged "NOT_MERGED" never: "the other member is not merged into this one";
    /// The program asks for several people for so many points, and nobody stands for them.
    62 ApproverRequired "APPROVER_REQUIRED" never:
        "the program asks for several people for so many points; say in `by` who stands for it";
    /// The member has no such open proposal.
    63 ProposalNotOpen "PROPOSAL_NOT_OPEN" never:
        "the member has no such open proposal; it was carried out, withdrawn or has lapsed, or is another's";
    /// Whoever approves stands for the proposal already.
    64 ApprovedAlready "APPROVED_ALREADY" never:
        "this person stands for the proposal already; somebody else must approve it";
    /// The program has no fund of this name.
    65 FundUnknown "FUND_UNKNOWN" never: "the program has no such fund";
    /// The program has no households.
    66 HouseholdNotOffered "HOUSEHOLD_NOT_OFFERED" never: "the program has no households; add [household] to it";
    /// The household is no member.
    67 HouseholdUnknown "HOUSEHOLD_UNKNOWN" may_succeed:
        "the household is not known; enrol it first, as a member of that name";
    /// The member shares with a household already.
    68 InHousehold "IN_HOUSEHOLD" may_succeed: "the member is in a household already; it must leave that one first";
    /// The household is the member itself, or in a household, or the member is one.
    69 HouseholdCircular "HOUSEHOLD_CIRCULAR" never: "a household cannot be in a household, and nobody in its own";
    /// As many as the program allows share with the household.
    70 HouseholdFull "HOUSEHOLD_FULL" may_succeed: "as many are in the household as the program allows";
    /// The member shares with no household.
    71 NotInHousehold "NOT_IN_HOUSEHOLD" never: "the member is in no household";
    /// The program has no item of this name.
    72 ItemUnknown "ITEM_UNKNOWN" never: "the program has no such item";
    /// The item is not to be had on this local date.
    73 ItemNotAvailable "ITEM_NOT_AVAILABLE" may_succeed:
        "the item is not to be had today; the program says from when and until when it is";
    /// The item is for members of other tiers.
    74 ItemNotForTier "ITEM_NOT_FOR_TIER" may_succeed:
        "the item is not for the member's tier; the program says for which it is";
    /// Other points, or those of another wallet, were said than the item costs now. The outcome says how many it costs.
    75 ItemPriceDiffers "ITEM_PRICE_DIFFERS" never:
        "the item costs other points than were said; show the member what it costs now and ask again";
    /// With what the member took, more pieces than one member may have. The outcome says how many it still may.
    76 ItemOverLimit "ITEM_OVER_LIMIT" may_succeed:
        "more pieces than one member may have, counting what it took and holds";
    /// Fewer pieces are left than asked for. The outcome says how many are.
    77 ItemSoldOut "ITEM_SOLD_OUT" may_succeed: "fewer pieces of the item are left than asked for";
    /// The points of a hold of an item are captured in whole pieces. The outcome says what one costs.
    78 ItemNotDivisible "ITEM_NOT_DIVISIBLE" never:
        "the hold is of an item: capture points of whole pieces, or void it";
    /// The program has no exchange of this name that goes this way.
    79 ExchangeUnknown "EXCHANGE_UNKNOWN" never:
        "the program has no exchange of this name that goes this way; add it as [[exchange]] or choose another";
    /// The amount is no multiple of the rate's.
    80 ExchangeNotInUnits "EXCHANGE_NOT_IN_UNITS" never:
        "only multiples of the exchange's rate are exchanged; ask for one";
    /// The member has, or had, an exchange of this reference.
    81 ExchangeExists "EXCHANGE_EXISTS" never:
        "this reference stands for an earlier exchange of the member; choose another";
    /// The member has no open exchange of this reference.
    82 ExchangeNotOpen "EXCHANGE_NOT_OPEN" never:
        "no such exchange is open: it is settled, has lapsed or never was; make a new one";
    /// More points would go out today than the exchange allows.
    83 ExchangeMaxPerDay "EXCHANGE_MAX_PER_DAY" may_succeed:
        "more points would be exchanged today than allowed; exchange fewer, or tomorrow";
    /// Exchanges are open.
    84 ExchangesOpen "EXCHANGES_OPEN" may_succeed: "exchanges are open; let the partner settle them first";
    /// Carrying the event out failed, which is a bug of the ledger: it is set aside, and nothing came of it. Its id is
    /// not used up: a version that can carry it out takes it.
    85 EventQuarantined "EVENT_QUARANTINED" may_succeed:
        "the ledger could not carry this out and set it aside; tell whoever runs it, and send it again once mended";
    /// The program has no tier of this name.
    86 TierUnknown "TIER_UNKNOWN" never: "the program has no such tier";
    /// The end of a tier is over, or tiers of the program never fall.
    87 TierUntilInvalid "TIER_UNTIL_INVALID" never:
        "the tier's `until` is over, or tiers of this program never fall; leave `until` out";
    /// The program counts nothing of a member under this name.
    88 CounterUnknown "COUNTER_UNKNOWN" never:
        "the program counts nothing of a member by this name; name its metric, a counter, ladder, limit or streak";
    /// More points come or are owed than the program lets one person give or take by hand.
    89 OpeningOverApprovals "OPENING_OVER_APPROVALS" never:
        "more points than one person may give or take by hand; publish a version without [approvals] for the move";
    /// It waited for what it speaks of, which did not come in time. Its outcome stays that it waits; the record that
    /// says this ends that.
    90 NeverCame "NEVER_CAME" may_succeed:
        "what this speaks of did not come in time; check how it names it, and send it again under a new id";
    /// The member has no such refund, or nothing of it went back, or its purchase can no longer be refunded.
    91 RefundUnknown "REFUND_UNKNOWN" never:
        "the member has no such refund within the refund horizon; name it by its event or its record";
    /// The refund was reversed: nothing goes back by it.
    92 RefundReversed "REFUND_REVERSED" never: "this refund was reversed already";
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.message())
    }
}

impl core::error::Error for Refusal {}

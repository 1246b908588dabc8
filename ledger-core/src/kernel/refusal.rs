//! Refusals: the numbered "no" of the business.
//!
//! A refusal is data: it goes into the log as a record and is answered again for the same event.
//! It is neither a failure (disk full: nothing was decided) nor damage (the shard stops).

use serde::{Deserialize, Serialize};

/// Why an event was not carried out. Numbers are for ever: add at the end, never reuse. `decide`
/// checks what is most fundamental first, so a caller learns the true reason, not its consequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error)]
#[repr(u16)]
#[non_exhaustive]
pub enum Refusal {
    /// The same source sent this id before with another body. Send it under a new id.
    #[error("this id was used before with a different body; send the event under a new id")]
    IdReused,
    /// No program has been published yet, so nothing can be judged.
    #[error("no program is published yet; publish one first")]
    NoProgram,
    /// The event happened later than the ledger's clock allows. Check the source's clock.
    #[error("the event lies in the future; check the clock of the source and send it under a new id")]
    InTheFuture,
    /// A command names a member nobody has enrolled.
    #[error("no such member; enrol the member first")]
    MemberUnknown,
    /// The member enrolled before.
    #[error("the member is enrolled already")]
    AlreadyEnrolled,
    /// An attribute the program does not declare.
    #[error("the program declares no such attribute; add it to [attributes] or leave it out")]
    AttributeUnknown,
    /// The money is not in the program's currency.
    #[error("the currency is not the program's; convert the amount first")]
    CurrencyMismatch,
    /// The member already has a purchase with this order number.
    #[error("this order was recorded before; send changes as refunds, or use a new order number")]
    OrderExists,
    /// The member has no purchase with this order number within the refund horizon.
    #[error("no such order within the refund horizon; check the order number and the member")]
    OrderUnknown,
    /// More would go back than was paid and not yet refunded.
    #[error("the refund exceeds what was paid and not yet refunded")]
    RefundOverPaid,
    /// The member is both referrer and referee.
    #[error("a member cannot refer itself")]
    SelfReferral,
    /// Somebody was already rewarded for this referee.
    #[error("this referee was referred before; one referral is rewarded per referee")]
    ReferralExists,
    /// A risk rule denies this command.
    #[error("denied by a risk rule; see the flag on this record")]
    RiskDenied,
    /// The member already has, or had, a hold of this name.
    #[error("a hold of this name exists already; choose another name")]
    HoldExists,
    /// The member has no hold of this name.
    #[error("no such hold; check its name and the member")]
    HoldUnknown,
    /// The hold was captured, voided or has expired.
    #[error("the hold is closed: captured, voided or expired; make a new hold")]
    HoldClosed,
    /// More would be captured than is still held.
    #[error("the capture exceeds what is held; capture at most the rest of the hold")]
    CaptureOverHold,
    /// Fewer points are free than asked for. Later earnings may change that, but this id stays
    /// refused: ask again under a new one.
    #[error("not enough points are available")]
    NotEnoughPoints,
    /// The points asked for lie in more lots than one record may move.
    #[error("the points lie in too many lots for one movement; split it")]
    TooManyLots,
    /// The member's holds, lots, balance or proposals are at their limit.
    #[error("the member is at a limit of the ledger (holds, lots, balance or proposals)")]
    MemberFull,
    /// The position names no risk case.
    #[error("no such case; cases are named by the position of the record that opened them")]
    CaseUnknown,
    /// The case was resolved before.
    #[error("the case is resolved already")]
    CaseClosed,
    /// The program has errors. Check it with `ledgerd program check` first.
    #[error("the program has errors; check it first")]
    ProgramInvalid,
    /// The ledger has no room for another member.
    #[error("the ledger is full: no more members can be added")]
    LedgerFull,
    /// The member closed: nothing can be asked of it any more.
    #[error("the member is closed")]
    MemberClosed,
    /// The member is frozen for what is asked. Once it is not, ask again under a new id.
    #[error("the member is frozen; unfreeze it first")]
    MemberFrozen,
    /// All that is to be frozen is frozen already.
    #[error("the member is frozen already")]
    AlreadyFrozen,
    /// Nothing of what is to be unfrozen is frozen.
    #[error("the member is not frozen so")]
    NotFrozen,
    /// The member has open holds, which somebody counts on.
    #[error("the member has open holds; capture or void them first")]
    HoldsOpen,
    /// The alias is a member's name or alias already.
    #[error("this alias stands for a member already; unlink it there first, or merge the two members")]
    AliasTaken,
    /// The member has no such alias.
    #[error("the member has no such alias")]
    AliasUnknown,
    /// Fewer points than the program lets go at once.
    #[error("fewer points than the program's least redemption")]
    RedeemBelowMin,
    /// More points than the program lets go at once.
    #[error("more points than the program's largest redemption")]
    RedeemAboveMax,
    /// The points are no multiple of the program's step.
    #[error("the points are no multiple of the program's step")]
    RedeemNotInSteps,
    /// The program limits the share of an order that points may pay, and the order's total is not said.
    #[error("the program limits the share paid with points; say the order's total")]
    OrderTotalMissing,
    /// The points are worth more than the share of the order that they may pay.
    #[error("the points pay more than their share of the order")]
    RedeemShareExceeded,
    /// With what was captured and is held for the order, more than the program allows for one.
    #[error("more points than one order may take, counting what is captured and held for it")]
    RedeemMaxPerOrder,
    /// With what was captured and is held since midnight, more than the program allows a day.
    #[error("more points than one day may take, counting what is captured and held")]
    RedeemMaxPerDay,
    /// With what was captured and is held this month, more than the program allows a month.
    #[error("more points than one month may take, counting what is captured and held")]
    RedeemMaxPerMonth,
    /// The member has no redemption at this position within the refund horizon.
    #[error("no such redemption of this member within the refund horizon; name it by its record")]
    RedemptionUnknown,
    /// More points would come back than were redeemed and not yet given back.
    #[error("more points than were redeemed and not yet given back")]
    RefundOverRedeemed,
    /// The program has no wallet of this name.
    #[error("the program has no such wallet")]
    WalletUnknown,
    /// The wallet's points only measure: they cannot be spent, held or given by hand.
    #[error("the points of this wallet only measure and cannot be spent")]
    WalletNotSpendable,
    /// More than the wallet lets a member have.
    #[error("the member would have more than the wallet allows")]
    OverMaxBalance,
    /// The program has no `[transfer]` for the wallet.
    #[error("the program lets no points of this wallet be given to other members")]
    TransferNotAllowed,
    /// Nobody of this name gets points: only members can.
    #[error("no such member to give points to")]
    RecipientUnknown,
    /// A member gives points to itself.
    #[error("a member cannot give points to itself")]
    TransferToSelf,
    /// The recipient is closed, or frozen for earning.
    #[error("the other member is closed, or frozen for earning")]
    RecipientBlocked,
    /// Fewer points than the program lets be given at once.
    #[error("fewer points than the program's least transfer")]
    TransferBelowMin,
    /// More points than the program lets be given at once.
    #[error("more points than the program's largest transfer")]
    TransferAboveMax,
    /// The member got points from another too short a time ago.
    #[error("the member got points from another; it may give some once the cooling time is over")]
    TransferCooling,
    /// With what was given since midnight, more than the program allows a day.
    #[error("more points than one day may give, counting what was given")]
    TransferMaxPerDay,
    /// Points can be brought from another system only before the wallet was ever used.
    #[error("the member has had points in this wallet already; opening lots come first, and once")]
    WalletInUse,
    /// An opening lot has expired already, or points given by hand would have.
    #[error("the points would have expired already; leave them out")]
    LotExpired,
    /// The program has no `reinstate` for the wallet.
    #[error("the program lets no expired points of this wallet be reinstated")]
    ReinstateNotAllowed,
    /// Fewer points died within the program's window, and were not reinstated, than are asked for.
    #[error("no such points have expired within the program's window, or they were reinstated before")]
    NotEnoughExpired,
    /// The purchase has no such line, or several lines of that stock-keeping unit.
    #[error("the purchase has no such line, or more than one of that sku; name the line by its place")]
    LineUnknown,
    /// More of a line would go back than was bought and not yet returned.
    #[error("more of a line than was bought and not yet returned")]
    RefundOverLine,
    /// The two names stand for one member already.
    #[error("both names stand for this member already")]
    MergeWithSelf,
    /// The other member has members merged into it.
    #[error("the other member has members merged into it; unmerge them, or merge this one into it")]
    MergeChained,
    /// One of the two owes points or is in an open risk case, or the other has open proposals or shares in a household.
    #[error("one of the two owes points or is in an open case, or the other has proposals or a household; settle that")]
    MergeUnsettled,
    /// The other member is not merged into this one.
    #[error("the other member is not merged into this one")]
    NotMerged,
    /// The program asks for several people for so many points, and nobody stands for them.
    #[error("the program asks for several people for so many points; say in `by` who stands for it")]
    NobodyStands,
    /// The member has no such open proposal.
    #[error("the member has no such open proposal; it was carried out, withdrawn or has lapsed, or is another's")]
    ProposalNotOpen,
    /// Whoever approves stands for the proposal already.
    #[error("this person stands for the proposal already; somebody else must approve it")]
    ApprovedAlready,
    /// The program has no fund of this name.
    #[error("the program has no such fund")]
    FundUnknown,
    /// The program has no households.
    #[error("the program has no households; add [household] to it")]
    HouseholdNotOffered,
    /// The household is no member.
    #[error("the household is not known; enrol it first, as a member of that name")]
    HouseholdUnknown,
    /// The member shares with a household already.
    #[error("the member is in a household already; it must leave that one first")]
    InHousehold,
    /// The household is the member itself, or in a household, or the member is one.
    #[error("a household cannot be in a household, and nobody in its own")]
    HouseholdCircular,
    /// As many as the program allows share with the household.
    #[error("as many are in the household as the program allows")]
    HouseholdFull,
    /// The member shares with no household.
    #[error("the member is in no household")]
    NotInHousehold,
    /// The program has no item of this name.
    #[error("the program has no such item")]
    ItemUnknown,
    /// The item is not to be had on this local date.
    #[error("the item is not to be had today; the program says from when and until when it is")]
    ItemNotNow,
    /// The item is for members of other tiers.
    #[error("the item is not for the member's tier; the program says for which it is")]
    ItemNotForTier,
    /// Other points, or those of another wallet, were said than the item costs now. The outcome says how many it costs.
    #[error("the item costs other points than were said; show the member what it costs now and ask again")]
    ItemPriceDiffers,
    /// With what the member took, more pieces than one member may have. The outcome says how many it still may.
    #[error("more pieces than one member may have, counting what it took and holds")]
    ItemOverLimit,
    /// Fewer pieces are left than asked for. The outcome says how many are.
    #[error("fewer pieces of the item are left than asked for")]
    ItemSoldOut,
    /// The points of a hold of an item are captured in whole pieces. The outcome says what one costs.
    #[error("the hold is of an item: capture points of whole pieces, or void it")]
    ItemNotWhole,
    /// The program has no exchange of this name that goes this way.
    #[error("the program has no exchange of this name that goes this way; add it as [[exchange]] or choose another")]
    ExchangeUnknown,
    /// The amount is no multiple of the rate's.
    #[error("only multiples of the exchange's rate are exchanged; ask for one")]
    ExchangeNotInUnits,
    /// The member has, or had, an exchange of this reference.
    #[error("this reference stands for an earlier exchange of the member; choose another")]
    ExchangeExists,
    /// The member has no open exchange of this reference.
    #[error("no such exchange is open: it is settled, has lapsed or never was; make a new one")]
    ExchangeNotOpen,
    /// More points would go out today than the exchange allows.
    #[error("more points would be exchanged today than allowed; exchange fewer, or tomorrow")]
    ExchangeMaxPerDay,
    /// Exchanges are open.
    #[error("exchanges are open; let the partner settle them first")]
    ExchangesOpen,
}

impl Refusal {
    /// The stable name of the reason, as in `ErrorInfo.reason`.
    pub fn reason(self) -> &'static str {
        match self {
            Refusal::IdReused => "ID_REUSED",
            Refusal::NoProgram => "NO_PROGRAM",
            Refusal::InTheFuture => "IN_THE_FUTURE",
            Refusal::MemberUnknown => "MEMBER_UNKNOWN",
            Refusal::AlreadyEnrolled => "ALREADY_ENROLLED",
            Refusal::AttributeUnknown => "ATTRIBUTE_UNKNOWN",
            Refusal::CurrencyMismatch => "CURRENCY_MISMATCH",
            Refusal::OrderExists => "ORDER_EXISTS",
            Refusal::OrderUnknown => "ORDER_UNKNOWN",
            Refusal::RefundOverPaid => "REFUND_OVER_PAID",
            Refusal::SelfReferral => "SELF_REFERRAL",
            Refusal::ReferralExists => "REFERRAL_EXISTS",
            Refusal::RiskDenied => "RISK_DENIED",
            Refusal::HoldExists => "HOLD_EXISTS",
            Refusal::HoldUnknown => "HOLD_UNKNOWN",
            Refusal::HoldClosed => "HOLD_CLOSED",
            Refusal::CaptureOverHold => "CAPTURE_OVER_HOLD",
            Refusal::NotEnoughPoints => "NOT_ENOUGH_POINTS",
            Refusal::TooManyLots => "TOO_MANY_LOTS",
            Refusal::MemberFull => "MEMBER_FULL",
            Refusal::CaseUnknown => "CASE_UNKNOWN",
            Refusal::CaseClosed => "CASE_CLOSED",
            Refusal::ProgramInvalid => "PROGRAM_INVALID",
            Refusal::LedgerFull => "LEDGER_FULL",
            Refusal::MemberClosed => "MEMBER_CLOSED",
            Refusal::MemberFrozen => "MEMBER_FROZEN",
            Refusal::AlreadyFrozen => "ALREADY_FROZEN",
            Refusal::NotFrozen => "NOT_FROZEN",
            Refusal::HoldsOpen => "HOLDS_OPEN",
            Refusal::AliasTaken => "ALIAS_TAKEN",
            Refusal::AliasUnknown => "ALIAS_UNKNOWN",
            Refusal::RedeemBelowMin => "REDEEM_BELOW_MIN",
            Refusal::RedeemAboveMax => "REDEEM_ABOVE_MAX",
            Refusal::RedeemNotInSteps => "REDEEM_NOT_IN_STEPS",
            Refusal::OrderTotalMissing => "ORDER_TOTAL_MISSING",
            Refusal::RedeemShareExceeded => "REDEEM_SHARE_EXCEEDED",
            Refusal::RedeemMaxPerOrder => "REDEEM_MAX_PER_ORDER",
            Refusal::RedeemMaxPerDay => "REDEEM_MAX_PER_DAY",
            Refusal::RedeemMaxPerMonth => "REDEEM_MAX_PER_MONTH",
            Refusal::RedemptionUnknown => "REDEMPTION_UNKNOWN",
            Refusal::RefundOverRedeemed => "REFUND_OVER_REDEEMED",
            Refusal::WalletUnknown => "WALLET_UNKNOWN",
            Refusal::WalletNotSpendable => "WALLET_NOT_SPENDABLE",
            Refusal::OverMaxBalance => "OVER_MAX_BALANCE",
            Refusal::TransferNotAllowed => "TRANSFER_NOT_ALLOWED",
            Refusal::RecipientUnknown => "RECIPIENT_UNKNOWN",
            Refusal::TransferToSelf => "TRANSFER_TO_SELF",
            Refusal::RecipientBlocked => "RECIPIENT_BLOCKED",
            Refusal::TransferBelowMin => "TRANSFER_BELOW_MIN",
            Refusal::TransferAboveMax => "TRANSFER_ABOVE_MAX",
            Refusal::TransferCooling => "TRANSFER_COOLING",
            Refusal::TransferMaxPerDay => "TRANSFER_MAX_PER_DAY",
            Refusal::WalletInUse => "WALLET_IN_USE",
            Refusal::LotExpired => "LOT_EXPIRED",
            Refusal::ReinstateNotAllowed => "REINSTATE_NOT_ALLOWED",
            Refusal::NotEnoughExpired => "NOT_ENOUGH_EXPIRED",
            Refusal::LineUnknown => "LINE_UNKNOWN",
            Refusal::RefundOverLine => "REFUND_OVER_LINE",
            Refusal::MergeWithSelf => "MERGE_WITH_SELF",
            Refusal::MergeChained => "MERGE_CHAINED",
            Refusal::MergeUnsettled => "MERGE_UNSETTLED",
            Refusal::NotMerged => "NOT_MERGED",
            Refusal::NobodyStands => "NOBODY_STANDS",
            Refusal::ProposalNotOpen => "PROPOSAL_NOT_OPEN",
            Refusal::ApprovedAlready => "APPROVED_ALREADY",
            Refusal::FundUnknown => "FUND_UNKNOWN",
            Refusal::HouseholdNotOffered => "HOUSEHOLD_NOT_OFFERED",
            Refusal::HouseholdUnknown => "HOUSEHOLD_UNKNOWN",
            Refusal::InHousehold => "IN_HOUSEHOLD",
            Refusal::HouseholdCircular => "HOUSEHOLD_CIRCULAR",
            Refusal::HouseholdFull => "HOUSEHOLD_FULL",
            Refusal::NotInHousehold => "NOT_IN_HOUSEHOLD",
            Refusal::ItemUnknown => "ITEM_UNKNOWN",
            Refusal::ItemNotNow => "ITEM_NOT_NOW",
            Refusal::ItemNotForTier => "ITEM_NOT_FOR_TIER",
            Refusal::ItemPriceDiffers => "ITEM_PRICE_DIFFERS",
            Refusal::ItemOverLimit => "ITEM_OVER_LIMIT",
            Refusal::ItemSoldOut => "ITEM_SOLD_OUT",
            Refusal::ItemNotWhole => "ITEM_NOT_WHOLE",
            Refusal::ExchangeUnknown => "EXCHANGE_UNKNOWN",
            Refusal::ExchangeNotInUnits => "EXCHANGE_NOT_IN_UNITS",
            Refusal::ExchangeExists => "EXCHANGE_EXISTS",
            Refusal::ExchangeNotOpen => "EXCHANGE_NOT_OPEN",
            Refusal::ExchangeMaxPerDay => "EXCHANGE_MAX_PER_DAY",
            Refusal::ExchangesOpen => "EXCHANGES_OPEN",
        }
    }

    /// Whether the same wish, under a new id and with nothing else changed, may succeed later.
    pub fn retry_may_succeed(self) -> bool {
        match self {
            Refusal::NotEnoughPoints
            | Refusal::InTheFuture
            | Refusal::NoProgram
            | Refusal::MemberUnknown
            | Refusal::OrderUnknown
            | Refusal::RiskDenied
            | Refusal::MemberFull
            | Refusal::MemberFrozen
            | Refusal::HoldsOpen
            | Refusal::ExchangesOpen
            | Refusal::ExchangeMaxPerDay
            | Refusal::AliasTaken
            | Refusal::RedeemMaxPerOrder
            | Refusal::RedeemMaxPerDay
            | Refusal::RedeemMaxPerMonth
            | Refusal::OverMaxBalance
            | Refusal::RecipientUnknown
            | Refusal::RecipientBlocked
            | Refusal::TransferCooling
            | Refusal::TransferMaxPerDay
            | Refusal::MergeChained
            | Refusal::MergeUnsettled
            | Refusal::HouseholdUnknown
            | Refusal::InHousehold
            | Refusal::HouseholdFull
            | Refusal::ItemNotNow
            | Refusal::ItemNotForTier
            | Refusal::ItemOverLimit
            | Refusal::ItemSoldOut => true,
            Refusal::IdReused
            | Refusal::AlreadyEnrolled
            | Refusal::AttributeUnknown
            | Refusal::CurrencyMismatch
            | Refusal::OrderExists
            | Refusal::RefundOverPaid
            | Refusal::SelfReferral
            | Refusal::ReferralExists
            | Refusal::HoldExists
            | Refusal::HoldUnknown
            | Refusal::HoldClosed
            | Refusal::CaptureOverHold
            | Refusal::TooManyLots
            | Refusal::CaseUnknown
            | Refusal::CaseClosed
            | Refusal::ProgramInvalid
            | Refusal::LedgerFull
            | Refusal::MemberClosed
            | Refusal::AlreadyFrozen
            | Refusal::NotFrozen
            | Refusal::AliasUnknown
            | Refusal::RedeemBelowMin
            | Refusal::RedeemAboveMax
            | Refusal::RedeemNotInSteps
            | Refusal::OrderTotalMissing
            | Refusal::RedeemShareExceeded
            | Refusal::RedemptionUnknown
            | Refusal::RefundOverRedeemed
            | Refusal::WalletUnknown
            | Refusal::WalletNotSpendable
            | Refusal::TransferNotAllowed
            | Refusal::TransferToSelf
            | Refusal::TransferBelowMin
            | Refusal::TransferAboveMax
            | Refusal::WalletInUse
            | Refusal::LotExpired
            | Refusal::ReinstateNotAllowed
            | Refusal::NotEnoughExpired
            | Refusal::LineUnknown
            | Refusal::RefundOverLine
            | Refusal::MergeWithSelf
            | Refusal::NotMerged
            | Refusal::NobodyStands
            | Refusal::ProposalNotOpen
            | Refusal::ApprovedAlready
            | Refusal::FundUnknown
            | Refusal::HouseholdNotOffered
            | Refusal::HouseholdCircular
            | Refusal::NotInHousehold
            | Refusal::ItemUnknown
            | Refusal::ItemPriceDiffers
            | Refusal::ItemNotWhole
            | Refusal::ExchangeUnknown
            | Refusal::ExchangeNotInUnits
            | Refusal::ExchangeExists
            | Refusal::ExchangeNotOpen => false,
        }
    }
}

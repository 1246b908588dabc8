//! Changes: points given and taken by hand, and who agrees to it.

use crate::features::approvals::state::ManualAdjustment;
use crate::kernel::units::{At, Points, Position, StaffNo, TermNo};
use serde::{Deserialize, Serialize};

/// Points are to be given or taken by hand once enough people stand for it; named by this record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposed {
    /// Which of the two.
    pub adjustment: ManualAdjustment,
    /// The wallet.
    pub wallet: TermNo,
    /// How many points.
    pub points: Points,
    /// Who stands for it.
    pub by: StaffNo,
    /// The first instant at which it is open no more.
    pub lapses_at: At,
}

/// One more stands for a proposal, which is still open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// The record that proposed it.
    pub proposal: Position,
    /// Who.
    pub by: StaffNo,
}

/// A proposal is open no more: it is carried out by this record, or withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposalEnded {
    /// The record that proposed it.
    pub proposal: Position,
}

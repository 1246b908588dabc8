//! What was proposed by hand, and who stands for it.

use crate::kernel::units::{At, Points, Position, StaffNo, TermNo};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Most open proposals of one member.
pub const PROPOSALS_MAX: usize = 16;

/// What is done by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ManualAdjustment {
    /// Points are given.
    Credit,
    /// Points are taken.
    Debit,
}

impl ManualAdjustment {
    /// The trade's word, as of the event.
    pub fn name(self) -> &'static str {
        match self {
            ManualAdjustment::Credit => "credit",
            ManualAdjustment::Debit => "debit",
        }
    }
}

/// A credit or debit for which not enough people stand yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The record that proposed it.
    pub position: Position,
    /// Which of the two.
    pub adjustment: ManualAdjustment,
    /// The wallet.
    pub wallet: TermNo,
    /// How many points.
    pub points: Points,
    /// Who stands for it, whoever proposed it first.
    pub by: Vec<StaffNo>,
    /// The first instant at which it is open no more.
    pub lapses_at: At,
}

//! Features: one folder for each thing a loyalty program does.

pub mod actions;
pub mod approvals;
pub mod conversion;
pub mod counting;
pub mod earning;
pub mod exchange;
pub mod expiry;
pub mod funds;
pub mod household;
pub mod items;
pub mod membership;
pub mod merge;
pub mod opening;
pub mod pending;
pub mod publishing;
pub mod returns;
pub mod risk;
pub mod spending;
pub mod tiers;
pub mod transfer;
pub mod visits;
pub mod waiting;
pub mod wallets;

//! Pepper: what devices, addresses and phones are hashed under. It is apart from the secret, and numbered: once what
//! counts them has forgotten an epoch, its pepper can go, and its hashes mean nothing to anybody.

use crate::check::{checked, with_check};
use crate::disk::{Disk, drawn};
use crate::error::{Damage, OpenError};
use crate::keys;
use crate::sealing::Own;
use ledger_core::names::FIRST_EPOCH;

/// The pepper of an epoch.
#[derive(Clone, Copy)]
pub(crate) struct Pepper {
    pub(crate) epoch: u32,
    pub(crate) key: [u8; 32],
}

impl Pepper {
    /// The ledger's pepper: the one given, or the one drawn when the ledger was made.
    pub(crate) fn of(disk: &Disk, given: Option<[u8; 32]>) -> Result<Pepper, OpenError> {
        if let Some(row) = disk.own(keys::PEPPER, Own::Pepper)? {
            // Who is not to read it hashes nothing with it.
            let Some(row) = row else { return Ok(Pepper { epoch: FIRST_EPOCH, key: [0; 32] }) };
            let damaged = || Damage::Row { row: "pepper".into(), what: "is not what was written".into() };
            let pepper = Pepper::read(&row).ok_or_else(damaged)?;
            return if given.is_none_or(|given| given == pepper.key) { Ok(pepper) } else { Err(OpenError::Pepper) };
        }
        disk.must_be_new("pepper")?;
        let pepper = Pepper { epoch: FIRST_EPOCH, key: given.map_or_else(drawn, Ok)? };
        disk.put_own(keys::PEPPER, Own::Pepper, &pepper.row())?;
        Ok(pepper)
    }

    fn row(&self) -> Vec<u8> {
        with_check(&[&self.epoch.to_le_bytes()[..], &self.key].concat())
    }

    fn read(row: &[u8]) -> Option<Pepper> {
        let (epoch, key) = checked(row).ok()?.split_first_chunk()?;
        Some(Pepper { epoch: u32::from_le_bytes(*epoch), key: key.try_into().ok()? })
    }
}

//! How exchanges are folded.

use crate::features::exchange::change::ExchangeClosed;
use crate::features::exchange::state::{CLOSED_EXCHANGES_MAX, OpenExchange};
use crate::tables::here::{FoldsLife, Here};
use crate::tables::life::Life;
use alloc::boxed::Box;

impl FoldsLife for Box<OpenExchange> {
    #[inline]
    fn apply(&self, life: &mut Life, _: &Here) -> Result<(), &'static str> {
        life.exchanges.open.push((**self).clone());
        Ok(())
    }
}

impl FoldsLife for ExchangeClosed {
    #[inline]
    fn apply(&self, life: &mut Life, _: &Here) -> Result<(), &'static str> {
        let is_meant =
            |open: &OpenExchange| (open.exchange, open.reference.short) == (self.exchange, self.reference.short);
        let at = life.exchanges.open.iter().position(is_meant).ok_or("no such exchange is open")?;
        let open = life.exchanges.open.remove(at);
        life.exchanges.closed.push((open.exchange, open.reference.short));
        if life.exchanges.closed.len() > CLOSED_EXCHANGES_MAX {
            life.exchanges.closed.remove(0);
        }
        Ok(())
    }
}

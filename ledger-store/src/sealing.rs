//! Sealing: how personal texts, what was said, and what hashes are keyed with are sealed and opened.
//!
//! With a key, every text is sealed for one place by AES-256-GCM-SIV (RFC 8452). The nonce says which field it is and
//! which of them, the associated data whose; nothing of either is stored. A place may be sealed twice with other
//! texts, after a crash that took a record with it, and with this mode that tells no more than that they differ.

use crate::error::Damage;
use aes_gcm_siv::aead::{Aead, Payload};
use aes_gcm_siv::{Aes256GcmSiv, KeyInit, Nonce};
use ledger_core::names::Name;
use ledger_core::sealed::{AES_256_GCM_SIV, Plain, Sealed, SealedFor, Sealing};
use ledger_core::units::{MemberNo, Position};
use std::sync::Arc;

/// What seals the personal texts of a ledger, and opens them where they are told.
#[derive(Clone, Default)]
pub struct Seals(By);

#[derive(Clone, Default)]
enum By {
    /// Nothing: texts are as they are.
    #[default]
    Nothing,
    /// A key.
    Key(Arc<Aes256GcmSiv>),
    /// Whoever folds and compares has no need of texts: what does not open stays as it is.
    Unread,
}

impl std::fmt::Debug for Seals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seals")
    }
}

/// What is sealed beside texts. The numbers are part of what it is sealed for, for ever, and go on behind those of
/// [`ledger_core::sealed::Field`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum Own {
    /// What was said in the records of the block that begins here.
    Causes(Position),
    /// The ledger's secret.
    Secret,
    /// The pepper.
    Pepper,
    /// The salts.
    Salts,
}

impl Own {
    fn place(self) -> (Nonce, [u8; 4]) {
        let (field, number) = match self {
            Own::Causes(first) => (5, first.0),
            Own::Secret => (6, 0),
            Own::Pepper => (7, 0),
            Own::Salts => (8, 0),
        };
        place(field, MemberNo::NOBODY, number)
    }

    fn what(self) -> String {
        match self {
            Own::Causes(first) => format!("what was said from record {first} on"),
            Own::Secret => "the secret".into(),
            Own::Pepper => "the pepper".into(),
            Own::Salts => "the row of salts".into(),
        }
    }
}

impl Seals {
    /// Seals under a key, if there is one.
    pub(crate) fn under(key: Option<[u8; 32]>) -> Seals {
        Seals(key.map_or(By::Nothing, |key| By::Key(Arc::new(Aes256GcmSiv::new(&key.into())))))
    }

    /// Opens what is not sealed, and forgives what is.
    pub(crate) fn unread() -> Seals {
        Seals(By::Unread)
    }

    /// Whether texts that do not open are no fault.
    pub(crate) fn is_unread(&self) -> bool {
        matches!(self.0, By::Unread)
    }

    /// Seals bytes, the scheme in front of them; nothing without a key.
    pub(crate) fn seal_own(&self, of: Own, bytes: &[u8]) -> Option<Vec<u8>> {
        let By::Key(key) = &self.0 else { return None };
        let mut sealed = vec![AES_256_GCM_SIV];
        sealed.append(&mut sealed_by(key, of.place(), bytes));
        Some(sealed)
    }

    /// Opens what [`Seals::seal_own`] made; nothing if nobody is to read it.
    pub(crate) fn open_own(&self, of: Own, sealed: &[u8]) -> Result<Option<Vec<u8>>, Damage> {
        let closed = || Damage::Sealed { what: of.what() };
        let key = match &self.0 {
            By::Unread => return Ok(None),
            By::Nothing => return Err(closed()),
            By::Key(key) => key,
        };
        let Some((&AES_256_GCM_SIV, bytes)) = sealed.split_first() else { return Err(closed()) };
        let (nonce, whose) = of.place();
        key.decrypt(&nonce, Payload { msg: bytes, aad: &whose }).map(Some).map_err(|_| closed())
    }

    /// Takes what stands there as it is, which a ledger under a key has nowhere.
    ///
    /// # Errors
    /// Under a key.
    pub(crate) fn admit_plain(&self, of: Own) -> Result<(), Damage> {
        match &self.0 {
            By::Key(_) => Err(Damage::Sealed { what: of.what() }),
            By::Nothing | By::Unread => Ok(()),
        }
    }
}

fn sealed_by(key: &Aes256GcmSiv, (nonce, whose): (Nonce, [u8; 4]), bytes: &[u8]) -> Vec<u8> {
    let sealed = key.encrypt(&nonce, Payload { msg: bytes, aad: &whose });
    sealed.expect("nothing here is as long as what this mode cannot seal")
}

impl Sealing for Seals {
    fn seal(&self, of: SealedFor, text: &str) -> Sealed {
        let By::Key(key) = &self.0 else { return Plain.seal(of, text) };
        let bytes = sealed_by(key, place_of(of), text.as_bytes());
        Sealed { scheme: AES_256_GCM_SIV, bytes: bytes.into() }
    }

    fn open(&self, of: SealedFor, sealed: &Sealed) -> Option<Name> {
        let key = match &self.0 {
            By::Key(key) if sealed.scheme == AES_256_GCM_SIV => key,
            By::Key(_) => return None,
            By::Nothing | By::Unread => return Plain.open(of, sealed),
        };
        let (nonce, whose) = place_of(of);
        let text = key.decrypt(&nonce, Payload { msg: &sealed.bytes, aad: &whose }).ok()?;
        String::from_utf8(text).ok().map(Name::from)
    }
}

/// Nonce and associated data of the place of a text.
fn place_of(of: SealedFor) -> (Nonce, [u8; 4]) {
    place(of.field.number(), of.member, of.number)
}

/// Nonce and associated data of a place.
fn place(field: u8, member: MemberNo, number: u64) -> (Nonce, [u8; 4]) {
    let mut nonce = [0; 12];
    nonce[0] = field;
    nonce[4..].copy_from_slice(&number.to_le_bytes());
    (nonce.into(), member.0.to_le_bytes())
}

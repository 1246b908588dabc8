//! Sealing: how personal texts are sealed and opened.
//!
//! With a key, every text is sealed for one place by AES-256-GCM-SIV (RFC 8452). The nonce says which field it is and
//! which of them, the associated data whose; nothing of either is stored. A place may be sealed twice with other
//! texts, after a crash that took a record with it, and with this mode that tells no more than that they differ.

use aes_gcm_siv::aead::{Aead, Payload};
use aes_gcm_siv::{Aes256GcmSiv, KeyInit, Nonce};
use ledger_core::names::Name;
use ledger_core::sealed::{AES_256_GCM_SIV, Plain, Sealed, SealedFor, Sealing};
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
}

impl Sealing for Seals {
    fn seal(&self, of: SealedFor, text: &str) -> Sealed {
        let By::Key(key) = &self.0 else { return Plain.seal(of, text) };
        let (nonce, whose) = place(of);
        let payload = Payload { msg: text.as_bytes(), aad: &whose };
        let bytes = key.encrypt(&nonce, payload).expect("no text is as long as what this mode cannot seal");
        Sealed { scheme: AES_256_GCM_SIV, bytes: bytes.into() }
    }

    fn open(&self, of: SealedFor, sealed: &Sealed) -> Option<Name> {
        let key = match &self.0 {
            By::Key(key) if sealed.scheme == AES_256_GCM_SIV => key,
            By::Key(_) => return None,
            By::Nothing | By::Unread => return Plain.open(of, sealed),
        };
        let (nonce, whose) = place(of);
        let text = key.decrypt(&nonce, Payload { msg: &sealed.bytes, aad: &whose }).ok()?;
        String::from_utf8(text).ok().map(Name::from)
    }
}

/// Nonce and associated data of a place.
fn place(of: SealedFor) -> (Nonce, [u8; 4]) {
    let mut nonce = [0; 12];
    nonce[0] = of.field.number();
    nonce[4..].copy_from_slice(&of.number.to_le_bytes());
    (nonce.into(), of.member.0.to_le_bytes())
}

//! Notes: text under signatures, as C2SP specifies it (signed-note), made and opened with Ed25519.
//!
//! Whoever opens a note brings the keys that it trusts. A signature of a key that is not among them is passed over;
//! one that claims to be of a key among them and is not makes the whole note worthless. What is opened may come from
//! anybody: it is read with a limit on everything.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// Longest note that is opened, in bytes.
pub(crate) const NOTE_BYTES_MAX: usize = 1 << 20;
/// Most signatures of a note that is opened.
const NOTE_SIGNATURES_MAX: usize = 64;
/// How a signature line begins.
const SIGNED_BY: &str = "\u{2014} ";
/// The type of a signature: Ed25519 over the note's text.
const ED25519: u8 = 1;

/// Why a note, or a key to open it with, is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// It is not written as the specification says.
    #[error("{0}")]
    Malformed(&'static str),
    /// A signature claims to be of a key that is trusted, and is not.
    #[error("the signature of {name} is wrong: something was changed, or another key signed it")]
    Signature {
        /// The name of the key.
        name: String,
    },
    /// No key that is trusted signed it.
    #[error("no key that was given has signed it")]
    Unsigned,
    /// It is signed, and does not prove what it says.
    #[error("{0}")]
    Unproved(&'static str),
}

/// A key that signs, under its name.
#[derive(Clone)]
pub struct NoteSigner {
    key: SigningKey,
    verifier: VerifierKey,
}

/// Keys are told by their name and what verifies them, never by what is secret.
impl fmt::Debug for NoteSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NoteSigner").field(&self.verifier.to_string()).finish()
    }
}

impl NoteSigner {
    /// The key of a seed, under a name.
    ///
    /// # Errors
    /// If the name has blanks or a plus, or is empty.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<NoteSigner, NoteError> {
        let key = SigningKey::from_bytes(seed);
        let verifier = VerifierKey::new(name, key.verifying_key())?;
        Ok(NoteSigner { key, verifier })
    }

    /// What verifies its signatures.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// A line with its signature of a text.
    fn line(&self, text: &str) -> String {
        let VerifierKey { name, id, .. } = &self.verifier;
        let signature = self.key.sign(text.as_bytes()).to_bytes();
        format!("{SIGNED_BY}{name} {}\n", STANDARD.encode([&id[..], &signature].concat()))
    }
}

/// A key that is trusted: it verifies the signatures of its name. Its text is the *vkey* of the specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    key: VerifyingKey,
}

impl VerifierKey {
    fn new(name: &str, key: VerifyingKey) -> Result<VerifierKey, NoteError> {
        if !is_name(name) {
            return Err(NoteError::Malformed("the name of a key is empty or has blanks or a plus"));
        }
        let hash = Sha256::new().chain_update(name).chain_update([b'\n', ED25519]).chain_update(key.as_bytes());
        let [a, b, c, d, ..]: [u8; 32] = hash.finalize().into();
        Ok(VerifierKey { name: name.into(), id: [a, b, c, d], key })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        let signature = Signature::from_slice(signature);
        signature.is_ok_and(|signature| self.key.verify_strict(text.as_bytes(), &signature).is_ok())
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = STANDARD.encode([&[ED25519], &self.key.as_bytes()[..]].concat());
        write!(f, "{}+{:08x}+{key}", self.name, u32::from_be_bytes(self.id))
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<VerifierKey, NoteError> {
        let malformed =
            NoteError::Malformed("a key to verify with is NAME+ID+KEY, as `ledgerd checkpoint --keys` has it");
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(malformed);
        };
        let key = STANDARD.decode(key).map_err(|_| malformed.clone())?;
        let key = match key.split_first() {
            Some((&ED25519, key)) => <[u8; 32]>::try_from(key).map_err(|_| malformed.clone())?,
            _ => return Err(NoteError::Malformed("the key is of a kind that is not known here; Ed25519 is")),
        };
        let key = VerifyingKey::from_bytes(&key).map_err(|_| NoteError::Malformed("the key is no Ed25519 key"))?;
        let verifier = VerifierKey::new(name, key)?;
        let written = format!("{:08x}", u32::from_be_bytes(verifier.id));
        if id == written {
            Ok(verifier)
        } else {
            Err(NoteError::Malformed("the key and its ID do not belong together"))
        }
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|letter| letter.is_whitespace() || letter.is_control() || letter == '+')
}

/// Signs a text, which ends with its line.
pub fn sign<'a>(text: &str, signers: impl IntoIterator<Item = &'a NoteSigner>) -> String {
    let lines: String = signers.into_iter().map(|signer| signer.line(text)).collect();
    format!("{text}\n{lines}")
}

/// A signature line taken apart.
struct Line<'a> {
    name: &'a str,
    id: [u8; 4],
    signature: Vec<u8>,
}

impl Line<'_> {
    fn read(line: &str) -> Option<Line<'_>> {
        let (name, signature) = line.strip_prefix(SIGNED_BY)?.split_once(' ')?;
        let signature = STANDARD.decode(signature).ok()?;
        let (id, signature) = signature.split_first_chunk::<4>()?;
        let is_whole = is_name(name) && !signature.is_empty();
        is_whole.then(|| Line { name, id: *id, signature: signature.to_vec() })
    }
}

/// A note's text and its signature lines, whoever signed it.
fn parted(note: &str) -> Result<(&str, Vec<Line<'_>>), NoteError> {
    if note.len() > NOTE_BYTES_MAX {
        return Err(NoteError::Malformed("the note is longer than 1 MiB"));
    }
    if note.chars().any(|letter| letter < ' ' && letter != '\n') {
        return Err(NoteError::Malformed("the note has control characters"));
    }
    let behind = note.rfind("\n\n").ok_or(NoteError::Malformed("the note has no signatures behind an empty line"))?;
    let (text, lines) = note.split_at(behind + 1);
    let lines = lines[1..].strip_suffix('\n').ok_or(NoteError::Malformed("the note does not end with its line"))?;
    if lines.split('\n').count() > NOTE_SIGNATURES_MAX {
        return Err(NoteError::Malformed("the note has more than 64 signatures"));
    }
    let lines: Option<Vec<Line<'_>>> = lines.split('\n').map(Line::read).collect();
    Ok((text, lines.ok_or(NoteError::Malformed("a signature line is not as it must be"))?))
}

/// The text of a note that at least one of `keys` signed.
///
/// # Errors
/// [`NoteError`], if it is no note, if none of them signed it, or if a signature of one of them is wrong.
pub(crate) fn open<'a>(note: &'a str, keys: &[VerifierKey]) -> Result<&'a str, NoteError> {
    let (text, lines) = parted(note)?;
    let mut signed = false;
    for line in lines {
        let Some(key) = keys.iter().find(|key| key.name == line.name && key.id == line.id) else { continue };
        if !key.verifies(text, &line.signature) {
            return Err(NoteError::Signature { name: key.name.clone() });
        }
        signed = true;
    }
    if signed { Ok(text) } else { Err(NoteError::Unsigned) }
}

/// The text of a note, whoever signed it: for whoever wrote the note itself, or compares it with something else.
///
/// # Errors
/// [`NoteError::Malformed`].
pub(crate) fn text_of(note: &str) -> Result<&str, NoteError> {
    parted(note).map(|(text, _)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    const NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo \
        Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

    fn key() -> VerifierKey {
        VKEY.parse().unwrap()
    }

    #[test]
    fn the_note_of_the_specification_opens_and_none_with_a_bit_changed() {
        assert_eq!(open(NOTE, &[key()]), Ok("This is an example message.\n"));
        assert_eq!(key().to_string(), VKEY);
        for bit in 0..NOTE.len() * 8 {
            let mut other = NOTE.as_bytes().to_vec();
            other[bit / 8] ^= 1 << (bit % 8);
            let opened = std::str::from_utf8(&other).is_ok_and(|other| open(other, &[key()]).is_ok());
            assert!(!opened, "bit {bit}");
        }
        for bit in 0..VKEY.len() * 8 {
            let mut other = VKEY.as_bytes().to_vec();
            other[bit / 8] ^= 1 << (bit % 8);
            let opened = std::str::from_utf8(&other).ok().and_then(|other| other.parse().ok());
            assert!(opened.is_none_or(|key| open(NOTE, &[key]).is_err()), "bit {bit}");
        }
    }

    #[test]
    fn what_one_key_signs_it_opens_and_no_other_does() {
        let [one, other] = [1, 2].map(|seed| NoteSigner::new("shop.example/log", &[seed; 32]).unwrap());
        let note = sign("a text\n\nof several\n", [&one, &other]);
        assert_eq!(note.lines().count(), 6);
        for signer in [&one, &other] {
            let parsed: VerifierKey = signer.verifier().to_string().parse().unwrap();
            assert_eq!(&parsed, signer.verifier());
            assert_eq!(open(&note, &[parsed]), Ok("a text\n\nof several\n"));
        }
        let stranger = NoteSigner::new("shop.example/log", &[3; 32]).unwrap();
        assert_eq!(open(&note, &[stranger.verifier().clone()]), Err(NoteError::Unsigned));
        assert_eq!(open(&note, &[]), Err(NoteError::Unsigned));
        let forged = sign("another text\n", [&one]).replace("another", "quite another");
        let name = "shop.example/log".to_string();
        assert_eq!(open(&forged, &[one.verifier().clone()]), Err(NoteError::Signature { name }));
        assert!(!format!("{one:?}").contains("1, 1"), "a seed is not shown");
    }

    #[test]
    fn what_is_no_note_is_refused() {
        let (text, line) = NOTE.split_once("\n\n").unwrap();
        for other in [
            "",
            "\n\n",
            text,
            &format!("{text}\n{line}"),
            &format!("{text}\n\n"),
            NOTE.trim_end(),
            &format!("{NOTE}\n"),
            &NOTE.replace("message", "mess\rage"),
            &NOTE.replace("example.com/foo ", "example.com/foo  "),
            &NOTE.replace("example.com/foo ", "example+com/foo "),
            &format!("{text}\n\n{}", line.repeat(NOTE_SIGNATURES_MAX + 1)),
            &format!("{}{NOTE}", "x\n".repeat(NOTE_BYTES_MAX / 2)),
        ] {
            let opened = open(other, &[key()]);
            assert!(matches!(opened, Err(NoteError::Malformed(_))), "{opened:?}: {:?}", &other[..other.len().min(90)]);
        }
        for other in ["", "a+b", "x+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", &VKEY[..VKEY.len() - 1]] {
            assert!(other.parse::<VerifierKey>().is_err(), "{other}");
        }
        for name in ["", "a b", "a+b", "a\u{a0}b", "a\nb"] {
            assert!(NoteSigner::new(name, &[0; 32]).is_err(), "{name:?}");
        }
    }
}

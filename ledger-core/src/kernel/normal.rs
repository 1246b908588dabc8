//! Normal: names that people cannot tell apart are one name, or are refused.
//!
//! Every name is put into this form before it is compared, hashed or sealed: Unicode NFC; no blanks at its ends; one
//! space where there is any other blank within. What cannot be seen (zero widths, directions, joiners, selectors,
//! fillers) and control characters are refused, since whoever sends them does not know, and what is taken out of a name
//! in silence may be a difference that the source counts on. Letters of several scripts that look alike stay apart:
//! which of them a name may have is its source's to say.

use alloc::borrow::Cow;
use alloc::string::String;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// Characters that are there and cannot be seen: those that Unicode lets a display ignore, line and paragraph
/// separators, marks of annotations, and the blank of Braille. First and last of each stretch, in order.
const UNSEEN: [(char, char); 20] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fffb}'),
    ('\u{13430}', '\u{1345f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d159}', '\u{1d159}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// A name in normal form; the name itself, if it is in it.
pub fn normal(name: &str) -> Cow<'_, str> {
    if is_plain(name) {
        return Cow::Borrowed(name);
    }
    let name = name.trim_matches(is_blank);
    if is_nfc(name) && !name.contains(|letter| letter != ' ' && is_blank(letter)) {
        return Cow::Borrowed(name);
    }
    let spaced = name.chars().map(|letter| if is_blank(letter) { ' ' } else { letter });
    Cow::Owned(spaced.nfc().collect::<String>())
}

/// What a name must not have, if it has any: a character that is there and cannot be seen.
pub fn unseen(name: &str) -> Option<char> {
    if name.is_ascii() { None } else { name.chars().find(|letter| is_unseen(*letter)) }
}

/// A blank that takes room; tabs and ends of lines are control characters.
fn is_blank(letter: char) -> bool {
    letter.is_whitespace() && !letter.is_control() && !is_unseen(letter)
}

fn is_unseen(letter: char) -> bool {
    UNSEEN.iter().any(|(first, last)| (*first..=*last).contains(&letter))
}

/// Whether there is nothing to look at: letters, digits and signs of ASCII, with no blank at either end.
#[inline]
pub(crate) fn is_plain(name: &str) -> bool {
    let bytes = name.as_bytes();
    let ends_so = |end: Option<&u8>| end.is_none_or(|byte| *byte != b' ');
    bytes.iter().all(|byte| (b' '..=b'~').contains(byte)) && ends_so(bytes.first()) && ends_so(bytes.last())
}

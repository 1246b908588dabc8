//! Tree: JSON whose numbers keep the text that was sent.
//!
//! A number of a shop's JSON may be an order of twenty-five digits or a price of seventeen; as a floating-point
//! number it would be another one. A tree borrows from the message, and no name comes twice in one of its objects.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// Deepest that lists and objects may be in each other, as everywhere that JSON is read.
const DEPTH_MAX: usize = 127;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tree<'t> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as it was written.
    Number(&'t str),
    /// A text.
    Text(Cow<'t, str>),
    /// A list.
    List(Vec<Tree<'t>>),
    /// An object, by name.
    Object(BTreeMap<Cow<'t, str>, Tree<'t>>),
}

impl<'t> Tree<'t> {
    /// Parses a text; `None` if it is no JSON, or a name comes twice in an object.
    pub(super) fn parse(text: &'t str) -> Option<Tree<'t>> {
        let mut parser = Parser { text, at: 0 };
        let tree = parser.value(DEPTH_MAX)?;
        parser.blanks();
        (parser.at == text.len()).then_some(tree)
    }

    /// What is at a pointer, by its tokens; `None` if there is nothing.
    pub(super) fn find<'a>(&self, tokens: impl Iterator<Item = &'a str>) -> Option<&Tree<'t>> {
        let mut found = self;
        for token in tokens {
            found = match found {
                Tree::Object(fields) => fields.get(token)?,
                Tree::List(items) => items.get(place(token)?)?,
                _ => return None,
            };
        }
        Some(found)
    }
}

/// A token of a pointer as a place in a list: no sign, no zero before other digits.
fn place(token: &str) -> Option<usize> {
    let plain = token == "0" || (!token.starts_with('0') && token.bytes().all(|byte| byte.is_ascii_digit()));
    plain.then(|| token.parse().ok()).flatten()
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn word(&mut self, word: &str, tree: Tree<'t>) -> Option<Tree<'t>> {
        self.text.get(self.at..)?.starts_with(word).then(|| {
            self.at += word.len();
            tree
        })
    }

    fn value(&mut self, depth: usize) -> Option<Tree<'t>> {
        self.blanks();
        match self.peek()? {
            b'n' => self.word("null", Tree::Null),
            b't' => self.word("true", Tree::Bool(true)),
            b'f' => self.word("false", Tree::Bool(false)),
            b'"' => self.text().map(Tree::Text),
            b'[' => self.list(depth.checked_sub(1)?),
            b'{' => self.object(depth.checked_sub(1)?),
            _ => self.number().map(Tree::Number),
        }
    }

    fn list(&mut self, depth: usize) -> Option<Tree<'t>> {
        self.take(b'[')?;
        let mut items = Vec::new();
        self.blanks();
        if self.take(b']').is_some() {
            return Some(Tree::List(items));
        }
        loop {
            items.push(self.value(depth)?);
            self.blanks();
            if self.take(b',').is_none() {
                self.take(b']')?;
                return Some(Tree::List(items));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Option<Tree<'t>> {
        self.take(b'{')?;
        let mut fields = BTreeMap::new();
        self.blanks();
        if self.take(b'}').is_some() {
            return Some(Tree::Object(fields));
        }
        loop {
            self.blanks();
            let name = self.text()?;
            self.blanks();
            self.take(b':')?;
            let value = self.value(depth)?;
            if fields.insert(name, value).is_some() {
                return None;
            }
            self.blanks();
            if self.take(b',').is_none() {
                self.take(b'}')?;
                return Some(Tree::Object(fields));
            }
        }
    }

    fn text(&mut self) -> Option<Cow<'t, str>> {
        self.take(b'"')?;
        let (begin, mut escaped) = (self.at, false);
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.at += 2;
                }
                0..=0x1f => return None,
                _ => self.at += 1,
            }
        }
        let (raw, quoted) = (self.text.get(begin..self.at)?, self.text.get(begin - 1..=self.at)?);
        self.at += 1;
        if escaped { serde_json::from_str(quoted).ok().map(Cow::Owned) } else { Some(Cow::Borrowed(raw)) }
    }

    fn number(&mut self) -> Option<&'t str> {
        let begin = self.at;
        let _ = self.take(b'-');
        if self.take(b'0').is_none() {
            self.digits()?;
        }
        if self.take(b'.').is_some() {
            self.digits()?;
        }
        if self.take(b'e').or_else(|| self.take(b'E')).is_some() {
            let _ = self.take(b'+').or_else(|| self.take(b'-'));
            self.digits()?;
        }
        self.text.get(begin..self.at)
    }

    fn digits(&mut self) -> Option<()> {
        let begin = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > begin).then_some(())
    }
}

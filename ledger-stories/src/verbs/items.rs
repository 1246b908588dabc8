//! Items that points are redeemed for.

use super::{Act, Detail, Verb, no_place};
use crate::play::{Answer, Play, list};
use crate::words::Words;
use ledger_core::event::{self, Body, ItemRequest, Name};

pub(super) const VERBS: &[Verb] = &[Verb {
    word: "items",
    syntax: &["items"],
    meaning: "How many pieces of each item are taken, and how many are left of those that the program says there are.",
    example: "
credit M1 900 welcome         -> earned 900, available 900, basic
redeem M1 item cup pieces 2   -> earned 0, available 300, basic
items                         -> cup 2 taken, 1 left
",
    act: Act::Other(items),
}];

pub(super) const DETAILS: &[Detail] = &[
    Detail {
        word: "item",
        value: "cup",
        of: &["redeem", "quote", "hold"],
        meaning: "For which item of the program points are spent.",
        set: |_, saying, name| {
            *place(saying.body())? = Some(Box::new(ItemRequest { item: name.into(), pieces: 1 }));
            Ok(())
        },
    },
    Detail {
        word: "pieces",
        value: "2",
        of: &["redeem", "quote", "hold"],
        meaning: "For how many pieces of the item before it; one if it is not said.",
        set: |_, saying, text| {
            let item_request = place(saying.body())?.as_mut().ok_or("pieces are of an item; name it first")?;
            item_request.pieces = text.parse().map_err(|_| format!("{text:?} is no number of pieces"))?;
            Ok(())
        },
    },
];

/// Where a redemption or hold says what it is for.
fn place(body: &mut Body<Name>) -> Result<&mut Option<Box<ItemRequest>>, String> {
    match body {
        Body::Redeem(event::Redeem { item, .. }) | Body::Hold(event::Hold { item, .. }) => Ok(item),
        body => Err(no_place(body)),
    }
}

fn items(play: &mut Play<'_>, _: &mut Words<'_>) -> Answer {
    let told = play.tallies("item")?.into_iter().map(|one| {
        let left = one.left.map_or_else(String::new, |left| format!(", {left} left"));
        format!("{} {} taken{left}", one.name, one.figure("taken"))
    });
    Ok(list("; ", told))
}

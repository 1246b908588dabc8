//! What points are given for, and what campaigns and budgets have given.

use super::{Act, Detail, Verb, no_place};
use crate::play::{Answer, Play, list};
use crate::words::Words;
use ledger_core::event::{self, Body, Currency, Line, LineDetail, Name};
use ledger_core::quantity::Quantity;
use ledger_core::units::Money;

pub(super) const VERBS: &[Verb] = &[
    Verb {
        word: "purchase",
        syntax: &["purchase MEMBER ORDER AMOUNT"],
        meaning: "Something is bought. Without a `line` the order is one line without a name.",
        example: "
purchase M1 o-1 38.00                                                  -> earned 38, available 38, basic
purchase M1 o-2 9.50 line tea/drinks//2/7.00 line cake/food/sweet/1/2.50 -> earned 9, available 47, basic
",
        act: Act::Event(purchase),
    },
    Verb {
        word: "check-in",
        syntax: &["check-in MEMBER"],
        meaning: "The member shows itself.",
        example: "
check-in M1 -> earned 5, available 5, basic
",
        act: Act::Event(|_, _| Ok(Body::CheckIn(event::CheckIn))),
    },
    Verb {
        word: "refer",
        syntax: &["refer MEMBER REFEREE"],
        meaning: "The member brought another.",
        example: "
refer M1 M2 -> earned 100, available 100, basic
",
        act: Act::Event(|_, words| Ok(Body::Referral(event::Referral { referee: words.next()?.into() }))),
    },
    Verb {
        word: "campaigns",
        syntax: &["campaigns"],
        meaning: "What each campaign has given, and what that costs, if the program says so.",
        example: "
refer M1 M2 -> earned 100, available 100, basic
campaigns   -> friends gave 100 for 1.00
",
        act: Act::Other(campaigns),
    },
    Verb {
        word: "budgets",
        syntax: &["budgets"],
        meaning: "What each budget has left.",
        example: "
refer M1 M2 -> earned 100, available 100, basic
budgets     -> friends.budget.ever has 900 of 1000 left
",
        act: Act::Other(budgets),
    },
];

pub(super) const DETAILS: &[Detail] = &[
    Detail {
        word: "line",
        value: "tea/drinks/hot,bio/2/5.00/1.00/0.80",
        of: &["purchase"],
        meaning: "A line, written SKU/CATEGORY/TAG,TAG/QUANTITY/NET/DISCOUNT/TAX. What is left out is nothing, and a \
                  quantity of one; one such as 0.345 is a weight. The lines come to the amount.",
        set: |play, saying, text| {
            saying.lines.push(line_of(play, text)?);
            Ok(())
        },
    },
    Detail {
        word: "shipping",
        value: "4.90",
        of: &["purchase"],
        meaning: "What of it was paid for delivery.",
        set: |play, saying, text| {
            purchased(saying.body(), |purchase| &mut purchase.shipping).map(|place| play.set_money(place, text))?
        },
    },
    Detail {
        word: "points-paid",
        value: "2.00",
        of: &["purchase"],
        meaning: "What of it was paid with points.",
        set: |play, saying, text| {
            purchased(saying.body(), |purchase| &mut purchase.points_paid).map(|place| play.set_money(place, text))?
        },
    },
    Detail {
        word: "currency",
        value: "CHF",
        of: &["purchase", "refund"],
        meaning: "Its currency; otherwise the program's.",
        set: |_, saying, text| match saying.body() {
            Body::Purchase(event::Purchase { currency, .. }) | Body::Refunded(event::Refunded { currency, .. }) => {
                *currency = Currency::read(text).ok_or_else(|| format!("{text:?} is no currency"))?;
                Ok(())
            }
            body => Err(no_place(body)),
        },
    },
];

fn purchase(play: &Play<'_>, words: &mut Words<'_>) -> Result<Body<Name>, String> {
    let order = words.next()?;
    let lines = vec![Line::plain("", 1, play.price(words.next()?)?)];
    Ok(Body::purchase(order, play.program()?.currency, lines))
}

/// A field of a purchase.
fn purchased(body: &mut Body<Name>, field: fn(&mut event::Purchase) -> &mut Money) -> Result<&mut Money, String> {
    match body {
        Body::Purchase(purchase) => Ok(field(purchase)),
        body => Err(no_place(body)),
    }
}

fn line_of(play: &Play<'_>, text: &str) -> Result<Line, String> {
    let mut fields = text.split('/');
    let mut field = || fields.next().filter(|field| !field.is_empty());
    let (sku, category, tags) = (field().unwrap_or(""), field().unwrap_or(""), field());
    let quantity = field().map_or(Some(Quantity::ONE), Quantity::read);
    let quantity = quantity.ok_or_else(|| format!("{text:?} has no quantity"))?;
    let mut money = || field().map_or(Ok(Money(0)), |amount| play.price(amount));
    let (net, discount, tax) = (money()?, money()?, money()?);
    let tags = tags.map_or_else(Vec::new, |tags| tags.split(',').map(Into::into).collect());
    let detail = LineDetail { category: category.into(), tags, discount, tax };
    let detail = (detail != LineDetail::default()).then(|| Box::new(detail));
    Ok(Line { sku: sku.into(), quantity, net, detail })
}

fn campaigns(play: &mut Play<'_>, _: &mut Words<'_>) -> Answer {
    let told = play.tallies("campaign")?.into_iter().map(|one| {
        let cost = one.find("cost").map_or_else(String::new, |cost| format!(" for {}", play.show_money(cost)));
        format!("{} gave {}{cost}", one.name, one.figure("given"))
    });
    Ok(list(", ", told))
}

fn budgets(play: &mut Play<'_>, _: &mut Words<'_>) -> Answer {
    let told = play.tallies("budget")?.into_iter().map(|one| {
        let (left, max) = (one.left.unwrap_or(0), one.max.unwrap_or(0));
        format!("{} has {left} of {max} left", one.name)
    });
    Ok(list(", ", told))
}

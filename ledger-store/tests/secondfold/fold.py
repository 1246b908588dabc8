"""A second decoder and a second fold of the log, written from FORMAT.md alone.

    fold.py FORMAT.md digest VERDICTS... the state digest of each file of verdicts, or where it is wrong
    fold.py FORMAT.md vectors FOLDS      whether each record makes of its rows what is told

Layouts, limits and version bytes are read from the page; what a record does is written here, in the order and the
words of its chapter "The fold". A file of verdicts is what `ledgerd export` writes: its checks and roots are proved.
"""

import hashlib
import re
import struct
import sys
from bisect import bisect_left, bisect_right
from collections import namedtuple
from functools import reduce
from io import BytesIO
from itertools import accumulate, pairwise
from keyword import iskeyword
from types import SimpleNamespace

import zstandard

I32, I64, U32, U64 = ((-(1 << 31), (1 << 31) - 1), (-(1 << 63), (1 << 63) - 1), (0, (1 << 32) - 1), (0, (1 << 64) - 1))
NEVER = I64[1]
VALUE_BYTES_MAX = 64 << 20


class Wrong(Exception):
    """What the page calls wrong: bytes that are no value, or a record that does not fold."""


WRONG = (Wrong, ValueError, struct.error)  # Python says it too: of no such entry, text that is not UTF-8, missing bytes


# Numbers and values: how a value of a type is read, how it is written, and how it begins.

Type = namedtuple("Type", "read write begin")


def take(reader, length):
    taken = reader.read(min(length, I32[1]))
    need(len(taken) == length, "bytes are missing")
    return taken


def unsigned(bits):
    forms = {mark: size for mark, size in ((0xfb, 2), (0xfc, 4), (0xfd, 8)) if size * 8 <= bits}

    def read(reader):
        first = take(reader, 1)[0]
        if first < 251:
            return first
        need(first in forms, "a number of no such size")
        return int.from_bytes(take(reader, forms[first]), "little")

    def write(out, value):
        if value < 251:
            return out.append(value)
        mark, size = next((mark, size) for mark, size in forms.items() if value < 1 << size * 8)
        out += bytes([mark]) + value.to_bytes(size, "little")

    return Type(read, write, int)


def signed(bits):
    of = unsigned(bits)

    def read(reader):
        value = of.read(reader)
        return value >> 1 if value & 1 == 0 else ~(value >> 1)

    return Type(read, lambda out, value: of.write(out, value << 1 if value >= 0 else ~(value << 1)), int)


def read_bool(reader):
    return (b"\0", b"\1").index(take(reader, 1)) == 1


u32, u64 = unsigned(32), unsigned(64)


def raw(count):
    return Type(lambda reader: take(reader, count), lambda out, value: out.extend(value), lambda: bytes(count))


def option(of):
    def write(out, value):
        out.append(value is not None)
        if value is not None:
            of.write(out, value)

    return Type(lambda reader: of.read(reader) if read_bool(reader) else None, write, lambda: None)


def many(of):
    def write(out, value):
        u64.write(out, len(value))
        for one in value:
            of.write(out, one)

    return Type(lambda reader: [of.read(reader) for _ in range(u64.read(reader))], write, list)


def several(types, made):
    def write(out, value):
        for of, one in zip(types, value):
            of.write(out, one)

    return Type(lambda reader: made([of.read(reader) for of in types]), write, lambda: made(of.begin() for of in types))


def write_bytes(out, value):
    u64.write(out, len(value))
    out += value


PLAIN = {"bool": Type(read_bool, lambda out, value: out.append(value), bool), "u16": unsigned(16), "u32": u32,
         "u8": Type(lambda reader: take(reader, 1)[0], lambda out, value: out.append(value), int), "u64": u64,
         "bytes": Type(lambda reader: take(reader, u64.read(reader)), write_bytes, bytes), "i32": signed(32),
         "text": Type(lambda reader: take(reader, u64.read(reader)).decode("utf-8"),
                      lambda out, value: write_bytes(out, value.encode("utf-8")), str), "i64": signed(64)}


class Layouts:
    """The layouts of the page: types by name, and the variants of those with numbers, in order."""

    def __init__(self, page):
        entries = (entry.split(" =", 1) for entry in fenced(page, "layout").split("\n\n"))
        self.bodies = {name: re.findall(r"\w+|[{}():]", body) for name, body in entries}
        self.types, self.variants = dict(PLAIN), {}
        for name in self.bodies:
            self.of_name(name)

    def of_name(self, name):
        if name not in self.types:
            tokens = self.bodies[name][::-1]
            self.types[name] = self.numbered(name, tokens) if tokens[-1].isdigit() else self.named(tokens, None)
        return self.types[name]

    def of_tokens(self, tokens):
        word = tokens.pop()
        if word == "(":
            return several([of for _, of in self.fields(tokens, ")")], tuple)
        if word == "sixteen":
            return several([self.of_tokens(tokens)] * 16, list)
        if word == "option":
            return option(self.of_tokens(tokens))
        if word == "list":
            assert tokens.pop() == "of"
            return many(self.of_tokens(tokens))
        if word.isdigit():
            assert tokens.pop() == "bytes"
            return raw(int(word))
        return self.of_name(word)

    def fields(self, tokens, end):
        """Fields with their names, or `of0`, `of1` and so on where there are none."""
        found = []
        while tokens and tokens[-1] != end:
            name = f"of{len(found)}"
            if tokens[-2:-1] == [":"]:
                name, _ = tokens.pop(), tokens.pop()
                name += "_" * iskeyword(name)
            found.append((name, self.of_tokens(tokens)))
        if tokens:
            tokens.pop()
        return found

    def named(self, tokens, end, variant=None):
        """A value with its fields by their names, and the name of its variant."""
        fields = self.fields(tokens, end)

        def write(out, value):
            for name, of in fields:
                of.write(out, getattr(value, name))

        return Type(lambda reader: SimpleNamespace(variant=variant, **{name: of.read(reader) for name, of in fields}),
                    write, lambda: SimpleNamespace(variant=variant, **{name: of.begin() for name, of in fields}))

    def numbered(self, name, tokens):
        variants = {}
        while tokens:
            assert int(tokens.pop()) == len(variants), f"a number of {name} is out of turn"
            variant, opened = tokens.pop(), tokens[-1] if tokens else ""
            end = {"{": "}", "(": ")"}.get(opened)
            variants[variant] = self.named(tokens if end and tokens.pop() else [], end, variant)
        self.variants[name] = names = list(variants)
        numbers = {variant: number for number, variant in enumerate(names)}

        def read(reader):
            number = u32.read(reader)
            need(number < len(names), f"no {name} of this number")
            return variants[names[number]].read(reader)

        def write(out, value):
            u32.write(out, numbers[value.variant])
            variants[value.variant].write(out, value)

        return Type(read, write, variants[names[0]].begin)

    def make(self, layout, /, **fields):
        """A value that begins, but for these fields."""
        return put(self.types[layout].begin(), **fields)

    def decode(self, name, data, version):
        need(len(data) <= VALUE_BYTES_MAX and data[:1] == bytes([version]), "a version byte that is not known")
        reader = BytesIO(data[1:])
        value = self.types[name].read(reader)
        need(not reader.read(1), "bytes are left over")
        return value

    def encode(self, name, value, version):
        out = bytearray([version])
        self.types[name].write(out, value)
        return bytes(out)


# The words of the chapter.


def fenced(page, name):
    return page.split(f"\n```{name}\n", 1)[1].split("\n```", 1)[0]


def need(is_so, what):
    if not is_so:
        raise Wrong(what)


def within(bounds, value):
    need(bounds[0] <= value <= bounds[1], "a sum does not fit")
    return value


def grow(value, field, by, bounds=I64):
    setattr(value, field, within(bounds, getattr(value, field) + by))


def put(value, /, **fields):
    for name, content in fields.items():
        setattr(value, name, content)
    return value


def find(entries, fields):
    return next((one for one in entries if all(getattr(one, name) == said for name, said in fields.items())), None)


def first(entries, /, **fields):
    found = find(entries, fields)
    need(found is not None, f"nothing with {fields}")
    return found


def first_leaves(entries, /, **fields):
    return entries.pop(entries.index(first(entries, **fields)))


def keep(value, field, is_kept):
    setattr(value, field, [entry for entry in getattr(value, field) if is_kept(entry)])


def put_at_most(entries, entry, most):
    entries.append(entry)
    del entries[:max(0, len(entries) - most)]


def put_in_order(entries, order, entry):
    entries.insert(bisect_right(entries, order(entry), key=order), entry)


def same(value, *names):
    return {name: getattr(value, name) for name in names}


def ever(at):
    return None if at == NEVER else at


def by_lot(lot):
    return lot.expires_at, lot.id.position, lot.id.line


def take_held(hold, lot):
    need(hold.used < len(hold.slices), "a hold is used up")
    part = hold.slices[hold.used]
    need(part.id == lot.id and part.left >= lot.left, "a hold is overdrawn")
    grow(part, "left", -lot.left)
    hold.used += part.left == 0


def place_of(lots, lot):
    place = bisect_left(lots.lots, by_lot(lot), key=by_lot)
    return place, place < len(lots.lots) and by_lot(lots.lots[place]) == by_lot(lot)


class Fold:
    """The rows of `state`, as far as records are folded into them."""

    def __init__(self, page):
        self.layouts = Layouts(page)
        self.make, variants = self.layouts.make, self.layouts.variants
        self.limits = {name: int(value) for name, value in re.findall(r"(\w+) = (\d+)", fenced(page, "limits"))}
        versions = re.search(r"The version byte is `(\w\w)` for records[^`]*`(\w\w)`", page).groups()
        self.record_version, self.row_version = (int(version, 16) for version in versions)
        self.places = {account: place for place, account in enumerate(variants["Account"])}
        assert set(self.places) == set(NOTHING) | set(LOTS) | {"Held", "Debt"}, "other accounts than these"
        assert set(variants["Change"]) == set(OWN) | set(OTHER) | {"TermsAdded"}, "other changes than these"
        assert set(variants["LifeChange"]) == set(LIFE), "other changes of a life than these"
        self.begin()

    def begin(self):
        self.tables = {kind: {} for kind in ROWS}
        self.shared, self.members, self.counters, self.cases, self.programs, self.staff = self.tables.values()
        self.shared[()] = self.make("Shared")

    def one_of(self, entries, layout, order=None, /, **fields):
        """The one of these fields: the first, or a new one in its place."""
        found = find(entries, fields)
        if found is None:
            found = self.make(layout, **fields)
            put_in_order(entries, order, found) if order else entries.append(found)
        return found

    def made(self, value, field, layout):
        """A field that is none until it is asked for."""
        if getattr(value, field) is None:
            setattr(value, field, self.make(layout))
        return getattr(value, field)

    # A record, step by step.

    def fold(self, position, data):
        record = self.layouts.decode("VerdictPart", data, self.record_version)
        self.position, self.at, verdict, of_record = position, record.at, record.verdict, record.why.member
        changes = [(change.variant, inner(change), whose(change)) for change in verdict.changes]
        touched = [of_record, *(posting.member for posting in verdict.postings)]
        touched += [member for _, _, members in changes for member in members]
        for number in (number for number in dict.fromkeys(touched) if number != 0):
            self.fold_member(number, verdict, changes, number == of_record)
        for variant, change, _ in (one for one in changes if one[0] in OTHER):
            OTHER[variant](self, change)
        self.fold_shared(verdict, changes)

    def fold_member(self, number, verdict, changes, is_of_record):
        if number == len(self.members) + 1:
            self.members[number,] = self.make("Member")
        need(number <= len(self.members), "a member's number is out of turn")
        member, self.emptied = self.members[number,], []
        own = [(variant, change) for variant, change, members in changes if number in members]
        for variant, change in (one for one in own if one[0] != "HoldClosed"):
            OWN[variant](self, member, change)
        for posting in (one for one in verdict.postings if one.member == number):
            self.post(member, posting)
        for variant, change in (one for one in own if one[0] == "HoldClosed"):
            OWN[variant](self, member, change)
        self.drop_emptied()
        if is_of_record:
            purse = find([member.purses.first, *member.purses.more], {"wallet": verdict.wallet})
            need(verdict.available == (purse.lots.total if purse else 0), "the available balance differs")
        put(member, position=self.position, records=member.records + 1)
        member.history.recent.append(self.position)
        if len(member.history.recent) == self.limits["HISTORY_PAGE"]:
            put(member.history, recent=[], paged=member.history.paged + self.limits["HISTORY_PAGE"])

    def fold_shared(self, verdict, changes):
        shared = self.shared[()]
        need(self.at >= shared.at, "time runs backwards")
        for posting in verdict.postings:
            need(posting.points > 0, "a posting moves nothing")
            totals = self.one_of(shared.wallets, "WalletTotals", wallet=posting.wallet).accounts
            for account, points in ((posting.from_, -posting.points), (posting.to, posting.points)):
                place = self.places[account.variant]
                totals[place] = within(I64, totals[place] + points)
        need(all(one.accounts[self.places["Moved"]] == 0 for one in shared.wallets), "points are given and not taken")
        for variant, change, _ in changes:
            if variant == "TermsAdded":
                shared.terms += change.terms
            elif variant == "TierSet" and change.from_ != change.to:
                self.count_tier(change.from_, -1)
                self.count_tier(change.to, 1)
            elif variant == "Overtook" and change.member == 0:
                shared.waiting.append(self.waiting(change, change.name))
            elif variant == "DeferredApplied" and change.member == 0:
                first_leaves(shared.waiting, position=change.event)
        put(shared, position=self.position, at=self.at, refused=shared.refused + (verdict.refusal is not None))

    def count_tier(self, tier, step):
        if tier != 0:
            tiers = dict(self.shared[()].tiers)
            tiers[tier] = within(U64, tiers.get(tier, 0) + step)
            self.shared[()].tiers = sorted(tiers.items())

    # Postings.

    def purse(self, member, wallet):
        purses = member.purses
        if purses.first.wallet == 0:
            purses.first.wallet = wallet
        return purses.first if purses.first.wallet == wallet else self.one_of(purses.more, "Purse", wallet=wallet)

    def aside(self, member, wallet):
        return self.made(self.purse(member, wallet), "aside", "Aside")

    def post(self, member, posting):
        need(posting.wallet != 0, "a posting names no wallet")
        if (posting.from_.variant, posting.to.variant) in OF_FUNDS:
            return
        purse = self.purse(member, posting.wallet)
        lot = self.make("Lot", expires_at=posting.expires_at, id=posting.lot, left=posting.points)
        for account, side, take_or_put in ((posting.from_, 0, self.take), (posting.to, 1, self.put)):
            if account.variant in NOTHING:
                need(NOTHING[account.variant][side], f"no points come from or go to {account.variant} so")
            elif account.variant == "Held":
                hold = first(member.holds, no=account.of0, wallet=posting.wallet)
                take_held(hold, lot) if side == 0 else hold.slices.append(lot)
            elif account.variant == "Debt":
                grow(purse, "debt", posting.points if side == 0 else -posting.points)
                need(side == 0 or purse.debt >= 0, "more debt is repaid than owed")
            else:
                take_or_put(purse, LOTS[account.variant](self, member, posting.wallet), lot)
                lot = self.make("Lot", **same(lot, "expires_at", "id", "left"))

    def put(self, _, lots, lot):
        need(lot.left > 0, "a posting moves nothing")
        grow(lots, "total", lot.left)
        place, is_there = place_of(lots, lot)
        grow(lots.lots[place], "left", lot.left) if is_there else lots.lots.insert(place, lot)

    def take(self, purse, lots, lot):
        place, is_there = place_of(lots, lot)
        need(is_there and 0 < lot.left <= lots.lots[place].left, "a lot is overdrawn")
        grow(lots, "total", -lot.left)
        grow(lots.lots[place], "left", -lot.left)
        if lots.lots[place].left == 0:
            self.emptied.append((purse, lots))

    def drop_emptied(self):
        for _, lots in self.emptied:
            keep(lots, "lots", lambda lot: lot.left != 0)
        for purse, lots in self.emptied:
            if lots is not purse.lots:
                there = [lot.id for lot in purse.aside.review.lots + purse.aside.waiting.pending.lots]
                keep(purse.aside.waiting, "waits", lambda wait: wait.lot in there)

    # Changes that take more than a line.

    def enter_purchase(self, member, change):
        if forget_older(member, "purchases", change) and member.returns is not None:
            there = {purchase.position for purchase in member.purchases}
            keep(member.returns, "lines", lambda line: line.purchase in there)
            keep(member.returns, "reversed", lambda one: one.purchase in there)
        self.forget_returns(member)
        member.purchases.append(self.make("PurchaseRef", position=self.position, **same(change, "order", "day")))

    def enter_redemption(self, member, change):
        forget_older(member, "redemptions", change)
        fields = dict(same(change, "wallet", "order", "day", "points", "hold"), position=self.position)
        member.redemptions.append(self.make("RedemptionRef", **fields))

    def give_back(self, member, change):
        redemption = first(member.redemptions, position=change.redemption)
        grow(redemption, "refunded", change.points)
        need(redemption.refunded <= redemption.points, "more is given back than was redeemed")

    def register(self, member, change):
        need(member.records == 0, "a member is registered twice")
        member.name = change.name

    def open_hold(self, member, change):
        fields = same(change, "no", "wallet", "name", "expires_at", "order", "day", "item")
        put(member, holds_made=change.no).holds.append(self.make("Hold", **fields))

    def close_hold(self, member, change):
        hold = first_leaves(member.holds, no=change.no)
        need(all(part.left == 0 for part in hold.slices), "a hold is closed that still holds points")
        put_at_most(member.closed_holds, hold.name.short, self.limits["CLOSED_HOLDS_MAX"])

    def count(self, counter, change):
        grow(counter, "total", change.amount)
        gone = [one.bucket for one in counter.tallies + [change] if one.bucket < change.keep_from]
        put(counter, known_from=max([counter.known_from] + [min(bucket + 1, I32[1]) for bucket in gone]))
        keep(counter, "tallies", lambda tally: tally.bucket >= change.keep_from)
        if change.bucket >= change.keep_from:
            grow(self.one_of(counter.tallies, "Tally", lambda t: t.bucket, bucket=change.bucket), "amount", change.amount)
        if change.seen != 0:
            keep(counter, "seen", lambda one: one.bucket >= change.keep_from)
            if change.bucket >= change.keep_from:
                self.one_of(counter.seen, "Seen", lambda s: (s.bucket, s.member), bucket=change.bucket, member=change.seen)
            members = [one.member for one in counter.seen]
            if len(members) > self.limits["SIGHTINGS_MAX"]:
                del counter.seen[next((at for at, one in enumerate(members) if one in members[at + 1:]), 0)]

    def in_a_row(self, streak, ago):
        most, days = self.limits["STREAK_DAYS"], streak.days >> ago
        row = next(n for n in range(most + 1) if not days >> n & 1)
        return row + (streak.before if ago + row >= most else 0)

    def lengthen(self, member, change):
        is_new, most = find(member.streaks, same(change, "term")) is None, self.limits["STREAK_DAYS"]
        streak = self.one_of(member.streaks, "Streak", term=change.term)
        step = 0 if is_new else change.day - streak.last
        before = streak.before if step <= 0 else self.in_a_row(streak, most - step) if step <= most else 0
        days = streak.days << max(0, min(step, most)) & (1 << most) - 1
        put(streak, last=change.day if is_new or step > 0 else streak.last, days=days, before=before)
        ago = streak.last - change.day
        need(ago < most and not days >> ago & 1, "a day of a streak counts twice")
        need(self.in_a_row(put(streak, days=days | 1 << ago), 0) == change.count, "a streak has other days")

    def count_other(self, change):
        if change.key.variant == "Risk":
            begun = self.make("CounterRow", counter=self.make("Counter", term=change.term))
            row = self.counters.setdefault((change.key.of0, change.term), begun)
            self.count(put(row, position=self.position).counter, change)

    def lifetimes(self, member, change):
        return self.aside(member, change.wallet).lifetimes

    def expired(self, member, change):
        lifetimes = self.lifetimes(member, change)
        keep(lifetimes, "expired_recently", lambda died: died.day >= change.forget_before)
        return lifetimes

    def expire(self, member, change):
        died = self.expired(member, change).expired_recently
        if not died or died[-1].day != change.day:
            died.append(self.make("ExpiredRecently", day=change.day))
        grow(died[-1], "points", change.points)

    def reinstate(self, member, change):
        lifetimes, missing = self.expired(member, change), change.points
        for died in lifetimes.expired_recently:
            taken = min(died.points, missing)
            grow(died, "points", -taken)
            missing = within(I64, missing - taken)
        need(missing == 0, "more points live again than died")
        keep(lifetimes, "expired_recently", lambda died: died.points != 0)
        put_at_most(lifetimes.reinstated, change.lot, self.limits["REINSTATED_MAX"])

    def forget_returns(self, member):
        member.returns = None if member.returns == self.make("Returns") else member.returns

    def come(self, member, change):
        need(not member.opened, "a member comes from another system twice")
        said = {name: value for name, value in same(change, "enrolled_at", "birthday").items() if value is not None}
        put(member, opened=True, streaks=[*{one.term: one for one in member.streaks + change.streaks}.values()], **said)

    def return_line(self, member, change):
        lines, in_order = self.made(member, "returns", "Returns").lines, lambda line: (line.purchase, line.line)
        line = self.one_of(lines, "LineReturned", in_order, **same(change, "purchase", "line"))
        grow(line, "items", change.items, U64)
        grow(line, "amount", change.amount)

    def keep_line(self, member, change):
        line = first(member.returns.lines if member.returns else [], **same(change, "purchase", "line"))
        grow(line, "items", -change.items, U64)
        grow(line, "amount", -change.amount, (0, I64[1]))
        keep(member.returns, "lines", lambda one: one.items or one.amount)
        self.forget_returns(member)

    def reverse(self, member, change):
        purchase = find(member.purchases, {"position": change.purchase})
        need(purchase or change.amount == 0, "no such purchase")
        if purchase:
            grow(purchase, "refunded", -change.amount, (0, I64[1]))
            reversals = self.made(member, "returns", "Returns").reversed
            reversals.append(self.make("ReversedRefund", **same(change, "purchase", "refund")))

    def waiting(self, change, name):
        return self.make("Deferred", name=name, position=self.position, **same(change, "day", "until"))

    def resume(self, member, change):
        returns, event = member.returns or self.make("Returns"), {"position": change.event}
        first_leaves(returns.deferred if find(returns.deferred, event) else returns.overtaken, **event)
        self.forget_returns(member)

    def wait(self, member, change):
        waiting = self.aside(member, change.wallet).waiting
        keep(waiting, "waits", lambda wait: wait.lot != change.lot)
        order = lambda wait: (wait.until, wait.lot.position, wait.lot.line)
        put_in_order(waiting.waits, order, self.make("Wait", **same(change, "until", "lot")))

    def visit(self, member, change):
        stay, visits = change.stay, self.made(self.made(member, "life", "Life"), "visits", "Visits")
        need(stay.until >= stay.from_, "a visit ends before it begins")
        is_part = lambda v: v.stay.store == stay.store and v.stay.from_ >= stay.from_ and v.stay.until <= stay.until
        counted = {}
        parts = [entry for visit in visits.known if is_part(visit) for entry in visit.counted]
        for term, amount in parts + change.counted:
            counted[term] = within(I64, counted.get(term, 0) + amount)
        keep(visits, "known", lambda visit: not is_part(visit))
        put_in_order(visits.known, lambda v: v.stay.until, self.make("Visit", stay=stay, counted=[*counted.items()]))
        kept_ms, kept, most = (self.limits[name] for name in ("VISITS_KEPT_MS", "VISITS_KEPT", "VISITS_MAX"))
        before = max(I64[0], stay.until - kept_ms)
        while len(visits.known) > most or (len(visits.known) > kept and visits.known[0].stay.until < before):
            gone = visits.known.pop(0).stay.until
            visits.forgotten_until = max(gone, I64[0] if visits.forgotten_until is None else visits.forgotten_until)

    def live(self, member, change):
        life = self.made(member, "life", "Life")
        LIFE[change.change.variant](self, life, inner(change.change))
        if life == self.make("Life"):
            member.life = None

    def case(self, change, do):
        need((change.case,) in self.cases, "no such case")
        case = self.cases[change.case,]
        if case.position < self.position:
            do(put(case, position=self.position))

    def set_program(self, change):
        known = len(self.programs)
        if known == 0 or self.programs[known,].position < self.position:
            self.programs[known + 1,] = self.make("ProgramRow", **same(self, "position", "at"), text=change.text)

    def register_staff(self, change):
        if change.staff == len(self.staff) + 1:
            self.staff[change.staff,] = self.make("StaffRow", position=self.position, name=change.name)
        known = 0 < change.staff <= len(self.staff) and self.staff[change.staff,].position == self.position
        need(known, "a number of the staff is out of turn")

    def link(self, life, change):
        aliases = life.membership.aliases
        need(find(aliases, {"key": change.key}) is None, "an alias is linked twice")
        aliases.append(self.make("Alias", linked_at=self.at, **same(change, "kind", "key")))

    def gifts(self, life, change):
        if find(life.gifts, {"wallet": change.wallet}) is None:
            life.gifts.append(self.make("Gifts", wallet=change.wallet, day=I32[0]))
        return first(life.gifts, wallet=change.wallet)

    def give(self, life, change):
        gifts = self.gifts(life, change)
        put(gifts, day=change.day, given=within(I64, (gifts.given if gifts.day == change.day else 0) + change.points))

    def propose(self, life, change):
        keep(life, "proposals", lambda proposal: proposal.lapses_at > self.at)
        fields = same(change, "adjustment", "wallet", "points", "lapses_at")
        life.proposals.append(self.make("Proposal", position=self.position, by=[change.by], **fields))

    def close_exchange(self, life, change):
        named = [(one.exchange, one.reference.short) for one in life.exchanges.open]
        closed = (change.exchange, change.reference.short)
        del life.exchanges.open[named.index(closed)]
        put_at_most(life.exchanges.closed, closed, self.limits["CLOSED_EXCHANGES_MAX"])

    # Rows.

    def rows(self):
        """All rows of `state`, keys and values, in order of keys."""
        found = ((kind, key, row) for kind, table in self.tables.items() for key, row in table.items())
        return sorted((kind + struct.pack(ROWS[kind][1], *key),
                       self.layouts.encode(ROWS[kind][0], row, self.row_version)) for kind, key, row in found)

    def load(self, key, value):
        """Puts a row back."""
        layout, form = ROWS[key[:2]]
        self.tables[key[:2]][struct.unpack(form, key[2:])] = self.layouts.decode(layout, value, self.row_version)

    def digest(self):
        return sha256(*(struct.pack("<Q", len(part)) + part for row in self.rows() for part in row)).hex()


# The layout of each kind of row, and what its key has behind the kind.
ROWS = {b"sh": ("Shared", ">"), b"me": ("Member", ">I"), b"co": ("CounterRow", ">16sH"), b"ca": ("Case", ">Q"),
        b"pr": ("ProgramRow", ">I"), b"st": ("StaffRow", ">I")}


def inner(change):
    """What the change says: two hold a layout of its own."""
    return change.of0 if change.variant in ("CaseOpened", "ExchangeOpened") else change


def whose(change):
    """The members whose the change is."""
    if change.variant == "Counted":
        return [change.key.of0] if change.key.variant == "Member" else []
    said = inner(change)
    return said.members if hasattr(said, "members") else [said.member] if hasattr(said, "member") else []


def forget_older(member, field, change):
    entries = getattr(member, field)
    if entries and entries[0].day < change.forget_before:
        return keep(member, field, lambda entry: entry.day >= change.forget_before) or True


def set_new(value, field, content, what):
    """A field that has to be none becomes this, or one that has to be something becomes none."""
    need((getattr(value, field) is None) != (content is None), what)
    setattr(value, field, content)


# Whether points come from an account that only the totals know, and whether they go to it.
NOTHING = {"Issued": (True, False), "Redeemed": (True, True), "Expired": (True, True), "ClawedBack": (True, True),
           "Voided": (False, True), "Debited": (False, True), "Moved": (True, True), "Fees": (False, True),
           "Donated": (False, True), "Exchanging": (True, True), "Exchanged": (False, True)}
LOTS = {"Available": lambda fold, member, wallet: fold.purse(member, wallet).lots,
        "Review": lambda fold, member, wallet: fold.aside(member, wallet).review,
        "Pending": lambda fold, member, wallet: fold.aside(member, wallet).waiting.pending}
OF_FUNDS = {("Issued", "Donated"), ("ClawedBack", "Donated"), ("Donated", "ClawedBack")}

# What each change does to the row of its member: the fold, the row, the change.
OWN = {
    "Registered": Fold.register,
    "Enrolled": lambda f, m, c: put(m, enrolled_at=f.at if c.joined else m.enrolled_at, birthday=c.birthday),
    "AttributeSet": lambda f, m, c: put(m, attributes=sorted({**dict(m.attributes), c.term: c.value}.items())),
    "Purchased": Fold.enter_purchase,
    "Refunded": lambda f, m, c: grow(first(m.purchases, position=c.purchase), "refunded", c.amount),
    "ReferredBy": lambda f, m, c: put(m, referrer=c.referrer),
    "Counted": lambda f, m, c: f.count(f.one_of(m.counters, "Counter", lambda one: one.term, term=c.term), c),
    "TierSet": lambda f, m, c: put(m.tier, tier=c.to, unmet_since=c.unmet_since, due=ever(c.due)),
    "Streak": Fold.lengthen,
    "Active": lambda f, m, c: put(m, dormant_at=ever(c.dormant_at)),
    "HoldOpened": Fold.open_hold,
    "HoldClosed": Fold.close_hold,
    "CaseOpened": lambda f, m, c: m.cases.append(f.position),
    "CaseJoined": lambda f, m, c: m.cases.append(c.case),
    "CaseClosed": lambda f, m, c: keep(m, "cases", lambda case: case != c.case),
    "Life": Fold.live,
    "Redeemed": Fold.enter_redemption,
    "RedeemRefunded": Fold.give_back,
    "HoldExtended": lambda f, m, c: put(first(m.holds, no=c.no), expires_at=c.expires_at),
    "ActivityExpirySet": lambda f, m, c: put(
        f.made(f.lifetimes(m, c), "spell", "ActivityExpiry"), since=c.since, until=c.until),
    "ReminderSet": lambda f, m, c: put(f.lifetimes(m, c), remind_at=ever(c.at)),
    "ExpiredRecently": Fold.expire,
    "Reinstated": Fold.reinstate,
    "LineReturned": Fold.return_line,
    "Deferred": lambda f, m, c: f.made(m, "returns", "Returns").deferred.append(f.waiting(c, c.order)),
    "DeferredApplied": Fold.resume,
    "PendingUntil": Fold.wait,
    "Visited": Fold.visit,
    "DiedOnce": lambda f, m, c: put_at_most(f.lifetimes(m, c).reinstated, c.lot, f.limits["REINSTATED_MAX"]),
    "Opened": Fold.come,
    "Overtook": lambda f, m, c: f.made(m, "returns", "Returns").overtaken.append(f.waiting(c, c.name)),
    "RefundReversed": Fold.reverse,
    "LineKept": Fold.keep_line,
    **dict.fromkeys(["TierCounted", "Expiring", "ToldLate"], lambda f, m, c: None),
}

# What each does to rows that are no member's, but for that of the totals.
OTHER = {
    "Counted": Fold.count_other,
    "CaseOpened": lambda f, c: f.cases.setdefault(
        (f.position,), f.make("Case", position=f.position, at=f.at, opened=c)),
    "CaseJoined": lambda f, c: f.case(c, lambda case: put(case.opened, members=case.opened.members + c.members)),
    "CaseClosed": lambda f, c: f.case(c, lambda case: put(case, finding=c.finding)),
    "ProgramSet": Fold.set_program,
    "StaffRegistered": Fold.register_staff,
}

# What each change of a life does to it: the fold, the life, the change.
LIFE = {
    "Frozen": lambda f, life, c: put(life.membership, frozen=c.scope),
    "Closed": lambda f, life, c: set_new(life.membership, "closed_at", f.at, "a member is closed twice"),
    "AliasLinked": Fold.link,
    "AliasUnlinked": lambda f, life, c: first_leaves(life.membership.aliases, key=c.key),
    "Gave": Fold.give,
    "Received": lambda f, life, c: put(f.gifts(life, c), received_at=f.at),
    "MergedInto": lambda f, life, c: set_new(life.merges, "into", c.member, "a member is merged twice"),
    "Absorbed": lambda f, life, c: life.merges.absorbed.append(
        f.make("Absorbed", position=f.position, member=c.member)),
    "Unmerged": lambda f, life, c: set_new(life.merges, "into", None, "who is unmerged is not merged"),
    "Released": lambda f, life, c: first_leaves(life.merges.absorbed, member=c.member),
    "Proposed": Fold.propose,
    "Approved": lambda f, life, c: first(life.proposals, position=c.proposal).by.append(c.by),
    "ProposalEnded": lambda f, life, c: first_leaves(life.proposals, position=c.proposal),
    "HouseholdJoined": lambda f, life, c: set_new(life.sharing, "household", c.household, "in two households"),
    "HouseholdLeft": lambda f, life, c: set_new(life.sharing, "household", None, "a member leaves no household"),
    "MemberJoined": lambda f, life, c: life.sharing.members.append(c.member),
    "MemberLeft": lambda f, life, c: life.sharing.members.remove(c.member),
    "ExchangeOpened": lambda f, life, c: life.exchanges.open.append(c),
    "ExchangeClosed": Fold.close_exchange,
}


# The file of verdicts.


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


class Tree:
    """The tree of RFC 6962: the hashes of the complete subtrees at its right edge."""

    def __init__(self):
        self.size, self.peaks = 0, []

    def append(self, hashed):
        self.size += 1
        for _ in range((self.size & -self.size).bit_length() - 1):
            hashed = sha256(b"\1", self.peaks.pop(), hashed)
        self.peaks.append(hashed)

    def root(self):
        return reduce(lambda right, left: sha256(b"\1", left, right), self.peaks[::-1]) if self.peaks else sha256()


def verdicts(block, tree):
    """The verdict parts of a block that stands behind the records of the tree, which grows by them."""
    version, check, root, more = struct.unpack_from("<B8s32sB", block)
    last, reader = tree.size + more + 1, BytesIO(block[50:])
    frame = take(reader, u32.read(reader))
    checked = block[9:50 + reader.tell()]
    causes = [take(reader, 32) for _ in range(more + 1)]
    need(version in (3, 4) and not reader.read(1), "no block, or more than one")
    need(check == sha256(struct.pack("<Q", last), checked)[:8], "a block is not what was written")
    raw = zstandard.decompress(b"\x28\xb5\x2f\xfd" + frame) if frame[0] else frame[1:]
    ends = [*accumulate(struct.unpack_from(f"<{more}I", raw), initial=4 * more), len(raw)]
    need(ends[-2] <= ends[-1], "the lengths of a block do not add up")
    parts = [raw[start:end] for start, end in pairwise(ends)]
    for part, cause in zip(parts, causes):
        tree.append(sha256(b"\0", part, cause))
    need(tree.root() == root, "a block has another root")
    return parts


def log(path):
    """The records of a file of verdicts: positions and bytes."""
    with open(path, "rb") as file:
        tree, kind = Tree(), b""
        need(take(file, 30)[:8] == b"verdict\1", "this is no file of verdicts")
        while kind != b"E":
            kind, length = struct.unpack("<cI", take(file, 5))
            need(length <= 256 << 20, "an entry of more than 256 MiB")
            content, behind = take(file, length), tree.size
            if kind == b"B":
                yield from enumerate(verdicts(content, tree), behind + 1)
            elif kind == b"E":
                need(content == struct.pack("<Q", tree.size) + tree.root() and not file.read(1), "another end")
            else:
                need(kind == b"C" and tree.size == 0, "an entry of no such kind")


def digest_of(fold, path):
    fold.begin()
    position = 0
    try:
        for position, data in log(path):
            fold.fold(position, data)
    except WRONG as wrong:
        return f"wrong at {position}: {wrong}"
    return fold.digest()


def vectors(path):
    """Lines of words, of which each vector begins with its name."""
    with open(path, encoding="utf-8") as file:
        for part in file.read().split("\n\n"):
            name, *lines = [line for line in part.split("\n") if line and line[0] != "#"] or [""]
            if lines:
                yield name, [line.split() for line in lines]


def check(fold, name, lines):
    """Rows, a record, and the rows that are others behind it, or that it is wrong."""
    fold.begin()
    rows = {}
    for word, key, value in (line for line in lines if line[0] in ("row", "behind")):
        rows[bytes.fromhex(key)] = bytes.fromhex(value)
        if word == "row":
            fold.load(bytes.fromhex(key), bytes.fromhex(value))
    expected = "wrong" if ["wrong"] in lines else sorted(rows.items())
    position, record = next(line[1:] for line in lines if line[0] == "record")
    try:
        fold.fold(int(position), bytes.fromhex(record))
        told = fold.rows()
    except WRONG:
        told = "wrong"
    return f"{name}: {'agrees' if told == expected else told}"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        fold = Fold(file.read())
    for path in sys.argv[3:]:
        told = [digest_of(fold, path)] if sys.argv[2] == "digest" else (check(fold, *one) for one in vectors(path))
        print(*told, sep="\n")


if __name__ == "__main__":
    main()

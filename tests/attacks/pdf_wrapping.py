"""Signature wrapping and universal signature forgery: the ranges, the container and the dictionary of a signature.

Source: Mladenov and others (CCS 2019), §4.1 (USF) and §4.2 (SWA); ISO 32000-2 §12.8.1: the hole is /Contents, and no more.
"""

import re

from pyhanko.pdf_utils import generic

from app.core.clock import now
from tests.attacks import workshop
from tests.attacks.catalogue import forgery
from tests.attacks.workshop import (
    byte_range,
    changed,
    container,
    filled,
    layout,
    scam_objects,
    scam_page,
    signature_of,
    table,
    thing,
    trailer,
    written_objects,
)

SSA, USF = "SSA", "USF"


def moved(shop, *, second: bytes, closed: bytes, copied: bool = True) -> bytes:
    """The signed part after the hole moved further away; where it was, another cross-reference table.

    `second`: the name of the entry written in the hole with the new ranges; `closed`: what ends the dictionary there.
    """
    data = shop.base
    start, _end, der = container(data)
    ranges = byte_range(data)
    after = data[ranges[2] :]
    found, objects = layout(data), scam_objects(data)
    head = data[:start] + der.hex().encode() + b">"
    target = len(data) + 6000  # where the signed part goes
    announced = second + b" [0 %d %d %d]" % (ranges[1], target, len(after))
    head += b"\n" + announced + closed
    body, places = written_objects(objects, len(head) + 1)
    middle = head + b"\n" + body
    middle = middle.ljust(found.startxref, b" ")
    assert len(middle) == found.startxref, "the forger's objects do not fit before the former table"
    previous = int(re.search(rb"/Prev (\d+)", after).group(1))
    # every object of the signed update is told again: its table is no longer where it was
    own = signed_places(data)
    own = {number: place for number, place in own.items() if place < start}
    middle += table({**own, **places}) + trailer(data, found.size + 30, prev=previous)
    middle += b"startxref\n%d\n%%%%EOF\n" % found.startxref
    whole = middle.ljust(target, b" ")
    assert len(whole) == target
    return whole + (after if copied else b"")


def signed_places(data: bytes) -> dict[int, int]:
    """Where the objects of the last update are."""
    at = layout(data).startxref
    lines = data[at : data.index(b"trailer", at)].split(b"\n")[1:]
    places, number = {}, 0
    for line in lines:
        words = line.split()
        if len(words) == 2:
            number = int(words[0])
        elif len(words) == 3:
            if words[2] == b"n":
                places[number] = int(words[0])
            number += 1
    return places


forgery(SSA, "second ByteRange in the hole, signed part moved")(
    lambda shop: moved(shop, second=b"/ByteRange", closed=b">>\nendobj\n")
)
forgery(SSA, "second ByteRange in the hole by its escaped name")(
    lambda shop: moved(shop, second=b"/Byte#52ange", closed=b">>\nendobj\n")
)
forgery(SSA, "signed part moved, ranges as they were")(
    lambda shop: moved(shop, second=b"/Anges", closed=b">>\nendobj\n")
)


def rewritten_ranges(numbers):
    """The ranges in place, in as many bytes as they had."""

    def make(shop):
        data = roomy(shop)
        at = data.index(b"/ByteRange")
        first, last = data.index(b"[", at), data.index(b"]", at)
        text = numbers(byte_range(data), len(data))
        room = last - first - 1
        assert len(text) <= room, (text, room)
        return data[: first + 1] + text.ljust(room) + data[last:]

    return make


def spelled(*numbers: int) -> bytes:
    return b" ".join(b"%d" % one for one in numbers)


RANGES = {
    "negative length": lambda r, _size: spelled(r[0], r[1], r[2], -r[3]),
    "negative start": lambda r, _size: spelled(-1, r[1], r[2], r[3]),
    "first range of nothing": lambda r, _size: spelled(0, 0, r[2], r[3]),
    "second range of nothing": lambda r, _size: spelled(0, r[1], r[2], 0),
    "whole file without a hole": lambda _r, size: spelled(0, size, size, 0),
    "overlapping ranges": lambda r, _size: spelled(0, r[1], r[1] - 50, r[3]),
    "beyond the end of the file": lambda r, size: spelled(0, r[1], r[2], size),
    "enormous numbers": lambda r, _size: spelled(0, r[1], r[2]) + b" 99999999999999",
    "three numbers": lambda r, _size: spelled(*r[:3]),
    "two numbers": lambda r, _size: spelled(*r[:2]),
    "ranges in the other order": lambda r, _size: spelled(r[2], r[3], 0, r[1]),
    "all noughts": lambda _r, _size: b"0 0 0 0",
    "nothing at all": lambda _r, _size: b"",
}
for _variant, _numbers in RANGES.items():
    forgery(SSA, f"ByteRange: {_variant}")(rewritten_ranges(_numbers))


# A signer who cheats: the ranges leave out what will be changed afterwards; his own key signs


def cheating(shop, ranges_of, *, between=b"", before=b"", after_signing=None, extra_contents=None) -> bytes:
    """A file signed by the mayor's own key over ranges that leave something out.

    `between`: bytes put after the container inside the hole. `ranges_of(start, end, size)`: the ranges, the container
    with its marks lying at [start, end). `after_signing`: what is done to the bytes that no range covers.
    """
    data = shop.once("blank hole", lambda: blank_hole(shop))
    at = data.index(b"/Contents <0") + len(b"/Contents ")
    end = data.index(b">", at) + 1
    data = data[:at] + before + data[at:end] + between + data[end:]
    at, end = at + len(before), end + len(before)
    ranges = ranges_of(at, end, len(data))
    slot = data.index(b"/ByteRange [") + len(b"/ByteRange [")
    room = data.index(b"]", slot) - slot
    text = spelled(*ranges)
    assert len(text) <= room
    data = data[:slot] + text.ljust(room) + data[slot + room :]
    pairs = list(zip(ranges[::2], ranges[1::2], strict=True))
    covered = b"".join(data[one : one + length] for one, length in pairs)
    der = workshop.signed_bytes(shop, covered)
    data = filled(data, at + 1, end - 1, der)
    return after_signing(data) if after_signing else data


ROOM = 12000


def blank_hole(shop) -> bytes:
    """An update with a signature whose hole is blank, and a page whose content comes after it in the file."""
    data = shop.plain
    data = workshop.with_field(data, "Signature1", workshop.STAMP_BOX)
    found = layout(data)
    objects = dict(scam_objects(data))  # the page and its content, written anew by the author
    content = max(objects)
    objects[content] = workshop.raw_stream(workshop.scam_content("MONTANT DE LA SUBVENTION 1 000 EUR"))
    number = content + 1
    with_value = field_body(data, number)
    signature = (
        b"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached /M (D:%b) "
        b"/ByteRange [%b] /Contents <%b> >>"
    ) % (f"{now():%Y%m%d%H%M%S}Z".encode(), b" " * 90, b"0" * ROOM)
    ordered = {found.page: objects[found.page], **with_value, number: signature, content: objects[content]}
    return workshop.appended(data, ordered)


def field_body(data: bytes, value: int) -> dict[int, bytes]:
    """The signature field with its value."""
    import io

    import pikepdf

    with pikepdf.open(io.BytesIO(data)) as pdf:
        (field,) = pdf.Root.AcroForm.Fields
        body = field.unparse(resolved=True)
        return {field.objgen[0]: body.rstrip(b"> ") + b" /V %d 0 R >>" % value}


def scam_in_the_gap(data: bytes) -> bytes:
    """The amount of the page's content rewritten, in as many bytes."""
    assert data.count(b"1 000 EUR") == 1
    return data.replace(b"1 000 EUR", b"9 999 EUR")


def roomy(shop) -> bytes:
    """A signature as it should be, with room for other ranges in its dictionary."""
    return shop.once("roomy", lambda: cheating(shop, lambda at, end, size: [0, at, end, size - end]))


forgery(SSA, "cheating signer: the page's content lies between two ranges")(
    lambda shop: cheating(
        shop,
        lambda at, end, size: [0, at, end + 300, size - end - 300],
        between=b"",
        after_signing=scam_in_the_gap,
    )
)
forgery(SSA, "cheating signer: second range ends before the file does")(
    lambda shop: cheating(
        shop,
        lambda at, end, size: [0, at, end, size - end - 400],
        after_signing=lambda data: data[:-400] + data[-400:].replace(b"%%EOF", b"%%EOF"),
    )
)
forgery(SSA, "cheating signer: the first range starts after the header")(
    lambda shop: cheating(
        shop,
        lambda at, end, size: [20, at - 20, end, size - end],
        after_signing=lambda data: b"%PDF-2.0\n" + data[9:],
    )
)
forgery(SSA, "cheating signer: a gap within the first range")(
    lambda shop: cheating(shop, lambda at, end, size: [0, 400, 900, at - 900, end, size - end])
)
forgery(SSA, "cheating signer: the hole is larger than the container")(
    lambda shop: cheating(
        shop,
        lambda at, end, size: [0, at - 30, end, size - end],
        after_signing=lambda data: data.replace(b"/SubFilter", b"/SubFilter", 1),
    )
)
forgery(SSA, "cheating signer: an entry after the container, inside the hole")(
    lambda shop: cheating(
        shop,
        lambda at, end, size: [0, at, end + 40, size - end - 40],
        between=b" /Reason (Prefet du Finistere)         ",
    )
)
forgery(SSA, "cheating signer: an object inside the hole")(
    lambda shop: cheating(
        shop,
        lambda at, end, size: [0, at, end + 120, size - end - 120],
        between=(b" >>\nendobj\n900 0 obj\n" + workshop.raw_stream(b"0 0 m")).ljust(117) + b" <<",
    )
)
forgery(SSA, "cheating signer: the same range twice")(
    lambda shop: cheating(shop, lambda at, end, size: [0, at, 0, at, end, size - end])
)
forgery(SSA, "cheating signer: only the header is covered")(
    lambda shop: cheating(shop, lambda at, _end, _size: [0, 15, at - 1, 1], after_signing=scam_in_the_gap)
)
forgery(SSA, "cheating signer: nothing is covered")(
    lambda shop: cheating(shop, lambda _at, _end, _size: [0, 0, 0, 0], after_signing=scam_in_the_gap)
)


# The container


def contents(change):
    """The container in place, changed."""

    def make(shop):
        data = shop.base
        start, end, der = container(data)
        return filled(data, start, end, change(der))

    return make


def der_of_another(shop, der: bytes) -> bytes:
    return workshop.signed_bytes(shop, b"autre chose")


@forgery(SSA, "Contents: the signature of other bytes by the same key")
def contents_of_other_bytes(shop):
    data = shop.base
    start, end, _ = container(data)
    return filled(data, start, end, workshop.signed_bytes(shop, b"autre chose"))


@forgery(SSA, "Contents: the signature of another document")
def contents_of_another(shop):
    data, other = shop.base, shop.stamped(shop.prepared(lambda pdf: pdf.pages.__delitem__(1)))
    start, end, _ = container(data)
    return filled(data, start, end, container(other)[2])


forgery(SSA, "Contents: noughts")(contents(lambda der: b""))
forgery(SSA, "Contents: cut in the middle")(contents(lambda der: der[: len(der) // 2]))
forgery(SSA, "Contents: a length that lies")(
    contents(lambda der: der[:2] + (int.from_bytes(der[2:4], "big") - 40).to_bytes(2, "big") + der[4:])
)
forgery(SSA, "Contents: a bit of the value turned")(
    contents(lambda der: der[:-10] + bytes((der[-10] ^ 1,)) + der[-9:])
)


@forgery(SSA, "Contents: rubbish after the container, where noughts were")
def rubbish_after(shop):
    data = shop.base
    start, end, der = container(data)
    return filled(data, start, end, der + b"\xca\xfe\xba\xbe" * 20)


@forgery(SSA, "Contents: a second container after the first")
def second_container(shop):
    data = shop.base
    start, end, der = container(data)
    other = workshop.signed_bytes(shop, b"autre chose")
    return filled(data, start, end, (der + other)[: (end - start) // 2])


@forgery(SSA, "the hole is closed early and holds an object of its own")
def closed_early(shop):
    data = shop.base
    start, end, der = container(data)
    found = layout(data)
    planted = b"> >>\nendobj\n%d 0 obj\n<< /Type /Sig >>\nendobj\n%d 0 obj\n<< /X <" % (
        found.size + 3,
        found.size + 4,
    )
    text = der.hex().encode() + planted
    return data[:start] + text.ljust(end - start, b"0") + data[end:]


@forgery(SSA, "the hole is closed early and holds a second page's content")
def content_in_hole(shop):
    """The page is pointed, by an update, at a stream hidden in the hole of the signature."""
    data = shop.base
    start, end, der = container(data)
    found = layout(data)
    number = found.size + 3
    planted = b"> >>\nendobj\n%d 0 obj\n%b\nendobj\n%d 0 obj\n<< /X <" % (
        number,
        workshop.raw_stream(workshop.scam_content()),
        number + 1,
    )
    text = der.hex().encode() + planted
    hollow = data[:start] + text.ljust(end - start, b"0") + data[end:]
    objects = scam_objects(data)
    page = objects[found.page].replace(b"/Contents %d 0 R" % max(objects), b"/Contents %d 0 R" % number)
    body, places = written_objects({found.page: page}, len(hollow) + 1)
    places[number] = hollow.index(b"%d 0 obj" % number, start)
    at = len(hollow) + 1 + len(body)
    return (
        hollow + b"\n" + body + table(places) + trailer(data, number + 2) + b"startxref\n%d\n%%%%EOF\n" % at
    )


# Universal forgery: the dictionary no longer says what is signed, and the page is another


def without(key: str):
    return lambda signature: signature.__delitem__(key)


def put(key: str, value):
    def change(signature) -> None:
        signature[key] = thing(value) if not isinstance(value, generic.PdfObject) else value

    return change


DICTIONARY = {
    "no ByteRange": without("/ByteRange"),
    "ByteRange null": put("/ByteRange", None),
    "ByteRange empty": put("/ByteRange", []),
    "ByteRange a name": put("/ByteRange", "/Tout"),
    "ByteRange a number": put("/ByteRange", 0),
    "ByteRange of noughts": put("/ByteRange", [0, 0, 0, 0]),
    "ByteRange of names": put("/ByteRange", ["/a", "/b", "/c", "/d"]),
    "ByteRange negative": put("/ByteRange", [0, -1, -1, -1]),
    "ByteRange of one number": put("/ByteRange", [0]),
    "ByteRange of reals": put("/ByteRange", [0.0, 10.5, 20.5, 1.0]),
    "no Contents": without("/Contents"),
    "Contents null": put("/Contents", None),
    "Contents empty": put("/Contents", b""),
    "Contents one nought": put("/Contents", b"\0"),
    "Contents a name": put("/Contents", "/rien"),
    "Contents a number": put("/Contents", 7),
    "Contents an array": put("/Contents", [b"\0"]),
    "no Filter, no SubFilter": lambda signature: (
        signature.__delitem__("/Filter"),
        signature.__delitem__("/SubFilter"),
    ),
    "unknown SubFilter": put("/SubFilter", "/escroc.detached"),
    "SubFilter adbe.x509.rsa_sha1": put("/SubFilter", "/adbe.x509.rsa_sha1"),
    "SubFilter adbe.pkcs7.sha1": put("/SubFilter", "/adbe.pkcs7.sha1"),
    "Type DocTimeStamp": put("/Type", "/DocTimeStamp"),
    "Type unknown": put("/Type", "/Signe"),
    "Cert beside Contents": put("/Cert", b"\x30\x00"),
}


def universal(change):
    def make(shop):
        def edit(writer):
            signature = signature_of(writer)
            change(signature)
            writer.update_container(signature)
            scam_page(writer)

        return changed(shop.base, edit)

    return make


for _variant, _change in DICTIONARY.items():
    forgery(USF, _variant)(universal(_change))


@forgery(USF, "the field has no value any more")
def no_value(shop):
    def edit(writer):
        field = writer.root["/AcroForm"]["/Fields"][0].get_object()
        del field["/V"]
        writer.update_container(field)
        scam_page(writer)

    return changed(shop.base, edit)


@forgery(USF, "the value is a direct dictionary that copies the signature")
def direct_value(shop):
    def edit(writer):
        field = writer.root["/AcroForm"]["/Fields"][0].get_object()
        field["/V"] = thing({str(key)[1:]: signature_of(writer)[key] for key in signature_of(writer)})
        writer.update_container(field)
        scam_page(writer)

    return changed(shop.base, edit)


@forgery(USF, "the field's type is text")
def as_text(shop):
    def edit(writer):
        field = writer.root["/AcroForm"]["/Fields"][0].get_object()
        field["/FT"] = thing("/Tx")
        writer.update_container(field)
        scam_page(writer)

    return changed(shop.base, edit)


@forgery(USF, "unsigned file: a signature dictionary copied from a signed one")
def transplanted(shop):
    """The whole signature of another document, ranges included, in a document that nobody signed."""
    donor = shop.base
    _start, _end, der = container(donor)
    ranges = byte_range(donor)
    scam = shop.prepared(
        lambda pdf: pdf.pages[0].__setattr__("Contents", pdf.make_stream(workshop.scam_content()))
    )
    data = workshop.with_field(scam, "Signature1", workshop.STAMP_BOX)

    def edit(writer):
        field = writer.root["/AcroForm"]["/Fields"][0].get_object()
        field["/V"] = writer.add_object(
            thing(
                {
                    "Type": "/Sig",
                    "Filter": "/Adobe.PPKLite",
                    "SubFilter": "/ETSI.CAdES.detached",
                    "ByteRange": ranges,
                    "Contents": der,
                }
            )
        )
        writer.update_container(field)

    return changed(data, edit)

"""Budgets as the finance software would seal them, whatever a test changed in them."""

import hashlib
import re

from lxml import etree

SEAL = re.compile(rb'md5="[0-9A-F]*" sha1="[0-9A-F]*"')


def sealed(raw: bytes, *changes: tuple[bytes, bytes]) -> bytes:
    """The budget with these changes, its seal made again: MD5 and SHA-1 of its Canonical XML without the seal."""
    for before, after in changes:
        assert before in raw, before
        raw = raw.replace(before, after)
    root = etree.fromstring(raw)
    (seal,) = root.iter("{*}Scellement")
    seal.getparent().remove(seal)
    content = etree.tostring(root, method="c14n")
    digests = (
        hashlib.new(name, content, usedforsecurity=False).hexdigest().upper() for name in ("md5", "sha1")
    )
    return SEAL.sub(b'md5="%s" sha1="%s"' % tuple(one.encode() for one in digests), raw)

"""A flow of a thousand bordereaux, each signed: judged by the bounded process that strangers' files get, each with its report."""

import re
from pathlib import Path

from app.core.clock import now
from app.signing.keys.pkcs12 import Pkcs12Key
from app.trust.authorities import Whom
from app.verification.examine import examine
from demo.pki import TestPki
from tests.builders import pes

COUNT = 1000


def a_thousand_bordereaux() -> bytes:
    data = pes.sample("depense_2_bordereaux")
    first = pes.FIRST.search(data)
    assert first is not None
    one = first.group(0)
    many = b"".join(one.replace(b"BD2025-000001", b"BD2025-%06d" % (rank + 10)) for rank in range(COUNT))
    second = re.search(rb'<Bordereau Id="BD2025-000002">.*?</Bordereau>', data, re.DOTALL)
    assert second is not None
    return data.replace(second.group(0), b"").replace(one, many)


def test_a_thousand_signatures_are_judged_and_reported_within_a_stranger_s_bounds(
    pki: TestPki, tmp_path: Path
) -> None:
    key, root = Pkcs12Key.load(pki.p12("card_rsa"), pki.passphrase), pki.root_pem.read_bytes()
    _, flow = pes.signed(tmp_path, key, a_thousand_bordereaux())
    found = examine(flow, Whom((root,), (root,), True, (pki.host,), 20.0, None, ()), now())
    assert (found.kind, len(found.verdicts)) == ("pes", COUNT)
    assert {one.verdict for one in found.verdicts} == {"valide"}
    assert all("mainindication:total-passed" in (one.report or "") for one in found.verdicts)
    assert len({one.where for one in found.verdicts}) == COUNT

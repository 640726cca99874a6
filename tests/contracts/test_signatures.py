"""Every key with every format, on the real engines, and what strangers say of each file that comes out.

SoftHSM for PKCS#11, Certomancer's trust service for CSC, Chromium's WebCrypto for the key of a browser, the messages of
Web eID for a card, a file of the server; timestamps by Certomancer's authority. A new format is added to `FORMATS`, a
new key is found by the walk: nothing is skipped, and what the law forbids refuses by name.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import pem

from app.core.clock import now
from app.core.refusals import Refusal
from app.signing.formats import cades, pades, xades, xades_pes
from app.signing.ports import FieldPlan
from app.trust.certificates import Trust
from app.trust.timestamp import TimestampClient
from demo.pki import TestPki
from tests.builders.chromium import Chromium
from tests.builders.pes import MAYOR, sample
from tests.builders.softhsm import Token
from tests.builders.trust_service import TrustService
from tests.builders.verify import verify
from tests.contracts.test_keys import ASSETS, KINDS, OPENERS, PROVIDERS, Opened, World
from tests.contracts.test_keys import browser as shaped_like_a_browser
from tests.signing import test_cades, test_pades, test_pes_sign, test_xades


@dataclass
class Cell:
    """One key and one format: where the files lie, whom we believe, who tells the time."""

    opened: Opened
    pki: TestPki
    trust: Trust
    tsa: TimestampClient
    room: Path

    @property
    def held(self) -> dict[str, Any]:
        return {"certificate": self.opened.key.certificate, "chain": self.opened.chain}

    def verdicts(self, path: Path, content: Path | None = None) -> list[str]:
        """What our own verifier says, the authorities asked.

        A flow does not carry the authority above its signer: a card's certificate says where it is, the others' is
        believed by itself.
        """
        above = tuple(self.opened.key.chain[:1]) if content is None else ()
        believed = replace(self.trust, roots=(*self.trust.roots, *above), fetch=True)
        return [one.verdict for one in verify(path, believed, now(), content)]


def a_pdf(cell: Cell) -> None:
    source, target = ASSETS / "deliberation.pdf", cell.room / "signed.pdf"
    plan = {"field": "Signature", "fields": [FieldPlan("Signature", None)], "stamp": None}
    said = {"reason": None, "location": None, "now": now(), "timestamped": True}
    ready = pades.prepare(source, target, **cell.held, **plan, **said)
    signature = cell.opened.sign(ready.attributes)
    pades.complete(target, ready, **cell.held, signature=signature, timestamper=cell.tsa)
    asked = {"field": "Signature", "certificate": cell.opened.key.certificate, "timestamped": True}
    assert pades.check(target, source=source, **asked, trust=cell.trust, moment=now()).level == "B-T"
    test_pades.assert_others_accept(target, cell.pki)  # qpdf, pdfsig, openssl cms -cades
    assert cell.verdicts(target) == ["valide"]


def beside(form: Any, cell: Cell, content: bytes, name: str) -> tuple[Path, Path]:
    source, target = cell.room / name, cell.room / f"{name}.signature"
    source.write_bytes(content)
    ready = form.prepare(source, target, **cell.held, field="maire", now=now())
    signature = cell.opened.sign(ready.attributes)
    form.complete(target, ready, source=source, **cell.held, signature=signature, timestamper=cell.tsa)
    asked = {"field": "maire", "certificate": cell.opened.key.certificate, "timestamped": True}
    assert form.check(target, source=source, **asked, trust=cell.trust, moment=now()).level == "B-T"
    assert cell.verdicts(target, source) == ["valide"]
    return source, target


def a_p7s(cell: Cell) -> None:
    source, target = beside(cades, cell, bytes(range(256)) * 40, "plans.zip")
    code, said = test_cades.openssl(target, source, cell.pki)
    assert code == 0, said


def an_xml_signature(cell: Cell) -> None:
    _, target = beside(xades, cell, b"<budget><ligne>Cercle nautique</ligne></budget>", "budget.xml")
    code, said = test_xades.xmlsec1(target, cell.pki)
    assert code == 0, said
    test_xades.assert_schema_accepts(target)


def a_flow(cell: Cell) -> None:
    source, target = cell.room / "source.xml", cell.room / "signed.xml"
    source.write_bytes(sample("depense_2_bordereaux"))
    own = {"certificate": cell.opened.key.certificate}
    ready = xades_pes.prepare(source, target, **own, signatory=MAYOR, now=now())
    signatures = [cell.opened.sign(one.attributes) for one in ready]
    xades_pes.complete(target, ready, **own, signatures=signatures)
    found = xades_pes.check(target, source=source, **cell.held, trust=cell.trust, moment=now())
    assert len(found) == 2
    interm = cell.room / "interm.pem"
    interm.write_bytes(pem.armor("CERTIFICATE", cell.opened.chain[0]))
    test_pes_sign.assert_xmlsec1_accepts(target, cell.pki, 2, interm)
    test_pes_sign.assert_xmldsigjs_accepts(target, 2)
    test_pes_sign.assert_schemas_accept(target)  # PES 5.17 and XAdES 1.2.2
    assert cell.verdicts(target) == ["valide", "valide"]


FORMATS: dict[str, Callable[[Cell], None]] = {
    "PAdES": a_pdf,
    "CAdES": a_p7s,
    "XAdES": an_xml_signature,
    "PES": a_flow,
}
# The Treasury's profile knows RSA alone (Politique de signature, §4.2): whoever has another key is told so
FORBIDDEN = {("EC", "PES"): "pes-key-not-rsa"}


@pytest.fixture(scope="module")
def engines(pki: TestPki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Chromium]]:
    token = Token(tmp_path_factory.mktemp("hsm"), "croisement")
    for label, key in KINDS.values():
        token.put(pki, label, key)
    service, chromium = TrustService(pki), Chromium()
    yield World(pki, token, service), chromium
    chromium.close()
    service.close()


def opened_by(name: str, kind: str, engines: tuple[World, Chromium]) -> Opened:
    world, chromium = engines
    label, key = KINDS[kind]
    if name != "browser":
        return OPENERS[name](world, label)
    path = world.pki.folder / "keys" / f"{key}.pem"
    shown = shaped_like_a_browser(world, label)
    return replace(shown, sign=lambda tbs: chromium.sign(path, shown.key.certificate, tbs))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", PROVIDERS)
def test_each_key_signs_each_format_and_strangers_accept_it(
    name: str, kind: str, form: str, engines: tuple[World, Chromium], pki: TestPki, tmp_path: Path
) -> None:
    root = pki.root_pem.read_bytes()
    trust = Trust((root,), (root,), fetch=False, allowed_hosts=(pki.host,), timeout=20)
    cell = Cell(
        opened_by(name, kind, engines), pki, trust, TimestampClient(pki.tsa_url, timeout=20), tmp_path
    )
    refused = FORBIDDEN.get((kind, form))
    if refused is None:
        FORMATS[form](cell)
        return
    with pytest.raises(Refusal, match=refused):
        FORMATS[form](cell)
    assert not list(tmp_path.glob("signed*"))


def test_the_browser_of_this_suite_signs_as_the_page_s_own_key_would(
    engines: tuple[World, Chromium],
) -> None:
    """RSA signatures have one form: Chromium's is the very one that the same key makes on the server."""
    world, chromium = engines
    key, label = KINDS["RSA"][1], KINDS["RSA"][0]
    made = chromium.sign(world.pki.folder / "keys" / f"{key}.pem", world.pki.certificate(label), b"octets")
    assert made == world.person(label).sign(b"octets")


def test_no_key_and_no_kind_of_key_is_left_out() -> None:
    assert {"browser", "csc", "pkcs11", "pkcs12", "webeid"} <= set(PROVIDERS) == set(OPENERS)
    assert set(KINDS) == {"RSA", "EC"}

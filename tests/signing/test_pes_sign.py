"""Signing a PES flow: what other programs say of it, what stays untouched, and everything that must not pass."""

import dataclasses
import re
import shutil
import subprocess
from base64 import b64decode
from pathlib import Path

import pytest
from asn1crypto import pem
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from lxml import etree

from app.core.clock import now
from app.core.refusals import Refusal
from app.signing.formats import pes_before, xades_pes
from app.signing.formats.pes_text import Signatory
from app.signing.keys.browser import question
from app.verification.readers.pes.profile import PES, XAD
from tests.builders.pes import ASSETS, MAYOR, SCHEMAS, SIGNATURE, odd, resigned, sample, signed
from tests.builders.seals import seal_flow
from tests.builders.signing import refusal

ROOT = Path(__file__).resolve().parents[2]
FLOWS = {
    "depense_2_bordereaux": ["BD2025-000001_SIG", "BD2025-000002_SIG"],
    "recette_1_bordereau": ["BR2025-000001_SIG"],
    "depense_signature_globale": ["PES1_SIG"],
}


@pytest.fixture
def mayor(key):
    return key("a_kervadec")


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    return done.returncode, done.stdout + done.stderr


def assert_xmlsec1_accepts(path: Path, pki, count: int, interm: Path | None = None):
    if interm is None:
        interm = path.with_name("interm.pem")
        interm.write_bytes(pem.armor("CERTIFICATE", pki.certificate("interm")))
    for rank in range(1, count + 1):
        code, said = run(
            *("xmlsec1", "--verify", "--trusted-pem", str(pki.root_pem), "--untrusted-pem", str(interm)),
            *("--id-attr:Id", "Bordereau", "--id-attr:Id", f"{PES}:PES_Aller"),
            *("--id-attr:Id", f"{XAD}:SignedProperties"),
            *("--node-xpath", f"(//*[local-name()='Signature'])[{rank}]", str(path)),
        )
        assert code == 0, said
        assert "SignedInfo References (ok/all): 2/2" in said


def assert_schemas_accept(path: Path):
    schema = str(SCHEMAS / "PES_V2" / "Rev0" / "PES_Aller.xsd")
    code, said = run("xmllint", "--noout", "--schema", schema, str(path))
    assert code == 0, said
    xades = etree.XMLSchema(file=str(SCHEMAS / "xades" / "XAdES1.2.2.xsd"))
    for one in etree.parse(str(path)).iter(f"{{{XAD}}}QualifyingProperties"):
        alone = etree.fromstring(etree.tostring(one, with_tail=False))
        assert xades.validate(alone), xades.error_log


def checked(source, target, key, trust):
    return xades_pes.check(
        target,
        source=source,
        certificate=key.certificate,
        chain=key.chain,
        trust=trust,
        moment=now(),
    )


@pytest.mark.parametrize("name", FLOWS)
def test_other_programs_accept_every_signature_and_the_file(name, tmp_path, mayor, pki, trust):
    source, target = signed(tmp_path, mayor, sample(name))
    facts = checked(source, target, mayor, trust)
    assert [one.field for one in facts] == FLOWS[name]
    assert {one.level for one in facts} == {"EPES"}
    assert_xmlsec1_accepts(target, pki, len(facts))
    assert_schemas_accept(target)


def test_the_schemas_take_the_serial_number_of_a_real_certificate():
    path = ASSETS / "signe_par_bordereau.xml"
    assert len(etree.parse(str(path)).findtext(".//{*}X509SerialNumber")) > 40
    assert_schemas_accept(path)


def assert_xmldsigjs_accepts(path: Path, count: int):
    assert shutil.which("node"), "Il manque node. Tapez :  sudo apt-get install -y nodejs"
    code, said = run("node", str(ROOT / "tests" / "assets" / "node" / "xmldsig.mjs"), str(path))
    assert (code, said.split()) == (0, ["true"] * count), said


@pytest.mark.parametrize("name", FLOWS)
def test_a_verifier_that_shares_no_code_with_libxml2_accepts_them_too(name, tmp_path, mayor):
    _, target = signed(tmp_path, mayor, sample(name))
    assert_xmldsigjs_accepts(target, len(FLOWS[name]))


def test_that_verifier_refuses_a_flow_whose_amount_was_changed(tmp_path, mayor):
    _, target = signed(tmp_path, mayor, sample("depense_2_bordereaux"))
    data = target.read_bytes()
    target.write_bytes(data.replace(b'<MtBordHT V="', b'<MtBordHT V="9', 1))
    with pytest.raises(AssertionError):
        assert_xmldsigjs_accepts(target, 2)


def test_nothing_but_the_signatures_is_added_whatever_the_program_wrote(tmp_path, mayor, pki, trust):
    source, target = signed(tmp_path, mayor, odd())
    assert SIGNATURE.sub(b"", target.read_bytes()) == odd()
    assert len(checked(source, target, mayor, trust)) == 2
    assert_xmlsec1_accepts(target, pki, 2)


def both_domains():
    """Spending and receipts in one flow, as its schema allows."""
    receipts = re.search(
        rb"<PES_RecetteAller>.*</PES_RecetteAller>", sample("recette_1_bordereau"), re.DOTALL
    )
    data = sample("depense_2_bordereaux")
    return data.replace(b"</PES_DepenseAller>", b"</PES_DepenseAller>" + receipts.group(0))


def test_the_bordereaux_of_both_domains_are_signed_and_both_must_say_so(tmp_path, mayor, pki, trust):
    source, target = signed(tmp_path, mayor, both_domains())
    assert len(checked(source, target, mayor, trust)) == 3
    assert_xmlsec1_accepts(target, pki, 3)
    assert_schemas_accept(target)
    said = both_domains().replace(b'InfoDematerialisee V="1"', b'InfoDematerialisee V="x"', 1)
    source.write_bytes(said.replace(b'InfoDematerialisee V="1"', b'InfoDematerialisee V="0"'))
    with pytest.raises(Refusal) as caught:
        seal_flow(source, target, key=mayor, signatory=MAYOR, now=now())
    assert (caught.value.key, caught.value.facts["where"]) == ("pes-not-dematerialised", "EnTeteDepense")
    source.write_bytes(
        said.replace(b'InfoDematerialisee V="1"', b'InfoDematerialisee V="0"').replace(b'"x"', b'"true"')
    )
    with pytest.raises(Refusal) as caught:
        seal_flow(source, target, key=mayor, signatory=MAYOR, now=now())
    assert (caught.value.facts["where"], caught.value.facts["value"]) == ("EnTeteRecette", "0")


@pytest.mark.parametrize("label", ["a_kervadec", "rsa4096"])
def test_names_outside_latin_1_and_longer_keys_are_signed(label, tmp_path, key, pki, trust):
    source, target = tmp_path / "source.xml", tmp_path / "signed.xml"
    source.write_bytes(sample("recette_1_bordereau"))
    signatory = Signatory("Maire œuvrant « à l’essai » <&>", "Kerlann-sur-Mer", "29000")
    seal_flow(source, target, key=key(label), signatory=signatory, now=now())
    assert checked(source, target, key(label), trust)
    assert_xmlsec1_accepts(target, pki, 1)
    assert target.read_bytes().isascii() == source.read_bytes().isascii()


@pytest.mark.parametrize(
    ("name", "place"),
    [("depense_signature_globale", b'"application/pdf">'), ("recette_1_bordereau", b"</BlocBordereau>")],
)
def test_a_text_of_twelve_megabytes_is_signed(name, place, tmp_path, mayor, trust):
    large = sample(name).replace(place, place + b"QUJD\n" * 2_400_000, 1)
    assert len(large) > 12_000_000
    source, target = signed(tmp_path, mayor, large)
    assert len(checked(source, target, mayor, trust)) == 1


def edited(before: bytes, after: bytes, name="depense_2_bordereaux", count=1):
    data = sample(name)
    assert before in data
    return data.replace(before, after, count)


REFUSED = {
    "pes-already-signed": lambda: sample("signe_par_bordereau"),
    "pes-not-a-flow": lambda: sample("acquit_ok"),
    "pes-nothing-to-sign": lambda: sample("pj_seule_paye"),
    "pes-doctype": lambda: edited(b"?>", b'?><!DOCTYPE PES_Aller [<!ENTITY x "y">]>'),
    "pes-unreadable": lambda: sample("depense_2_bordereaux")[:-5],
    "pes-encoding": lambda: edited(b"ISO-8859-1", b"ISO-8859-15"),
    "pes-not-dematerialised": lambda: edited(b'<InfoDematerialisee V="1"/>', b""),
    "pes-id-twice": lambda: edited(b"BD2025-000002", b"BD2025-000001"),
    "pes-id-invalid": lambda: edited(b"BD2025-000002", b"1 2"),
    "pes-id-missing": lambda: edited(b' Id="BD2025-000002"', b"").replace(b' Id="PES1"', b""),
    "pes-misplaced": lambda: edited(b"<PES_PJ>", b"<PES_PJ><Bordereau/>"),
    "pes-too-complex": lambda: edited(
        b"</BlocBordereau>", b"</BlocBordereau>" + b"<a>" * 200 + b"</a>" * 200
    ),
}
MORE = [
    (
        "pes-already-signed",
        lambda: edited(
            b"</PES_PJ>", b"<x><s:Signature xmlns:s='http://www.w3.org/2000/09/xmldsig#'/></x></PES_PJ>"
        ),
    ),
    ("pes-not-dematerialised", lambda: edited(b'InfoDematerialisee V="1"', b'InfoDematerialisee V="0"')),
    ("pes-id-twice", lambda: edited(b"<PES_PJ>", b'<PES_PJ Id="BD2025-000001_SIG_SP">')),
    ("pes-id-twice", lambda: edited(b"<PES_PJ>", b'<PES_PJ xml:id="BD2025-000001">')),
    ("pes-unreadable", lambda: b"\xef\xbb\xbf" + sample("depense_2_bordereaux")),
    ("pes-unreadable", lambda: edited(b'version="1.0"', b'version="1.1"')),
    ("pes-unreadable", lambda: edited(b"</BlocBordereau>", b"&eacute;</BlocBordereau>")),
    ("pes-unreadable", lambda: b"%PDF-1.7"),
    ("pes-encoding", lambda: edited(b"ISO-8859-1", b"UTF-8").decode("latin-1").encode()),
    ("pes-encoding", lambda: edited(b"?xml ", b"?xml" + b" " * 50)),
    ("pes-not-a-flow", lambda: edited(b"pes_v2/Rev0/aller", b"pes_v2/Rev0/autre")),
    (
        "pes-misplaced",
        lambda: edited(b"</Bordereau><Bordereau", b"</Bordereau><Bordereau Id='B3'/><Bordereau"),
    ),
    (
        "pes-too-complex",
        lambda: edited(b"</BlocBordereau>", b"<!--" + b"x" * (20 << 20) + b"--></BlocBordereau>"),
    ),
]


@pytest.mark.parametrize(("expected", "make"), [*REFUSED.items(), *MORE])
def test_a_flow_that_cannot_be_signed_is_refused_and_nothing_is_written(expected, make, tmp_path, mayor):
    source, target = tmp_path / "source.xml", tmp_path / "signed.xml"
    source.write_bytes(make())
    before = source.read_bytes()
    assert refusal(seal_flow, source, target, key=mayor, signatory=MAYOR, now=now()) == expected
    assert not target.exists()
    assert source.read_bytes() == before


@pytest.mark.parametrize("name", FLOWS)
def test_how_a_flow_would_be_signed_is_known_at_deposit(name, tmp_path):
    mode, ids = pes_before.foreseen(ASSETS / f"{name}.xml")
    assert [f"{one}_SIG" for one in ids] == FLOWS[name]
    assert mode == ("global" if name == "depense_signature_globale" else "bordereau")
    assert refusal(pes_before.foreseen, ASSETS / "signe_global.xml") == "pes-already-signed"
    assert pes_before.foreseen(ASSETS / "kerlann_paye_pj.xml") == (None, ())
    (paper := tmp_path / "paper.xml").write_bytes(
        edited(b'InfoDematerialisee V="1"', b'InfoDematerialisee V="0"')
    )
    assert pes_before.foreseen(paper) == (None, ())
    said = both_domains()  # one domain on paper and the other here is neither
    paper.write_bytes(said.replace(b'InfoDematerialisee V="1"', b'InfoDematerialisee V="0"', 1))
    assert refusal(pes_before.foreseen, paper) == "pes-not-dematerialised"


def test_the_refusal_says_what_the_accounting_software_must_set():
    from app.signing.sentences import SENTENCES

    assert "InfoDematerialisee = 1" in SENTENCES["pes-not-dematerialised"][1]
    assert "attribut Id de chaque Bordereau" in SENTENCES["pes-id-missing"][1]


@pytest.mark.parametrize(
    ("expected", "label", "signatory"),
    [
        ("pes-key-not-rsa", "ec", MAYOR),
        ("key-weak", "weak", MAYOR),
        ("pes-signatory-incomplete", "a_kervadec", dataclasses.replace(MAYOR, role=" ")),
        ("pes-signatory-incomplete", "a_kervadec", dataclasses.replace(MAYOR, city="Ker\x00lann")),
        ("pes-signatory-incomplete", "a_kervadec", dataclasses.replace(MAYOR, postal_code="")),
    ],
)
def test_who_may_not_sign_a_flow(expected, label, signatory, tmp_path, pki):
    source, target = tmp_path / "source.xml", tmp_path / "signed.xml"
    source.write_bytes(sample("depense_2_bordereaux"))
    certificate = pki.certificate(label)
    said = refusal(xades_pes.prepare, source, target, certificate=certificate, signatory=signatory, now=now())
    assert said == expected
    assert not target.exists()


class TestComplete:
    @pytest.fixture
    def ready(self, tmp_path, mayor):
        source, target = tmp_path / "source.xml", tmp_path / "prepared.xml"
        source.write_bytes(sample("depense_2_bordereaux"))
        prepared = xades_pes.prepare(
            source, target, certificate=mayor.certificate, signatory=MAYOR, now=now()
        )
        return target, prepared, [mayor.sign(one.attributes) for one in prepared]

    def refused(self, ready, mayor, prepared=None, signatures=None):
        target, was, values = ready
        before = target.read_bytes()
        said = refusal(
            xades_pes.complete,
            target,
            prepared or was,
            certificate=mayor.certificate,
            signatures=signatures or values,
        )
        assert target.read_bytes() == before
        return said

    def test_the_places_are_empty_until_every_signature_is_proven(self, ready, mayor):
        target, prepared, values = ready
        for one in prepared:
            assert not target.read_bytes()[one.start : one.end].strip()
        xades_pes.complete(target, prepared, certificate=mayor.certificate, signatures=values)
        for one, value in zip(prepared, values, strict=True):
            assert b64decode(target.read_bytes()[one.start : one.end]) == value

    def test_the_signature_of_another_bordereau_key_or_document_is_refused(self, ready, mayor, key):
        _, prepared, values = ready
        other = [key("b_cadiou").sign(one.attributes) for one in prepared]
        for signatures in (values[::-1], other, values[:1], [values[0], b"x" * 256], [values[0], values[0]]):
            assert self.refused(ready, mayor, signatures=signatures) == "signature-not-yours"

    def test_a_card_that_is_given_the_hash_alone_signs_the_same(self, ready, mayor):
        _, prepared, values = ready
        for one, value in zip(prepared, values, strict=True):
            asked = question(one, mayor.certificate)
            assert b64decode(asked["tbs"]) == one.attributes
            hashed = Prehashed(SHA256())
            assert mayor._key.sign(b64decode(asked["hash"]), PKCS1v15(), hashed) == value

    def test_preparations_in_another_order_are_refused(self, ready, mayor):
        _, prepared, values = ready
        swapped = [
            dataclasses.replace(one, start=other.start, end=other.end)
            for one, other in zip(prepared, prepared[::-1], strict=True)
        ]
        assert self.refused(ready, mayor, swapped, values) == "prepared-file-changed"
        assert self.refused(ready, mayor, prepared[::-1], values[::-1]) == "prepared-file-changed"

    @pytest.mark.parametrize("where", [b"<Enveloppe>", b"MtBordHT", b"X509Certificate>", b"<Fichier"])
    def test_a_prepared_file_that_changed_anywhere_is_refused(self, ready, mayor, where):
        target = ready[0]
        data = target.read_bytes()
        at = data.index(where) + 2
        target.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert self.refused(ready, mayor) == "prepared-file-changed"

    def test_a_flow_is_completed_once(self, ready, mayor):
        target, prepared, values = ready
        xades_pes.complete(target, prepared, certificate=mayor.certificate, signatures=values)
        assert self.refused(ready, mayor) == "prepared-file-changed"


class TestCheck:
    def refused(self, source, target, key, trust):
        return refusal(checked, source, target, key, trust) == "signature-not-valid-after-embedding"

    def test_another_source_certificate_or_authority_is_refused(self, tmp_path, mayor, key, trust):
        source, target = signed(tmp_path, mayor, sample("depense_2_bordereaux"))
        assert self.refused(source, target, key("b_cadiou"), trust)
        assert self.refused(source, target, mayor, dataclasses.replace(trust, roots=()))
        assert self.refused(target, target, mayor, trust)
        source.write_bytes(edited(b"GFTEST 1.0", b"GFTEST 1.1"))
        assert self.refused(source, target, mayor, trust)

    def test_attachments_changed_after_signing_are_refused_though_no_signature_covers_them(
        self, tmp_path, mayor, trust
    ):
        source, target = signed(tmp_path, mayor, sample("depense_2_bordereaux"))
        target.write_bytes(
            target.read_bytes().replace(b'NomPJ V="facture1.pdf"/><Type', b'NomPJ V="facture9.pdf"/><Type', 1)
        )
        assert self.refused(source, target, mayor, trust)

    def test_a_valid_signature_written_otherwise_is_refused(self, tmp_path, mayor, trust):
        source, target = signed(tmp_path, mayor, sample("depense_2_bordereaux"))
        for before, after in (("><ds:KeyInfo>", ">\n<ds:KeyInfo>"), (' Type="http', ' Id="r" Type="http')):
            other = resigned(target, mayor, lambda text: text.replace(before, after, 1))
            assert self.refused(source, other, mayor, trust)

    def test_an_unsigned_file_is_refused(self, tmp_path, mayor, trust):
        path = ASSETS / "depense_2_bordereaux.xml"
        assert self.refused(path, path, mayor, trust)

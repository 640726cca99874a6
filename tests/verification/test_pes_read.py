"""What a signed PES flow proves when it is read: for every attack, a signature that does not hold and says why."""

import dataclasses
import random
import re
from datetime import datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from app.core.clock import now
from app.core.refusals import Refusal
from app.signing.formats import pes_text
from app.trust.certificates import Trust
from app.verification import kinds
from app.verification.readers.pes import profile
from app.verification.readers.pes.proof import read_pes
from app.verification.readers.xades.parsing import EXCLUSIVE
from tests.builders.pes import ASSETS, MAYOR, SIGNATURE, resigned, sample, signed
from tests.builders.seals import seal_flow

PER_BORDEREAU, GLOBAL = "depense_2_bordereaux", "depense_signature_globale"
PIECE = re.compile(rb"<Piece>.*?</Piece>", re.DOTALL)


@pytest.fixture
def mayor(key):
    return key("a_kervadec")


@pytest.fixture
def read(pki, trust):
    """Read a flow, no host asked, as one who knows the intermediate authority."""

    silent = dataclasses.replace(trust, fetch=False)
    return lambda path: read_pes(path, silent, now(), chain=pki.chain("a_kervadec"))


@pytest.fixture
def flow(tmp_path, mayor):
    return lambda name=PER_BORDEREAU: signed(tmp_path, mayor, sample(name))[1]


def changed(path, before, after, count=1):
    data = path.read_bytes()
    assert before in data
    path.write_bytes(data.replace(before, after, count))
    return path


def faults(found):
    return " / ".join(fault for one in found for fault in one.faults)


def test_a_signed_flow_says_who_signed_what_as_what_and_when(flow, read, mayor, pki):
    found = read(flow())
    assert [(one.target, one.mode, one.holds, one.trusted) for one in found] == [
        ("BD2025-000001", "bordereau", True, True),
        ("BD2025-000002", "bordereau", True, True),
    ]
    first = found[0]
    assert (first.name, first.capacity, first.declared[1:]) == (
        "Armel KERVADEC",
        "Maire",
        ("Kerlann-sur-Mer", "29000", "France"),
    )
    assert (first.policy_ok, first.policy) == (True, "urn:oid:1.2.250.1.131.1.5.18.21.1.7")
    assert abs(first.signed_at - now()) < timedelta(minutes=1)
    assert "ni les pièces jointes" in first.covers
    (whole,) = read(flow(GLOBAL))
    assert (whole.target, whole.mode, whole.holds) == ("PES1", "global", True)
    assert "pièces jointes, enveloppe et en-tête compris" in whole.covers


@pytest.mark.parametrize("name", ["signe_par_bordereau", "signe_global"])
def test_flows_signed_by_another_program_hold(name):
    trust = Trust([(ASSETS / "ca_test.pem").read_bytes()], (), fetch=False)
    found = read_pes(ASSETS / f"{name}.xml", trust, now())
    assert found
    assert all(one.holds and one.trusted and not one.remarks for one in found)
    assert found[0].capacity == "Ordonnateur"


def test_an_unsigned_flow_has_no_signature_and_another_file_is_refused(read):
    assert read(ASSETS / f"{PER_BORDEREAU}.xml") == []
    with pytest.raises(Refusal, match="pes-not-a-flow"):
        read(ASSETS / "acquit_ok.xml")


@pytest.mark.parametrize("name", [PER_BORDEREAU, GLOBAL])
def test_no_bit_of_what_is_signed_nor_of_the_signature_can_be_turned(name, flow, read):
    path = flow(name)
    data = path.read_bytes()
    start = data.index(b"<Bordereau")
    end = data.index(b"</ds:Signature>", start) + 15 if name == PER_BORDEREAU else len(data)
    dice = random.Random(2018)
    for at in dice.sample(range(start, end), 400):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1 :])
        try:
            found = read(path)
        except Refusal:
            continue
        assert not all(one.holds and one.trusted for one in found) or not found, data[at - 20 : at + 20]


def test_attachments_are_not_covered_by_bordereau_and_the_reading_says_so(flow, read):
    path = changed(flow(), b'NomPJ V="facture1.pdf"/><TypePJ', b'NomPJ V="facture9.pdf"/><TypePJ')
    found = read(path)
    assert all(one.holds and "ni les pièces jointes" in one.covers for one in found)
    path = changed(flow(GLOBAL), b"<TypePJ", b" <TypePJ")
    assert "modifié après la signature" in faults(read(path))


@pytest.mark.parametrize(
    ("added", "holds"), [(b"<!-- vu -->", True), (b"<?vu?>", False), (b" ", False), (b"<vu/>", False)]
)
def test_comments_alone_are_no_part_of_what_is_signed(added, holds, flow, read):
    """Exclusive canonicalisation without comments is the Treasury's choice; a flow keeps nothing in its comments."""
    path = changed(flow(), b"</BlocBordereau>", added + b"</BlocBordereau>")
    assert read(path)[0].holds == holds


class TestWrapping:
    """A genuine bordereau kept somewhere, a forged one shown (McIntosh and Austel, XML Signature Element Wrapping)."""

    def parts(self, path):
        data = path.read_bytes()
        first = re.search(rb'<Bordereau Id="BD2025-000001">.*?</Bordereau>', data, re.DOTALL).group(0)
        signature = SIGNATURE.search(first).group(0)
        forged = SIGNATURE.sub(b"", first).replace(
            b"FR7630001007941234567890185", b"FR7612345678901234567890123"
        )
        assert forged != SIGNATURE.sub(b"", first)
        return data, first, signature, forged

    def test_genuine_bordereau_hidden_in_the_signature_of_the_forged_one(self, flow, read):
        path = flow()
        data, first, signature, forged = self.parts(path)
        hidden = signature.replace(
            b"</ds:Signature>", b"<ds:Object>" + SIGNATURE.sub(b"", first) + b"</ds:Object></ds:Signature>"
        )
        for identity in (b"BD2025-000001", b"BD2025-000009"):
            shown = forged.replace(b"BD2025-000001", identity, 1).replace(
                b"</Bordereau>", hidden + b"</Bordereau>"
            )
            path.write_bytes(data.replace(first, shown))
            found = read(path)
            assert not any(one.holds for one in found)
            assert "hors de sa place" in faults(found)

    def test_genuine_bordereau_moved_aside(self, flow, read):
        path = flow()
        data, first, _, forged = self.parts(path)
        for place in (b"<PES_PJ>", b"</n:PES_Aller>", b"<EnTeteDepense>"):
            moved = data.replace(first, forged.replace(b"-000001", b"-000009", 1))
            path.write_bytes(
                moved.replace(place, first + place if place.startswith(b"</") else place + first, 1)
            )
            found = read(path)
            assert not all(one.holds for one in found), place
            assert "hors de sa place" in faults(found)

    def test_forged_bordereau_with_the_same_id(self, flow, read):
        path = flow()
        data, first, signature, forged = self.parts(path)
        shown = forged.replace(b"</Bordereau>", signature + b"</Bordereau>")
        path.write_bytes(data.replace(first, shown + first))
        found = read(path)
        assert not any(one.holds for one in found if one.target == "BD2025-000001")
        assert "figure deux fois" in faults(found)

    def test_a_bordereau_added_to_a_signed_flow_without_signature(self, flow, read):
        path = flow()
        data, first, _, forged = self.parts(path)
        path.write_bytes(data.replace(first, first + forged.replace(b"-000001", b"-000003")))
        found = read(path)
        assert [one.holds for one in found] == [True, False, True]
        assert "n’est pas signé" in faults(found)


class TestPlace:
    def test_the_signature_of_another_bordereau(self, flow, read):
        path = flow()
        one, two = SIGNATURE.findall(path.read_bytes())
        path.write_bytes(path.read_bytes().replace(one, b"@").replace(two, one).replace(b"@", two))
        found = read(path)
        assert not any(one.holds for one in found)
        assert "ne porte pas sur l’élément qui la contient" in faults(found)

    def test_a_signature_that_is_not_the_last_child(self, flow, read):
        path = flow()
        one = SIGNATURE.findall(path.read_bytes())[0]
        path.write_bytes(
            path.read_bytes().replace(one, b"").replace(b"<BlocBordereau>", one + b"<BlocBordereau>", 1)
        )
        assert "n’est pas à la fin" in read(path)[0].faults[0]

    def test_two_signatures_on_one_element_or_on_flow_and_bordereaux(self, flow, read, mayor, tmp_path):
        path = flow()
        one = SIGNATURE.findall(path.read_bytes())[0]
        changed(path, one, one + one.replace(b"_SIG", b"_SIG2"))
        assert "plusieurs signatures" in faults(read(path))
        path = flow()
        changed(path, b"</n:PES_Aller>", one + b"</n:PES_Aller>")
        found = read(path)
        assert not any(one.holds for one in found)
        assert "à la fois" in faults(found)

    def test_a_signature_elsewhere_does_not_make_the_flow_look_unsigned(self, tmp_path, flow, read):
        one = SIGNATURE.findall(flow().read_bytes())[0]
        path = tmp_path / "stray.xml"
        path.write_bytes(sample(PER_BORDEREAU).replace(b"</PES_PJ>", one + b"</PES_PJ>"))
        (only,) = read(path)
        assert not only.holds
        assert "hors de sa place" in faults([only])

    @pytest.mark.parametrize(
        "where", [b"<ds:KeyInfo>", b"<ds:Transforms>", b"<xad:SigningTime>", b"<ds:Object>"]
    )
    @pytest.mark.parametrize("what", [b"<!-- -->", b"<?x?>", b"<x/>", b"texte"])
    def test_anything_added_inside_a_signature(self, flow, read, where, what):
        path = changed(flow(), where, what + where if what != b"texte" else where + what)
        assert not read(path)[0].holds


PROFILE = {
    "la politique de signature est inconnue": (".21.1.7<", ".21.1.99<"),
    "la politique de signature était remplacée à cette date": (".21.1.7<", ".21.1.4<"),
    "l’empreinte de la politique de signature n’est pas la bonne": (
        profile.CURRENT.sha256,
        "GbP1WcuFXjpTyDmi1TeHR6W2hIRdUlEs8DHM0RfVsU4=",
    ),
    "l’empreinte n’est pas SHA-256": (
        f'</ds:Transforms><ds:DigestMethod Algorithm="{profile.SHA256}"',
        '</ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"',
    ),
    "une empreinte des propriétés signées n’est pas SHA-256": (
        f'<xad:CertDigest><ds:DigestMethod Algorithm="{profile.SHA256}"',
        '<xad:CertDigest><ds:DigestMethod Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"',
    ),
    "l’algorithme de signature n’est pas RSA avec SHA-256": (
        "2001/04/xmldsig-more#rsa-sha256",
        "2000/09/xmldsig#rsa-sha1",
    ),
    "la forme canonique de SignedInfo": (
        f'CanonicalizationMethod Algorithm="{EXCLUSIVE}"',
        'CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"',
    ),
    "du texte figure dans Transforms": ("<ds:Transforms>", "<ds:Transforms>autrement"),
    "les transformations de la première référence": (
        f'<ds:Transform Algorithm="{profile.ENVELOPED}"></ds:Transform>',
        "",
    ),
    "la version de XAdES n’est pas reconnue": ('01903/v1.2.2#" Target', '01903/v1.3.2#" Target'),
    "les propriétés ne désignent pas cette signature": ('Target="#', 'Target="#x'),
    "la qualité du signataire manque": ("<xad:ClaimedRole>Maire<", "<xad:ClaimedRole><"),
    "le code postal du signataire manque": ("<xad:PostalCode>29000</xad:PostalCode>", ""),
    "la date de signature est absente ou illisible": ("<xad:SigningTime>2", "<xad:SigningTime>x2"),
    "la date de signature est hors de la période de validité": ("<xad:SigningTime>20", "<xad:SigningTime>19"),
    "la date de signature est dans l’avenir": ("<xad:SigningTime>2026-", "<xad:SigningTime>2027-"),
    "le numéro du certificat": ("<ds:X509SerialNumber>", "<ds:X509SerialNumber>1"),
}


@pytest.mark.parametrize("fault", PROFILE)
def test_a_signature_outside_the_profile_does_not_hold_though_its_key_signed_it(fault, flow, read, mayor):
    before, after = PROFILE[fault]
    path = flow()
    assert before.encode() in path.read_bytes(), before
    found = read(resigned(path, mayor, lambda text: text.replace(before, after)))
    assert not any(one.holds for one in found)
    assert fault in faults(found)
    assert all(one.policy_ok == ("politique" not in fault) for one in found if one.valid)


def of_2016(public_key) -> tuple[bytes, bytes]:
    """A certificate of 2016 that still holds, and the authority above it (DER)."""
    authority = rsa.generate_private_key(65537, 2048)
    usages = dict.fromkeys(
        [
            "digital_signature",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "crl_sign",
            "encipher_only",
            "decipher_only",
            "key_cert_sign",
            "content_commitment",
        ],
        False,
    )

    def name(words):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, words)])

    def made(subject, key, own, usage):
        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("Autorité de 2016"))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime(2016, 1, 1))
            .not_valid_after(datetime(2046, 1, 1))
            .add_extension(x509.BasicConstraints(own, None), critical=True)
            .add_extension(x509.KeyUsage(**{**usages, usage: True}), critical=True)
            .sign(authority, hashes.SHA256())
        )

    root = made("Autorité de 2016", authority.public_key(), True, "key_cert_sign")
    leaf = made("Armel KERVADEC", public_key, False, "content_commitment")
    return tuple(one.public_bytes(serialization.Encoding.DER) for one in (leaf, root))


POLICIES = {
    "of its time, today unknown": (
        ((".21.1.7<", ".21.1.4<"), ("<xad:SigningTime>2026-", "<xad:SigningTime>2017-")),
        "Indéterminé : politique de signature plus ancienne, que Paraphe ne connaît pas.",
    ),
    "replaced at its time": (
        ((".21.1.7<", ".21.1.4<"),),
        "Non valable : la politique de signature était remplacée à cette date.",
    ),
    "of nobody, at the time of the older ones": (
        ((".21.1.7<", ".21.1.8<"), ("<xad:SigningTime>2026-", "<xad:SigningTime>2017-")),
        "Non valable : la politique de signature est inconnue.",
    ),
    "of today, its hash forged": (
        ((profile.CURRENT.sha256, "A" * 43 + "="),),
        "Non valable : l’empreinte de la politique de signature n’est pas la bonne.",
    ),
}


@pytest.mark.parametrize("name", POLICIES)
def test_a_flow_is_judged_by_the_policy_of_its_time(name, tmp_path, mayor, trust):
    public = x509.load_der_x509_certificate(mayor.certificate).public_key()
    leaf, root = of_2016(public)
    old = dataclasses.replace(mayor, certificate=leaf, chain=())
    _, path = signed(tmp_path, old, sample(PER_BORDEREAU))

    def edited(text):
        for before, after in POLICIES[name][0]:
            assert before in text
            text = text.replace(before, after)
        return text

    believed = dataclasses.replace(trust, roots=(*trust.roots, root), fetch=False)
    found = kinds.of(path).judge(resigned(path, old, edited), None, believed, now())
    assert [one.reason for one in found] == [POLICIES[name][1]] * 2


def test_a_value_by_another_key_and_a_certificate_put_in_its_place(flow, read, mayor, key):
    from base64 import b64encode

    found = read(resigned(flow(), key("b_cadiou"), lambda text: text))
    assert "n’est pas celle du certificat annoncé" in faults(found)
    own, other = (b64encode(one.certificate).decode() for one in (mayor, key("b_cadiou")))
    found = read(resigned(flow(), key("b_cadiou"), lambda text: text.replace(own, other)))
    assert not any(one.holds for one in found)
    assert "n’est pas celui que la signature annonce" in faults(found)


OLD = {
    "XAdES 1.1.1, ancienne version": lambda text: text.replace("01903/v1.2.2#", "01903/v1.1.1#"),
    "seconde référence sans Type": lambda text: re.sub(r' Type="[^"]*"', "", text),
    "attribut Target sans #": lambda text: text.replace('Target="#', 'Target="'),
    "transformation de trop sur la seconde référence": lambda text: re.sub(
        r'(_SP"><ds:Transforms>)',
        rf'\1<ds:Transform Algorithm="{profile.ENVELOPED}"></ds:Transform>',
        text,
    ),
    "date de signature autrement qu’en temps universel": lambda text: re.sub(
        r"(<xad:SigningTime>[^Z]*)Z", r"\1+00:00", text
    ),
}


@pytest.mark.parametrize("remark", OLD)
def test_forms_found_in_the_field_are_read_and_named(remark, flow, read, mayor):
    found = read(resigned(flow(), mayor, OLD[remark]))
    assert all(one.holds and one.trusted for one in found), faults(found)
    assert all(remark in one.remarks for one in found)


def test_a_flow_signed_though_it_says_it_is_not_dematerialised_is_remarked(flow, read):
    path = changed(flow(), b'InfoDematerialisee V="1"', b'InfoDematerialisee V="0"')
    found = read(path)
    assert all("InfoDematerialisee ne vaut pas 1 dans EnTeteDepense" in one.remarks for one in found)


@pytest.mark.parametrize(
    ("label", "problem"),
    [
        ("expired", "certificate-expired"),
        ("auth_only", "certificate-authentication-only"),
        ("foreign_root", "certificate-issuer-unknown"),
        ("revoked", "certificate-revoked"),
    ],
)
def test_the_standing_of_the_certificate_is_said_apart(label, problem, tmp_path, key, pki, trust):
    path = signed(tmp_path, key(label), sample(PER_BORDEREAU))[1]
    found = read_pes(path, trust, now(), chain=pki.chain(label))
    assert [(one.trusted, one.problem, one.valid, one.intact) for one in found] == [
        (False, problem, True, True)
    ] * 2


def test_a_thousand_signatures_ask_about_their_certificate_once(tmp_path, key, trust, pki, monkeypatch):
    from app.verification.readers.pes import proof

    asked = []
    check = proof.check_certificate
    monkeypatch.setattr(proof, "check_certificate", lambda *a, **k: asked.append(1) or check(*a, **k))
    path = signed(tmp_path, key("a_kervadec"), sample(PER_BORDEREAU))[1]
    assert all(one.trusted for one in read_pes(path, trust, now(), chain=pki.chain("a_kervadec")))
    assert len(asked) == 1


def test_a_signature_of_enormous_size_is_not_read(flow, read):
    path = changed(flow(), b"<ds:Object>", b"<ds:Object>" + b" " * (1 << 20))
    assert "démesurée" in faults(read(path))


def test_an_empty_signature_is_one_that_does_not_hold(tmp_path, read):
    path = tmp_path / "empty.xml"
    for empty in (b"<s:Signature xmlns:s='%s'/>", b"<s:Signature xmlns:s='%s'></s:Signature >"):
        signature = empty % profile.DS.encode()
        path.write_bytes(sample(PER_BORDEREAU).replace(b"</Bordereau>", signature + b"</Bordereau>"))
        assert [one.holds for one in read(path)] == [False, False]


def test_the_names_of_authorities_are_written_as_rfc_2253_says(pki):
    from asn1crypto import x509
    from cryptography import x509 as other

    for label in ("a_kervadec", "interm"):
        issuer = x509.Certificate.load(pki.certificate(label)).issuer
        assert (
            pes_text.name_of(issuer)
            == other.load_der_x509_certificate(pki.certificate(label)).issuer.rfc4514_string()
        )
    odd = x509.Name.build({"common_name": ' #a,b+"c\\<d>; ', "organization_identifier": "NTRFR-1"})
    assert pes_text.name_of(odd) in {
        '2.5.4.97=#0c074e545246522d31,CN=\\ #a\\,b\\+\\"c\\\\\\<d\\>\\;\\ ',
        'CN=\\ #a\\,b\\+\\"c\\\\\\<d\\>\\;\\ ,2.5.4.97=#0c074e545246522d31',
    }


def test_seal_then_read_needs_nothing_but_the_file(tmp_path, key, read):
    source, target = tmp_path / "a.xml", tmp_path / "b.xml"
    source.write_bytes(sample(PER_BORDEREAU))
    seal_flow(source, target, key=key("seal"), signatory=MAYOR, now=now())
    source.unlink()
    assert all(one.holds for one in read(target))

"""The verdicts: valid, not valid and why, or what is missing to say."""

import dataclasses
from datetime import timedelta

import pytest
from pyhanko.pdf_utils.content import RawContent
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.layout import BoxConstraints

from app.core.clock import now
from app.core.refusals import Refusal
from app.signing.formats import pades
from app.signing.ports import FieldPlan
from app.verification.readers.pdf import read_pdf
from tests.builders.verify import verify


@pytest.fixture
def signed(deliberation, key, tsa):
    def sign(label="a_kervadec", timestamped=True):
        target = deliberation.with_name(f"{label}.pdf")
        pades.seal(
            deliberation,
            target,
            key=key(label),
            field="maire",
            fields=[FieldPlan("maire", None)],
            stamp=None,
            now=now(),
            timestamper=tsa if timestamped else None,
            reason="Maire",
        )
        return target

    return sign


def read(path, trust):
    return read_pdf(path, None, dataclasses.replace(trust, fetch=False), now())


def verdict(path, trust, moment=None):
    (only,) = verify(path, trust, moment or now())
    return only


def test_a_good_signature_is_valid_and_says_what_was_checked(signed, trust):
    said = verdict(signed(), trust)
    assert (said.verdict, said.name, said.capacity, said.covers_whole) == (
        "valide",
        "Armel KERVADEC",
        "Maire",
        True,
    )
    assert said.timestamped_at is not None
    for part in ("document inchangé depuis la signature", "non révoqué le", "horodatage du"):
        assert part in said.reason


def test_one_changed_byte_makes_it_not_valid(signed, trust):
    path = signed()
    data = bytearray(path.read_bytes())
    at = data.index(b"/Title")
    data[at + 1 : at + 6] = b"Tithe"
    path.write_bytes(data)
    said = verdict(path, trust)
    assert said.verdict == "invalide"
    assert "modifié après la signature" in said.reason


def test_a_drawing_laid_over_a_signed_page_makes_it_not_valid(signed, trust):
    path = signed()
    over = path.with_name("over.pdf")
    with path.open("rb") as stream, over.open("wb") as after:
        writer = IncrementalPdfFileWriter(stream)
        RawContent(b"0 0 100 100 re f", box=BoxConstraints(100, 100)).add_to_page(writer, 0)
        writer.write(after)
    said = verdict(over, trust)
    assert (said.verdict, said.covers_whole) == ("invalide", False)
    assert "autrement que par d’autres signatures" in said.reason
    assert not read(over, trust)[0].holds


def test_a_signature_with_a_broken_container_is_not_valid_and_does_not_hide_the_file(signed, trust):
    path = signed(timestamped=False)
    data = path.read_bytes()
    at = data.index(b"/Contents <3") + 11
    path.write_bytes(data[: at + 8] + b"FFFFFFFF" + data[at + 16 :])
    assert verdict(path, trust).verdict == "invalide"


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"roots": ()}, "l’autorité qui a délivré le certificat n’est pas reconnue ici"),
        ({"tsa_roots": ()}, "l’autorité d’horodatage n’est pas reconnue ici"),
        ({"fetch": False}, "la révocation du certificat n’a pas été consultée"),
        ({"allowed_hosts": ()}, "n’a pas dit si le certificat est révoqué"),
    ],
)
def test_what_cannot_be_known_is_said_to_be_missing(signed, trust, change, missing):
    said = verdict(signed(), dataclasses.replace(trust, **change))
    assert said.verdict == "indéterminé"
    assert missing in said.reason


def test_after_its_certificate_expired_an_undated_signature_proves_nothing(signed, trust):
    said = verdict(signed(timestamped=False), trust, now() + timedelta(days=1000))
    assert said.verdict == "indéterminé"
    assert "aucun horodatage ne prouve" in said.reason


def test_a_timestamped_signature_by_a_revoked_certificate_is_not_valid(signed, trust):
    said = verdict(signed("revoked"), trust)
    assert said.verdict == "invalide"
    assert "était révoqué depuis" in said.reason


def test_an_undated_signature_by_a_revoked_certificate_is_undecided(signed, trust):
    assert verdict(signed("revoked", timestamped=False), trust).verdict == "indéterminé"


def test_a_document_without_signature_has_no_verdict(deliberation, trust):
    assert verify(deliberation, trust, now()) == []
    assert read(deliberation, trust) == []


def test_what_is_not_a_pdf_is_refused(tmp_path, trust):
    path = tmp_path / "faux.pdf"
    path.write_bytes(b"pas un PDF")
    with pytest.raises(Refusal, match="pdf-damaged"):
        read(path, trust)

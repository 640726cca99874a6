"""What a verification may cost: a signature that many fields share is judged once, and what takes too long is said so."""

import time
from pathlib import Path

import pytest
from pyhanko.pdf_utils.generic import (
    ArrayObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    TextStringObject,
)
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from app.core.clock import now
from app.core.refusals import Refusal, catalogue
from app.trust import authorities
from app.verification.examine import STRANGER, Limits, examine
from tests.builders.confined import asked
from tests.builders.house import House

pytestmark = pytest.mark.in_turn

GOAL = 10.0


@pytest.fixture
def signed(house: House, tmp_path: Path) -> Path:
    folder_id = house.an_invoice(at="bon_a_payer")
    house.sign(folder_id, "a.kervadec")
    path = tmp_path / "signed.pdf"
    path.write_bytes(house.bytes_of(house.versions(folder_id)[-1]))
    return path


def shared(target: Path, count: int) -> Path:
    """The same with so many more fields whose value is the first one's signature."""
    made = target.with_name("shared.pdf")
    with target.open("rb") as stream, made.open("wb") as after:
        writer = IncrementalPdfFileWriter(stream)
        fields = writer.root["/AcroForm"]["/Fields"]
        value = next(one.get_object() for one in fields if "/V" in one.get_object()).raw_get("/V")
        for rank in range(count):
            field = {
                "/FT": NameObject("/Sig"),
                "/T": TextStringObject(f"s{rank}"),
                "/V": value,
                "/Type": NameObject("/Annot"),
                "/Subtype": NameObject("/Widget"),
                "/Rect": ArrayObject([NumberObject(0)] * 4),
            }
            new = DictionaryObject({NameObject(name): one for name, one in field.items()})
            fields.append(writer.add_object(new))
        writer.update_container(fields)
        writer.write(after)
    return made


def test_sixty_fields_that_share_a_signature_are_judged_within_the_goal(signed: Path) -> None:
    made = shared(signed, 60)
    before = time.monotonic()
    with asked() as answers:
        found = examine(made, authorities.whom(), now())
    assert len(found.verdicts) == 61
    assert "valide" not in {one.verdict for one in found.verdicts}
    assert len({one.where for one in found.verdicts}) == 61, "each field is named"
    assert sum(one.cpu_seconds for one in answers) < GOAL
    assert time.monotonic() - before < 60


def test_what_takes_too_long_is_said_so_and_nothing_is_green(signed: Path) -> None:
    hasty = Limits(STRANGER.cpu_seconds, STRANGER.megabytes, STRANGER.most_megabytes, 0.01)
    with pytest.raises(Refusal) as caught:
        examine(signed, authorities.whom(), now(), limits=hasty)
    assert caught.value.key == "verification-too-long"
    status, sentence = catalogue.say(caught.value.key, caught.value.facts)
    assert (status, "indéterminées" in sentence) == (422, True)
    assert "Vérification trop longue" in sentence


def test_a_stranger_has_ten_seconds_of_computing_in_all() -> None:
    assert STRANGER.cpu_seconds + STRANGER.most_seconds <= GOAL

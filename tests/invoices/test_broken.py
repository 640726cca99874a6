"""An imperfect invoice is read as far as possible and told, a hostile one is refused: never silent, never a wrong fact."""

from io import BytesIO
from pathlib import Path

import pytest

from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.files.intake import examine
from app.invoices.plugs import read_facts
from tests.batches.town import Hand, plain
from tests.builders.broken_invoices import Broken, every
from tests.builders.house import House

DEPOSITED = {
    "no currency", "a total of 400 figures", "a day that is none", "two accounts", "a quantity beyond all", "a number without end",
    "an unknown version", "an empty invoice", "no invoice, rss", "data wrongly compressed", "ZUGFeRD 1", "two invoices",
}  # fmt: skip
"""Those that are deposited by the page too; of the others the reader alone is asked."""
MEDIA = {"pdf": "application/pdf", "xml": "application/xml"}


@pytest.mark.in_turn
@pytest.mark.law("INV-24", "INV-25")
def test_what_is_broken_is_read_and_told_or_refused(house: House, tmp_path: Path) -> None:
    clerk = Hand(house, "g.trehorel")
    cases = list(every(tmp_path))
    assert len({case.name for case in cases}) == len(cases) >= 60
    for case in cases:
        judge(case, tmp_path)
        if case.refused or case.name in DEPOSITED:
            deposited(clerk, case)


def deposited(clerk: Hand, case: Broken) -> None:
    """The same file by the page of deposit: a draft where all is told, or a sentence, never a fault of the program."""
    sent = {
        "csrf_token": clerk.token,
        "family": "invoice",
        "files": (BytesIO(case.data), f"facture.{case.suffix}"),
    }
    answer = clerk.client.post("/deposer", data=sent, content_type="multipart/form-data")
    if case.refused:
        assert answer.status_code == 422, (case.name, answer.status_code)
        return
    assert answer.status_code == 302, case.name
    draft = clerk.text(answer.location)
    assert plain(case.told) in draft, (case.name, draft)


def judge(case: Broken, room: Path) -> None:
    """A case as the deposit sees it."""
    path = room / f"facture.{case.suffix}"
    path.write_bytes(case.data)
    facts = sentence = None
    try:
        examine(
            path, path.name, role="main", to_be_signed=True, formats=("pdf", "xml"), office=None, workdir=room
        )
        facts = read_facts(path, MEDIA[case.suffix])
    except Refusal as refusal:
        key, (status, sentence) = refusal.key, sentences.say(refusal.key, refusal.facts)
    if facts is None:
        assert sentence is not None
        assert (key, status < 500, sentence[-1]) == (case.refused, True, "."), case.name
        return
    assert not case.refused, case.name
    read = {key: value for key, value in facts.fields.items() if key not in facts.offered}
    assert {key: read.get(key) for key in case.expected} == case.expected, case.name
    told = " ".join([*(caution.sentence for caution in facts.doubts), *facts.remarks])
    assert case.told in told, (case.name, told)
    if facts.rendition is not None:
        assert facts.rendition(room).stat().st_size

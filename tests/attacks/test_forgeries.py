"""No forgery of the corpus is ever « valide »; each family and variant is a test of its own."""

import warnings
from collections import Counter

import pytest

from app.core.clock import now
from app.core.refusals import Refusal
from app.verification.examine import examine
from tests.attacks import catalogue
from tests.attacks.catalogue import FORGERIES, judge

catalogue.everything()
READY = list(FORGERIES)
# One of each family through the process that really reads strangers' files
SAMPLE = list({FORGERIES[name].family: name for name in reversed(READY)}.values())


@pytest.mark.parametrize("name", READY)
def test_no_forgery_is_ever_valid(shop, name):
    entry = FORGERIES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # forged files make libraries complain
        answer = judge(shop, entry)
    assert answer.believed(entry.victim) == [], answer.words()
    # What was attacked is there to be judged, or the whole file is refused
    if entry.victim and not answer.refused:
        assert any(entry.victim in one.where for one in answer.verdicts)


@pytest.mark.parametrize("name", SAMPLE)
def test_the_process_that_reads_strangers_files_says_the_same(shop, name):
    entry = FORGERIES[name]
    path, content = shop.written(entry)
    answer = judge(shop, entry)
    if answer.refused:
        with pytest.raises(Refusal, match=f"^{answer.refused}"):
            examine(path, shop.trust, now(), content)
        return
    found = examine(path, shop.silent if entry.silent else shop.trust, now(), content)
    assert [one.indication for one in found.verdicts] == [one.indication for one in answer.verdicts]
    assert catalogue.Answer(verdicts=found.verdicts).believed(entry.victim) == []


def test_the_corpus_has_every_published_family():
    families = Counter(entry.family for entry in FORGERIES.values())
    assert families.total() >= 120
    assert min(families.values()) >= 5
    assert {"ISA", "SSA", "USF", "EAA", "CMS", "XAdES", "PES"} <= set(families)

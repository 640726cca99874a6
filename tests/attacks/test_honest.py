"""No honest file of the corpus is ever « invalide », and those of our own authority are valid."""

import warnings
from collections import Counter

import pytest

from app.core.clock import now
from app.verification.examine import examine
from tests.attacks import catalogue
from tests.attacks.catalogue import HONEST, judge

catalogue.everything()
READY = list(HONEST)
SAMPLE = list({HONEST[name].family: name for name in reversed(READY) if not HONEST[name].otherwise}.values())
# Of our own authority, with nothing added since but other people's signatures, proofs and metadata: green
GREEN = (
    "PDF complété: two",
    "PDF complété: second",
    "PDF complété: three",
    "PDF complété: signed",
    "PDF complété: proofs",
    "PDF complété: arch",
    "PDF complété: cert",
    "PDF complété: keywords",
    "PDF complété: metadata",
    "PDF: as P",
    "PDF: level",
    "PDF: RSA",
    "PDF: elliptic",
    "PDF: act",
    "CMS: Paraphe",
    "XAdES: Paraphe",
)


@pytest.mark.parametrize("name", READY)
def test_no_honest_file_is_ever_invalid(shop, name):
    entry = HONEST[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some files of others are written in odd ways
        answer = judge(shop, entry)
    if not answer.verdicts:
        assert entry.otherwise, answer.words()
        assert answer.words().startswith(entry.otherwise)
    assert [one.reason for one in answer.verdicts if one.verdict == "invalide"] == []


@pytest.mark.parametrize("name", [name for name in READY if name.startswith(GREEN)])
def test_what_our_own_people_sign_is_valid(shop, name):
    answer = judge(shop, HONEST[name])
    assert [one.verdict for one in answer.verdicts] == ["valide"] * len(answer.verdicts) != []


@pytest.mark.parametrize("name", SAMPLE)
def test_the_process_that_reads_strangers_files_says_the_same(shop, name):
    path, content = shop.written(HONEST[name])
    found = examine(path, shop.trust, now(), content)
    answer = judge(shop, HONEST[name])
    assert [one.indication for one in found.verdicts] == [one.indication for one in answer.verdicts]


def test_there_are_honest_files_of_every_kind():
    families = Counter(entry.family for entry in HONEST.values())
    assert families.total() >= 60
    assert {"PDF", "PDF complété", "PDF formulaire", "PDF d’ailleurs", "CMS", "XAdES", "PES"} <= set(families)

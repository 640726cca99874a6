"""Ten years ahead on the clock, every service switched off: what an archive must prove by itself, renewed as it should be."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import time_machine

from app.core.clock import now
from app.signing.formats import augmentation, preservation
from app.signing.formats.augmentation import Answers
from app.trust.certificates import Trust
from app.trust.timestamp import TimestampClient
from demo import pki as test_pki
from demo import pki_recipe
from demo.pki import TestPki
from tests.builders.signing import sealed
from tests.builders.verify import verify
from tests.cluster import free_port

YEAR = timedelta(days=365)


@pytest.fixture
def successor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], TestPki]]:
    """A timestamp authority that opens so many years from now: today's will have closed by then."""
    with ExitStack() as opened:

        def open_in(years: int) -> TestPki:
            port = free_port()
            # Another authority has another name: revocation lists are found by the names of their issuers
            monkeypatch.setattr(pki_recipe, "COMMUNE", f"Autorité de l’an {years}")
            made = test_pki.make(tmp_path / f"in-{years}", f"http://127.0.0.1:{port}", now() + years * YEAR)
            opened.callback(test_pki.serve(made.folder, "127.0.0.1", port).close)
            return made

        yield open_in


@pytest.fixture
def archive(deliberation, key, trust, tsa) -> Path:
    """The deliberation signed by two, with its proofs and the time over them (B-LTA)."""
    first, _ = sealed(deliberation, key("a_kervadec"), "maire", tsa)
    second, _ = sealed(first, key("b_cadiou"), "secretaire", tsa)
    return augmented(second, trust, tsa)


def augmented(source: Path, trust: Trust, tsa: TimestampClient, *, renews: bool = False) -> Path:
    target = source.with_name(f"{source.stem}+.pdf")
    augmentation.augment(source, target, answers=Answers(trust, now()), timestamper=tsa, renews=renews)
    return target


def test_renewed_twice_it_holds_ten_years_later_with_nobody_to_ask(archive, trust, successor):
    versions, believed = [archive], trust
    for years in (4, 8):
        authority = successor(years)
        root = authority.root_pem.read_bytes()
        hosts = (*believed.allowed_hosts, authority.host)
        believed = dataclasses.replace(believed, tsa_roots=(*believed.tsa_roots, root), allowed_hosts=hosts)
        with time_machine.travel(now() + years * YEAR, tick=True):
            again = augmented(versions[-1], believed, TimestampClient(authority.tsa_url), renews=True)
            nobody = dataclasses.replace(believed, allowed_hosts=())
            check = {
                "source": versions[-1],
                "level": "B-LTA",
                "trust": nobody,
                "moment": now(),
                "renews": True,
            }
            assert preservation.check(again, **check).signatures == 2
        versions.append(again)
    assert all(after.read_bytes().startswith(before.read_bytes()) for before, after in pairwise(versions))
    silent = dataclasses.replace(believed, fetch=False, allowed_hosts=())
    with time_machine.travel(now() + 10 * YEAR, tick=True):
        said = verify(versions[-1], silent, now())
        assert [one.verdict for one in said] == ["valide", "valide"], [one.reason for one in said]
        assert {one.level for one in said} == {"B-LTA"}
        assert all("d’après les preuves gardées dans le fichier" in one.revocation for one in said)
        asked = verify(versions[-1], believed, now())  # the last authority is still there to answer
        assert [one.verdict for one in asked] == ["valide", "valide"], [one.reason for one in asked]
        # The same signatures, whose archive nobody renewed, prove nothing any more and are not called valid
        late = verify(archive, silent, now())
        assert {one.verdict for one in late} == {"indéterminé"}, [one.reason for one in late]


def test_one_byte_of_it_changed_ten_years_later_is_seen(archive, trust):
    data = archive.read_bytes()
    at = data.index(b"/Title") + 1
    archive.write_bytes(data[:at] + b"Tithe" + data[at + 5 :])
    with time_machine.travel(now() + 10 * YEAR, tick=True):
        said = verify(archive, dataclasses.replace(trust, fetch=False), now())
    assert [one.verdict for one in said] == ["invalide", "invalide"]

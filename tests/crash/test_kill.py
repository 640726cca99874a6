"""Killed anywhere, nothing is lost, nothing is made twice, and every folder can still go to its end."""

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core import outbox
from app.core.clock import today
from app.core.db import reading
from app.core.outbox import Outbox
from app.files import vault
from app.folders import decide
from app.folders.models import DocumentVersion
from app.journal.chain import verify
from app.signing import setting
from app.signing.models import SignatureProof
from app.signing.verify import verify as verify_signatures
from tests.builders.house import House

pytestmark = pytest.mark.crash
ROOT = Path(__file__).resolve().parents[2]
SEED = int(os.environ.get("PARAPHE_CRASH_SEED", "20261125"))


def play(
    house: House, verb: str, folder: int = 0, login: str = "", die: tuple[str, int, bool] | None = None
) -> int:
    """Play a verb in a process of its own; returns its exit code (-9 when it was killed)."""
    settings = {}
    for name, value in house.settings.model_dump().items():
        secret = getattr(value, "get_secret_value", None)
        settings[name] = secret() if secret else str(value) if isinstance(value, Path) else value
    pki = [str(house.pki.folder), house.pki.base_url]
    order = {"settings": settings, "pki": pki, "verb": verb, "folder": folder, "login": login, "die": die}
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash.driver", json.dumps(order)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr[-3000:]
    return done.returncode


def settle(house: House, folder_id: int) -> None:
    """Bring the folder to its end, as people would after the machine came back."""
    ends = {"direction": "s.rivoal", "service_done": "r.pellenec", "finance": "n.abgrallec"}
    for row in unfinished():
        if (
            row.state == "parked"
        ):  # a worker that dies at every try: the administrator sees it and presses the button
            assert outbox.retry(row.collectivity_id, row.id)
    for _ in range(12):
        place = house.folder(folder_id).place
        if place in ends:
            house.approve(folder_id, ends[place])
        elif place == "bon_a_payer":
            house.sign(folder_id, "a.kervadec")
        elif place == "signatures":
            with reading() as db:
                signed = set(
                    db.scalars(sa.select(SignatureProof.name).where(SignatureProof.folder_id == folder_id))
                )
            house.sign(folder_id, "b.cadiou" if "Armel Kervadec" in signed else "a.kervadec")
        elif place in {"prefecture", "handover"}:
            house.drain()
        elif place == "publication":
            decide.publish(
                house.actor("k.morizur"),
                folder_id,
                version=house.folder(folder_id).version,
                published_on=today(),
            )
        else:
            break
    house.drain()
    assert house.folder(folder_id).place == "done", [
        (one.kind, one.state, one.last_error) for one in unfinished()
    ]


def unfinished() -> list[Outbox]:
    with reading() as db:
        return list(db.scalars(sa.select(Outbox).where(Outbox.state != "done")))


def assert_sound(house: House, folder_id: int) -> None:
    """What must hold after any death."""
    with reading() as db:
        assert verify(db, house.folder(folder_id).collectivity_id)[1] is None
    with reading() as db:
        proofs = list(db.scalars(sa.select(SignatureProof).where(SignatureProof.folder_id == folder_id)))
        for version in db.scalars(sa.select(DocumentVersion)):
            assert vault.store().exists(vault.scope(version.collectivity_id), version.sha256)
    expected = 2 if house.folder(folder_id).family == "deliberation" else 1
    assert (
        len(proofs)
        == len({one.step_run_id for one in proofs})
        == len({one.field for one in proofs})
        == expected
    )
    last = house.versions(folder_id)[-1]
    with vault.local(last.collectivity_id, last.sha256, ".pdf") as path:
        verdicts = verify_signatures(path, setting.trust(), house.versions(folder_id)[-1].created_at)
    assert len(verdicts) == expected
    assert all(one.verdict == "valide" for one in verdicts), verdicts
    sent = list((house.settings.data_dir / "prefecture-factice").glob("numbers/*/*.json"))
    handed = list((house.settings.data_dir / "sorties").rglob("*.zip"))
    assert len(sent) + len(handed) == 1
    by_reader: dict[tuple[str, str], set[str]] = {}
    for letter in house.mail.letters:
        by_reader.setdefault((str(letter["To"]), str(letter["Message-ID"])), set()).add(
            str(letter["Subject"])
        )
    assert by_reader
    assert all(len(subjects) == 1 for subjects in by_reader.values())


SIGN_POINTS = [
    ("app.signing.sign:claim", 1, True),
    ("app.signing.formats.pades:complete", 1, False),
    ("app.signing.formats.pades:complete", 1, True),
    ("app.signing.formats.pades:check", 1, True),
    ("app.signing.sign:tell", 1, False),
    ("app.signing.sign:move", 1, True),
    ("app.signing.sign:tell", 1, True),
]
SEND_POINTS = [
    ("app.core.outbox:claim", 1, True),
    ("app.transmission.dispatch:mark_sending", 1, True),
    ("app.transmission.dispatch:mark_sent", 1, False),
    ("app.transmission.dispatch:mark_sent", 1, True),
    ("app.transmission.dispatch:acknowledge", 1, False),
    ("app.transmission.dispatch:acknowledge", 1, True),
    ("app.notices.mailer:send", 1, True),
    ("app.notices.mailer:send", 2, False),
    ("app.core.outbox:settle", 1, False),
    ("app.core.outbox:settle", 2, True),
]


@pytest.mark.parametrize("journey", ["invoice", "deliberation"])
def test_killed_around_a_signature_the_folder_waits_or_is_signed_once(house: House, journey: str) -> None:
    for point in SIGN_POINTS:
        number = f"2026-1{SIGN_POINTS.index(point):02d}"
        folder_id = (
            house.an_invoice(at="bon_a_payer")
            if journey == "invoice"
            else house.a_deliberation(at="signatures", number=number)
        )
        before = house.folder(folder_id).place
        assert play(house, "sign", folder_id, "a.kervadec", point) == -signal.SIGKILL
        with reading() as db:
            made = db.scalar(sa.select(sa.func.count()).where(SignatureProof.folder_id == folder_id))
        signed = sum(one.origin == "signed" for one in house.versions(folder_id))
        assert made == signed
        if not made:
            assert house.folder(folder_id).place == before
    settle(house, folder_id)


@pytest.mark.parametrize("journey", ["invoice", "deliberation"])
def test_killed_while_it_leaves_the_folder_is_sent_exactly_once(house: House, journey: str) -> None:
    folder_id = (
        house.an_invoice(at="signed") if journey == "invoice" else house.a_deliberation(at="prefecture")
    )
    for point in SEND_POINTS:
        play(house, "drain", die=point)
        house.wait_for_leases()
    settle(house, folder_id)
    assert_sound(house, folder_id)


@pytest.mark.parametrize("journey", ["invoice", "deliberation"])
def test_killed_at_random_moments_the_journey_still_ends(house: House, journey: str) -> None:
    chance = random.Random(f"{SEED}-{journey}")
    points = [
        *SIGN_POINTS,
        *SEND_POINTS,
        ("app.folders.move:append", 1, False),
        ("app.folders.move:post", 1, True),
        ("app.files.store:Store.put_file", 1, True),
    ]
    folder_id = (
        house.an_invoice(at="service_done") if journey == "invoice" else house.a_deliberation(at="direction")
    )
    visas = {"service_done": "r.pellenec", "finance": "n.abgrallec", "direction": "s.rivoal"}
    for _ in range(9):
        place, die = (
            house.folder(folder_id).place,
            (*chance.choice(points)[:1], chance.randint(1, 2), chance.random() < 0.5),
        )
        if place in visas:
            play(house, "approve", folder_id, visas[place], die)
        elif place in {"bon_a_payer", "signatures"}:
            play(
                house,
                "sign",
                folder_id,
                "a.kervadec" if len(house.versions(folder_id)) == 1 else "b.cadiou",
                die,
            )
        else:
            play(house, "drain", die=die)
            house.wait_for_leases()
    settle(house, folder_id)
    assert_sound(house, folder_id)

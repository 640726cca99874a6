"""A chain remade from its first line, every hash made again, is told by the marks of the days before, which an authority dated."""

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine

from app import create_app
from app.core import heartbeat, outbox
from app.core.clock import now
from app.core.db import engine
from app.core.french import HARD
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.journal.checker import main
from app.journal.export import export
from app.operations import helping, marks, posted
from app.people import desks
from tests.builders.house import House
from tests.journal.test_anchors import rewrite

pytestmark = pytest.mark.in_turn


def test_the_past_of_a_journal_is_dated_and_cannot_be_remade(house: House, tmp_path: Path) -> None:
    outside, here = tmp_path / "dehors", house.actor("k.morizur").collectivity_id
    settings = house.settings.model_copy(update={"marks_folder": outside})
    run = house.app.test_cli_runner().invoke
    with pytest.raises(Refusal, match="marks-none"):
        list(marks.verify(outside))
    with pytest.raises(Refusal, match="mark-unwritten"):
        marks.take(settings)  # a share that is not mounted is not replaced by a folder of this disk
    assert not outside.exists()
    outside.mkdir()
    marks.daily(settings)
    marks.daily(settings)  # once a day
    desks.create_desk(here, "neuf", "Bureau neuf")
    with time_machine.travel(now() + timedelta(seconds=2)):
        mark = marks.take(settings)
    assert (mark.heads, mark.dated) == (1, True)
    assert len(list(outside.glob("*.txt"))) == 2
    said = run(args=["marks", "verify", str(outside)])
    assert said.exit_code == 0, said.output
    assert said.output.count("le journal le porte encore") == 2

    # Somebody else's tool reads the token too
    root, beside = house.pki.root_pem, f"{mark.path}{marks.BESIDE}"
    checked = subprocess.run(
        ["openssl", "ts", "-verify", "-token_in", "-CAfile", root, "-data", mark.path, "-in", beside],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Verification: OK" in checked.stdout + checked.stderr, checked.stderr

    last = outside / mark.path.name
    data, token = last.read_bytes(), (outside / f"{last.name}{marks.BESIDE}").read_bytes()
    rewrite(here, 2)
    assert [one.fault for one in marks.verify(outside) if one.fault]
    last.write_bytes(
        "".join(marks._lines(now())).encode()
    )  # the lines of the chain that was remade, under the token of before
    assert "son horodatage ne tient pas" in str([one.fault for one in marks.verify(outside)][-1])
    for broken in (b"", b"rien", token[:-20], token[:-1] + bytes([token[-1] ^ 1])):
        last.write_bytes(data)
        (outside / f"{last.name}{marks.BESIDE}").write_bytes(broken)
        assert "son horodatage ne tient pas" in str([one.fault for one in marks.verify(outside)][-1])
    assert run(args=["marks", "verify", str(outside)]).exit_code == 1


def test_the_mark_of_the_day_is_mailed_once_and_its_attachments_are_what_the_checkers_take(
    house: House, tmp_path: Path
) -> None:
    here = house.actor("k.morizur").collectivity_id
    settings = house.settings.model_copy(update={"marks_mail": "Centre de gestion <reperes@cdg.example.org>"})
    create_app(settings)
    marks.daily(settings)
    marks.daily(settings)
    outbox.drain()
    (letter,) = house.mail.to("reperes@cdg.example.org")
    assert str(letter["Subject"]).startswith(f"Paraphe{HARD}: repère du journal du ")
    assert letter["Auto-Submitted"] == "auto-generated"
    kept = tmp_path / "boîte"
    kept.mkdir()
    for one in letter.iter_attachments():
        (kept / str(one.get_filename())).write_bytes(one.get_content())
    ours = settings.data_dir / marks.FOLDER
    assert {one.name: one.read_bytes() for one in kept.iterdir()} == {
        one.name: one.read_bytes() for one in ours.iterdir()
    }
    assert [one.fault for one in marks.verify(kept)] == [None]
    (heads,) = kept.glob("*.txt")
    assert heads.name in letter.get_body().get_content()

    # Sent again, it is the same letter; the next day has another
    with engine().begin() as connection:
        connection.execute(sa.update(Outbox.__table__).values(state="parked"))
    assert outbox.retry_all(posted.KIND) == 1
    outbox.drain()
    with time_machine.travel(now() + timedelta(days=1, minutes=1)):
        posted.announce(marks.take(settings).path)
        outbox.drain()
    names = [one["Message-ID"] for one in house.mail.to("reperes@cdg.example.org")]
    assert names[0] == names[1] != names[2]

    # The checker of others reads what the letter brought, and sees the chain that was remade since
    assert main([str(export(here, tmp_path / "avant", now())), "--reperes", str(heads)]) == 0
    rewrite(here, 2)
    assert main([str(export(here, tmp_path / "après", now())), "--reperes", str(heads)]) == 1
    create_app(settings.model_copy(update={"marks_mail": ""}))
    with engine().begin() as connection:
        connection.execute(sa.update(Outbox.__table__).values(state="parked"))
    outbox.retry_all(posted.KIND)
    outbox.drain()
    assert len(house.mail.to("reperes@cdg.example.org")) == 3


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_mark_that_is_not_taken_is_tried_again_and_said(house: House, tmp_path: Path) -> None:
    here = house.settings.data_dir / marks.FOLDER
    here.write_text("un fichier", encoding="utf-8")
    with pytest.raises(Refusal, match="mark-unwritten"):
        marks.take(house.settings)
    marks.daily(house.settings)
    assert heartbeat.last(marks.BEAT) is None
    here.unlink()
    # A folder outside that is away holds back neither the mark nor its letter, and asks for no other mark an hour later
    away = {"marks_folder": tmp_path / "absent", "marks_mail": "reperes@cdg.example.org"}
    settings = house.settings.model_copy(update=away)
    create_app(settings)
    for hours in (2, 4):
        with time_machine.travel(now() + timedelta(hours=hours)):
            marks.daily(settings)
            assert heartbeat.last(marks.BEAT) is not None
            outbox.drain()
    assert len(house.mail.to("reperes@cdg.example.org")) == len(list(here.glob("*.txt"))) == 1


def test_the_worker_has_it_taken_by_a_process_that_ends(house: House) -> None:
    marks.begin(house.settings)
    (process,) = helping._at_work
    process.join(120)
    assert process.exitcode == 0
    assert heartbeat.last(marks.BEAT) is not None
    assert [one.fault for one in marks.verify(house.settings.data_dir / marks.FOLDER)] == [None]
    marks.begin(house.settings)
    assert helping._at_work == [process]  # once a day

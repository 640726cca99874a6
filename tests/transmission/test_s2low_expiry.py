"""The end of the certificate shown to S2LOW is told 60, 30 and 7 days before to administrators, once each."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine

from app.core import outbox
from app.core.clock import PARIS
from app.core.db import reading
from app.core.outbox import Outbox
from app.transmission.s2low import expiry
from app.transmission.s2low.settings import S2lowSettings
from tests.builders.house import House
from tests.builders.s2low import Authority
from tests.mailserver import MailServer

pytestmark = pytest.mark.in_turn

END = date(2027, 3, 1)
SIREN = "212909998"


def at(before: int) -> time_machine.travel:
    return time_machine.travel(datetime.combine(END - timedelta(days=before), time(9), PARIS), tick=True)


def watched(folder: Path) -> S2lowSettings:
    end = datetime(END.year, END.month, END.day, 10, tzinfo=UTC)
    Authority(folder, "autorite").issue(folder / "s2low" / SIREN / "client.pem", "Kerlann", until=end)
    return S2lowSettings(url="https://s2low.example.org", folder=folder / "s2low")


def test_an_end_is_told_three_times_to_the_administrators(
    house: House, mail: MailServer, tmp_path: Path
) -> None:
    settings = watched(tmp_path)
    for before, fresh in ((61, 0), (60, 1), (60, 0), (40, 0), (30, 1), (12, 0), (7, 1), (0, 0)):
        with at(before):
            assert expiry.remind(settings) == fresh, before
    with reading() as db:
        rows = list(db.scalars(sa.select(Outbox).where(Outbox.key.like(f"{expiry.EVENT}-%"))))
    for one in rows:
        with at(0):
            outbox.run(one.id)
    assert [one["To"].addresses[0].username for one in mail.letters] == ["k.morizur"] * 3
    text = mail.letters[0].get_body(("plain",)).get_content()
    assert "prend fin le" in text
    assert "aucun acte ni aucun flux ne part" in text.replace("\u00a0", " ")


def test_nothing_is_told_of_an_operator_that_is_not_used_or_a_file_that_is_no_certificate(
    house: House, tmp_path: Path
) -> None:
    settings = watched(tmp_path)
    with at(5):
        assert expiry.remind(settings.model_copy(update={"url": ""})) == 0
        (tmp_path / "s2low" / SIREN / "client.pem").write_bytes(b"nothing")
        assert expiry.remind(settings) == 0

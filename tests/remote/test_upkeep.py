"""What the house keeps of remote signing in order: what is over is swept, and the doctor asks the service."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core.clock import now
from app.core.db import engine
from app.operations.doctor import examine
from app.operations.sweep import sweep
from app.signing.models import RemoteKey, RemoteRequest
from tests.builders.remote import At
from tests.builders.settings import take_settings


def count(table: type) -> int:
    with engine().connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def test_what_was_asked_goes_a_day_after_its_end_and_the_link_stays(house, at) -> None:
    mayor: At = at("a.kervadec")
    mayor.link()
    mayor.asked(house.an_invoice(at="bon_a_payer"))
    assert count(RemoteRequest) == 2
    sweep(0, 0)
    assert count(RemoteRequest) == 2
    with engine().begin() as connection:
        connection.execute(sa.update(RemoteRequest).values(expires_at=now() - timedelta(hours=25)))
    sweep(0, 0)
    assert (count(RemoteRequest), count(RemoteKey)) == (0, 1)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_doctor_asks_the_service_where_there_is_one(house, server) -> None:
    def said(settings) -> tuple[bool, str] | None:
        take_settings(settings)
        return next(((one.ok, one.sentence) for one in examine(settings) if "distance" in one.name), None)

    assert said(house.settings) == (True, "« Signature de Bretagne » répond (API 1.0.4.0)")
    server.odd = {"info": (503, b"", "application/json")}
    fine, words = said(house.settings)
    assert (fine, "vérifiez les réglages PARAPHE_CSC" in words) == (False, True)
    assert said(house.settings.model_copy(update={"csc_url": ""})) is None

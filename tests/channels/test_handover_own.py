"""A collectivity's own address for hand-overs, given and taken back by command."""

import pytest
import sqlalchemy as sa

from app.channels.handover import own
from app.channels.handover.settings import HandoverSettings
from app.core import sealed
from app.core.db import engine, reading
from app.journal.models import JournalEntry
from app.people.models import Collectivity
from app.transmission.parcel import sender_of
from demo.cast import SIREN
from tests.builders.house import House

URL = "https://finances.example.org/remises"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_address_is_kept_with_its_secret_and_a_bad_one_changes_nothing(house: House, tmp_path) -> None:
    runner, here = house.app.test_cli_runner(), house.actor("k.morizur").collectivity_id

    def settings() -> dict[str, str]:
        with reading(here) as db:
            kept = sender_of(db, here, house.settings).settings
        return {key: value for key, value in kept.items() if key.startswith("handover_")}

    given = runner.invoke(args=["handover", "address", SIREN, URL])
    assert given.exit_code == 0, given.output
    before = settings()
    assert before["handover_webhook_url"] == URL
    secret = given.output.rpartition("affiché une seule fois : ")[2].strip()
    assert sealed.unseal(before["handover_webhook_secret"]) == secret
    assert secret not in str(before)
    own.set_address(SIREN, URL, secret, HandoverSettings.read(house.settings))
    before = settings()
    short = tmp_path / "secret"
    short.write_text("court\n", encoding="utf-8")
    for words, why in (
        (["address", SIREN, "http://finances.example.org/"], "doit commencer par https://"),
        (["address", SIREN, "https://10.0.0.1/remises"], "ne peut pas servir aux remises"),
        (["address", "111111111", URL], "Aucune collectivité n’a le SIREN 111111111"),
        (["address", SIREN, URL, "--secret-file", str(short)], "16 caractères au moins"),
    ):
        refused = runner.invoke(args=["handover", *words])
        assert refused.exit_code == 1
        assert why in refused.output
        assert "Traceback" not in refused.output
        assert settings() == before
    looked = ["doctor", "--only", "logiciels"]
    assert "ne se lit plus" not in runner.invoke(args=looked).output
    with engine().begin() as connection:  # as after another PARAPHE_SECRET_KEY
        table = Collectivity.__table__
        shut = {**before, "handover_webhook_secret": "g1.AAAA"}
        connection.execute(sa.update(table).where(table.c.id == here).values(settings=shut))
    ill = runner.invoke(args=looked)
    assert ill.exit_code == 1
    assert "le secret de l’adresse de remise ne se lit plus (Kerlann-sur-Mer)" in ill.output.replace(
        "\xa0", " "
    )
    assert runner.invoke(args=["handover", "forget", SIREN]).exit_code == 0
    own.forget_address(SIREN)  # a second time nothing is written
    assert settings() == {}
    twice = runner.invoke(args=["people", "collectivity", SIREN, "Autre", "--department", "029"])
    assert f"La collectivité {SIREN} existe déjà ici : Kerlann-sur-Mer." in twice.output.replace("\xa0", " ")
    with reading() as db:
        events = list(db.scalars(sa.select(JournalEntry.event)))
    assert (events.count("collectivity.handover"), events.count("collectivity.handover_forgotten")) == (2, 1)

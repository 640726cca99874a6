"""`collectivity diff`, `collectivity apply` and `people close` tell what would stop, and stop there without a reason."""

from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from click.testing import Result

from app.core.clock import today
from app.core.db import reading
from app.operations.absences.planning import Wanted, plan
from app.people.models import Collectivity
from app.people.own_settings.changing import change_setting
from demo.cast import SIREN
from tests.builders.house import House
from tests.operations.test_people_and_desks import user

pytestmark = pytest.mark.in_turn
R = "r.pellenec"


def run(house: House, *words: str) -> Result:
    return house.app.test_cli_runner().invoke(args=list(words))


def test_a_file_that_takes_from_the_last_who_may_act_is_written_for_a_reason_alone(
    house: House, tmp_path: Path
) -> None:
    folder_id, file = house.an_invoice(), tmp_path / "kerlann.yaml"
    data = yaml.safe_load(run(house, "collectivity", "export", SIREN).output)
    data["people"][R]["desks"] = {"technique": ["create"]}
    file.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    stops = f"Le dossier en cours n° {folder_id} ne pourrait plus finir."
    told = run(house, "collectivity", "diff", SIREN, str(file))
    assert (told.exit_code, f"! {stops}" in told.output) == (1, True)
    assert "! Bureau « Services techniques »" in told.output
    refused = run(house, "collectivity", "apply", SIREN, str(file))
    assert refused.exit_code != 0
    assert stops in refused.output.replace("\u00a0", " ")
    house.approve(folder_id, R)  # nothing was written
    other = house.an_invoice()
    done = run(house, "collectivity", "apply", SIREN, str(file), "--malgre", "Réorganisation")
    assert (done.exit_code, "Appliqué." in done.output) == (0, True)
    assert house.folder(other).place == "service_done"
    assert run(house, "collectivity", "apply", SIREN, str(file)).output.strip() == "Rien à changer."


def test_an_account_that_leaves_something_is_closed_for_a_reason_alone(house: House) -> None:
    folder_id = house.an_invoice()
    absent = house.actor("n.abgrallec")
    ends = f"{today() + timedelta(days=9)}T18:00"
    wanted = Wanted(absent.user_id or 0, house.actor(R).user_id, f"{today() + timedelta(days=1)}T08:00", ends)
    plan(absent, wanted)
    refused = run(house, "people", "close", SIREN, R)
    cover = refused.output.replace("\u00a0", " ").partition("l’intérim de Nolwenn Abgrallec, jusqu’au ")[2]
    assert cover.splitlines()[0].endswith(", 18 h 00.")  # the minute that was typed
    assert refused.exit_code != 0
    told = "! Personne d’autre ne pourrait agir à l’étape d’aujourd’hui : 1 dossier en cours, n° "
    assert told.replace("1 dossier", "1\u00a0dossier") in refused.output or told in refused.output
    assert str(folder_id) in refused.output
    assert user(R).active
    done = run(house, "people", "close", SIREN, R, "--malgre", "Fin de contrat")
    assert (done.exit_code, f"{R} est fermé." in done.output) == (0, True)
    assert not user(R).active


def test_a_file_in_which_two_desks_take_each_the_other_s_name_is_written_and_two_of_one_name_are_not(
    house: House, tmp_path: Path
) -> None:
    file = tmp_path / "kerlann.yaml"
    data = yaml.safe_load(run(house, "collectivity", "export", SIREN).output)
    here = data["desks"]
    first, second = here["technique"]["name"], here["paye"]["name"]
    here["technique"]["name"], here["paye"]["name"] = second, first
    file.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    assert run(house, "collectivity", "apply", SIREN, str(file)).exit_code == 0
    written = yaml.safe_load(run(house, "collectivity", "export", SIREN).output)["desks"]
    assert (written["technique"]["name"], written["paye"]["name"]) == (second, first)
    here["technique"]["name"] = here["paye"]["name"]
    file.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    assert run(house, "collectivity", "apply", SIREN, str(file)).exit_code != 0


def test_a_key_in_an_address_is_in_no_file_and_a_file_that_is_applied_again_does_not_lose_it(
    house: House, tmp_path: Path
) -> None:
    name, file, whole = (
        "handover_webhook_url",
        tmp_path / "kerlann.yaml",
        "https://f.example.org/recu?cle=CLE123",
    )
    clerk = house.actor("k.morizur")
    change_setting(clerk, name, {name: whole, "handover_webhook_secret": "s" * 40})

    def kept() -> object:
        with reading(clerk.collectivity_id) as db:
            return db.get_one(Collectivity, clerk.collectivity_id).settings[name]

    data = yaml.safe_load(run(house, "collectivity", "export", SIREN).output)
    assert data["settings"][name] == "https://f.example.org/recu?…"
    file.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    assert run(house, "collectivity", "diff", SIREN, str(file)).exit_code == 0
    assert run(house, "collectivity", "apply", SIREN, str(file)).output.strip() == "Rien à changer."
    assert kept() == whole
    data["settings"][name] = "https://g.example.org/recu?…"
    file.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    assert run(house, "collectivity", "apply", SIREN, str(file)).exit_code != 0
    assert kept() == whole
    data["settings"][name] = "https://f.example.org/recu?cle=CLE456"
    file.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    assert "CLE" not in run(house, "collectivity", "apply", SIREN, str(file)).output
    assert kept() == "https://f.example.org/recu?cle=CLE456"
    client = house.client("k.morizur")
    for page in ("/administration/reglages", f"/administration/reglages/{name}"):
        assert "CLE" not in client.get(page).get_data(as_text=True)
    assert not change_setting(clerk, name, {name: "https://f.example.org/recu?…"})
    assert kept() == "https://f.example.org/recu?cle=CLE456"

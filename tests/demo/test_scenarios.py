"""The buttons of the simulated offices: what they script, what they refuse, and that only a simulator has them."""

import re
from pathlib import Path

import pytest

from app import create_app
from app.core import outbox
from app.folders import deposit
from app.signing.placing.plan import place
from demo import cast, seed
from tests.builders.house import House, token_in

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def town(house: House, **given: object) -> House:
    """The same installation with other settings."""
    settings = house.settings.model_copy(update={"s2low_url": "https://s2low.example.org", **given})
    return House(create_app(settings), settings, house.pki, house.mail)


def kept(house: House) -> list[Path]:
    return [one for one in house.settings.data_dir.rglob("scenarios/*") if one.is_file()]


def post(client, house: House, path: str, **form: str):
    return client.post(f"/demo/{path}", data={"csrf_token": house.csrf(client), **form})


def shown(client, page: str) -> str:
    return client.get(f"/demo/{page}").get_data(as_text=True).replace("\u00a0", " ")


def test_buttons_script_the_next_deposit_then_the_one_that_waits_once(house: House) -> None:
    demo = town(house, demo=True)
    client = demo.client("k.morizur")
    post(client, demo, "prefecture/scenario", play="silence")
    assert "Préparé : <b>Garder le silence</b>" in shown(client, "prefecture")
    folder_id = demo.a_deliberation(at="prefecture")
    outbox.drain()
    page = shown(client, "prefecture")
    assert "Préparé" not in page
    assert "029-212909998-20260924-2026_057-DE" in page
    assert "À rendre<div" in page
    assert demo.folder(folder_id).place == "prefecture"
    post(client, demo, "prefecture/scenario", play="refusal", reference="1")
    demo.drain()
    assert demo.folder(folder_id).phase == "rejected"
    again = post(client, demo, "prefecture/scenario", play="now", reference="1")
    assert (again.status_code, "a déjà sa réponse" in again.get_data(as_text=True)) == (409, True)
    assert kept(demo) == []


def test_one_enters_as_the_mayor_from_the_login_page_and_finds_keys_that_bear_names(
    house: House, tmp_path: Path
) -> None:
    demo = town(house, demo=True, demo_dir=tmp_path)
    client = demo.client()
    login = client.get("/login").get_data(as_text=True)
    assert re.search(r'name="login"\s+value="a.kervadec">\s*Entrer comme le maire', login)
    assert '/demo"' in login
    for name, status in (("personne", 404), ("a.kervadec", 302)):
        form = {"csrf_token": token_in(login), "login": name}
        assert client.post("/demo/entrer", data=form).status_code == status
    assert "Armel Kervadec" in client.get("/compte").get_data(as_text=True)
    keys = tmp_path / "pki" / "p12"
    keys.mkdir(parents=True)
    named = {}
    for one in cast.EVERYBODY:
        if one.certificate:
            (keys / f"{one.certificate}.p12").write_bytes(b"clef")
            with client.get(f"/demo/certificats/{one.certificate}.p12") as answer:
                named[one.login] = answer.headers["Content-Disposition"].partition("filename=")[2]
    assert named["a.kervadec"] == "armel-kervadec.p12"
    assert named["g.lebras"] == "gaud-le-bras.p12"
    assert len(set(named.values())) == len(named)
    # The places that the demonstration keeps on its act are places of that act.
    signatory = house.actor("b.cadiou").user_id
    act = house.a_deliberation(at="draft")
    facts = {"sitting_secretary": str(signatory)}
    secretary = house.actor("k.morizur")
    version = deposit.save(secretary, act, version=house.folder(act).version, title=None, facts=facts)
    assert place(secretary, act, version=version, boxes=seed.stamps(signatory)) == version + 1


def test_the_treasury_sends_that_a_flow_is_paid_once_it_has_acquitted_it(house: House) -> None:
    demo = town(house, demo=True)
    client = demo.client("g.trehorel")
    folder_id = demo.a_flow()
    for form in (
        {"reference": "1", "share": "100"},
        {"reference": "../1", "share": "100"},
        {"reference": "1", "share": "7"},
    ):
        assert post(client, demo, "tresorerie/retour", **form).status_code == 400
    demo.sign(folder_id, "a.kervadec")
    demo.drain()
    assert "Envoyer un retour" in shown(client, "tresorerie")
    assert post(client, demo, "tresorerie/retour", reference="1", share="50").status_code == 302
    assert "Le retour FACTICE" in shown(client, "tresorerie")
    demo.drain()
    sheet = client.get(f"/dossiers/{folder_id}").get_data(as_text=True)
    assert sheet.count("Payé en partie le") == 4


def test_the_line_is_cut_and_restored_and_what_is_no_scenario_is_refused(house: House) -> None:
    demo = town(house, demo=True)
    client = demo.client("k.morizur")
    post(client, demo, "tresorerie/panne", connexions="3")
    assert "Les 3 prochaines connexions échoueront." in shown(client, "tresorerie")
    assert "La ligne est ouverte." in shown(client, "prefecture")
    post(client, demo, "tresorerie/panne", connexions="0")
    assert "La ligne est ouverte." in shown(client, "tresorerie")
    post(client, demo, "tresorerie/scenario", play="partial")
    post(client, demo, "tresorerie/scenario", play="")
    for path, form in (
        ("tresorerie/panne", {"connexions": "99"}),
        ("tresorerie/panne", {"connexions": "-1"}),
        ("tresorerie/scenario", {"play": "anomaly"}),
        ("tresorerie/scenario", {"play": "lost", "reference": "1"}),
        ("prefecture/scenario", {"play": "partial"}),
    ):
        assert post(client, demo, path, **form).status_code == 400
    assert post(client, demo, "prefecture/scenario", play="now", reference="../1").status_code == 409
    assert kept(demo) == []


@pytest.mark.parametrize("simulated", [False, True], ids=["real operator", "simulated operator"])
def test_nothing_can_be_scripted_where_an_operator_carries_what_is_sent(
    house: House, simulated: bool
) -> None:
    given = {"actes_transport": "s2low", "helios_transport": "s2low", "s2low_simulated": simulated}
    demo = town(house, demo=True, **given)
    client = demo.client("k.morizur")
    for page in ("prefecture", "tresorerie"):
        assert "Le prochain envoi" not in shown(client, page)
        for path, form in ((f"{page}/scenario", {"play": "silence"}), (f"{page}/panne", {"connexions": "3"})):
            refused = post(client, demo, path, **form)
            assert refused.status_code == 409
            assert "n’est pas simulée sur cette installation" in refused.get_data(as_text=True)
    letter = {"siren": "212909998", "number": "2026_057", "code": "3-1"}
    assert post(client, demo, "prefecture/courrier", **letter).status_code == 409
    assert kept(demo) == []
    assert not Path(demo.settings.actes_folder or "").exists()


def test_outside_a_demonstration_there_is_no_button(house: House) -> None:
    client = house.client("k.morizur")
    for path in ("prefecture/scenario", "tresorerie/scenario", "prefecture/panne", "tresorerie/panne"):
        assert post(client, house, path, play="silence", connexions="3").status_code == 404
    assert kept(house) == []

"""« Mise en service » tries a point for real when an administrator asks: what came back, when, who asked, and nothing untried is ready."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from asn1crypto import pem

from app import create_app
from app.channels.handover import own as handed
from app.core import db
from app.core.clock import now
from app.core.hold import Hold
from app.operations.examined import trials
from app.operations.models import DoctorFinding, DoctorTrial
from app.people.models import Collectivity, User
from app.people.own_settings.changing import MOVED, change_setting, forget_setting, try_out
from app.people.own_settings.registry import Own, Result
from app.trust import authorities
from tests.builders.clamd import clamd
from tests.builders.house import House
from tests.cluster import free_port
from tests.operations.test_commune import a_new_commune

pytestmark = pytest.mark.in_turn

PAGE = "/administration/mise-en-service"
ADMIN = "k.morizur"


def page(house: House, login: str = ADMIN, path: str = PAGE) -> str:
    text = house.client(login).get(path).get_data(as_text=True)
    return " ".join(text.replace("\u00a0", " ").replace("\u202f", " ").split())


def attempt(house: House, point: str, login: str = ADMIN) -> tuple[int, str]:
    """The status of the answer, and the page that it leads to or that it is."""
    client = house.client(login)
    answer = client.post(
        f"{PAGE}/essayer", data={"point": point, "csrf_token": house.csrf(client)}, follow_redirects=True
    )
    text = answer.get_data(as_text=True).replace("\u00a0", " ").replace("\u202f", " ")
    return answer.status_code, " ".join(text.split())


def with_settings(house: House, **more: object) -> None:
    house.settings = house.settings.model_copy(update=more)
    house.app = create_app(house.settings)


def again() -> None:
    """A minute goes by."""
    with db.engine().begin() as connection:
        connection.execute(sa.update(DoctorTrial.__table__).values(begun_at=now() - timedelta(minutes=2)))


def test_a_letter_goes_to_who_asks_and_to_nobody_else(house: House) -> None:
    house.mail.clear()
    status, text = attempt(house, "courriel")
    assert status == 200
    assert "Essai fait : courriel : prêt" in text
    (letter,) = house.mail.letters
    with db.reading() as base:
        own = base.scalar(sa.select(User.email).where(User.login == ADMIN))
    assert own is not None
    assert own in str(letter["To"])
    assert "lettre d’essai" in str(letter["Subject"])
    assert f"a pris une lettre pour {own}, et pour personne d’autre" in text
    assert "Essayé par Katell Morizur" in text
    again()
    house.mail.refuse[own] = "550 5.1.1 No such mailbox here"
    _, refused = attempt(house, "courriel")
    assert "le serveur refuse votre adresse" in refused
    assert "550 5.1.1" in refused
    assert "courriel : à régler" in refused
    assert "PARAPHE_" not in refused.partition("<main")[2]  # he does not run the installation
    again()
    with_settings(house, mail_url=f"smtp://compte:sesame@127.0.0.1:{free_port()}", operators=(ADMIN,))
    _, silent = attempt(house, "courriel")
    assert "le serveur de courriel ne répond pas : vérifiez PARAPHE_MAIL_URL" in silent
    assert "sesame" not in silent.partition("<main")[2]


def test_the_letter_of_a_trial_comes_from_who_the_collectivity_says(house: House) -> None:
    actor = house.actor(ADMIN)
    change_setting(actor, "mail_name", {"mail_name": "Mairie de Kerlann"})
    change_setting(actor, "mail_reply_to", {"mail_reply_to": "accueil@kerlann.example.org"})
    change_setting(actor, "mail_signature", {"mail_signature": "Secrétariat général"})
    change_setting(actor, "shown_name", {"shown_name": "Ville de Kerlann"})
    house.mail.clear()
    assert attempt(house, "courriel")[0] == 200
    (letter,) = house.mail.letters
    assert letter["From"].addresses[0].display_name == "Mairie de Kerlann"
    assert str(letter["Reply-To"]) == "accueil@kerlann.example.org"
    assert "le courriel de Ville de Kerlann part et arrive." in letter.get_content()
    assert letter.get_content().rstrip().endswith("Secrétariat général")


def test_what_was_tried_under_other_settings_of_the_installation_is_ready_no_more(house: House) -> None:
    assert attempt(house, "courriel")[0] == 200
    line = "Courriel Prêt le serveur a pris une lettre"
    assert line in words(page(house))
    with_settings(house, mail_timeout=house.settings.mail_timeout)
    assert line in words(page(house))
    with_settings(house, mail_url=f"smtp://127.0.0.1:{free_port()}")
    shown = words(page(house))
    assert line not in shown
    assert "Courriel Constat ancien le serveur a pris une lettre" in shown
    assert "essayé sous d’autres réglages de l’installation, à essayer de nouveau" in shown
    again()
    assert "courriel : à régler" in attempt(house, "courriel")[1]


def words(text: str) -> str:
    """The words of a page, without marks."""
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_nothing_leaves_while_a_restoration_is_held_and_it_is_not_called_ready(house: House) -> None:
    house.mail.clear()
    with db.engine().begin() as connection:
        connection.execute(sa.insert(Hold.__table__).values(since=now(), copied_at=now()))
    _, text = attempt(house, "courriel")
    assert "courriel : sans résultat" in text
    assert house.mail.letters == []


def test_all_is_tried_at_once_and_another_administrator_reads_by_whom_and_when(house: House) -> None:
    never = page(house)
    assert "Essayé par" not in never
    assert "Regardé par" not in never
    status, text = attempt(house, "tout")
    assert status == 200
    for told in (
        "courriel : prêt",
        "documents : prêt",
        "horodatage et horloge : prêt",
        "signature d’essai : prêt",
        "télétransmission : rien à essayer",
        "envois : prêt",
        "bureautique : rien à essayer",
        "autorités reconnues : à surveiller",
    ):
        assert told in text
    shown = page(house)
    assert shown.count("Essayé par Katell Morizur") == 7
    assert shown.count("Regardé par Katell Morizur") == 7, "what had nothing to try is called tried"
    with db.engine().begin() as connection:
        connection.execute(
            sa.update(User.__table__).where(User.login == "r.pellenec").values(administrator=True)
        )
    shown = page(house, "r.pellenec")
    assert shown.count("Essayé par Katell Morizur") == shown.count("Regardé par Katell Morizur") == 7
    journal = page(house, path="/administration/journal?acte=examination.tried")
    assert "courriel : prêt" in journal
    # Of the other commune nobody reads it, nor is kept from his own trials
    a_new_commune()
    assert "Essayé par" not in page(house, "y.ledantec")
    assert attempt(house, "documents", "y.ledantec")[0] == 200


def test_who_runs_the_installation_reads_what_was_seen(house: House) -> None:
    with_settings(house, operators=(ADMIN,))
    _, text = attempt(house, "horodatage et horloge")
    assert "jeton obtenu, écart d’horloge" in text
    _, text = attempt(house, "signature d’essai")
    assert "apposée et relue avec le cachet" in text
    _, text = attempt(house, "documents")
    assert "écriture puis relecture réussies" in text


def test_a_point_is_tried_at_a_pace_and_one_trial_at_a_time(house: House) -> None:
    assert attempt(house, "documents")[0] == 200
    status, text = attempt(house, "documents")
    assert (status, "vient d’être essayé" in text) == (429, True)
    assert attempt(house, "mandataire")[0] == 404
    status, text = attempt(house, "tout")
    assert (status, "moins d’une minute, et laissé tel quel : documents." in text) == (
        200,
        True,
    )  # the others
    with db.engine().begin() as connection:
        values = {"begun_at": now(), "ended_at": None}
        connection.execute(
            sa.update(DoctorTrial.__table__).where(DoctorTrial.name == "courriel").values(values)
        )
    assert "Katell Morizur l’essaie depuis" in page(house)
    again_status, busy = attempt(house, "signature d’essai")
    assert (again_status, "Un autre essai est en cours" in busy) == (429, True)
    again()
    assert "n’a pas fini : rien n’en est dit" in page(house)  # what made it was stopped
    assert attempt(house, "courriel")[0] == 200
    client = house.client("a.kervadec")
    refused = client.post(f"{PAGE}/essayer", data={"point": "tout", "csrf_token": house.csrf(client)})
    assert refused.status_code == 403


def test_what_has_not_answered_in_time_is_not_ready(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "SECONDS", 1)
    house.mail.slow = 3.0
    _, text = attempt(house, "courriel")
    assert "courriel : sans résultat" in text
    assert "aucune réponse en" in text


def test_the_scanner_is_asked_with_the_harmless_file(house: House) -> None:
    with_settings(house, operators=(ADMIN,))
    assert attempt(house, "antivirus")[0] == 404  # none is set
    with clamd() as scanner:
        with_settings(house, antivirus_url=scanner.url)
        assert "antivirus : prêt" in attempt(house, "antivirus")[1]
        again()
        scanner.answer = b"stream: OK\0"  # its signatures are missing
        assert "laisse passer le fichier d’essai" in attempt(house, "antivirus")[1]
    again()
    assert "antivirus : à régler" in attempt(house, "antivirus")[1]


def test_a_trial_that_is_old_says_nothing_of_today(house: House) -> None:
    attempt(house, "documents")
    with db.engine().begin() as connection:
        old = now() - timedelta(days=3)
        connection.execute(sa.update(DoctorTrial.__table__).values(begun_at=old, ended_at=old))
    text = page(house)
    assert "Constat ancien" in text


def test_the_folder_where_a_collectivity_has_its_folders_handed_over_is_tried(house: House) -> None:
    name = "remise de la collectivité"
    assert f"{name} : rien à essayer" in attempt(house, name)[1]
    change_setting(house.actor(ADMIN), "handover_folder", {"handover_folder": "finances"})
    again()
    status, text = attempt(house, name)
    assert (status, f"{name} : prêt" in text) == (200, True)
    assert "Un fichier d’essai a été écrit dans « 212909998/finances », relu, puis ôté" in text
    place = house.settings.handover_root / "212909998" / "finances"
    assert list(place.iterdir()) == []
    place.rmdir()
    place.write_text("un fichier à la place du dossier")
    again()
    _, text = attempt(house, name)
    assert f"{name} : à régler" in text
    assert "un dossier à remettre attendrait : corrigez cela sous « Réglages »" in text


def test_each_certificate_is_followed_up_to_whom_we_believe(house: House, tmp_path: Path) -> None:
    name = "autorités reconnues"
    untold = "l’autorité intermédiaire manque, ou la racine n’est pas reconnue ici"
    alone = attempt(house, name)[1]
    assert re.search(rf"à surveiller.*\d+ certificats ne mènent à aucune autorité reconnue : {untold}", alone)
    again()
    authorities.remember(house.key("a_kervadec").chain)
    enrolled = attempt(house, name)[1]
    assert f"{name} : prêt" in enrolled
    assert re.search(r"les autorités sont là ; \d+ certificats mènent à une autorité reconnue", enrolled)
    again()
    # One of an authority that nobody here believes, beside others that lead to a root: nothing is promised of it
    house.enrol(ADMIN, "foreign_root")
    _, mixed = attempt(house, name)
    assert f"{name} : à surveiller" in mixed
    assert re.search(r"\d+ certificats mènent à une autorité reconnue", mixed)
    assert f"1 certificat ne mène à aucune autorité reconnue : {untold}" in mixed
    again()
    # One whose authority answers that it stands no more: the authorities serve, and it is told
    house.enrol(ADMIN, "revoked")
    _, dead = attempt(house, name)
    assert f"{name} : à surveiller" in dead
    assert "« Armel KERVADEC (révoqué) » : ce certificat a été révoqué le" in dead
    again()
    # Other roots than those that issued them: each is named, with why
    other = tmp_path / "autre.pem"
    other.write_bytes(pem.armor("CERTIFICATE", house.pki.certificate("seal")))
    with_settings(house, trust_roots=other)
    _, unknown = attempt(house, name)
    assert f"{name} : à régler" in unknown
    assert "n’est pas reconnue" in unknown or "n’est pas connue ici" in unknown
    again()
    with_settings(house, trust_roots=None)
    _, none = attempt(house, name)
    assert (
        "les autorités de l’installation ne servent pas toutes : dites-le à qui tient l’installation" in none
    )
    assert "PARAPHE_" not in none.partition("<main")[2]
    again()
    with_settings(house, operators=(ADMIN,))
    assert "Donnez PARAPHE_TRUST_ROOTS" in attempt(house, name)[1]


def test_a_text_is_converted_for_real(house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_settings(house, office=True, operators=(ADMIN,))
    _, text = attempt(house, "bureautique")
    assert "bureautique : prêt" in text
    assert "un texte d’essai est converti" in text
    again()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "LibreOffice manque" in attempt(house, "bureautique")[1]


OLD, NEW = "https://finances.example.org/recu", "https://jamais-essaye.example.net/"


def point_at(house: House, address: str) -> None:
    texts = {"handover_webhook_url": address, "handover_webhook_secret": "s" * 40}
    change_setting(house.actor(ADMIN), "handover_webhook_url", texts)


def answered(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], None] = lambda: None) -> None:
    """The other side of a hand-over says yes, which nobody here can call for real."""

    def posted(_self: object, own: Own, _sender: object, _moment: object) -> Result:
        meanwhile()
        return Result(True, f"« {handed.own_value(own, handed.URL)} » a répondu oui (HTTP 200).")

    monkeypatch.setattr(handed.Ping, "_posted", posted)


def handover_line(house: House) -> str:
    text = words(page(house))
    return text[text.index("Remise de la collectivité") :][:300].split(" Essayer ")[0]


def test_a_tick_is_of_the_settings_of_the_collectivity_that_were_tried(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(monkeypatch)
    point_at(house, OLD)
    attempt(house, "remise de la collectivité")
    assert f"Remise de la collectivité Prêt « {OLD} » a répondu oui" in handover_line(house)
    again_to_try = "les réglages de la collectivité ont pu changer depuis, à essayer de nouveau"
    point_at(house, NEW)
    assert "Remise de la collectivité Constat ancien" in handover_line(house)
    assert again_to_try in handover_line(house)
    forget_setting(house.actor(ADMIN), "handover_webhook_url")
    assert again_to_try in handover_line(house)
    point_at(house, OLD)
    again()
    answered(monkeypatch, lambda: point_at(house, NEW))
    attempt(house, "remise de la collectivité")
    assert again_to_try in handover_line(house)


def test_a_trial_of_settings_that_were_changed_while_it_lasted_is_none_of_the_new_ones(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    point_at(house, OLD)
    answered(monkeypatch, lambda: point_at(house, NEW))
    assert try_out(house.actor(ADMIN), "handover").fine
    shown = words(page(house, path="/administration/reglages"))
    assert "Ces réglages ont pu changer depuis : à essayer de nouveau." in shown
    answered(monkeypatch)
    try_out(house.actor(ADMIN), "handover")
    shown = words(page(house, path="/administration/reglages"))
    assert f"« {NEW} » a répondu oui" in shown
    assert "Ces réglages ont pu changer depuis" not in shown


def test_what_the_round_found_before_a_setting_was_changed_is_ready_no_more(house: House) -> None:
    here = house.actor(ADMIN).collectivity_id
    finding = {"scope": here, "name": "horodatage de la collectivité", "level": "green", "words": "répond"}
    with db.engine().begin() as connection:
        connection.execute(sa.insert(DoctorFinding.__table__).values(**finding, seen_at=now()))
    assert "Horodatage de la collectivité Prêt répond" in words(page(house))
    with db.writing() as base:
        row = base.get_one(Collectivity, here)
        row.settings = {**row.settings, MOVED: {"Horodatage": now().isoformat()}}
        base.commit()
    shown = words(page(house))
    assert "Horodatage de la collectivité Constat ancien répond" in shown
    assert "ont pu changer depuis, à examiner de nouveau" in shown

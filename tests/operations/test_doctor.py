"""The doctor does each thing for real, and says in French what to correct when it fails."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app import create_app
from app.core import db, heartbeat, schema
from app.core.clock import now
from app.files import vault
from app.operations import links
from app.operations.doctor import Check, examine, finding_of
from tests.builders.authority import authority_in_advance
from tests.builders.house import House
from tests.builders.process import ask, environment
from tests.builders.softhsm import MODULE, PIN, Token
from tests.cluster import free_port

pytestmark = pytest.mark.in_turn

CHECKS = (
    "base de données",
    "migrations",
    "documents",
    "partages",
    "liaisons",
    "secrets scellés",
    "place libre",
    "droits des fichiers",
    "disques",
    "programme",
    "bibliothèques",
    "bureautique",
    "scans",
    "règles des factures",
    "mots de passe volés",
    "courriel",
    "courriels revenus",
    "horodatage et horloge",
    "autorités reconnues",
    "signature d’essai",
    "certificats",
    "logiciels",
    "télétransmission",
    "arrivées",
    "réveil",
    "envois",
    "envois acquittés",
    "repères du journal",
    "travail de fond",
    "adresse publique",
    "mandataire",
)


def found(house: House, **changed: object) -> dict[str, tuple[bool, str]]:
    """What the doctor finds in this house, with these settings changed."""
    settings = house.settings.model_copy(update=changed)
    if changed:
        create_app(settings)
    return {one.name: (one.ok, one.sentence) for one in examine(settings)}


def only_ill(house: House, *names: str, **changed: object) -> list[str]:
    """What is said of these checks, once it is sure that they fail and all the others pass."""
    seen = found(house, **changed)
    assert tuple(seen) == CHECKS
    assert {name for name, (fine, _) in seen.items() if not fine} == set(names), seen
    return [seen[name][1] for name in names]


@pytest.fixture(autouse=True)
def _worker_lives(house: House) -> None:
    heartbeat.beat("worker", now())


def test_a_sound_installation_passes_every_check(house: House) -> None:
    seen = found(house)
    assert tuple(seen) == CHECKS
    assert [(name, words) for name, (fine, words) in seen.items() if not fine] == []
    assert seen["base de données"][1].endswith(" répond")
    assert seen["migrations"][1] == f"à jour ({schema.revisions()[1]})"
    assert seen["documents"][1] == "écriture puis relecture réussies (file)"
    assert seen["horodatage et horloge"][1].startswith("jeton obtenu, écart d’horloge 0,")
    assert seen["signature d’essai"][1] == "apposée et relue avec le cachet"
    assert seen["travail de fond"][1].startswith("signe de vie il y a ")


def test_a_service_of_another_machine_in_the_clear_is_named_and_its_password_is_not(house: House) -> None:
    (said,) = only_ill(house, "liaisons", handover_webhook_url="http://cle:secret@finances.exemple:8080/x")
    assert "le logiciel métier (PARAPHE_HANDOVER_WEBHOOK_URL) : prenez https://" in said
    assert "secret" not in said
    far, near = "postgresql+psycopg://p:secret@base.exemple/p", "redis://127.0.0.1:6379/0"
    ill: dict[str, tuple[str, ...]] = {
        "mail_url": ("smtp://u:secret@smtp.exemple:587",),
        "database_url": (
            far,
            f"{far}?sslmode=require",
            f"{far}?sslmode=verify-ca",
            "postgresql:///p?host=base.exemple",
            "postgresql://localhost/p?host=127.0.0.1,base.exemple:5432",
        ),
        "listen_url": (far,),
        "rate_limit_url": ("redis://:secret@file.exemple/0",),
        "store_url": ("s3://seau?endpoint=http://s3.exemple:9000",),
    }
    sound: dict[str, tuple[str, ...]] = {
        "mail_url": ("", "smtp://localhost", "smtps://smtp.exemple", "smtp+starttls://smtp.exemple:587"),
        "database_url": (
            f"{far}?sslmode=verify-full&sslrootcert=/a.pem",
            "postgresql:///p?host=/run/postgresql",
        ),
        "listen_url": ("", "postgresql:///p?host=/run/postgresql"),
        "rate_limit_url": (near, "rediss://file.exemple/0"),
        "store_url": ("s3://seau", "s3://seau?endpoint=https://s3.exemple", "file:/srv"),
    }
    for password in ("secret", "se@cret", "se/cret@"):

        def look(_: Any, address: str = f"postgresql://p:{password}@base.exemple/p") -> str:
            raise ValueError(f"connection to {address} failed")

        told = finding_of(Check("base", look, "vérifiez la base"), house.settings).sentence
        assert told == "vérifiez la base (connection to postgresql://…@base.exemple/p failed)"
    for name, addresses in ill.items():
        for address in addresses:
            changed = house.settings.model_copy(update={name: address})
            (words,) = links.in_clear(changed)
            assert f"PARAPHE_{name.upper()}" in words, address
            hosts = tuple(re.findall(r"\w+\.exemple", address))
            closed = changed.model_copy(update={"clear_hosts": hosts})
            assert list(links.in_clear(closed)) == [], address
    for name, addresses in sound.items():
        for address in addresses:
            assert list(links.in_clear(house.settings.model_copy(update={name: address}))) == [], address


def test_the_command_prints_each_check_and_fails_when_one_does(house: House) -> None:
    fine = ask(environment(house.settings), "doctor")
    assert fine.returncode == 0, fine.stdout + fine.stderr
    assert [line.split(" : ")[0] for line in fine.stdout.splitlines()] == [f"ok  {name}" for name in CHECKS]
    heartbeat.beat("worker", now() - timedelta(hours=1))
    done = house.app.test_cli_runner().invoke(args=["doctor"])
    assert done.exit_code == 1
    assert next(one for one in done.output.splitlines() if one.startswith("KO")).startswith(
        "KO  travail de fond : "
    )
    alone = house.app.test_cli_runner().invoke(args=["doctor", "--only", "documents"])
    assert (alone.exit_code, alone.output.count("\n")) == (0, 1)
    wrong = house.app.test_cli_runner().invoke(args=["doctor", "--only", "la météo"])
    assert (wrong.exit_code, "aucun contrôle ne s’appelle « la météo »" in wrong.output) == (2, True)


def test_a_silent_database_is_named_and_hides_nothing_else(house: House) -> None:
    vault.store()  # there already: without a base to ask, none is begun
    db.configure(f"postgresql://paraphe:secret@127.0.0.1:{free_port()}/paraphe")
    said = only_ill(
        house,
        "base de données",
        "migrations",
        "certificats",
        "logiciels",
        "télétransmission",
        "arrivées",
        *(["réveil"] if "postgresql" in house.settings.database_url else []),
        "envois",
        "envois acquittés",
        "repères du journal",
        "travail de fond",
        "partages",
        "secrets scellés",
    )
    said = [one for one in said if not one.startswith("la base ne se laisse pas écouter : vérifiez")]
    assert said[0].startswith(
        "la base ne répond pas : vérifiez PARAPHE_DATABASE_URL et que le serveur tourne ("
    )
    assert said[1].startswith("la version de la base n’a pas pu être lue : vérifiez d’abord la base (")
    assert said[2].startswith("les certificats n’ont pas pu être lus : vérifiez d’abord la base (")
    assert said[3].startswith("les jetons n’ont pas pu être lus : vérifiez d’abord la base (")
    assert said[4].startswith("les silences de l’opérateur n’ont pas pu être lus")
    assert said[5].startswith("les arrivées n’ont pas pu être lues : vérifiez d’abord la base (")
    assert said[6].startswith("les envois n’ont pas pu être lus : vérifiez d’abord la base (")
    assert said[7].startswith("les envois acquittés n’ont pas pu être lus : vérifiez d’abord la base (")
    assert said[8].startswith("les repères n’ont pas pu être lus : vérifiez d’abord la base (")
    assert said[9].startswith("le signe de vie n’a pas pu être lu : vérifiez d’abord la base (")
    assert said[10].startswith("les dossiers n’ont pas pu être regardés : vérifiez d’abord la base (")
    assert all("secret" not in one and "\n" not in one for one in said)


def test_a_schema_behind_is_named_with_the_command(house: House) -> None:
    wanted = schema.revisions()[1]
    schema.downgrade("-1")
    (said,) = only_ill(house, "migrations")
    assert said == (
        f"la base est à la version {schema.revisions()[0]}, il faut {wanted} : lancez « flask --app wsgi upgrade »"
    )


def test_an_authority_that_is_silent_is_named_and_no_signature_is_tried_without_it(house: House) -> None:
    token, trial = only_ill(
        house, "horodatage et horloge", "signature d’essai", tsa_url=f"http://127.0.0.1:{free_port()}/tsa"
    )
    assert token.startswith(
        "l’autorité d’horodatage n’a pas donné de jeton, et rien ne pourra être signé : vérifiez PARAPHE_TSA_URL ("
        "la connexion est refusée"
    )
    assert trial.startswith("la signature d’essai a échoué : vérifiez le cachet et l’horodatage (")


def test_a_clock_is_compared_with_each_authority_and_each_is_believed_or_told(house: House) -> None:
    def said(**changed: object) -> str:
        fine, words = found(house, **changed)["horodatage et horloge"]
        assert not fine
        return words

    with authority_in_advance(house.pki, timedelta(minutes=5)) as url:
        first, second = said(tsa_url=url), said(tsa_second_url=url)
    assert 295 <= int(first.split("s’écarte de ")[1].split(" ")[0]) <= 300
    assert first.endswith(" s de l’autorité d’horodatage")
    assert second.endswith(" s de la seconde autorité d’horodatage")
    # Three seconds are no fault; a token of somebody whom nobody believes is one, the second authority's too
    with authority_in_advance(house.pki, timedelta(seconds=3)) as url:
        first, second = said(tsa_url=url), said(tsa_second_url=url)
    assert first.startswith(
        "le jeton de l’autorité d’horodatage ne tient pas (d’une autorité qui n’est pas reconnue)"
    )
    assert second.startswith("le jeton de la seconde autorité d’horodatage ne tient pas")
    assert "PARAPHE_TSA_ROOTS" in second
    assert "elle ne pourra pas remplacer la première" in second
    twice = f"{house.pki.tsa_url}?la-seconde"
    fine, words = found(house, tsa_second_url=twice)["horodatage et horloge"]
    assert (fine, words.startswith("un jeton de chaque autorité, écarts d’horloge ")) == (True, True)


def test_without_a_seal_the_trial_uses_a_key_made_for_it(house: House) -> None:
    seen = found(house, seal_p12=None)
    assert seen["signature d’essai"] == (True, "apposée et relue avec une clé de passage")


def test_the_trial_is_made_with_the_seal_of_the_security_module_and_tells_no_pin(
    house: House, tmp_path: Path
) -> None:
    token = Token(tmp_path / "hsm", "mairie")
    token.put(house.pki, "seal", "seal")
    pin = tmp_path / "pin"
    pin.write_text(f"{PIN}\n")
    chosen = {
        "seal_p12": None,
        "seal_pkcs11_module": MODULE,
        "seal_pkcs11_token": "mairie",
        "seal_pkcs11_label": "seal",
    }
    env = {
        **environment(house.settings, **chosen, seal_pkcs11_pin_file=pin),
        "SOFTHSM2_CONF": str(token.conf),
    }
    fine = ask(env, "doctor")
    assert fine.returncode == 0, fine.stdout + fine.stderr
    assert "ok  signature d’essai : apposée et relue avec le cachet" in fine.stdout
    pin.write_text("55555555\n")
    refused = ask(env, "doctor")
    assert refused.returncode == 1
    assert "a refusé son code PIN" in refused.stdout
    pin.unlink()
    pin.mkdir()
    assert "le fichier du code PIN du cachet n’est pas lisible" in ask(env, "doctor").stdout
    said = "".join(one.stdout + one.stderr for one in (fine, refused))
    assert PIN not in said
    assert "55555555" not in said

"""A bad configuration is refused at start, with all its faults at once and no secret printed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from config import CREDENTIALS, Settings, secrets_in_clear

ROOT = Path(__file__).resolve().parents[2]
GOOD = "x" * 40


def start(command: str = "channels", **environment: str) -> subprocess.CompletedProcess[str]:
    known = {"PATH": os.environ["PATH"], **{f"PARAPHE_{name}": value for name, value in environment.items()}}
    return subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", command],
        cwd=ROOT,
        env=known,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_every_fault_is_said_at_once_in_french_and_no_secret_is_printed(tmp_path: Path) -> None:
    done = start(
        SECRET_KEY="trop court",
        PUBLIC_URL="https://parapheur.commune.fr",
        SECURE_COOKIES="false",
        DATA_DIR=str(tmp_path),
        DATABASE_URL="mysql://parapheur:motdepassesecret@base/parapheur",
        MAIL_URL="http://courriel:motdepassesecret@serveur",
        UPLOAD_LIMIT_MB="0",
        SIGNING_MINUTES="cinq",
        LEASE_SECONDS="0",
        LOGIN_RATE="souvent",
        SEAL_P12=str(tmp_path / "absent.p12"),
        SEAL_PASSPHRASE="motdepassesecret",
        HANDOVER_WEBHOOK_URL="https://logiciel.commune.fr/remises",
        HANDOVER_WEBHOOK_SECRET="court",
        TSA_ULR="http://horodatage",
        QUEUE_URL="sqlite:///queue.db",
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "Paraphe ne démarre pas : la configuration est à corriger.",
        "- PARAPHE_QUEUE_URL : réglage retiré, à supprimer : les lignes de la base sont la file d’attente",
        "- PARAPHE_TSA_ULR : réglage inconnu, peut-être PARAPHE_TSA_URL",
        "- PARAPHE_SECRET_KEY : il faut au moins 32 caractères tirés au hasard",
        "- PARAPHE_DATABASE_URL : il faut sqlite:///fichier ou postgresql://compte@serveur/base",
        "- PARAPHE_LOGIN_RATE : il faut un rythme, par exemple 10 per minute",
        "- PARAPHE_MAIL_URL : il faut smtp://serveur:port, smtp+starttls://serveur ou smtps://serveur",
        "- PARAPHE_UPLOAD_LIMIT_MB : il faut 1 au moins",
        f"- PARAPHE_SEAL_P12 : {tmp_path / 'absent.p12'} n’existe pas",
        "- PARAPHE_SIGNING_MINUTES : il faut un nombre entier",
        "- PARAPHE_SECURE_COOKIES : doit rester actif derrière https",
        "- PARAPHE_LEASE_SECONDS : il faut plus de 0.0",
        "- PARAPHE_HANDOVER_WEBHOOK_SECRET : 16 caractères au moins dès qu’une adresse de webhook est donnée",
    ]
    for secret in ("trop court", "motdepassesecret", "court\n", "Traceback"):
        assert secret not in done.stderr + done.stdout


def test_secrets_come_from_the_files_that_systemd_lays_for_the_process(tmp_path: Path) -> None:
    """ASVS 13.3.1: sealed on the disk by `systemd-creds`, given to one unit; nothing of them is in `.env`."""
    laid = tmp_path / "credentials"
    laid.mkdir()
    (laid / "PARAPHE_SECRET_KEY").write_text(f"{GOOD}\n")
    (laid / "PARAPHE_HANDOVER_WEBHOOK_SECRET").write_text("un secret de remise")  # declared by a channel
    (laid / "cachet.p12").write_bytes(b"\0")  # a setting names it; it is none itself
    environment = {"PATH": os.environ["PATH"], "PARAPHE_DATA_DIR": str(tmp_path), CREDENTIALS: str(laid)}
    said = [
        sys.executable,
        "-c",
        "from config import settings; one = settings(); "
        "print(one.secret_key.get_secret_value(), one.handover_webhook_secret.get_secret_value())",
    ]

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(said, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)

    assert run().stdout.strip() == f"{GOOD} un secret de remise"
    environment["PARAPHE_SECRET_KEY"] = "y" * 40  # what is said at the command line goes before
    assert run().stdout.split()[0] == "y" * 40
    (laid / "PARAPHE_CSC_TOKENS").write_text("x")
    refused = run()
    assert "PARAPHE_CSC_TOKENS : réglage inconnu, peut-être PARAPHE_CSC_TOKEN" in refused.stderr
    assert GOOD not in refused.stderr


def test_the_secrets_that_stand_in_the_file_of_settings_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert secrets_in_clear() == []
    (tmp_path / ".env").write_text(
        "PARAPHE_SECRET_KEY=x\nPARAPHE_FORMER_SECRET_KEYS=y\nPARAPHE_DEMO=false\n"
        "PARAPHE_HANDOVER_WEBHOOK_SECRET=z\nPARAPHE_MAIL_URL=smtps://compte:secret@serveur\nPARAPHE_DATABASE_URL=postgresql://paraphe@/paraphe\n"
        "paraphe_csc_token=t\nPARAPHE_LISTEN_URL=postgresql://paraphe@/file?password=p\n"
    )
    assert secrets_in_clear() == [
        "PARAPHE_FORMER_SECRET_KEYS",
        "PARAPHE_HANDOVER_WEBHOOK_SECRET",
        "PARAPHE_LISTEN_URL",
        "PARAPHE_MAIL_URL",
        "PARAPHE_SECRET_KEY",
        "paraphe_csc_token",
    ]


def test_nothing_starts_without_a_secret(tmp_path: Path) -> None:
    for command in ("worker", "serve"):
        done = start(command, DATA_DIR=str(tmp_path), SECRET_KEY="")
        assert done.returncode == 1
        assert done.stderr.splitlines()[1:] == ["- PARAPHE_SECRET_KEY : réglage obligatoire"]


def test_a_good_configuration_lists_the_channels(tmp_path: Path) -> None:
    done = start(SECRET_KEY=GOOD, DATA_DIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "handover" in done.stdout


def test_an_authority_without_its_roots_is_refused_at_start(tmp_path: Path) -> None:
    done = start(SECRET_KEY="x" * 40, DATA_DIR=str(tmp_path), TSA_URL="https://horodatage.example/")
    assert done.returncode != 0
    assert "PARAPHE_TSA_ROOTS" in done.stderr


def made(**values: object) -> Settings:
    return Settings(_env_file=None, secret_key=GOOD, **values)


def test_one_folder_is_enough_to_start(tmp_path: Path) -> None:
    settings = made(data_dir=tmp_path)
    assert settings.database_url == f"sqlite:///{tmp_path}/paraphe.db"
    assert settings.store_url == f"file:{tmp_path}/documents"
    assert settings.handover_folder == tmp_path / "sorties" / "finances"
    assert settings.upload_limit == 200 * 1024 * 1024


def test_a_list_is_written_with_commas_or_in_json() -> None:
    assert made(revocation_hosts="ocsp.a.fr, crl.b.fr:8080").revocation_hosts == (
        "ocsp.a.fr",
        "crl.b.fr:8080",
    )
    assert made(revocation_hosts='["ocsp.a.fr"]').revocation_hosts == ("ocsp.a.fr",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("listen_url", "redis://serveur/0"),
        ("listen_url", "postgresql://paraphe@base/paraphe"),  # the base is a SQLite file
        ("store_url", "ftp://serveur/documents"),
        ("store_url", "s3:"),
        ("rate_limit_url", "fichier"),
        ("tsa_url", "horodatage.fr"),
        ("tsa_url", "https://"),
        ("public_url", "parapheur"),
        ("mail_from", "Paraphe"),
        ("mail_from", "Parapheur <préfecture@commune.fr>"),
        ("bounces_address", "retours-évidents@commune.fr"),
        ("mail_from", ""),
        ("actes_email", "la mairie"),
        ("mail_from", "Paraphe <a@b.fr>\r\nBcc: x@y.fr"),
        ("actes_transport", "colombe"),
        ("actes_transport", "s2low"),
        ("helios_transport", "colombe"),
        ("helios_transport", "s2low"),
        ("s2low_url", "http://s2low.example.org"),
        ("actes_application", "tact"),
        ("trusted_proxies", 9),
        ("revocation_hosts", "[ocsp"),
        ("demo", "peut-être"),
        ("trust_roots", "/nulle/part.pem"),
    ],
)
def test_a_value_that_could_not_work_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        made(**{name: value})
    assert [fault["loc"] for fault in refused.value.errors()] == [(name,)]


def test_a_data_folder_that_cannot_be_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fichier").write_text("")
    with pytest.raises(ValidationError, match="impossible d’écrire"):
        made(data_dir=tmp_path / "fichier" / "données")


PKCS11 = {"seal_pkcs11_token": "kerlann", "seal_pkcs11_label": "cachet", "seal_pkcs11_pin": "31415926"}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"seal_p12": "fichier"}, "un seul cachet : retirez PARAPHE_SEAL_P12, ou tous les réglages"),
        ({"seal_pkcs11_token": ""}, "il faut aussi PARAPHE_SEAL_PKCS11_TOKEN"),
        ({"seal_pkcs11_label": ""}, "il faut aussi PARAPHE_SEAL_PKCS11_LABEL"),
        ({"seal_pkcs11_pin": ""}, "il faut PARAPHE_SEAL_PKCS11_PIN ou PARAPHE_SEAL_PKCS11_PIN_FILE"),
        ({"seal_pkcs11_pin_file": "fichier"}, "et un seul des deux"),
        ({"seal_pkcs11_module": None}, "obligatoire avec PARAPHE_SEAL_PKCS11_TOKEN"),
    ],
)
def test_a_seal_in_two_places_or_half_described_is_refused_at_start(
    tmp_path: Path, changed: dict[str, object], words: str
) -> None:
    file = tmp_path / "fichier"
    file.write_text("31415926\n")
    values = {"seal_pkcs11_module": file, **PKCS11, **changed}
    values = {name: file if value == "fichier" else value for name, value in values.items()}
    with pytest.raises(ValidationError) as refused:
        made(data_dir=tmp_path, **values)
    (fault,) = refused.value.errors()
    assert fault["loc"] == ("seal_pkcs11_module",)
    assert words in fault["msg"]


def test_a_seal_in_a_module_is_accepted_and_its_pin_is_printed_nowhere(tmp_path: Path) -> None:
    file = tmp_path / "module.so"
    file.write_bytes(b"")
    settings = made(data_dir=tmp_path, seal_pkcs11_module=file, **PKCS11)
    assert "31415926" not in repr(settings) + str(settings) + settings.model_dump_json()
    done = start(SECRET_KEY=GOOD, DATA_DIR=str(tmp_path), SEAL_P12=str(file), SEAL_PKCS11_MODULE=str(file),
                 **{name.upper(): value for name, value in PKCS11.items()})  # fmt: skip
    assert done.returncode == 1
    (fault,) = done.stderr.splitlines()[1:]
    assert fault.startswith("- PARAPHE_SEAL_PKCS11_MODULE : un seul cachet")
    assert "31415926" not in done.stderr + done.stdout


CSC = {
    "csc_url": "https://service.example/csc/v1",
    "csc_oauth_url": "https://service.example",
    "csc_client": "paraphe",
    "csc_client_secret": "un secret du client",
    "public_url": "https://parapheur.commune.fr",
}


@pytest.mark.parametrize(
    ("changed", "name", "words"),
    [
        ({"csc_url": "service.example/csc/v1"}, "csc_url", "il faut l’adresse https://"),
        ({"csc_url": "http://service.example/csc/v1"}, "csc_url", "il faut https"),
        ({"csc_url": "https://service.example/csc/v2"}, "csc_url", "doit finir par /csc/v1"),
        ({"csc_url": ""}, "csc_url", "obligatoire avec PARAPHE_CSC_OAUTH_URL"),
        ({"csc_client_secret": ""}, "csc_url", "demande PARAPHE_CSC_CLIENT et PARAPHE_CSC_CLIENT_SECRET"),
        ({"csc_oauth_url": ""}, "csc_url", "il faut PARAPHE_CSC_TOKEN, ou PARAPHE_CSC_OAUTH_URL"),
        ({"csc_oauth_url": "", "csc_token": "jeton"}, "csc_url", "PARAPHE_CSC_CLIENT demande"),
        ({"csc_oauth_url": "http://service.example"}, "csc_oauth_url", "il faut https"),
        ({"public_url": "http://parapheur.commune.fr"}, "csc_oauth_url", "PARAPHE_PUBLIC_URL en https"),
        ({"csc_rate": "souvent"}, "csc_rate", "il faut un rythme"),
    ],
)
def test_a_service_of_remote_signing_half_described_is_refused_at_start(
    tmp_path: Path, changed: dict[str, str], name: str, words: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        made(data_dir=tmp_path, **{**CSC, **changed})
    fault = next(one for one in refused.value.errors() if one["loc"] == (name,))
    assert words in fault["msg"]


def test_a_service_of_remote_signing_is_known_by_a_token_or_by_a_secret_and_neither_is_printed(
    tmp_path: Path,
) -> None:
    by_secret = made(data_dir=tmp_path, **CSC)
    by_token = made(
        data_dir=tmp_path, csc_url="http://127.0.0.1:8080/csc/v1", csc_token="un jeton du service"
    )
    for settings in (by_secret, by_token):
        shown = repr(settings) + str(settings) + settings.model_dump_json()
        assert "un secret du client" not in shown
        assert "un jeton du service" not in shown

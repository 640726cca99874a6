"""`python -m app.demo`: everything on this machine, ready to be tried; `python -m app.demo services` is its own helper."""

import os
import secrets
import shutil
import socket
import sys
import threading
from pathlib import Path

HOME = Path("var/demo").absolute()


def _port(name: str, wanted: int) -> int:
    """A port kept from one start to the next: the certificates say where their authority answers."""
    path = HOME / f"{name}.port"
    if path.is_file():
        return int(path.read_text())
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    path.write_text(str(port))
    return port


def environment(port: int) -> dict[str, int]:
    """Set what the demonstration decides; returns the ports of its services."""
    HOME.mkdir(parents=True, exist_ok=True)
    secret = HOME / "secret"
    if not secret.is_file():
        secret.write_text(secrets.token_urlsafe(48))
        secret.chmod(0o600)
    ports = {"pki": _port("pki", port + 1), "smtp": _port("smtp", port + 2)}
    from app.demo.pki import PASSPHRASE, TestPki

    pki = TestPki(HOME / "pki", f"http://127.0.0.1:{ports['pki']}")
    chosen = {
        "SECRET_KEY": secret.read_text(),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "DATA_DIR": HOME / "data",
        "DEMO": "true",
        "DEMO_DIR": HOME,
        "SECURE_COOKIES": "false",
        "MAIL_URL": f"smtp://127.0.0.1:{ports['smtp']}",
        "MAIL_FROM": "Paraphe <parapheur@kerlann-sur-mer.example>",
        "TRUST_ROOTS": pki.root_pem,
        "TSA_ROOTS": pki.root_pem,
        "TSA_URL": pki.tsa_url,
        "REVOCATION_HOSTS": pki.host,
        "SEAL_P12": pki.p12("seal"),
        "SEAL_PASSPHRASE": PASSPHRASE.decode(),
        "ACTES_POLL_SECONDS": "2",
        "ACTES_LETTERS_SECONDS": "60",
        "ACTES_EMAIL": "parapheur@kerlann.example.org",
    }
    for name, value in chosen.items():
        os.environ.setdefault(f"PARAPHE_{name}", str(value))
    return ports


def services(ports: dict[str, int]) -> None:
    """The test authority and the mail catcher, until the process is stopped."""
    from aiosmtpd.controller import Controller

    from app.demo.mailbox import Catcher
    from app.demo.pki import make, serve

    make(HOME / "pki", f"http://127.0.0.1:{ports['pki']}")
    serve(HOME / "pki", "127.0.0.1", ports["pki"])
    Controller(Catcher(HOME / "mails"), hostname="127.0.0.1", port=ports["smtp"]).start()
    threading.Event().wait()


def main() -> int:
    """Set everything up, print where it is, and serve until stopped."""
    if "reset" in sys.argv:
        shutil.rmtree(HOME, ignore_errors=True)
    port = int(os.environ.get("PORT", "8000"))
    ports = environment(port)
    if "services" in sys.argv:
        services(ports)
        return 0
    from app.demo.pki import make

    pki = make(HOME / "pki", f"http://127.0.0.1:{ports['pki']}")
    from app import create_app
    from app.core import schema, security_log
    from app.demo.cast import EVERYBODY, PASSWORD
    from app.demo.seed import is_seeded, seed
    from app.operations.processes import run

    create_app()
    schema.upgrade()
    if not is_seeded():
        print("Préparation de la commune : personnes, certificats et premiers dossiers…", flush=True)
        with security_log.unheard():
            seed(pki)
    print(f"\nParaphe, démonstration de Kerlann-sur-Mer : http://127.0.0.1:{port}/demo\n")
    print(f"  mot de passe de tous les comptes : {PASSWORD}")
    for one in EVERYBODY:
        print(f"  {one.login:14} {one.first_name} {one.last_name}, {one.does[0].lower()}{one.does[1:]}")
    print(
        "\n  Les certificats (.p12) se téléchargent depuis cette page ; les courriels sont sous /demo/courriels.\n",
        flush=True,
    )
    more = {"services": f"{sys.executable} -m app.demo services"}
    return run(bind="127.0.0.1", port=port, workers=1, more=more, needs=tuple(ports.values()))


if __name__ == "__main__":
    sys.exit(main())

"""`python -m demo`: everything on this machine, ready to be tried; `python -m demo services` is its own helper."""

import os
import secrets
import shutil
import socket
import sys
import threading
from pathlib import Path

HOME = Path("var/demo").absolute()
FIRST, LAST = 1024, 65533
"""The ports that may be asked for: the two after it are taken too."""


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


def _taken(port: int) -> bool:
    """Whether another program listens there; one that has just stopped does not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _refusal(port_text: str, *, reset: bool) -> str:
    """Why the demonstration cannot start, and what to type; empty when it can. Nothing was touched yet."""
    if not (port_text.isascii() and port_text.isdigit() and FIRST <= int(port_text) <= LAST):
        return f"PORT={port_text} n’est pas un port de {FIRST} à {LAST}. Rien n’a été lancé : tapez « PORT=8080 make demo »."
    if _taken(int(port_text)):
        return (
            f"Le port {port_text} est déjà pris sur cette machine, peut-être par une autre démonstration (Ctrl+C l’arrête dans "
            "son terminal). Rien n’a été lancé : libérez-le, ou tapez « PORT=8080 make demo »."
        )
    ports = [] if reset else [int(path.read_text()) for path in sorted(HOME.glob("*.port"))]
    if busy := [str(port) for port in ports if _taken(port)]:
        return (
            f"La démonstration garde pour son autorité d’essai et ses courriels le port {' et le port '.join(busy)}, qu’un autre "
            "programme occupe. Rien n’a été lancé : libérez-le, ou repartez de zéro par « make demo RESET=reset »."
        )
    return ""


def environment(port: int) -> dict[str, int]:
    """Set what the demonstration decides; returns the ports of its services."""
    (HOME / "numeriseurs").mkdir(parents=True, exist_ok=True)
    secret = HOME / "secret"
    if not secret.is_file():
        secret.write_text(secrets.token_urlsafe(48))
        secret.chmod(0o600)
    ports = {"pki": _port("pki", port + 1), "smtp": _port("smtp", port + 2)}
    from demo.pki import PASSPHRASE, TestPki

    pki = TestPki(HOME / "pki", f"http://127.0.0.1:{ports['pki']}")
    chosen = {
        "SECRET_KEY": secret.read_text(),
        "PUBLIC_URL": f"http://localhost:{port}",
        "DATA_DIR": HOME / "data",
        "SIMULATORS": "demo",
        "DEMO": "true",
        "DEMO_DIR": HOME,
        "SCANS_ROOT": HOME / "numeriseurs",
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

    from demo.mailbox import Catcher
    from demo.pki import make, serve

    make(HOME / "pki", f"http://127.0.0.1:{ports['pki']}")
    serve(HOME / "pki", "127.0.0.1", ports["pki"])
    Controller(Catcher(HOME / "mails"), hostname="127.0.0.1", port=ports["smtp"]).start()
    threading.Event().wait()


def main() -> int:
    """Set everything up, print where it is, and serve until stopped."""
    port_text = os.environ.get("PORT") or "8000"
    if "services" in sys.argv:
        services(environment(int(port_text)))
        return 0
    if refusal := _refusal(port_text, reset="reset" in sys.argv):
        print(refusal, file=sys.stderr)
        return 1
    if "reset" in sys.argv:
        shutil.rmtree(HOME, ignore_errors=True)
    port = int(port_text)
    ports = environment(port)
    from demo.pki import make, serve

    pki = make(HOME / "pki", f"http://127.0.0.1:{ports['pki']}")
    from app import create_app
    from app.core import schema, security_log
    from app.operations.processes import run
    from demo.cast import EVERYBODY, PASSWORD
    from demo.seed import is_seeded, seed

    create_app()
    schema.upgrade()
    if not is_seeded():
        print("Préparation de la commune : personnes, certificats et premiers dossiers…", flush=True)
        authority = serve(HOME / "pki", "127.0.0.1", ports["pki"])  # what is signed bears a timestamp
        try:
            with security_log.unheard():
                seed(pki)
        finally:
            authority.close()
    print(f"\nParaphe, démonstration de Kerlann-sur-Mer : http://localhost:{port}/demo\n")
    print(
        f"  ports de cette machine : {port} (pages), {ports['pki']} (autorité d’essai), {ports['smtp']} (courriels)"
    )
    print(f"  mot de passe de tous les comptes : {PASSWORD}")
    for person in EVERYBODY:
        print(
            f"  {person.login:14} {person.first_name} {person.last_name}, {person.does[0].lower()}{person.does[1:]}"
        )
    print(
        "\n  Les certificats (.p12) se téléchargent depuis cette page ; les courriels sont sous /demo/courriels.\n",
        flush=True,
    )
    more = {"services": f"{sys.executable} -m demo services"}
    return run(listen=f"127.0.0.1:{port}", workers=1, more=more, needs=tuple(ports.values()))


if __name__ == "__main__":
    sys.exit(main())

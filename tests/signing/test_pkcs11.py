"""The seal in a security module, on a real SoftHSM: forks, lost sessions, PINs that are never told nor tried twice."""

import dataclasses
import os
import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pkcs11
import pytest
from pydantic import SecretStr

from app.core.refusals import Refusal
from app.signing.keys.pkcs11 import Pkcs11Key
from app.trust import algorithms
from demo.pki import TestPki
from tests.builders.signing import refusal
from tests.builders.softhsm import MODULE, PIN, Token

TBS = b"the signed attributes"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory, pki: TestPki) -> Token:
    made = Token(tmp_path_factory.mktemp("hsm"))
    made.put(pki, "seal", "seal")
    made.put(pki, "ec", "curve")
    return made


def opened(token: Token, label: str = "seal", pin: str = PIN) -> Pkcs11Key:
    return Pkcs11Key.open(MODULE, token.label, label, SecretStr(pin))


def proven(key: Pkcs11Key, tbs: bytes = TBS) -> bool:
    signature = key.sign(tbs)
    return algorithms.check_signature(key.certificate, signature, tbs, key.digest) == signature


@pytest.mark.parametrize("label", ["seal", "ec"])
def test_a_key_of_the_module_signs_and_brings_its_certificate_and_chain(token, pki, label) -> None:
    key = opened(token, label)
    assert (key.name, key.external) == ("pkcs11", False)
    assert key.certificate == pki.certificate(label)
    assert key.chain == pki.chain(label)
    assert proven(key)


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("label", ["seal", "ec"])
def test_every_hash_that_may_be_asked_is_signed_by_the_raw_mechanisms(token, label, digest) -> None:
    assert proven(dataclasses.replace(opened(token, label), digest=digest))


def test_a_session_lost_while_paraphe_runs_is_opened_again(token) -> None:
    keys = [opened(token), opened(token, "ec")]
    for _ in range(2):
        token.restart()
        assert all(proven(key) for key in keys)
        pkcs11.lib(str(MODULE)).finalize()
        assert all(proven(key) for key in keys)


def test_a_handle_of_an_earlier_life_never_signs_with_the_key_of_another(token) -> None:
    first, second = opened(token), opened(token, "ec")
    token.restart()
    # Numbers start again with the module: the other key now has the number that the first one had
    assert proven(second)
    assert proven(first)
    assert proven(second)


def test_threads_take_their_turn(token) -> None:
    keys = [opened(token), opened(token, "ec")]
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda n: proven(keys[n % 2], b"%d" % n), range(60)))


def test_each_worker_opens_its_own_session_after_the_fork(token) -> None:
    script = f"""
import os, sys
from pathlib import Path
from pydantic import SecretStr
from app.trust import algorithms
from app.signing.keys.pkcs11 import Pkcs11Key
key = Pkcs11Key.open(Path({str(MODULE)!r}), {token.label!r}, "seal", SecretStr(sys.stdin.readline().strip()))
def sign(n):
    for turn in range(5):
        tbs = b"%d %d" % (n, turn)
        algorithms.check_signature(key.certificate, key.sign(tbs), tbs, key.digest)
sign(0)
children = []
for n in (1, 2, 3):
    child = os.fork()
    if not child:
        try:
            sign(n)
        except BaseException as error:
            print(type(error), error, file=sys.stderr)
            os._exit(1)
        os._exit(0)
    children.append(child)
sign(0)
print([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children])
sign(0)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        input=f"{PIN}\n",
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.stdout.strip(), done.returncode) == ("[0, 0, 0]", 0), done.stderr


def test_a_wrong_pin_is_shown_once_to_the_token_and_never_again(token, pki) -> None:
    mine = Token(token.folder, "serrure")
    mine.put(pki, "seal", "seal")
    flags = lambda: pkcs11.lib(str(MODULE)).get_token(token_label="serrure").flags  # noqa: E731
    for _ in range(12):
        assert refusal(opened, mine, "seal", "123456") == "token-pin-refused"
    assert not flags() & (pkcs11.TokenFlag.USER_PIN_LOCKED | pkcs11.TokenFlag.USER_PIN_FINAL_TRY)
    assert proven(opened(mine))


def test_a_token_a_key_or_a_certificate_that_is_not_there_is_refused(token, pki) -> None:
    assert refusal(opened, token, "absente") == "token-key-missing"
    assert refusal(Pkcs11Key.open, MODULE, "ailleurs", "seal", SecretStr(PIN)) == "token-silent"
    assert (
        refusal(Pkcs11Key.open, Path("/nulle/part.so"), "kerlann", "seal", SecretStr(PIN)) == "token-silent"
    )
    token.put(pki, "a_kervadec", "a_kervadec", name="double")
    token.put(pki, "b_cadiou", "b_cadiou", name="double")
    assert refusal(opened, token, "double") == "token-key-missing"
    token.put(pki, "weak", "small", name="faible")
    assert refusal(opened, token, "faible") == "key-weak"


def test_a_key_without_identifier_is_paired_by_its_label(token, pki) -> None:
    key = opened(token, token.put(pki, "rsa4096", "strong", name="par son nom", paired=False))
    assert key.certificate == pki.certificate("rsa4096")
    assert proven(key)


def test_a_key_destroyed_meanwhile_is_refused_in_french_and_nothing_is_signed(token, pki) -> None:
    key = opened(token, token.put(pki, "b_cadiou", "b_cadiou", name="passagere"))
    assert proven(key)
    token.remove("passagere")
    token.restart()
    assert refusal(key.sign, TBS) == "token-key-missing"


def test_the_pin_is_in_no_repr_no_traceback_no_command_line_and_no_log(token, caplog, capfd) -> None:
    key = opened(token)
    wrong = "7777000077"
    shown = [repr(key), str(key), repr(vars(key))]
    for label, pin in (("seal", wrong), ("absente", PIN)):
        try:
            opened(token, label, pin)
        except Refusal as error:
            found = traceback.TracebackException.from_exception(error, capture_locals=True)
            # This very test holds the PIN in its own frame: what is looked at is what the product's frames hold
            shown += [
                f"{name}={value}"
                for frame in found.stack
                if "/app/" in frame.filename
                for name, value in (frame.locals or {}).items()
            ]
            shown += [repr(error), str(error), repr(error.__context__), repr(error.facts)]
            assert len(shown) > 5
    shown += [Path("/proc/self/cmdline").read_text(), caplog.text, *capfd.readouterr()]
    assert not [one for one in shown if PIN in one or wrong in one]
    assert os.environ.get("PARAPHE_SEAL_PKCS11_PIN") is None

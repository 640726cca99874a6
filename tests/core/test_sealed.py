"""A sealed secret is read again by the key that sealed it, of now or former, and by no other; the log tells who was refused."""

import json

import pytest
import structlog
from cryptography.fernet import Fernet
from itsdangerous import URLSafeTimedSerializer

from app.core import logs, sealed, security
from app.core.refusals import Refusal
from app.people.factors import codes
from tests.builders.house import House

pytestmark = pytest.mark.in_turn

OLD, NEW, OTHER = (
    "an old secret of the tests, long enough",
    "a new secret of the tests, long enough",
    "x" * 40,
)


@pytest.fixture(autouse=True)
def _as_before() -> object:
    yield
    security.configure("a secret of the tests, long enough to be taken")


def test_what_a_former_key_sealed_is_read_and_nothing_new_is_made_of_it() -> None:
    security.configure(OLD)
    kept, code = sealed.seal("JBSWY3DPEHPK3PXP"), codes.recovery_hash("ABCD-EFGH-JKLM-NPQR-STUV-WXYZ-2345")
    drawn = sealed._drawn(OLD.encode())
    fernet = Fernet(sealed.urlsafe_b64encode(drawn)).encrypt(b"JBSWY3DPEHPK3PXP").decode()
    security.configure(NEW, [OLD])
    assert sealed.unseal(kept) == sealed.unseal(fernet) == "JBSWY3DPEHPK3PXP"
    assert code in codes.recovery_hashes("ABCD-EFGH-JKLM-NPQR-STUV-WXYZ-2345")
    assert codes.recovery_hash("ABCD-EFGH-JKLM-NPQR-STUV-WXYZ-2345") != code
    again = sealed.seal("JBSWY3DPEHPK3PXP")
    assert again != sealed.seal("JBSWY3DPEHPK3PXP")
    security.configure(NEW)
    assert sealed.unseal(again) == "JBSWY3DPEHPK3PXP"
    for closed in (kept, fernet, again[:-6] + "AAAAA=", "", "g1.", "g1.é"):
        with pytest.raises(Refusal, match="secret-unreadable"):
            sealed.unseal(closed)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_cookie_of_a_session_is_signed_by_sha_256(house: House) -> None:
    interface = house.app.session_interface.get_signing_serializer(house.app)
    assert isinstance(interface, URLSafeTimedSerializer)
    assert interface.make_signer(None).digest_method().name == "sha256"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_whoever_is_refused_leaves_a_line_and_what_he_meant_none(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    stranger = house.client("t.lescoat")
    capsys.readouterr()
    stranger.get("/administration/journal")
    stranger.get("/dossiers/999999")
    stranger.post("/compte/affichage", data={"theme": "dark", "csrf_token": "faux"})
    house.app.test_client().get("/api/v1/folders", headers={"Authorization": "Bearer un-jeton-secret"})
    said = capsys.readouterr().err
    lines = [json.loads(one) for one in said.splitlines() if '"request.refused"' in one]
    assert [(one["what"].rpartition(".")[2], one["status"], one["reason"]) for one in lines] == [
        ("journal", 403, "right-missing"),
        ("show", 404, "not-found"),
        ("display", 400, "form-expired"),
        ("folders", 401, "token-needed"),
    ]
    assert lines[1]["folder"] == 999999
    assert lines[1]["user"] == house.actor("t.lescoat").user_id
    assert "un-jeton-secret" not in said


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_words_that_nobody_would_read_are_refused_whole(house: House) -> None:
    folder_id, client = house.an_invoice(), house.client("r.pellenec")
    form = {"version": house.folder(folder_id).version, "csrf_token": house.csrf(client)}
    said = client.post(f"/dossiers/{folder_id}/viser", data={**form, "comment": "é" * 2001})
    assert said.status_code == 422
    assert "2001 caractères" in said.get_data(as_text=True).replace("\xa0", " ").replace("\u202f", "")
    assert house.folder(folder_id).version == form["version"]
    assert (
        client.post(f"/dossiers/{folder_id}/viser", data={**form, "comment": "é" * 2000}).status_code == 302
    )


def test_words_of_a_fault_begin_no_line_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(json_lines=False)
    fault = ValueError("un nom\n2026-11-28T10:00:00Z [info     ] login.opened user=1")
    structlog.get_logger().error("incident", exc_info=fault)
    said = capsys.readouterr().err
    assert "login.opened" in said
    assert not [one for one in said.splitlines() if one.startswith("2026-11-28T10")]

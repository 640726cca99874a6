"""A collectivity's own timestamp authority: tried before it serves, serving it alone, its account never shown to another."""

import hashlib
import html

import pytest

from app.core import sealed
from app.core.db import reading
from app.core.refusals import Refusal
from app.operations.declared.applying import apply_document
from app.operations.declared.document import SCHEMA, read, write
from app.operations.declared.present import present
from app.operations.examined import own, rounds
from app.operations.findings import Level, Unwell
from app.people.applications import by_command
from app.people.own_settings.changing import change_setting, forget_setting, try_out
from app.signing import levels, timestamping
from app.trust import authorities
from tests.builders.house import House
from tests.builders.stamps import authority
from tests.people.test_own_settings import PAGE, K, elsewhere, here, journal, kept, other_settings, post, text

pytestmark = pytest.mark.in_turn
IMPRINT = hashlib.sha256(b"un acte").digest()
ACCOUNT = "kerlann:un mot de passe"


def admitting(house: House, *hosts: str, **more: object) -> House:
    """The house once its host admits these servers."""
    return other_settings(house, tsa_hosts=hosts, **more)


def test_each_collectivity_is_dated_by_its_own_authority_and_never_by_the_other_s(house: House) -> None:
    other = elsewhere("a.ailleurs")
    with authority(house.pki) as ours, authority(house.pki) as theirs:
        town = admitting(house, ours.host, theirs.host)
        client = town.client(K)
        assert post(town, client, "timestamp_urls", value=ours.url).location == PAGE
        change_setting(by_command(other), "timestamp_urls", {"timestamp_urls": theirs.url})
        # What was tried is told with its hour and whose it is, beside the setting
        page = text(client.get(PAGE))
        assert "Dernier essai" in page
        assert "« Horodatage d’essai (FACTICE) », sur 127.0.0.1, a donné un jeton du" in page
        assert f"{ours.url} La collectivité" in page
        ours.asked.clear()
        theirs.asked.clear()
        folder = town.an_invoice(at="bon_a_payer")
        town.sign(folder, "a.kervadec")
        assert len(ours.asked) == 1
        assert theirs.asked == []
        timestamping.of_collectivity(other).token(IMPRINT, "sha256")
        assert (len(ours.asked), len(theirs.asked)) == (1, 1)
        # Back at the installation's, the other keeps its own
        assert post(town, client, "timestamp_urls/revenir").location == PAGE
        assert timestamping.of_collectivity(here(house)) is authorities.timestamper()
        assert timestamping.of_collectivity(other).url == theirs.url
    mine = f"Autorité d’horodatage : {ours.url} (avant : 127.0.0.1, de l’installation)"
    assert mine in journal("setting.changed")
    assert len(journal("setting.forgotten")) == 1


@pytest.mark.parametrize(
    ("play", "words"),
    [
        ("nonce", "a répondu autre chose qu’un jeton pour cette demande"),
        ("page", "n’a pas répondu, ou pas par un jeton"),
        ("silent", "n’a pas répondu, ou pas par un jeton"),
        ("compte:autre", "refuse ce compte (HTTP 401)"),
    ],
)
def test_an_authority_that_gives_no_token_for_this_demand_is_not_kept(
    house: House, play: str, words: str
) -> None:
    with authority(house.pki) as ours:
        ours.play = play
        town = admitting(house, ours.host, network_timeout=1.5)
        answer = post(town, town.client(K), "timestamp_urls", value=ours.url)
    assert answer.status_code == 409
    assert words in text(answer)
    assert "timestamp_urls" not in kept(house)


def test_one_whose_root_the_host_does_not_believe_is_not_kept(house: House) -> None:
    with authority(house.pki) as ours:
        town = admitting(house, ours.host, tsa_roots=None)
        with pytest.raises(Refusal, match="setting-failed") as refused:
            change_setting(house.actor(K), "timestamp_urls", {"timestamp_urls": ours.url})
        del town
    assert "qui n’est pas reconnue" in str(refused.value.facts["why"])


def test_a_server_that_the_host_does_not_admit_is_refused_and_called_by_nobody(house: House) -> None:
    with authority(house.pki) as ours:
        client = house.client(K)
        for url, words in (
            (ours.url, "pas parmi ceux que l’hébergeur admet"),
            ("https://169.254.169.254/latest", "pas parmi ceux que l’hébergeur admet"),
            (f"http://qui:mot@{ours.host}/tsa", "mal écrite"),
            (
                f"{house.pki.tsa_url}\n{house.pki.tsa_url}\n{house.pki.tsa_url}",
                "2 autorités d’horodatage au plus",
            ),
        ):
            answer = post(house, client, "timestamp_urls", value=url)
            assert answer.status_code == 422
            assert words in text(answer)
        # Admitted once, and no more: what it dated stays, and nothing is asked of it any longer
        admitting(house, ours.host)
        change_setting(house.actor(K), "timestamp_urls", {"timestamp_urls": ours.url})
        other_settings(house)
        asked = len(ours.asked)
        with pytest.raises(Refusal, match="timestamp-silent"):
            levels.timestamper_for(timestamping.settings_of(here(house)), "invoice").token(IMPRINT, "sha256")
        assert "n’est pas, ou plus, parmi les serveurs" in try_out(house.actor(K), "timestamp").sentence
        assert len(ours.asked) == asked


def test_its_account_is_shown_to_it_alone_and_typed_again_for_another(house: House) -> None:
    with authority(house.pki) as ours, authority(house.pki) as second:
        ours.play = ACCOUNT
        town = admitting(house, ours.host, second.host)
        client = town.client(K)
        both = f"{ours.url}\n{second.url}"
        for wrong in ("kerlann", ":seul", "seul:"):
            assert "comme « compte:mot de passe »" in text(
                post(town, client, "timestamp_urls", value=both, secret=wrong)
            )
        assert post(town, client, "timestamp_urls", value=both, secret=ACCOUNT).location == PAGE
        assert set(ours.asked) == {ACCOUNT}
        assert set(second.asked) == {""}
        assert sealed.unseal(str(kept(house)["timestamp_account"])) == ACCOUNT
        for page in (PAGE, f"{PAGE}/timestamp_urls", "/administration/journal"):
            assert "un mot de passe" not in client.get(page).get_data(as_text=True)
        # Silent, the first gives way to the second; another first is not shown the password
        refused = post(town, client, "timestamp_urls", value=second.url)
        assert "va avec l’ancienne valeur" in text(refused)
        assert set(second.asked) == {""}
        ours.play = "autre:mot"
        assert timestamping.of_collectivity(here(house)).token(IMPRINT, "sha256")
        assert len(second.asked) == 2
        # A key of the installation that is lost shuts the account, and nothing is asked without it
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(timestamping, "unseal", _shut)
            with pytest.raises(Refusal, match="timestamp-account-shut"):
                timestamping.of_collectivity(here(house))
            assert not timestamping.tried(kept(house)).fine
        assert forget_setting(house.actor(K), "timestamp_urls")
    assert not {"timestamp_urls", "timestamp_account"} & kept(house).keys()


def _shut(_text: str) -> str:
    raise Refusal("secret-unreadable")


def test_a_password_never_leaves_in_clear_for_another_machine(house: House) -> None:
    admitting(house, "tsa.example.org")
    texts = {"timestamp_urls": "http://tsa.example.org/tsa", "timestamp_account": ACCOUNT}
    with pytest.raises(Refusal, match="timestamp-clear"):
        change_setting(house.actor(K), "timestamp_urls", texts)


def test_the_file_of_a_collectivity_names_the_authority_without_its_account_and_tries_it(
    house: House,
) -> None:
    other = elsewhere("a.ailleurs")
    with authority(house.pki) as ours:
        town = admitting(house, ours.host)
        texts = {"timestamp_urls": ours.url, "timestamp_account": ACCOUNT}
        change_setting(house.actor(K), "timestamp_urls", texts)
        with reading(here(house)) as db:
            written = present(db, here(house))
        assert written["settings"]["timestamp_urls"] == ours.url
        assert "mot de passe" not in write(written)
        document = read(f"schema: {SCHEMA}\nsettings: {{timestamp_urls: '{ours.url}'}}".encode())
        ours.play = "page"
        with pytest.raises(Refusal, match="declared-stopped"):
            apply_document(by_command(other), document)
        ours.play = ""
        applied = apply_document(by_command(other), document)
        assert (len(applied.changed), applied.drawn) == (1, {})
        assert timestamping.of_collectivity(other).url == ours.url
        run = town.app.test_cli_runner().invoke
        assert "a donné un jeton du" in run(args=["settings", "try", "212900018", "timestamp"]).output


def test_the_page_of_what_serves_tries_the_collectivity_s_own(house: House) -> None:
    assert own.timestamp(here(house)).level is Level.NONE
    with authority(house.pki) as ours:
        town = admitting(house, ours.host)
        change_setting(house.actor(K), "timestamp_urls", {"timestamp_urls": ours.url})
        assert "a donné un jeton du" in str(own.timestamp(here(house)))
        ours.play = "page"
        with pytest.raises(Unwell, match="rien ne se signe d’ici là"):
            own.timestamp(here(house))
        rounds.look(town.settings)
    page = html.unescape(town.client(K).get("/administration/mise-en-service").get_data(as_text=True))
    assert own.TIMESTAMP in page.lower()

"""How a collectivity is known on Chorus Pro: typed once, sealed, tried by a button that says what to do."""

import html
import re
from datetime import timedelta

import pytest

from app.chorus.wire import opened
from app.core.clock import today
from demo.chorus.simulator import ACCOUNT, SILENCE
from demo.chorus.state import CLIENT, LOGIN, PASSWORD, SECRET
from tests.builders.house import House

pytestmark = pytest.mark.in_turn

PAGE = "/administration/reglages"


def give(house: House, client, name: str, **typed: str):
    """Type a setting, as the page does."""
    return client.post(f"{PAGE}/{name}", data={**typed, "csrf_token": house.csrf(client)})


def words(answer) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))).split())


def tried(house: House, client) -> str:
    """What the trial says."""
    client.post("/administration/essais/chorus", data={"csrf_token": house.csrf(client)})
    return words(client.get(PAGE))


def test_an_administrator_gives_the_account_and_tries_it(house: House) -> None:
    client, chorus = house.client("k.morizur"), opened(house.settings)
    assert "l’application PISTE n’est pas donnée" in words(client.get(PAGE))
    assert give(house, client, "chorus_application", value=CLIENT, secret=SECRET).location == PAGE
    assert give(house, client, "chorus_account", value=LOGIN, secret="périmé").location == PAGE
    page = words(client.get(PAGE))
    assert "Secret gardé, jamais montré" in page
    assert SECRET not in page
    assert "Chorus Pro refuse le compte technique" in tried(house, client)
    give(house, client, "chorus_account", value=LOGIN, secret=PASSWORD)
    ends = today() + timedelta(days=40)
    with chorus.state.written() as line:
        line.execute("UPDATE account SET ends = ?", (ends.isoformat(),))
    said = tried(house, client)
    assert "Chorus Pro reconnaît ce compte : COMMUNE DE KERLANN-SUR-MER (21290999800016)" in said
    assert "dans 40 jours : faites-le renouveler" in said
    # A SIRET that the account does not serve, and what is none
    assert "n’est pas un SIRET" in words(give(house, client, "chorus_sirets", value="21290999800017"))
    give(house, client, "chorus_sirets", value="212 909 998 00024")
    assert "ne reçoit rien pour 21290999800024" in tried(house, client)


def test_a_line_that_fails_is_said_as_it_is(house: House) -> None:
    client, chorus = house.client("k.morizur"), opened(house.settings)
    give(house, client, "chorus_application", value=CLIENT, secret=SECRET)
    give(house, client, "chorus_account", value=LOGIN, secret=PASSWORD)
    chorus.play(SILENCE, 1)
    assert "garde le silence" in tried(house, client)
    chorus.play(ACCOUNT, 2)
    assert "Chorus Pro refuse le compte technique" in tried(house, client)

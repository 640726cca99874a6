"""Every page says what does not leave for the State, and only that."""

import pytest

from app import create_app
from tests.builders.house import House


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "Mode simulation : rien n’est transmis"),
        ({"simulators": ""}, "Aucun opérateur réglé : rien n’est transmis"),
        ({"actes_transport": "s2low"}, "Mode simulation : aucun flux n’est transmis au comptable public"),
        ({"helios_transport": "s2low"}, "Mode simulation : aucun acte n’est transmis à la préfecture"),
        ({"actes_transport": "s2low", "helios_transport": "s2low"}, ""),
        (
            {"actes_transport": "s2low", "helios_transport": "s2low", "s2low_simulated": True},
            "Mode simulation : rien n’est transmis",
        ),
    ],
    ids=["both simulated", "no operator", "acts leave", "flows leave", "both leave", "operator simulated"],
)
@pytest.mark.law("TRA-08")
def test_the_band_says_what_is_simulated(house: House, given: dict[str, object], said: str) -> None:
    settings = house.settings.model_copy(update={"s2low_url": "https://s2low.example.org", **given})
    town = House(create_app(settings), settings, house.pki, house.mail)
    shown = town.client("a.kervadec").get("/compte").get_data(as_text=True).replace("\u00a0", " ")
    assert ("Mode simulation" in shown) == said.startswith("Mode")
    assert said in shown

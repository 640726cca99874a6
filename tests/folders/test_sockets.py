"""Who is asked about a folder: those who care about its family, and those who care about all."""

import pytest

from app.folders.models import Folder
from app.folders.sockets import ByFamily, named
from app.pes.flow import is_flow
from workflows.condition import values


@pytest.mark.parametrize(
    ("family", "asked"),
    [
        ("budget", ["all", "budget"]),
        ("pes", ["all", "flows"]),
        ("pes_payroll", ["all", "flows"]),
        ("invoice", ["all"]),
        ("of-a-former-version", ["all"]),
    ],
)
def test_of_a_folder_only_those_are_asked_who_care_about_its_family(family: str, asked: list[str]) -> None:
    board: ByFamily[str] = ByFamily()
    board.add("all", None)
    board.add("budget", named("budget"))
    board.add("flows", is_flow)
    assert list(board.of(Folder(family=family))) == asked
    board.clear()
    assert list(board.of(Folder(family=family))) == []


def test_who_plugs_in_later_is_asked_too() -> None:
    board: ByFamily[str] = ByFamily()
    board.add("all", None)
    assert list(board.of(Folder(family="budget"))) == ["all"]
    board.add("budget", named("budget"))
    assert list(board.of(Folder(family="budget"))) == ["all", "budget"]


def test_the_facts_of_a_folder_are_those_that_stand() -> None:
    folder = Folder(family="invoice", fields={"number": "F-1"}, sources={})
    assert folder.facts is folder.facts
    folder.fields = {"number": "F-2"}
    assert folder.facts["number"] == "F-2"
    folder.sources = {"files": [{"values": {"number": "F-3"}}]}
    assert values(folder.facts, "number") == ("F-2", "F-3")

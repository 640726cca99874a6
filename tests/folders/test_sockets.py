"""Who is asked about a folder: those who care about its family, and those who care about all."""

import pytest

from app.folders.models import Folder
from app.folders.sockets import ByFamily, named
from app.pes.flow import is_flow


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

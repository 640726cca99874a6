"""The schema goes up, says the same as the models, comes down, and goes up again, on both databases."""

from pathlib import Path

from app.core import schema
from tests.builders.house import House

VERSIONS = Path(__file__).resolve().parents[2] / "migrations" / "versions"


def test_up_check_down_up(house: House) -> None:
    schema.check()
    schema.downgrade()
    schema.upgrade()
    schema.check()
    found, wanted = schema.revisions()
    assert found == wanted


def test_migrations_are_numbered_and_the_head_file_is_right() -> None:
    names = sorted(one.stem for one in VERSIONS.glob("*.py"))
    assert [name[:4] for name in names] == [f"{n:04d}" for n in range(1, len(names) + 1)]
    assert (VERSIONS.parent / "HEAD").read_text().strip() == names[-1]

"""Whoever uses Paraphe over a network gets the source of what runs (AGPL, section 13), and nothing that is not source."""

import io
import tarfile

import pytest

from app.operations.source import archive
from tests.builders.house import House


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_every_page_leads_to_the_source_of_what_runs_and_to_nothing_else(
    house: House, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = house.app.test_client()
    for client, address in ((stranger, "/login"), (house.client("r.pellenec"), "/a-traiter")):
        assert 'href="/code-source"' in client.get(address).get_data(as_text=True)
    page = stranger.get("/code-source").get_data(as_text=True)
    assert "GNU AGPL" in page
    address = page.partition('href="/code-source/')[2].partition('"')[0]
    assert stranger.get("/code-source/paraphe-0.1.tar.gz").status_code == 404
    given = stranger.get(f"/code-source/{address}", buffered=True).get_data()
    assert given == stranger.get(f"/code-source/{address}", buffered=True).get_data()
    with tarfile.open(fileobj=io.BytesIO(given)) as tar:
        names = {one.partition("/")[2] for one in tar.getnames()}
    assert {
        "LICENSE",
        "REUSE.toml",
        "LICENSES/OFL-1.1.txt",
        "app/operations/source/archive.py",
        "app/static/vendor/p12.js",
        "wsgi.py",
    } <= names
    assert not [
        one for one in names if ".env" in one or "__pycache__" in one or one.startswith(("var", "tests"))
    ]

    home = tmp_path_factory.mktemp("home")
    (home / "app").mkdir()
    for name in (
        "app/ours.py",
        "app/key.pem",
        "app/.env",
        "app/paraphe.db",
        "app/seal.p12",
        ".env",
        "secret.py",
    ):
        (home / name).write_text("x", encoding="utf-8")
    (home / "app" / "away.py").symlink_to("/etc/passwd")
    monkeypatch.setattr(archive, "HOME", home)
    assert [one.as_posix() for one in archive.files()] == ["app/ours.py"]

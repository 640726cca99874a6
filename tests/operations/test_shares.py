"""A share that is not mounted is told, and nothing that should go there stays hidden on the disk of the machine."""

from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, mkdtemp

import pytest
import sqlalchemy as sa

from app import create_app
from app.core import db
from app.core.clock import now
from app.core.refusals import Refusal
from app.files import vault
from app.folders.models import Folder
from app.operations import marks, shares
from app.operations.doctor import examine
from app.operations.keeping.backup import backup
from app.operations.models import DoctorPlace
from tests.builders.house import INVOICE, House
from tests.builders.memory import DISK

SHM = "/dev/shm"
AWAY = "Le dépôt des documents n’est pas à sa place"


@pytest.fixture
def disk() -> Iterator[Path]:
    """A folder of another file system than the share."""
    with TemporaryDirectory(dir=DISK) as room:
        yield Path(room)


def rows_and_files(house: House, place: Path) -> tuple[int, list[Path]]:
    with db.reading() as session:
        count = session.scalar(sa.select(sa.func.count()).select_from(Folder)) or 0
    return count, sorted(one for one in place.rglob("*") if one.is_file())


def deposited(house: House) -> tuple[int, str]:
    client = house.client("g.trehorel")
    form = {
        "csrf_token": house.csrf(client),
        "family": "invoice",
        "files": [(BytesIO(INVOICE.read_bytes()), INVOICE.name)],
    }
    answer = client.post("/deposer", data=form, content_type="multipart/form-data", follow_redirects=True)
    return answer.status_code, answer.get_data(as_text=True)


def test_a_deposit_while_the_share_of_the_documents_is_away_writes_nothing_anywhere(house: House) -> None:
    house.an_invoice()
    documents = Path(house.settings.store_url.removeprefix("file:"))
    share = documents.with_name("partage")
    before = rows_and_files(house, documents)
    documents.rename(share)
    documents.mkdir()  # the mount point, which stays
    for started_again in (False, True):
        if started_again:
            vault.store.cache_clear()
        status, page = deposited(house)
        assert (status, AWAY in page) == (503, True), page
        assert list(documents.rglob("*")) == []
        assert house.client().get("/health/ready").get_json()["store"] is False
    documents.rmdir()  # the mount point was on the share of another
    vault.store.cache_clear()
    assert deposited(house)[0] == 503
    assert not documents.exists()
    share.rename(documents)
    assert rows_and_files(house, documents) == before
    assert deposited(house)[0] == 200
    assert rows_and_files(house, documents)[0] == before[0] + 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_local_folder_that_looks_like_a_store_does_not_take_the_place_of_the_share(
    house: House, disk: Path
) -> None:
    share, there = Path(mkdtemp(dir=SHM)), disk / "documents"
    try:
        there.symlink_to(share)
        settings = house.settings.model_copy(update={"store_url": f"file:{there}"})
        create_app(settings)
        vault.store().put_bytes("c1", b"acte")
        shares.use(there, shares.DOCUMENTS)  # as the doctor does
        there.unlink()
        (there / ".staging").mkdir(parents=True)
        vault.store.cache_clear()
        with pytest.raises(Refusal, match="store-away"):
            vault.store().put_bytes("c1", b"un autre")
        assert [one for one in there.rglob("*") if one.is_file()] == []
        assert house.app.test_cli_runner().invoke(args=["share", "forget", str(there)]).exit_code == 0
        vault.store().put_bytes("c1", b"un autre")  # the commune has no share any more, and said so
    finally:
        rmtree(share)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_is_written_on_a_share_never_stays_under_its_mount_point(house: House, disk: Path) -> None:
    share, there = Path(mkdtemp(dir=SHM)), disk / "partage"

    def mounted(*, yes: bool) -> None:
        there.unlink() if there.is_symlink() else rmtree(there, ignore_errors=True)
        there.symlink_to(share) if yes else there.mkdir()

    def told(**changed: object) -> str:
        settings = house.settings.model_copy(update=changed)
        create_app(settings)
        (finding,) = examine(settings, ["partages"])
        return "" if finding.ok else finding.sentence

    try:
        mounted(yes=False)
        backup(house.settings, there / "1")  # before the share was first mounted
        mounted(yes=True)
        backup(house.settings, there / "2")
        mounted(yes=False)
        with pytest.raises(Refusal, match="share-away"):
            backup(house.settings, there / "3")
        assert list(there.iterdir()) == []
        assert told() == "", "a disk that was plugged in for one day is not missed"
        with db.engine().begin() as connection:
            connection.execute(sa.update(DoctorPlace).values(known_at=now() - timedelta(days=2)))
        assert f"le dossier des sauvegardes, {there}, était sur {SHM}" in told()
        mounted(yes=True)
        assert told() == ""
        settings = house.settings.model_copy(update={"marks_folder": there})
        marks.take(settings)
        taken = len(list(share.glob("*.txt")))
        mounted(yes=False)
        with pytest.raises(Refusal, match="share-away"):
            marks.take(settings)
        assert (taken, list(there.iterdir())) == (1, [])
        assert len(list((house.settings.data_dir / marks.FOLDER).glob("*.txt"))) >= 1
        assert "le dossier des repères" in told(marks_folder=there)
        run = house.app.test_cli_runner().invoke
        assert run(args=["share", "forget", str(there)]).exit_code == 0
        assert "Aucun partage n’est noté" in run(args=["share", "forget", str(there)]).output
        marks.take(settings)
        assert len(list(there.glob("*.txt"))) == 1, "the commune has no share any more, and said so"
        house.a_quick_invoice()
        assert told() == ""
        elsewhere = disk / "vide"
        elsewhere.mkdir()
        assert "la base nomme des documents et leur dépôt est vide" in told(store_url=f"file:{elsewhere}")
    finally:
        rmtree(share)

"""A share that is not mounted is told, and nothing that should go there stays hidden on the disk of the machine."""

from datetime import timedelta
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import pytest
import sqlalchemy as sa

from app import create_app
from app.core import db
from app.core.clock import now
from app.core.refusals import Refusal
from app.operations import marks
from app.operations.doctor import examine
from app.operations.keeping.backup import backup
from app.operations.models import DoctorPlace
from tests.builders.house import House

SHM = "/dev/shm"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_is_written_on_a_share_never_stays_under_its_mount_point(house: House, tmp_path: Path) -> None:
    share, there = Path(mkdtemp(dir=SHM)), tmp_path / "partage"

    def mounted(*, yes: bool) -> None:
        there.unlink() if there.is_symlink() else rmtree(there, ignore_errors=True)
        there.symlink_to(share) if yes else there.mkdir()

    def told(**changed: object) -> str:
        settings = house.settings.model_copy(update=changed)
        create_app(settings)
        (finding,) = examine(settings, ["partages"])
        return "" if finding.ok else finding.words

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
        elsewhere = tmp_path / "vide"
        elsewhere.mkdir()
        assert "la base nomme des documents et leur dépôt est vide" in told(store_url=f"file:{elsewhere}")
    finally:
        rmtree(share)

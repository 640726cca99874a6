"""The trusted lists of an installation: refreshed by command, and by night where they are wanted."""

import pytest

from app import create_app
from app.core import jobs
from app.trust import authorities
from tests.builders.settings import take_settings
from tests.conftest import settings_for
from tests.trust.lists import Operator, Shown, country_list, list_of_lists, service


@pytest.fixture
def shown():
    server = Shown()
    yield server
    server.close()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_command_refreshes_the_lists_of_the_installation(house, shown, pki, tmp_path):
    europe, france, signers = Operator("Europe"), Operator("France"), tmp_path / "signers.pem"
    shown.pages["/lotl.xml"] = list_of_lists(europe, france, f"{shown.url}/fr.xml")
    own = service("CA/QC", pki.certificate("interm")) + service("TSA/QTST", pki.certificate("tsa"))
    shown.pages["/fr.xml"] = country_list(france, own)
    signers.write_bytes(europe.pem)
    chosen = {"trust_lists": True, "trust_lists_url": f"{shown.url}/lotl.xml", "trust_lists_signers": signers}
    take_settings(house.settings.model_copy(update=chosen))
    before = authorities.epoch()
    done = house.app.test_cli_runner().invoke(args=["trust-lists"])
    assert (done.exit_code, "2 certificats" in done.output) == (0, True)
    assert authorities.epoch() != before
    shown.pages.clear()
    failed = house.app.test_cli_runner().invoke(args=["trust-lists"])
    assert (failed.exit_code, "n’ont pas changé" in failed.output) == (1, True)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_worker_refreshes_the_lists_by_night_only_where_they_are_wanted(database, tmp_path, pki, mail):
    for wanted in (True, False):
        jobs._nightly.clear()
        create_app(settings_for(database, tmp_path / "data", pki, mail.port, trust_lists=wanted))
        assert ("trust-lists" in jobs.nights()) is wanted

"""The trusted lists of Europe: believed when their signers are, kept on disk, verified again without any network."""

from datetime import timedelta

import pytest
import time_machine
from cryptography.hazmat.primitives.serialization import Encoding

from app.core.clock import now
from app.trust import trust_lists
from app.trust.certificates import Trust
from app.trust.network import UnreachableError
from app.trust.trust_lists import ListRefusedError, refresh, registry, stamp
from app.verification import kinds
from tests.trust.lists import Operator, Shown, country_list, list_of_lists, service
from tests.verification.corpus import Corpus


@pytest.fixture(scope="module")
def europe() -> Operator:
    return Operator("Liste des listes d’essai")


@pytest.fixture(scope="module")
def france() -> Operator:
    return Operator("Liste française d’essai")


@pytest.fixture
def shown():
    server = Shown()
    yield server
    server.close()


@pytest.fixture
def publish(shown, europe, france, pki):
    def put(services: str | None = None, **times) -> None:
        own = service("CA/QC", pki.certificate("interm")) + service("TSA/QTST", pki.certificate("tsa"))
        shown.pages["/lotl.xml"] = list_of_lists(europe, france, f"{shown.url}/fr.xml", times.get("lotl"))
        shown.pages["/fr.xml"] = country_list(france, services or own, times.get("country"))

    put()
    return put


@pytest.fixture
def fetched(shown, europe, publish, tmp_path):
    def fetch(**more) -> int:
        return refresh(tmp_path / "lists", url=f"{shown.url}/lotl.xml", **{"signers": europe.pem, **more})

    return fetch


def judge(pki, trust, tmp_path, believed, **how):
    path = tmp_path / "signed.pdf"
    path.write_bytes(Corpus(pki, trust, tmp_path).signed(**how))
    (said,) = kinds.of(path).judge(path, None, believed, now())
    return said


def listed(pki, tmp_path) -> Trust:
    """Nobody is believed but the lists."""
    return Trust((), (), fetch=True, allowed_hosts=(pki.host,), timeout=20, lists=tmp_path / "lists")


def test_a_listed_authority_is_believed_without_any_root_of_ours(fetched, pki, trust, tmp_path):
    assert fetched() == 2
    said = judge(pki, trust, tmp_path, listed(pki, tmp_path))
    assert (said.verdict, said.reason[:9], said.timestamped_at is not None) == ("valide", "Valable :", True)


def test_without_the_lists_the_same_signature_is_undecided(pki, trust, tmp_path):
    said = judge(pki, trust, tmp_path, listed(pki, tmp_path))
    assert (said.verdict, said.sub_indication) == ("indéterminé", "NO_CERTIFICATE_CHAIN_FOUND")


def test_the_administrator_own_roots_stay_beside_the_lists(fetched, publish, pki, trust, tmp_path):
    publish(service("CA/QC", pki.certificate("foreign")))
    fetched()
    both = Trust(
        trust.roots, trust.tsa_roots, allowed_hosts=(pki.host,), timeout=20, lists=tmp_path / "lists"
    )
    assert judge(pki, trust, tmp_path, both).verdict == "valide"


def test_an_authority_listed_for_clocks_says_nothing_of_persons(fetched, publish, pki, trust, tmp_path):
    publish(service("TSA/QTST", pki.certificate("interm")) + service("TSA/QTST", pki.certificate("tsa")))
    fetched()
    assert judge(pki, trust, tmp_path, listed(pki, tmp_path)).sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"


def test_a_service_that_was_withdrawn_is_not_believed(fetched, publish, pki, trust, tmp_path):
    publish(service("CA/QC", pki.certificate("interm"), status="withdrawn"))
    assert fetched() == 0
    assert judge(pki, trust, tmp_path, listed(pki, tmp_path)).verdict == "indéterminé"


def test_between_two_refreshes_the_lists_serve_without_network(fetched, shown, pki, trust, tmp_path):
    fetched()
    asked = list(shown.asked)
    assert asked == ["/lotl.xml", "/fr.xml"]
    trust_lists._registry.cache_clear()
    assert judge(pki, trust, tmp_path, listed(pki, tmp_path)).verdict == "valide"
    assert shown.asked == asked


@pytest.mark.parametrize("name", ["lotl.xml", "fr.xml"])
def test_a_list_that_was_touched_on_disk_is_no_longer_believed(fetched, tmp_path, name):
    fetched()
    assert registry(tmp_path / "lists") is not None
    kept = tmp_path / "lists" / name
    kept.write_bytes(kept.read_bytes().replace(b"Exploitant", b"Exploiteur"))
    assert registry(tmp_path / "lists") is None


def test_a_list_is_void_after_its_own_term(fetched, tmp_path):
    fetched()
    with time_machine.travel(now() + timedelta(days=120), tick=True):
        assert registry(tmp_path / "lists") is None


def lists_on_disk(tmp_path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in (tmp_path / "lists").iterdir()}


@pytest.mark.parametrize(
    "fault",
    ["lotl by a stranger", "country by a stranger", "out of date", "country missing", "no answer", "bomb"],
)
def test_a_list_that_may_not_be_believed_changes_nothing(
    fetched, publish, shown, europe, france, tmp_path, fault
):
    fetched()
    before, print_before = lists_on_disk(tmp_path), stamp(tmp_path / "lists")
    stranger = Operator("Un inconnu")
    more = {}
    if fault == "lotl by a stranger":
        shown.pages["/lotl.xml"] = list_of_lists(stranger, france, f"{shown.url}/fr.xml")
    elif fault == "country by a stranger":
        shown.pages["/fr.xml"] = country_list(
            stranger, service("CA/QC", stranger.certificate.public_bytes(Encoding.DER))
        )
    elif fault == "out of date":
        publish(country=now() - timedelta(days=1))
    elif fault == "country missing":
        more["countries"] = ("FR", "BE")
    elif fault == "no answer":
        del shown.pages["/fr.xml"]
    else:
        lines = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
        shown.pages["/lotl.xml"] = f'<!DOCTYPE l [<!ENTITY a0 "ha">{lines}]><l>&a11;</l>'.encode()
    with pytest.raises((ListRefusedError, UnreachableError)):
        fetched(**more)
    assert lists_on_disk(tmp_path) == before
    assert stamp(tmp_path / "lists") == print_before


def test_only_the_hosts_that_the_signed_list_names_are_asked(shown, europe, france, tmp_path):
    elsewhere = Shown()
    try:
        shown.pages["/lotl.xml"] = list_of_lists(Operator("Un inconnu"), france, f"{elsewhere.url}/fr.xml")
        with pytest.raises(ListRefusedError):
            refresh(tmp_path / "lists", url=f"{shown.url}/lotl.xml", signers=europe.pem)
        assert elsewhere.asked == []
    finally:
        elsewhere.close()


def test_other_lists_make_another_epoch(fetched, publish, pki, tmp_path):
    fetched()
    before = stamp(tmp_path / "lists")
    publish(service("CA/QC", pki.certificate("foreign")))
    fetched()
    assert before != stamp(tmp_path / "lists") != b""

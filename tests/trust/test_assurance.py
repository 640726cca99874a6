"""The level that a signature reaches: from the certificate, its device and the trusted lists, never from a label."""

import dataclasses

import pytest
from asn1crypto import x509

from app.core.clock import now
from app.core.refusals import Refusal
from app.trust.assurance import LABELS, Statements, check, statements
from app.trust.certificates import check_certificate
from app.trust.trust_lists import refresh
from tests.builders.levels import declare
from tests.trust.lists import Operator, Shown, country_list, list_of_lists, service
from workflows.family import ASSURANCES


def level(pki, trust, label):
    said = check_certificate(
        pki.certificate(label), pki.chain(label), trust=trust, moment=now(), enrolled=None
    )
    return said.assurance


@pytest.fixture
def listed(pki, trust, tmp_path):
    """The same trust, with lists that hold these services."""
    server, europe, france = Shown(), Operator("Europe d’essai"), Operator("France d’essai")

    def put(services):
        server.pages["/lotl.xml"] = list_of_lists(europe, france, f"{server.url}/fr.xml")
        server.pages["/fr.xml"] = country_list(france, services)
        refresh(tmp_path / "lists", url=f"{server.url}/lotl.xml", signers=europe.pem)
        return dataclasses.replace(trust, lists=tmp_path / "lists")

    yield put
    server.close()


def test_every_level_has_its_french_name_and_they_are_those_of_the_families():
    assert tuple(LABELS) == ASSURANCES


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("a_kervadec", Statements()),
        ("qualified", Statements(qualified=True, device=True, types=("qct_esign",))),
        ("qualified_soft", Statements(qualified=True, types=("qct_esign",))),
        ("eseal", Statements(qualified=True, device=True, types=("qct_eseal",))),
    ],
)
def test_what_a_certificate_states_is_read(pki, label, said):
    assert statements(x509.Certificate.load(pki.certificate(label))) == said
    assert said.seal_only is (label == "eseal")


@pytest.mark.parametrize(
    ("label", "reached"),
    [
        ("a_kervadec", "advanced"),
        ("qualified", "qualified"),
        ("qualified_soft", "advanced_qualified"),
        ("eseal", "simple"),
    ],
)
def test_without_trusted_lists_the_statements_of_a_believed_authority_count(pki, trust, label, reached):
    assert level(pki, trust, label) == reached


@pytest.mark.parametrize(
    ("label", "reached"),
    [
        ("a_kervadec", "advanced"),
        ("qualified", "qualified"),
        ("qualified_soft", "advanced_qualified"),
        ("eseal", "simple"),
    ],
)
def test_a_listed_authority_gives_what_the_lists_and_the_statements_say_together(pki, listed, label, reached):
    assert level(pki, listed(service("CA/QC", pki.certificate("interm"))), label) == reached


@pytest.mark.parametrize("status", ["withdrawn", None])
@pytest.mark.law("SIG-03")
def test_where_lists_are_kept_an_authority_that_they_do_not_grant_is_not_qualified(pki, listed, status):
    """Its root is ours, so its certificates sign; that it calls itself qualified proves nothing."""
    services = service("TSA/QTST", pki.certificate("tsa"))
    if status:
        services += service("CA/QC", pki.certificate("interm"), status=status)
    assert level(pki, listed(services), "qualified") == "advanced"


def test_without_an_answer_on_revocation_nothing_is_more_than_simple(pki, trust):
    assert level(pki, dataclasses.replace(trust, fetch=False), "qualified") == "simple"


@pytest.mark.parametrize("asked", ASSURANCES)
@pytest.mark.parametrize("reached", ASSURANCES)
def test_a_family_refuses_what_is_below_its_minimum_and_nothing_else(monkeypatch, asked, reached):
    declare(monkeypatch, "invoice", minimum_signature=asked)
    if ASSURANCES.index(reached) >= ASSURANCES.index(asked):
        check(reached, "invoice")
    else:
        with pytest.raises(Refusal) as caught:
            check(reached, "invoice")
        assert caught.value.facts == {"asked": LABELS[asked], "reached": LABELS[reached]}

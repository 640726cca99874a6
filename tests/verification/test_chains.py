"""A signature that carries its own certificate alone: judged by the authorities that signed here before."""

import pytest

from app.core.db import reading
from app.core.refusals import Refusal
from app.signing import enrol
from app.signing.enrolling import possession
from app.signing.keys.browser import BrowserKey
from app.trust import authorities, intermediates
from app.verification.models import VerdictRecord
from app.verification.records import judge_kept
from tests.verification.test_pages import PUBLIC, ask, text

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
UNKNOWN = "l’autorité « AC des signataires d’essai (FACTICE) » qui a délivré le certificat n’est ni connue ici, ni dans le fichier"


def forget_all() -> None:
    folder = authorities.intermediates_folder()
    for one in folder.glob("*.der"):
        assert intermediates.forget(folder, one.stem)


def signed_flow(house):
    folder_id = house.a_flow()
    house.sign(folder_id, "a.kervadec")
    return house.versions(folder_id)[-1]


def test_a_flow_signed_here_is_valid_on_the_public_page_and_says_what_is_missing_once_forgotten(house):
    flow = house.bytes_of(signed_flow(house))
    page = text(ask(house.client(), PUBLIC, flow, name="flux.xml"))
    assert (page.count("Signature valide"), page.count("indéterminé")) == (flow.count(b"</Bordereau>"), 0)
    forget_all()
    page = text(ask(house.client(), PUBLIC, flow, name="flux.xml"))
    assert "Signature valide" not in page
    assert UNKNOWN in page


def test_what_cannot_be_read_beside_a_certificate_takes_nothing_from_its_signature(house):
    flow = house.bytes_of(signed_flow(house))
    end = b"</ds:X509Certificate>"
    assert flow.count(end)
    rubbish = flow.replace(end, end + b"<ds:X509Certificate>AAAA</ds:X509Certificate>", 1)
    page = text(ask(house.client(), PUBLIC, rubbish, name="flux.xml"))
    assert (page.count("Signature valide"), page.count("indéterminé")) == (flow.count(b"</Bordereau>"), 0)


def test_a_public_verification_teaches_nothing(house, made):
    ask(house.client(), PUBLIC, made.signed())
    assert intermediates.known(authorities.intermediates_folder()) == ()


def test_a_verdict_is_given_again_once_an_authority_is_known(house, made):
    version = signed_flow(house)
    forget_all()
    actor, before = house.actor("a.kervadec"), authorities.epoch()
    (first, *_) = judge_kept(actor, version.sha256).verdicts
    assert (first.verdict, UNKNOWN in first.reason) == ("indéterminé", True)
    # Another document, with its chain, is judged in a folder: what it carries is known from then on
    folder_id = house.a_document(made.signed(), "plan.pdf")
    judge_kept(actor, house.versions(folder_id)[-1].sha256)
    assert authorities.epoch() != before
    (again, *_) = judge_kept(actor, version.sha256).verdicts
    assert again.verdict == "valide"
    with reading(actor.collectivity_id) as db:
        assert {row.epoch for row in db.query(VerdictRecord)} == {authorities.epoch()}


def test_ones_lone_certificate_is_enrolled_once_its_authority_is_known(house):
    actor = house.actor("b.cadiou")
    key = house.key("rsa3072")
    alone = BrowserKey(key.certificate, ())  # as a card shows it
    forget_all()
    with pytest.raises(Refusal) as refused:
        possession.ask(actor, alone)
    assert refused.value.facts["cause"] == "certificate-issuer-missing"
    signed_flow(house)
    asked = possession.ask(actor, alone)
    possession.prove(actor, asked.challenge, key.sign(asked.prepared.attributes))
    with reading(actor.collectivity_id) as db:
        assert "Gaud LE BRAS" in {
            enrol.common_name(one.subject) for one in enrol.certificates_of(db, actor.user_id)
        }


def test_authorities_and_people_have_names(house):
    page = text(ask(house.client(), PUBLIC, house.bytes_of(signed_flow(house)), name="flux.xml"))
    assert "émis par « AC des signataires d’essai (FACTICE) »" in page
    assert "Common Name" not in page

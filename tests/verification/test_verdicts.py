"""Every kind of signed file and fault, each with its verdict, its ETSI words and its sentence."""

import dataclasses
import subprocess
from datetime import timedelta

import pytest
import time_machine
from asn1crypto import cms
from pyhanko.sign.fields import MDPPerm

from app.core.clock import now
from app.core.refusals import Refusal
from app.trust.certificates import check_certificate, unfit
from app.trust.sentences import SENTENCES
from app.verification import kinds
from app.verification.readers.pes.profile import CURRENT
from tests.builders import pes
from tests.builders.signing import refusal
from tests.builders.verify import verify
from tests.verification import corpus
from tests.verification.corpus import DOCUMENT, YEAR, Corpus, Tsa, changed

DAY = timedelta(days=1)
OK, NO, MAYBE = "TOTAL-PASSED", "TOTAL-FAILED", "INDETERMINATE"
UNCHANGED = "Valable : document inchangé depuis la signature, certificat valable et non révoqué le"
COMPLETED = "Valable : document complété depuis la signature sans changement interdit"
CHANGED = "Non valable : le document a été modifié après la signature."
ALTERED = "Non valable : le document a été modifié après la signature, autrement que par d’autres signatures"
UNKNOWN = "Indéterminé : l’autorité qui a délivré le certificat n’est pas reconnue ici."
LOST = "Indéterminé : l’autorité « AC d’ailleurs (FACTICE) » qui a délivré le certificat n’est ni connue ici, ni dans le fichier."
SILENT = "Indéterminé : l’autorité de certification n’a pas dit si le certificat est révoqué."
GOOD = (OK, None, UNCHANGED)
GOOD_AND_MORE = (OK, None, COMPLETED)
TAMPERED = (NO, "HASH_FAILURE", CHANGED)
UNNAMED = (MAYBE, "SIG_CONSTRAINTS_FAILURE", "Indéterminé : la signature ne nomme pas son certificat")
SHADOWED = (NO, "HASH_FAILURE", ALTERED)


@pytest.fixture
def made(pki, trust, tmp_path) -> Corpus:
    return Corpus(pki, trust, tmp_path)


# name: (how it is made, the verdict on each signature, the level of the first)
PDFS = {
    "B-B": (lambda c: c.signed(level="B-B"), [GOOD], "B-B"),
    "B-T": (lambda c: c.signed(), [GOOD], "B-T"),
    "B-LT": (lambda c: c.signed(level="B-LT"), [GOOD_AND_MORE], "B-LT"),
    "B-LTA": (lambda c: c.signed(level="B-LTA"), [GOOD_AND_MORE], "B-LTA"),
    "elliptic curve": (lambda c: c.signed("ec"), [GOOD], "B-T"),
    "RSA 4096": (lambda c: c.signed("rsa4096", "B-B"), [GOOD], "B-B"),
    "seal of the commune": (lambda c: c.signed("seal"), [GOOD], "B-T"),
    "older than PAdES": (lambda c: c.signed(pades=False), [GOOD], "hors PAdES, B-T"),
    "older than PAdES, undated": (lambda c: c.signed(pades=False, level="B-B"), [GOOD], "hors PAdES, B-B"),
    "two signers": (lambda c: c.two(), [GOOD_AND_MORE, GOOD], "B-T"),
    "two signers, the second revoked": (
        lambda c: c.two(second={"label": "revoked"}),
        [GOOD_AND_MORE, (NO, "REVOKED", "Non valable : le certificat était révoqué depuis le")],
        "B-T",
    ),
    "two signers, then kept for ever": (
        lambda c: c.two({"level": "B-LT"}, {"level": "B-LTA"}),
        [GOOD_AND_MORE, GOOD_AND_MORE],
        "B-LTA",
    ),
    "signed again in a new field": (
        lambda c: c.signed("b_cadiou", data=c.signed(), field="Signature2"),
        [GOOD_AND_MORE, GOOD],
        "B-T",
    ),
    "three signers": (
        lambda c: c.signed("ec", data=c.two(), field="Signature3"),
        [GOOD_AND_MORE, GOOD_AND_MORE, GOOD],
        "B-T",
    ),
    "certified, forms may be filled": (
        lambda c: c.signed(certify=MDPPerm.FILL_FORMS, level="B-B"),
        [GOOD],
        "B-B",
    ),
    "certified without any change, then changed": (
        lambda c: changed(c.signed(certify=MDPPerm.NO_CHANGES), corpus.other_language),
        [SHADOWED],
        "B-T",
    ),
    "one byte changed": (lambda c: corpus.one_byte(c.signed()), [TAMPERED], "B-T"),
    "one byte changed under two signatures": (
        lambda c: corpus.one_byte(c.two()),
        [TAMPERED, TAMPERED],
        "B-T",
    ),
    "drawing laid over": (lambda c: changed(c.signed(), corpus.overlay), [SHADOWED], "B-T"),
    "drawing laid over two signatures": (lambda c: changed(c.two(), corpus.overlay), [SHADOWED] * 2, "B-T"),
    "drawing laid over, then signed": (
        lambda c: c.signed("b_cadiou", data=changed(c.signed(), corpus.overlay), field="Signature2"),
        [SHADOWED, GOOD],
        "B-T",
    ),
    "drawing laid over an archive": (
        lambda c: changed(c.signed(level="B-LTA"), corpus.overlay),
        [SHADOWED],
        "B-LTA",
    ),
    "page text replaced": (lambda c: changed(c.signed(), corpus.other_text), [SHADOWED], "B-T"),
    "language changed": (lambda c: changed(c.signed(), corpus.other_language), [SHADOWED], "B-T"),
    "note added": (lambda c: changed(c.signed(), corpus.a_note), [SHADOWED], "B-T"),
    "signature taken away": (
        lambda c: changed(c.signed(), corpus.no_form),
        [(NO, "HASH_FAILURE", "Non valable : la signature a été retirée du fichier après coup.")],
        None,
    ),
    "form filled afterwards": (
        lambda c: changed(c.signed(data=corpus.with_text_field()), corpus.fill),
        [(MAYBE, "SIG_CONSTRAINTS_FAILURE", "Indéterminé : champs complétés depuis : observations = payé.")],
        "B-T",
    ),
    "container of rubbish": (
        lambda c: corpus.rubbish_container(c.signed(level="B-B")),
        [(NO, "FORMAT_FAILURE", "Non valable : la signature est illisible.")],
        "",
    ),
    "signature value changed": (
        lambda c: corpus.other_value(c.signed(level="B-B")),
        [(NO, "SIG_CRYPTO_FAILURE", "Non valable : la signature n’est pas celle du certificat annoncé.")],
        "B-B",
    ),
    "signature of another document": (
        lambda c: corpus.moved_container(c.signed(), c.signed(data=corpus.with_fields("Signature1"))),
        [TAMPERED],
        "B-T",
    ),
    "covers less than it did": (lambda c: corpus.short_range(c.signed()), [TAMPERED], "B-T"),
    "expired since": (lambda c: c.signed("expired", at=now() - YEAR), [GOOD], "B-T"),
    "expired before": (
        lambda c: c.signed("expired"),
        [(NO, "EXPIRED", "Non valable : le certificat avait expiré le")],
        "B-T",
    ),
    "expired, undated": (
        lambda c: c.signed("expired", "B-B"),
        [(MAYBE, "OUT_OF_BOUNDS_NO_POE", "Indéterminé : le certificat a expiré le")],
        "B-B",
    ),
    "revoked after the timestamp": (
        lambda c: c.signed("revoked", at=now() - timedelta(days=60)),
        [GOOD],
        "B-T",
    ),
    "revoked before the timestamp": (
        lambda c: c.signed("revoked"),
        [(NO, "REVOKED", "Non valable : le certificat était révoqué depuis le")],
        "B-T",
    ),
    "revoked between the claimed hour and the timestamp": (
        lambda c: c.signed("revoked", tsa=Tsa(c.pki, now()), claimed=now() - timedelta(days=60)),
        [(MAYBE, "REVOKED_NO_POE", "Indéterminé : le certificat a été révoqué le")],
        "B-T",
    ),
    "revoked, undated": (
        lambda c: c.signed("revoked", "B-B"),
        [(MAYBE, "REVOKED_NO_POE", "Indéterminé : le certificat a été révoqué le")],
        "B-B",
    ),
    "unknown authority": (
        lambda c: c.signed("foreign_root"),
        [(MAYBE, "NO_CERTIFICATE_CHAIN_FOUND", UNKNOWN)],
        "B-T",
    ),
    "certificate of identification": (
        lambda c: c.signed("auth_only"),
        [(MAYBE, "CHAIN_CONSTRAINTS_FAILURE", "Indéterminé : le certificat n’est pas fait pour signer")],
        "B-T",
    ),
    "weak key": (
        lambda c: c.signed("weak"),
        [
            (
                MAYBE,
                "CRYPTO_CONSTRAINTS_FAILURE",
                "Indéterminé : la clé ou l’algorithme de la signature est trop",
            )
        ],
        "B-T",
    ),
    "certificate of next year": (
        lambda c: c.signed("future"),
        [(NO, "NOT_YET_VALID", "Non valable : le certificat n’est valable que depuis le")],
        "B-T",
    ),
    "timestamp of other bytes": (
        lambda c: c.signed(tsa=Tsa(c.pki, other=True)),
        [(NO, "HASH_FAILURE", "Non valable : l’horodatage ne correspond pas à cette signature.")],
        "B-T",
    ),
    "timestamp with a broken seal": (
        lambda c: c.signed(tsa=Tsa(c.pki, broken=True)),
        [(NO, "HASH_FAILURE", "Non valable : l’horodatage ne correspond pas à cette signature.")],
        "B-T",
    ),
    "encrypted, readable by all": (lambda c: c.encrypted(""), [GOOD], "B-T"),
    "no signature": (lambda c: DOCUMENT, [], None),
    "an empty field": (lambda c: corpus.with_fields("Signature1"), [], None),
}


def judge(path, trust, content=None):
    return kinds.of(path).judge(path, content, trust, now())


def compare(said, expected):
    assert [(one.indication, one.sub_indication) for one in said] == [two[:2] for two in expected]
    for one, (_, _, sentence) in zip(said, expected, strict=True):
        assert one.reason.startswith(sentence)
        assert one.reason.endswith(".")
        assert one.verdict == {OK: "valide", NO: "invalide", MAYBE: "indéterminé"}[one.indication]


@pytest.mark.parametrize("name", PDFS)
def test_each_signed_pdf_gets_its_verdict_and_its_sentence(made, trust, tmp_path, name):
    make, expected, level = PDFS[name]
    path = tmp_path / "signed.pdf"
    path.write_bytes(make(made))
    said = judge(path, trust)
    compare(said, expected)
    if level is not None:
        assert said[0].level == level
    for one in said:
        if one.chain:
            assert one.chain[0].serial == one.serial
            assert one.when.endswith(".")
            assert one.covered.startswith("La signature ")


WHOM = {
    "no authority is known": ({"roots": ()}, (MAYBE, "NO_CERTIFICATE_CHAIN_FOUND", UNKNOWN)),
    "unknown timestamp authority": (
        {"tsa_roots": ()},
        (
            MAYBE,
            "NO_CERTIFICATE_CHAIN_FOUND",
            "Indéterminé : l’autorité d’horodatage n’est pas reconnue ici.",
        ),
    ),
    "silent authority": ({"allowed_hosts": ()}, (MAYBE, "TRY_LATER", SILENT)),
    "nobody may be asked": (
        {"fetch": False},
        (MAYBE, "TRY_LATER", "Indéterminé : la révocation du certificat n’a pas été consultée."),
    ),
}


@pytest.mark.parametrize("name", WHOM)
def test_the_same_file_is_judged_by_whom_we_believe_and_may_ask(made, trust, tmp_path, name):
    change, expected = WHOM[name]
    path = tmp_path / "signed.pdf"
    path.write_bytes(made.signed())
    compare(judge(path, dataclasses.replace(trust, **change)), [expected])


def test_an_archive_needs_no_authority_at_all(made, trust, tmp_path):
    path = tmp_path / "signed.pdf"
    path.write_bytes(made.signed(level="B-LTA"))
    (said,) = judge(path, dataclasses.replace(trust, fetch=False))
    assert (said.verdict, said.archived_at is not None) == ("valide", True)
    assert "d’après les preuves gardées dans le fichier" in said.revocation


def test_when_the_authority_is_silent_the_answers_kept_in_the_file_serve(made, trust, tmp_path):
    path = tmp_path / "signed.pdf"
    path.write_bytes(made.signed(level="B-LT"))
    (said,) = judge(path, dataclasses.replace(trust, allowed_hosts=()))
    assert said.verdict == "valide"
    assert "d’après les preuves gardées dans le fichier" in said.revocation


LATER = {
    "B-B": (MAYBE, "OUT_OF_BOUNDS_NO_POE", "Indéterminé : le certificat a expiré le"),
    "B-T": GOOD,
    "B-LT": GOOD_AND_MORE,
    "B-LTA": GOOD_AND_MORE,
}


@pytest.mark.parametrize("level", LATER)
def test_three_years_later_only_what_proves_its_hour_still_holds(made, trust, tmp_path, level):
    path = tmp_path / "signed.pdf"
    path.write_bytes(made.signed(level=level))
    with time_machine.travel(now() + 3 * YEAR, tick=True):
        compare(judge(path, trust), [LATER[level]])


@pytest.mark.parametrize("archived", [False, True])
def test_an_older_answer_put_into_the_file_does_not_hide_a_revocation(made, trust, tmp_path, archived):
    path = tmp_path / "signed.pdf"
    before = now() - timedelta(days=40)
    path.write_bytes(made.with_old_answer(made.signed("revoked"), "revoked", before, archived))
    compare(judge(path, trust), [(NO, "REVOKED", "Non valable : le certificat était révoqué depuis le")])


@pytest.mark.parametrize("archived", [False, True])
def test_an_older_answer_proves_nothing_when_the_authority_is_silent(made, trust, tmp_path, archived):
    path = tmp_path / "signed.pdf"
    before = now() - timedelta(days=40)
    path.write_bytes(made.with_old_answer(made.signed("revoked"), "revoked", before, archived))
    compare(judge(path, dataclasses.replace(trust, allowed_hosts=())), [(MAYBE, "TRY_LATER", SILENT)])


def test_what_was_filled_in_after_the_signature_is_named(made, trust, tmp_path):
    path = tmp_path / "signed.pdf"
    path.write_bytes(changed(made.signed(data=corpus.with_text_field()), corpus.fill))
    assert judge(path, trust)[0].changes == "Champs complétés depuis : observations = payé."


def test_pdfsig_believes_an_overlay_and_we_do_not(made, trust, tmp_path):
    path = tmp_path / "signed.pdf"
    path.write_bytes(changed(made.signed(), corpus.overlay))
    told = subprocess.run(["pdfsig", "-nocert", str(path)], capture_output=True, text=True).stdout
    assert "Signature is Valid" in told
    assert verify(path, trust, now())[0].verdict == "invalide"


CMS = {
    "cades": (lambda c: c.cms(), [GOOD], "B-B"),
    "plain cms, that does not name its certificate": (
        lambda c: c.cms(cades=False),
        [UNNAMED],
        "hors CAdES, B-B",
    ),
    "plain cms whose revoked certificate was swapped for a good one of the same key": (
        lambda c: corpus.other_certificate(c.cms("revoked", cades=False), c.pki.certificate("a_kervadec")),
        [UNNAMED],
        "hors CAdES, B-B",
    ),
    "cades whose revoked certificate was swapped": (
        lambda c: corpus.other_certificate(c.cms("revoked"), c.pki.certificate("a_kervadec")),
        [(MAYBE, "NO_SIGNING_CERTIFICATE_FOUND", "Indéterminé : le certificat que la signature nomme")],
        "",
    ),
    "attributes dropped and given as the content": (
        lambda c: corpus.attributes_as_content(c.cms()),
        [(NO, "FORMAT_FAILURE", "Non valable : ce qui est signé est fait des attributs d’une autre")],
        "hors CAdES, B-B",
    ),
    "message digest said twice": (
        lambda c: corpus.with_attributes(
            c.key("a_kervadec"), lambda every: [*every, *(one for one in every if is_digest(one))]
        ),
        [(NO, "FORMAT_FAILURE", "Non valable : ")],
        None,
    ),
    "no message digest": (
        lambda c: corpus.with_attributes(
            c.key("a_kervadec"), lambda every: [one for one in every if not is_digest(one)]
        ),
        [(NO, "FORMAT_FAILURE", "Non valable : ")],
        None,
    ),
    "no content type": (
        lambda c: corpus.with_attributes(
            c.key("a_kervadec"), lambda every: [one for one in every if one["type"].native != "content_type"]
        ),
        [(NO, "FORMAT_FAILURE", "Non valable : ")],
        None,
    ),
    "armored": (lambda c: c.cms(form="PEM"), [GOOD], "B-B"),
    "two signers": (lambda c: c.cms("a_kervadec", "b_cadiou"), [GOOD, GOOD], "B-B"),
    "elliptic curve": (lambda c: c.cms("ec"), [GOOD], "B-B"),
    "expired": (
        lambda c: c.cms("expired"),
        [(MAYBE, "OUT_OF_BOUNDS_NO_POE", "Indéterminé : le certificat a expiré le")],
        "B-B",
    ),
    "unknown authority": (
        lambda c: c.cms("foreign_root"),
        [(MAYBE, "NO_CERTIFICATE_CHAIN_FOUND", LOST)],
        "B-B",
    ),
    "other content": (lambda c: (c.cms()[0], b"<marche>lot 2</marche>"), [TAMPERED], "B-B"),
}


@pytest.mark.parametrize("name", CMS)
def test_each_separate_signature_by_openssl_gets_its_verdict(made, trust, tmp_path, name):
    make, expected, level = CMS[name]
    container, content = make(made)
    (tmp_path / "s.p7s").write_bytes(container)
    (tmp_path / "signed.bin").write_bytes(content)
    said = judge(tmp_path / "s.p7s", trust, tmp_path / "signed.bin")
    compare(said, expected)
    assert level is None or said[0].level == level


def is_digest(attribute) -> bool:
    return attribute["type"].native == "message_digest"


TRADES = {
    "a server": "1.3.6.1.5.5.7.3.1",
    "software": "1.3.6.1.5.5.7.3.3",
    "timestamps": "1.3.6.1.5.5.7.3.8",
    "revocation answers": "1.3.6.1.5.5.7.3.9",
    "identification": "1.3.6.1.5.5.7.3.2",
}


@pytest.mark.parametrize("trade", TRADES)
def test_a_certificate_made_for_something_else_signs_nothing(made, trust, tmp_path, trade):
    signer = made.minted(TRADES[trade])
    own = signer.signing_cert.dump()
    assert (
        refusal(check_certificate, own, made.pki.chain("seal"), trust=trust, moment=now(), enrolled=None)
        == "certificate-other-use"
    )
    assert SENTENCES["certificate-other-use"][1].startswith("Rien n’a été signé : ce certificat est réservé")
    other = "le certificat n’est pas fait pour signer : il est réservé à un autre usage"
    for data in (made.signed(key=signer), made.signed(key=signer, level="B-B")):
        (tmp_path / "s.pdf").write_bytes(data)
        compare(
            judge(tmp_path / "s.pdf", trust), [(MAYBE, "CHAIN_CONSTRAINTS_FAILURE", f"Indéterminé : {other}")]
        )
    container, content = corpus.with_attributes(signer, lambda every: every)
    (tmp_path / "s.p7s").write_bytes(container)
    (tmp_path / "signed.bin").write_bytes(content)
    said = judge(tmp_path / "s.p7s", trust, tmp_path / "signed.bin")
    compare(said, [(MAYBE, "CHAIN_CONSTRAINTS_FAILURE", f"Indéterminé : {other}")])


def test_an_authority_that_signs_a_document_itself_is_not_believed(made, trust, tmp_path):
    (tmp_path / "s.pdf").write_bytes(made.signed(key=made.minted(ca=True)))
    compare(
        judge(tmp_path / "s.pdf", trust),
        [(MAYBE, "CHAIN_CONSTRAINTS_FAILURE", "Indéterminé : le certificat est celui d’une autorité")],
    )


def test_usages_that_leave_signing_possible_do(made, trust, tmp_path):
    del trust, tmp_path
    for extended in (
        (),
        ("1.3.6.1.5.5.7.3.4",),
        ("1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.36"),
        ("1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.4"),
    ):
        assert unfit(made.minted(*extended).signing_cert) is None


def test_a_pdf_signature_that_does_not_name_its_certificate_is_undecided(made, trust, tmp_path):
    signer = made.key("a_kervadec")
    honest = signer.signed_attrs

    async def without(*args, **kwargs):
        every = await honest(*args, **kwargs)
        return cms.CMSAttributes([one for one in every if "signing_certificate" not in one["type"].native])

    signer.signed_attrs = without
    (tmp_path / "s.pdf").write_bytes(made.signed(key=signer, pades=False))
    compare(judge(tmp_path / "s.pdf", trust), [UNNAMED])


EXPIRED = (MAYBE, "OUT_OF_BOUNDS_NO_POE", "Indéterminé : le certificat a expiré le")
REVOKED_UNDATED = (MAYBE, "REVOKED_NO_POE", "Indéterminé : le certificat a été révoqué le")
STRANGER = (MAYBE, "NO_CERTIFICATE_CHAIN_FOUND", LOST)
NOT_THEIRS = (NO, "SIG_CRYPTO_FAILURE", "Non valable : la signature n’est pas celle du certificat annoncé.")
OTHER_TIME = (NO, "HASH_FAILURE", "Non valable : l’horodatage ne correspond pas à cette signature.")
TO_IDENTIFY = (MAYBE, "CHAIN_CONSTRAINTS_FAILURE", "Indéterminé : le certificat n’est pas fait pour signer")
TOO_LATE = (NO, "EXPIRED", "Non valable : le certificat avait expiré le")
AFTER_REVOCATION = (NO, "REVOKED", "Non valable : le certificat était révoqué depuis le")

# name: (how it is made in a form, the verdict, the level)
BESIDE = {
    "undated": (lambda c, form: c.beside(form, dated=False), GOOD, "B-B"),
    "dated": (lambda c, form: c.beside(form), GOOD, "B-T"),
    "elliptic curve": (lambda c, form: c.beside(form, "ec"), GOOD, "B-T"),
    "P-384": (lambda c, form: c.beside(form, "p384"), GOOD, "B-T"),
    "seal of the commune": (lambda c, form: c.beside(form, "seal"), GOOD, "B-T"),
    "other content": (lambda c, form: (c.beside(form)[0], b"<budget/>"), TAMPERED, "B-T"),
    "one space more in the content": (
        lambda c, form: (c.beside(form)[0], c.beside(form)[1] + b" "),
        TAMPERED,
        "B-T",
    ),
    "expired, undated": (lambda c, form: c.beside(form, "expired", dated=False), EXPIRED, "B-B"),
    "expired since": (lambda c, form: c.beside(form, "expired", at=now() - YEAR), GOOD, "B-T"),
    "expired before": (lambda c, form: c.beside(form, "expired"), TOO_LATE, "B-T"),
    "revoked, undated": (lambda c, form: c.beside(form, "revoked", dated=False), REVOKED_UNDATED, "B-B"),
    "revoked after the timestamp": (
        lambda c, form: c.beside(form, "revoked", at=now() - timedelta(days=60)),
        GOOD,
        "B-T",
    ),
    "revoked before the timestamp": (lambda c, form: c.beside(form, "revoked"), AFTER_REVOCATION, "B-T"),
    "revoked between the claimed hour and the timestamp": (
        lambda c, form: c.beside(form, "revoked", at=now() - timedelta(days=60), tsa=Tsa(c.pki, now())),
        REVOKED_UNDATED,
        "B-T",
    ),
    "unknown authority": (lambda c, form: c.beside(form, "foreign_root"), STRANGER, "B-T"),
    "certificate of identification": (lambda c, form: c.beside(form, "auth_only"), TO_IDENTIFY, "B-T"),
    "timestamp of other bytes": (
        lambda c, form: c.beside(form, tsa=Tsa(c.pki, other=True)),
        OTHER_TIME,
        "B-T",
    ),
    "timestamp with a broken seal": (
        lambda c, form: c.beside(form, tsa=Tsa(c.pki, broken=True)),
        OTHER_TIME,
        "B-T",
    ),
    "signature value changed": (
        lambda c, form: {"cades": corpus.other_p7s_value, "xades": corpus.other_xml_value}[form](
            c.beside(form, dated=False)
        ),
        NOT_THEIRS,
        "B-B",
    ),
}


HOUR = timedelta(hours=1)
ORDER = (MAYBE, "TIMESTAMP_ORDER_FAILURE")
# name: (how it is made, the words of ETSI, what the sentence says)
HOURS = {
    "timestamp of a year ahead": (
        lambda c: c.signed(tsa=Tsa(c.pki, now() + YEAR)),
        ORDER,
        "dans l’avenir",
    ),
    "archive timestamp of a year ahead": (
        lambda c: c.with_archive(c.signed(level="B-LT"), now() + YEAR),
        ORDER,
        "dans l’avenir",
    ),
    "timestamp a hundred days before the signer's own hour": (
        lambda c: c.signed(tsa=Tsa(c.pki, now() - 100 * DAY)),
        ORDER,
        "après l’horodatage du",
    ),
    "second signature dated before the first that it contains": (
        lambda c: c.two(second={"at": now() - 10 * DAY}),
        ORDER,
        "plus ancien que la signature précédente",
    ),
    "hour of the signer in the future": (
        lambda c: c.signed(level="B-B", claimed=now() + HOUR),
        (MAYBE, "SIG_CONSTRAINTS_FAILURE"),
        "dans l’avenir",
    ),
    "hour of the signer before his certificate": (
        lambda c: c.signed(level="B-B", claimed=now() - 2 * YEAR),
        (MAYBE, "SIG_CONSTRAINTS_FAILURE"),
        "avant que son certificat soit valable",
    ),
}


@pytest.mark.parametrize("name", HOURS)
def test_hours_that_contradict_one_another_are_never_proven(made, trust, tmp_path, name):
    make, (indication, sub), words = HOURS[name]
    (tmp_path / "signed.pdf").write_bytes(make(made))
    last = judge(tmp_path / "signed.pdf", trust)[-1]
    assert (last.indication, last.sub_indication) == (indication, sub), last.reason
    assert words in last.reason
    assert "prouvée par un horodatage" not in last.when
    assert last.timestamped_at is None


@pytest.mark.parametrize("form", ["cades", "xades"])
@pytest.mark.parametrize("name", BESIDE)
def test_each_signature_beside_its_file_gets_its_verdict(made, trust, tmp_path, name, form):
    make, expected, level = BESIDE[name]
    signature, content = make(made, form)
    (tmp_path / "signature").write_bytes(signature)
    (tmp_path / "signed.xml").write_bytes(content)
    assert kinds.of(tmp_path / "signature").name == {"cades": "p7s", "xades": "xades"}[form]
    said = judge(tmp_path / "signature", trust, tmp_path / "signed.xml")
    compare(said, [expected])
    assert said[0].level == level
    assert said[0].report is not None


def test_the_time_that_an_xml_signature_claims_cannot_be_rewritten(made, trust, tmp_path):
    signature, content = made.beside("xades", dated=False)
    (tmp_path / "s.xml").write_bytes(
        corpus.put(signature, b"<xades:SigningTime>20", b"<xades:SigningTime>19")
    )
    (tmp_path / "signed.xml").write_bytes(content)
    compare(judge(tmp_path / "s.xml", trust, tmp_path / "signed.xml"), [TAMPERED])


@pytest.mark.parametrize("form", ["cades", "xades"])
@pytest.mark.parametrize("name", ["unknown timestamp authority", "silent authority", "nobody may be asked"])
def test_a_signature_beside_its_file_is_judged_by_whom_we_believe_and_may_ask(
    made, trust, tmp_path, name, form
):
    change, expected = WHOM[name]
    signature, content = made.beside(form)
    (tmp_path / "signature").write_bytes(signature)
    (tmp_path / "signed.xml").write_bytes(content)
    believed = dataclasses.replace(trust, **change)
    compare(judge(tmp_path / "signature", believed, tmp_path / "signed.xml"), [expected])


PROFILE = (NO, "SIG_CONSTRAINTS_FAILURE", "Non valable : ")
ALTERED_FLOW = (NO, "HASH_FAILURE", "Non valable : l’élément a été modifié après la signature.")

# A signature of a flow covers its bordereau, or the whole, and promises no more
GOOD_SLIP = (OK, None, UNCHANGED.replace("document", "bordereau"))
GOOD_FLOW = (OK, None, UNCHANGED.replace("document", "flux"))

# name: (how the flow is made, the verdict on each signature, in the order of the file)
FLOWS = {
    "two bordereaux": (lambda c: c.flow().read_bytes(), [GOOD_SLIP, GOOD_SLIP]),
    "the whole flow": (lambda c: c.flow(name="depense_signature_globale").read_bytes(), [GOOD_FLOW]),
    "RSA 4096": (lambda c: c.flow("rsa4096").read_bytes(), [GOOD_SLIP, GOOD_SLIP]),
    "one amount changed": (
        lambda c: corpus.put(c.flow().read_bytes(), b'<MtBordHT V="', b'<MtBordHT V="9'),
        [ALTERED_FLOW, GOOD_SLIP],
    ),
    "wrapped": (lambda c: corpus.wrapped(c.flow()), [(NO, "FORMAT_FAILURE", "Non valable : "), PROFILE]),
    "an Id twice": (
        lambda c: corpus.put(c.flow().read_bytes(), b"<PES_PJ>", b'<PES_PJ Id="BD2025-000001">'),
        [PROFILE, GOOD_SLIP],
    ),
    "moved signature": (lambda c: corpus.moved(c.flow()), [PROFILE, GOOD_SLIP]),
    "other policy hash": (
        lambda c: c.resigned(lambda text: text.replace(CURRENT.sha256, "A" * 43 + "=")),
        [PROFILE, PROFILE],
    ),
    "SHA-1": (
        lambda c: c.resigned(
            lambda text: text.replace("2001/04/xmldsig-more#rsa-sha256", "2000/09/xmldsig#rsa-sha1")
        ),
        [(NO, "FORMAT_FAILURE", "Non valable : l’algorithme de signature n’est pas RSA avec SHA-256")] * 2,
    ),
    "expired": (
        lambda c: c.flow("expired").read_bytes(),
        [(NO, "SIG_CONSTRAINTS_FAILURE", "Non valable : la date de signature")] * 2,
    ),
    "revoked": (lambda c: c.flow("revoked").read_bytes(), [REVOKED_UNDATED] * 2),
    "unknown authority": (lambda c: c.flow("foreign_root").read_bytes(), [STRANGER] * 2),
    "certificate of identification": (
        lambda c: c.flow("auth_only").read_bytes(),
        [(MAYBE, "CHAIN_CONSTRAINTS_FAILURE", "Indéterminé : ")] * 2,
    ),
    "one bordereau unsigned": (
        lambda c: pes.SIGNATURE.sub(b"", c.flow().read_bytes(), count=1),
        [(NO, "FORMAT_FAILURE", "Non valable : cet élément n’est pas signé."), GOOD_SLIP],
    ),
}


@pytest.mark.parametrize("name", FLOWS)
def test_each_signed_flow_gets_its_verdicts(made, trust, pki, tmp_path, name):
    make, expected = FLOWS[name]
    (tmp_path / "flow.xml").write_bytes(make(made))
    # A flow carries its signer's certificate alone: the authority above is believed by itself
    known = dataclasses.replace(trust, roots=(*trust.roots, pki.certificate("interm")))
    said = judge(tmp_path / "flow.xml", known)
    compare(said, expected)
    assert {one.level for one in said} == {"XAdES-EPES (PES v2)"}


def test_a_flow_says_since_when_its_signer_s_certificate_is_revoked(made, trust, pki, tmp_path):
    (tmp_path / "flow.xml").write_bytes(made.flow("revoked").read_bytes())
    known = dataclasses.replace(trust, roots=(*trust.roots, pki.certificate("interm")))
    since = judge(tmp_path / "flow.xml", known)[0].revoked_at
    assert timedelta(days=28) < now() - since < timedelta(days=32)


def test_a_content_inside_its_signature_needs_no_second_file(made, trust, tmp_path):
    (tmp_path / "s.p7m").write_bytes(made.cms(opaque=True)[0])
    compare(judge(tmp_path / "s.p7m", trust), [GOOD])


REFUSED = {
    "locked": (lambda c: c.encrypted("secret"), "document-locked"),
    "cut in the middle": (lambda c: c.signed()[:4000], "pdf-damaged"),
    "nested without bottom": (
        lambda c: b"%PDF-1.7\n1 0 obj" + b"[" * 99_999 + b"\nstartxref\n9\n%%EOF",
        "pdf-damaged",
    ),
    "not a pdf inside": (lambda c: b"%PDF-1.7\nrien", "pdf-damaged"),
    "a picture": (lambda c: b"\x89PNG\r\n\x1a\n" + bytes(100), "kind-unknown"),
    "empty": (lambda c: b"", "kind-unknown"),
    "an archive": (lambda c: b"PK\x03\x04" + bytes(100), "container-unsound"),
    "rubbish cms": (
        lambda c: b"\x30\x20\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02" + bytes(20),
        "signature-file-unreadable",
    ),
    "cms without its content": (lambda c: c.cms()[0], "content-missing"),
    "xml signature without its content": (lambda c: c.beside("xades")[0], "content-missing"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_judged_is_refused_with_its_reason(made, trust, tmp_path, name):
    make, key = REFUSED[name]
    (tmp_path / "file").write_bytes(make(made))
    with pytest.raises(Refusal) as caught:
        judge(tmp_path / "file", trust)
    assert caught.value.key == key

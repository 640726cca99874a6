"""The time of a signature comes from the authority, or there is no signature."""

import hashlib
from datetime import timedelta

import pytest

from app.core.clock import now
from app.core.refusals import Refusal
from app.signing.formats import pades
from app.trust.sentences import SENTENCES
from app.trust.timestamp import TimestampClient, hour_of
from tests.builders import stamps
from tests.builders.authority import authority_in_advance
from tests.builders.signing import refusal, sealed
from tests.cluster import free_port
from tests.verification.corpus import Clock, Tsa

IMPRINT = hashlib.sha256(b"une signature").digest()


def test_the_authority_gives_a_token_for_the_hash(tsa):
    assert IMPRINT in tsa.token(IMPRINT, "sha256")


def test_silence_and_nonsense_are_refused_with_the_sentence_of_the_screen(pki):
    for url in (f"http://127.0.0.1:{free_port()}/tsa", f"{pki.base_url}/kerlann/crls/root/latest.crl"):
        with pytest.raises(Refusal, match="timestamp-silent"):
            TimestampClient(url, timeout=2).token(IMPRINT, "sha256")
    assert SENTENCES["timestamp-silent"][1] == (
        "L’horodatage n’a pas répondu. Rien n’a été apposé sur ce document, il reste à signer : recommencez dans un instant."
    )


def test_a_token_for_another_demand_is_no_token(pki):
    with stamps.authority(pki) as other:
        other.play = "nonce"
        with pytest.raises(Refusal, match="timestamp-silent"):
            TimestampClient(other.url, timeout=5).token(IMPRINT, "sha256")
        assert len(other.asked) == 2  # it was asked once more, and no token was taken


DAYS = timedelta(days=3)


@pytest.mark.parametrize(
    ("by", "words"),
    [(DAYS, "3 jours d’avance"), (-DAYS, "3 jours de retard"), (timedelta(minutes=6), "6 minutes d’avance")],
)
def test_an_authority_with_a_wrong_clock_gives_no_time(pki, by, words):
    with (
        authority_in_advance(pki, by) as url,
        pytest.raises(Refusal, match="timestamp-wrong-clock") as caught,
    ):
        TimestampClient(url).token(IMPRINT, "sha256")
    sentence = SENTENCES["timestamp-wrong-clock"][1].format(**caught.value.facts)
    assert sentence.startswith("Rien n’a été signé : l’autorité d’horodatage donne une heure fausse")
    assert words in sentence


def test_nothing_is_signed_at_an_hour_that_is_not_ours(pki, deliberation, key):
    with authority_in_advance(pki, -DAYS) as url:
        assert refusal(sealed, deliberation, key("seal"), tsa=TimestampClient(url)) == "timestamp-wrong-clock"
    assert not deliberation.with_name("deliberation-maire.pdf").exists()


def test_a_clock_that_differs_by_minutes_is_no_fault(pki):
    with authority_in_advance(pki, timedelta(minutes=4)) as url:
        token = TimestampClient(url).token(IMPRINT, "sha256")
    assert timedelta(minutes=3) < hour_of(token) - now() < timedelta(minutes=4, seconds=1)


def test_the_second_authority_serves_when_the_first_is_silent_or_wrong(pki, tsa):
    mute = f"http://127.0.0.1:{free_port()}/tsa"
    with authority_in_advance(pki, DAYS) as wrong:
        for first in (mute, wrong):
            asked = TimestampClient(first, timeout=2, second=tsa)
            for _ in range(2):  # the second time it is asked first
                assert abs(hour_of(asked.token(IMPRINT, "sha256")) - now()) < timedelta(minutes=1)
        # A wrong hour is told before a silence: it is what somebody can do something about
        with pytest.raises(Refusal, match="timestamp-wrong-clock"):
            TimestampClient(mute, timeout=2, second=TimestampClient(wrong)).token(IMPRINT, "sha256")
    with pytest.raises(Refusal, match="timestamp-silent"):
        TimestampClient(mute, timeout=2, second=TimestampClient(mute, timeout=2)).token(IMPRINT, "sha256")


def test_what_is_kept_is_the_hour_of_the_token_and_not_of_its_reading(pki, trust, deliberation, key):
    at = (now() + timedelta(minutes=3)).replace(microsecond=0)
    target, _ = sealed(deliberation, key("a_kervadec"), tsa=Clock(Tsa(pki, at)))
    said = pades.check(
        target,
        source=deliberation,
        field="maire",
        certificate=key("a_kervadec").certificate,
        trust=trust,
        timestamped=True,
        moment=now(),
    )
    assert said.timestamped_at == at

"""The time of a signature comes from the authority, or there is no signature."""

import hashlib

import pytest

from app.core.refusals import Refusal
from app.signing.sentences import SENTENCES
from app.signing.timestamp import TimestampClient

from .conftest import free_port

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

"""The time of a signature, given by an authority (RFC 3161) or not given at all."""

import hashlib
import secrets
from datetime import datetime
from urllib.parse import urlsplit

from asn1crypto import cms, tsp
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.timestamps.common_utils import TimestampRequestError, handle_tsp_response

from app.core.refusals import Refusal
from app.signing.network import Outside, UnreachableError

LARGEST_TOKEN = 64 * 1024


class TimestampClient(TimeStamper):
    """Asks one timestamp authority for tokens; safe to share between threads, keeps nothing between two requests.

    `timeout` in seconds for each of `tries`.
    """

    def __init__(self, url: str, *, timeout: float = 6.0, tries: int = 2) -> None:
        super().__init__(include_nonce=True)  # type: ignore[no-untyped-call]
        self.url = url
        self.tries = tries
        self._outside = Outside((urlsplit(url).netloc.rpartition("@")[2],), timeout, LARGEST_TOKEN)

    def token(self, imprint: bytes, algorithm: str) -> bytes:
        """DER of a token over the hash `imprint`; refuses `timestamp-silent` when the authority gives none.

        The nonce and the imprint in the answer are compared with the request (RFC 3161 §2.4.2).
        """
        why = ""
        for _ in range(self.tries):
            try:
                return self._once(imprint, algorithm)
            except (UnreachableError, TimestampRequestError, ValueError, TypeError) as error:
                why = str(error)
        raise Refusal("timestamp-silent", why=why)

    def _once(self, imprint: bytes, algorithm: str) -> bytes:
        nonce, request = self.request_cms(imprint, algorithm)  # type: ignore[no-untyped-call]
        body = self._outside.post(
            self.url, request.dump(), "application/timestamp-query", "application/timestamp-reply"
        )
        # Taken before anything looks inside: what asn1crypto has parsed it may encode anew, and the seal would break
        token = bytes(tsp.TimeStampResp.load(body, strict=True)["time_stamp_token"].dump())
        answer = handle_tsp_response(tsp.TimeStampResp.load(body), nonce)
        info = answer["content"]["encap_content_info"]["content"].parsed
        if info["message_imprint"]["hashed_message"].native != imprint:
            raise TimestampRequestError("the token is for another imprint")
        return token


def moment_of(client: TimestampClient) -> datetime:
    """The authority's own time, read in a token that it gives now over a hash made for it; refuses `timestamp-silent`."""
    token = client.token(hashlib.sha256(secrets.token_bytes(32)).digest(), "sha256")
    said: datetime = (
        cms.ContentInfo.load(token)["content"]["encap_content_info"]["content"].parsed["gen_time"].native
    )
    return said

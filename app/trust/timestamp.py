"""The time of a signature, given by an authority (RFC 3161) or not given at all."""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Callable
from datetime import datetime

import structlog
from asn1crypto import cms, tsp
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.timestamps.common_utils import TimestampRequestError, handle_tsp_response
from pyhanko.sign.validation.generic_cms import validate_tst_signed_data

from app.core.addresses import Allowed, entry_of
from app.core.clock import now
from app.core.faults import words_of
from app.core.refusals import Refusal
from app.trust.certificates import TOLERANCE, Trust, name_of
from app.trust.network import Outside, UnreachableError

log = structlog.get_logger(__name__)
LARGEST_TOKEN = 64 * 1024
REST = 60.0  # seconds during which an authority that failed is asked after the other one


class WrongClockError(ValueError):
    """The authority answered, with an hour that is not ours; `gap` in seconds, positive when it is ahead."""

    def __init__(self, gap: float) -> None:
        super().__init__(f"{gap:+.0f} s")
        self.gap = gap


class TimestampClient(TimeStamper):
    """Asks a timestamp authority for tokens, and another when the first gives none; safe to share between threads.

    `timeout` in seconds for each of `tries`. `allowed`: the servers that may be asked; that of `url` alone by default.
    `account`: « account:password », shown to this authority and not to the second. `second` serves while the first is
    silent or has a wrong clock, and is then asked first for a minute (`REST`). `report` hears the authority's address and
    the size in bytes of each token.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 6.0,
        tries: int = 2,
        second: "TimestampClient | None" = None,
        report: Callable[[str, int], None] | None = None,
        allowed: Allowed | None = None,
        account: str = "",
    ) -> None:
        super().__init__(include_nonce=True)  # type: ignore[no-untyped-call]
        self.url = url
        self.tries = tries
        self.second = second
        self._report = report
        self._rests_until = 0.0
        self._account = account
        self._outside = Outside(allowed or Allowed(inside=(entry_of(url),)), timeout, LARGEST_TOKEN)

    def token(self, imprint: bytes, algorithm: str) -> bytes:
        """DER of a token over the hash `imprint`, given now by the first authority that gives one.

        The nonce and the imprint in the answer are compared with the request (RFC 3161 §2.4.2), its hour with our clock
        (`TOLERANCE`): a signature must not be dated before its act, nor after it. Refuses `timestamp-wrong-clock` when
        an authority answered with another hour and none with ours, `timestamp-silent` when none answered.
        """
        if self.second is None:
            return self.own_token(imprint, algorithm)
        order = [self, self.second]
        if time.monotonic() < self._rests_until:
            order.reverse()
        refusals = []
        for authority in order:
            try:
                token = authority.own_token(imprint, algorithm)
            except Refusal as refusal:
                refusals.append(refusal)
                if authority is self:
                    self._rests_until = time.monotonic() + REST
                    log.warning("timestamp.first_failed", key=refusal.key, **refusal.facts)
            else:
                return token
        raise next((refusal for refusal in refusals if refusal.key == "timestamp-wrong-clock"), refusals[0])

    def own_token(self, imprint: bytes, algorithm: str) -> bytes:
        """The same, asked of this authority alone."""
        why = ""
        for _ in range(self.tries):
            try:
                token = self.asked(imprint, algorithm)
                _near(hour_of(token))
            except WrongClockError as error:
                hour = gap_in_words(error.gap)
                raise Refusal("timestamp-wrong-clock", gap=hour) from error
            except (UnreachableError, TimestampRequestError, ValueError, TypeError) as error:
                why = words_of(error) or str(error)
            else:
                if self._report is not None:
                    self._report(self.url, len(token))
                return token
        raise Refusal("timestamp-silent", why=why)

    def asked(self, imprint: bytes, algorithm: str) -> bytes:
        """The token as this authority gives it at once, whatever its hour.

        Raises `UnreachableError`, and `TimestampRequestError`, ValueError or TypeError for what is no token for this request.
        """
        nonce, request = self.request_cms(imprint, algorithm)  # type: ignore[no-untyped-call]
        body = self._outside.post(
            self.url,
            request.dump(),
            "application/timestamp-query",
            "application/timestamp-reply",
            basic=self._account,
        )
        # Taken before anything looks inside: what asn1crypto has parsed it may encode anew, and the seal would break
        token = bytes(tsp.TimeStampResp.load(body, strict=True)["time_stamp_token"].dump())
        try:
            answer = handle_tsp_response(tsp.TimeStampResp.load(body), nonce)
        except AttributeError as error:  # pyHanko 0.38 fails to write the two nonces in its own refusal
            raise TimestampRequestError("the token is for another nonce") from error
        info = answer["content"]["encap_content_info"]["content"].parsed
        if info["message_imprint"]["hashed_message"].native != imprint:
            raise TimestampRequestError("the token is for another imprint")
        return token


def hour_of(token: bytes) -> datetime:
    """The hour that a token gives (RFC 3161 §2.4.2, genTime), aware; raises ValueError or TypeError on anything else."""
    content = cms.ContentInfo.load(token)["content"]
    hour: datetime = content["encap_content_info"]["content"].parsed["gen_time"].native
    return hour


def proven_hour(token: bytes, data: bytes, trust: Trust) -> datetime:
    """The hour of a token over these bytes, of an authority that is believed; ValueError, in French, when it is none."""
    return proven(token, data, trust)[0]


def proven(token: bytes, data: bytes, trust: Trust) -> tuple[datetime, str]:
    """The hour of a token, as `proven_hour`, and the name on its authority's certificate."""
    try:
        hour = hour_of(token)
        status = asyncio.run(
            validate_tst_signed_data(
                cms.ContentInfo.load(token, strict=True)["content"],
                trust.tsa_context(hour, fetch=False),
                lambda algorithm: hashlib.new(algorithm, data).digest(),
            )
        )
    except Exception as error:  # whatever an odd token breaks in a library
        raise ValueError("illisible, ou d’autres octets") from error
    if not (status["intact"] and status["valid"]):
        raise ValueError("d’autres octets")
    if status.get("trust_problem_indic") is not None or status.get("validation_path") is None:
        raise ValueError("d’une autorité qui n’est pas reconnue")
    return hour, name_of(status["signing_cert"].subject)


def _near(hour: datetime) -> None:
    gap = hour - now()
    if abs(gap) > TOLERANCE:
        raise WrongClockError(gap.total_seconds())


def gap_in_words(gap: float) -> str:
    """« 3 jours de retard », « 7 minutes d’avance », of seconds."""
    seconds = abs(gap)
    units = ((86400, "jour"), (3600, "heure"), (60, "minute"))
    size, name = next(unit for unit in units if seconds >= unit[0] or unit[0] == units[-1][0])
    count = round(seconds / size)
    return f"{count} {name}{'s' if count > 1 else ''} {'d’avance' if gap > 0 else 'de retard'}"


def trial_token(client: TimestampClient) -> tuple[bytes, bytes]:
    """A token that an authority gives now, right or wrong, and the bytes that it is over; refuses `timestamp-silent`."""
    data = secrets.token_bytes(32)
    try:
        return client.asked(hashlib.sha256(data).digest(), "sha256"), data
    except (UnreachableError, TimestampRequestError, ValueError, TypeError) as error:
        raise Refusal("timestamp-silent", why=words_of(error) or str(error)) from error

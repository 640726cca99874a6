"""A trust service for the tests: Certomancer's CSC server with the gate that it leaves out (token, PIN, OTP, OAuth page)."""

import asyncio
import json
import secrets
import warnings
from base64 import b64decode, urlsafe_b64decode
from threading import Thread
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from certomancer.registry import CertomancerConfig
from csc_dummy.csc_dummy_server import CSCAuthorization, CSCWithCertomancer, DummyServiceParams

from demo.pki import TestPki
from demo.pki_keys import use_known_keys

BEARER, PIN, CLIENT, CLIENT_SECRET = "jeton-de-paraphe-0001", "4711", "paraphe", "secret-du-client-0002"
SAD_SECRET = b"a secret of the service"
MOST_TRIES = 3
REDIRECT = "https://parapheur.commune.example.org/signature/retour"


class TrustService:
    """Answers on a free port until closed; `calls` keeps what was asked, `odd` replaces the answer of a method.

    `users` gives a user's credentials. Three wrong codes lock a credential. With `page`, the OAuth page is one that a
    person reads, with a link to accept and a link to refuse; without, whoever asks accepts. `swapped` signs in place of
    the right credential.
    """

    def __init__(self, pki: TestPki, *, mode: str = "implicit", most: int = 3, page: bool = False) -> None:
        self.mode, self.page, self.calls, self.odd = mode, page, [], {}
        self.users: dict[str, list[str]] = {}
        self.tokens, self.tries, self.swapped = {BEARER}, {}, ""
        self.otps: list[str] = []
        self._codes: dict[str, tuple[str, list[bytes]]] = {}
        use_known_keys()
        config = CertomancerConfig.from_file(str(pki.folder / "pki.yaml"))
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # the server names its parts by strings, which aiohttp discourages
            dummy = CSCWithCertomancer(
                config, service_params=DummyServiceParams(multisign=most, sad_secret=SAD_SECRET)
            )
        dummy.register_routes()

        @web.middleware
        async def gate(request: web.Request, handler: Any) -> web.StreamResponse:
            return await self._gate(request, handler)

        dummy.app.middlewares.append(gate)
        dummy.app.router.add_post("/csc/v1/credentials/sendOTP", self._send_otp)
        dummy.app.router.add_get("/oauth2/authorize", self._page)
        dummy.app.router.add_post("/oauth2/token", self._token)
        self._loop = asyncio.new_event_loop()
        self._runner = web.AppRunner(dummy.app, access_log=None)
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.address = self._do(self._open())

    def _do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _open(self) -> str:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    def close(self) -> None:
        """Stop answering."""
        self._do(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def asked(self, method: str) -> list[dict[str, Any]]:
        """The bodies of every call of a method."""
        return [body for path, body in self.calls if path.endswith(method)]

    async def _gate(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path.startswith("/oauth2"):
            return await handler(request)
        body = await request.json()
        self.calls.append((request.path, body))
        method = request.path.removeprefix("/csc/v1/")
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            return problem("invalid_token", status=401)
        if method in self.odd:
            status, said, kind = self.odd[method]
            return web.Response(status=status, body=said, content_type=kind)
        if method == "credentials/authorize" and self.mode == "explicit" and (wrong := self._wrong(body)):
            return problem(*wrong)
        if method == "credentials/list" and "userID" in body:
            return web.json_response({"credentialIDs": self.users.get(body["userID"], [])})
        if method == "signatures/signHash" and self.swapped:
            # A service that signs with another key than the one that was asked for
            sad = CSCAuthorization(self.swapped, len(body["hash"]), [b64decode(one) for one in body["hash"]])
            body |= {"credentialID": self.swapped, "SAD": sad.derive_sad(SAD_SECRET)}
            request._read_bytes = json.dumps(body).encode()
        answer = await handler(request)
        return self._described(answer) if method == "credentials/info" else answer

    def _wrong(self, body: dict[str, Any]) -> tuple[str, str] | None:
        credential = body["credentialID"]
        if self.tries.get(credential, 0) >= MOST_TRIES:
            return "invalid_pin", "PIN locked"
        wrong = "invalid_pin" if body.get("PIN") != PIN else ""
        wrong = wrong or ("invalid_otp" if body.get("OTP") not in self.otps else "")
        if wrong:
            self.tries[credential] = self.tries.get(credential, 0) + 1
            return wrong, "…"
        self.otps.remove(body["OTP"])
        self.tries.pop(credential, None)
        return None

    def _described(self, answer: web.Response) -> web.Response:
        said = {**json.loads(answer.body), "authMode": self.mode}
        if self.mode == "explicit":
            said["PIN"] = {"presence": "true", "format": "N", "label": "PIN"}
            said["OTP"] = {"presence": "true", "type": "online", "ID": "sms", "provider": "…"}
        return web.json_response(said)

    async def _send_otp(self, _: web.Request) -> web.Response:
        self.otps.append(f"{secrets.randbelow(10**8):08}")
        return web.Response(status=204)

    async def _page(self, request: web.Request) -> web.Response:
        """The service's own page: the person has read what is signed, and accepts."""
        asked = request.query
        assert (asked["client_id"], asked["scope"], asked["response_type"]) == (CLIENT, "credential", "code")
        hashes = [urlsafe_b64decode(one) for one in asked["hash"].split(",")]
        assert int(asked["numSignatures"]) == len(hashes)
        code = secrets.token_urlsafe(16)
        self._codes[code] = (asked["credentialID"], hashes)
        yes = f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"
        if not self.page:
            return web.Response(status=302, headers={"Location": yes})
        no = f"{asked['redirect_uri']}?{urlencode({'error': 'access_denied', 'state': asked['state']})}"
        words = (
            f"<h1>Signer {len(hashes)} document</h1><a href='{yes}'>Accepter</a> <a href='{no}'>Refuser</a>"
        )
        words = f"<!doctype html><html lang=fr><title>Service</title><link rel=icon href='data:,'>{words}"
        return web.Response(text=words, content_type="text/html")

    async def _token(self, request: web.Request) -> web.Response:
        said = await request.post()
        if (said.get("client_id"), said.get("client_secret")) != (CLIENT, CLIENT_SECRET):
            return problem("invalid_client", status=401)
        if said.get("grant_type") == "client_credentials":
            token = secrets.token_urlsafe(16)
            self.tokens.add(token)
            return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": 3600})
        known = self._codes.pop(str(said.get("code")), None)
        if known is None:
            return problem("invalid_grant")
        credential, hashes = known
        sad = CSCAuthorization(credential, len(hashes), hashes).derive_sad(SAD_SECRET)
        return web.json_response({"access_token": sad, "token_type": "SAD", "expires_in": 300})


def problem(error: str, words: str = "…", status: int = 400) -> web.Response:
    """An error as the API says it (§10.1)."""
    return web.json_response({"error": error, "error_description": words}, status=status)

"""A trust service for the tests: Certomancer's CSC server with the gate that it leaves out (token, PIN, OTP, OAuth page)."""

import asyncio
import json
import secrets
import warnings
from base64 import urlsafe_b64decode
from threading import Thread
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from certomancer.registry import CertomancerConfig
from csc_dummy.csc_dummy_server import CSCAuthorization, CSCWithCertomancer, DummyServiceParams

from app.demo.pki import TestPki

BEARER, PIN, CLIENT, CLIENT_SECRET = "jeton-de-paraphe-0001", "4711", "paraphe", "secret-du-client-0002"
SAD_SECRET = b"a secret of the service"
REDIRECT = "https://parapheur.commune.example.org/signature/retour"


class TrustService:
    """Answers on a free port until closed; `calls` keeps what was asked, `odd` replaces the answer of a method."""

    def __init__(self, pki: TestPki, *, mode: str = "implicit", most: int = 3) -> None:
        self.mode, self.calls, self.odd = mode, [], {}
        self.otps: list[str] = []
        self._codes: dict[str, tuple[str, list[bytes]]] = {}
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
        if request.headers.get("Authorization") != f"Bearer {BEARER}":
            return problem("invalid_token", 401)
        if method in self.odd:
            status, said, kind = self.odd[method]
            return web.Response(status=status, body=said, content_type=kind)
        if method == "credentials/authorize" and self.mode == "explicit" and (wrong := self._wrong(body)):
            return problem(wrong)
        answer = await handler(request)
        return self._described(answer) if method == "credentials/info" else answer

    def _wrong(self, body: dict[str, Any]) -> str:
        if body.get("PIN") != PIN:
            return "invalid_pin"
        if body.get("OTP") not in self.otps:
            return "invalid_otp"
        self.otps.remove(body["OTP"])
        return ""

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
        back = urlencode({"code": code, "state": asked["state"]})
        return web.Response(status=302, headers={"Location": f"{asked['redirect_uri']}?{back}"})

    async def _token(self, request: web.Request) -> web.Response:
        said = await request.post()
        known = self._codes.pop(str(said.get("code")), None)
        if known is None or (said.get("client_id"), said.get("client_secret")) != (CLIENT, CLIENT_SECRET):
            return problem("invalid_grant")
        credential, hashes = known
        sad = CSCAuthorization(credential, len(hashes), hashes).derive_sad(SAD_SECRET)
        return web.json_response({"access_token": sad, "token_type": "SAD", "expires_in": 300})


def problem(error: str, status: int = 400) -> web.Response:
    """An error as the API says it (§10.1)."""
    return web.json_response({"error": error, "error_description": "…"}, status=status)

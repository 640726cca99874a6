"""Another software, as the tests of the API speak for it."""

import io
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from werkzeug.test import TestResponse

from app.people import applications
from tests.builders.house import INVOICE, House
from workflows.vocabulary import Right

FACTS = {"received_on": "2026-11-20", "proof_of_service": "technique"}


class Software:
    """An application with its token, at one desk."""

    def __init__(
        self, house: House, desk: str, rights: Collection[Right], collectivity_id: int | None = None
    ) -> None:
        self.collectivity_id = collectivity_id or house.actor("a.kervadec").collectivity_id
        self.name = f"Logiciel {desk}, {len(rights)} droits"
        self.token = applications.create_application(self.collectivity_id, self.name, desk, rights)
        self.client, self.headers = (
            house.app.test_client(use_cookies=False),
            {"Authorization": f"Bearer {self.token}"},
        )

    def get(self, path: str) -> TestResponse:
        return self.client.get(path if path.startswith("/api/") else f"/api/v1{path}", headers=self.headers)

    def post(self, path: str, **body: Any) -> TestResponse:
        return self.client.post(f"/api/v1{path}", headers=self.headers, json=body)

    def patch(self, path: str, **body: Any) -> TestResponse:
        return self.client.patch(f"/api/v1{path}", headers=self.headers, json=body)

    def deposit(
        self,
        family: str = "invoice",
        path: Path = INVOICE,
        facts: Any = FACTS,
        *more: Path,
        key: str | None = None,
        **form: Any,
    ) -> TestResponse:
        sent = {
            "family": family,
            "facts": facts if isinstance(facts, str) else json.dumps(facts),
            "main": (path.open("rb"), path.name),
            **form,
        }
        if more:
            sent["attachments"] = [(io.BytesIO(one.read_bytes()), one.name) for one in more]
        headers = {**self.headers, **({"Idempotency-Key": key} if key else {})}
        return self.client.post(
            "/api/v1/folders", headers=headers, data=sent, content_type="multipart/form-data"
        )

    def started(self, **more: Any) -> dict[str, Any]:
        """An invoice, deposited and sent."""
        made = self.deposit(**more).json
        answer = self.post(f"/folders/{made['id']}/start", version=made["version"])
        assert answer.status_code == 200, answer.json
        return answer.json

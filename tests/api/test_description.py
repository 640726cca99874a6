"""What the API says of itself is true: the document is valid, complete, in French, and the routes answer as it says."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import checks
from schemathesis.specs.openapi import checks as openapi

from tests.api.software import Software
from tests.builders.house import House
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

ROOT = Path(__file__).resolve().parents[2]
CHECKS = [
    checks.not_a_server_error,
    openapi.status_code_conformance,
    openapi.content_type_conformance,
    openapi.response_schema_conformance,
    openapi.response_headers_conformance,
    openapi.negative_data_rejection,
]
EACH = 12


@pytest.fixture
def document(house: House) -> dict:
    answer = house.app.test_client().get("/api/v1/openapi.json")
    assert answer.status_code == 200
    return answer.json


def operations(document: dict) -> list[tuple[str, str, dict]]:
    return [
        (path, method, one)
        for path, item in document["paths"].items()
        for method, one in item.items()
        if method != "parameters"
    ]


def test_the_document_is_valid_openapi_and_names_every_route(house: House, document: dict) -> None:
    import openapi_spec_validator

    openapi_spec_validator.validate(document)
    assert document["openapi"].startswith("3.1")
    assert document["components"]["securitySchemes"]["jeton"]["scheme"] == "bearer"
    served = {
        (re.sub(r"<(?:[^:>]+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in house.app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and "openapi" not in rule.rule
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {(path, method) for path, method, _ in operations(document)} == served


def test_every_operation_says_in_french_what_it_does_and_what_it_refuses(document: dict) -> None:
    for path, method, one in operations(document):
        assert one["summary"], path
        open_to_all = path.startswith("/api/v1/public/")
        assert ("401" in one["responses"]) is not open_to_all, path
        assert (one.get("security") == []) is open_to_all, path
        for status, answer in one["responses"].items():
            if status >= "400":
                assert list(answer["content"]) == ["application/problem+json"], (path, status)
        if method == "patch" or path.endswith(("start", "approve", "reject", "steps")):
            assert "version" in one["requestBody"]["content"]["application/json"]["example"], path
            assert "409" in one["responses"], path
        if path.endswith(("approve", "hand", "reject", "fill", "opinions", "answer")):
            assert "Droit nécessaire au bureau" in one["description"], path
    for name, shape in document["components"]["schemas"].items():
        for key, field in shape["properties"].items():
            assert "$ref" in field or field.get("description"), (name, key)


def test_what_is_generated_from_the_document_never_crashes_and_is_answered_as_it_says(house: House) -> None:
    house.app.config["API_RATE"] = "100000 per minute"
    everywhere = [Right.CREATE, Right.ACT, Right.SIGN, Right.ARCHIVE, Right.REROUTE]
    software = Software(house, "comptabilite", everywhere)
    folder_id = house.an_invoice(at="finance")
    house.deposit("g.trehorel", "invoice", ROOT / "tests/assets/invoices/fx-basic-fr-ok.pdf")
    api = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", house.app)
    tried, seen = [], set()
    for result in api.get_all_operations():
        operation = result.ok()

        @given(case=operation.as_strategy())
        @settings(
            max_examples=EACH,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def answers(case: schemathesis.Case) -> None:
            if case.path_parameters and case.path_parameters.get("folder_id", 9) % 2:
                case.path_parameters["folder_id"] = folder_id
            seen.add(case.call_and_validate(headers=software.headers, checks=CHECKS).status_code)

        answers()
        tried.append(operation.label)
    assert len(tried) == 39
    assert seen >= {200, 404, 409, 422}


def test_starting_the_web_builds_no_model_of_the_api(tmp_path: Path) -> None:
    script = (
        "import sys, json\nfrom app import create_app\nfrom config import Settings\n"
        "app = create_app(Settings(_env_file=None, secret_key='x' * 40, data_dir=sys.argv[1], secure_cookies=False))\n"
        "assert app.test_client().get('/login').status_code == 200\n"
        "late = ('shapes', 'schemas', 'openapi')\n"
        "print(json.dumps([one for one in sys.modules if one.startswith('app.') and one.rpartition('.')[2] in late]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    assert json.loads(done.stdout) == [], done.stderr[-2000:]

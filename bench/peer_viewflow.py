"""A peer: the same visas as a django-viewflow workflow (process and task rows), with one journal row for each."""

from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import django
from django.conf import settings

from bench.commune import way
from bench.crowd import amount
from bench.measure import Operations

JOURNAL = 'CREATE TABLE "journal" (id bigserial PRIMARY KEY, process_id bigint NOT NULL, who text NOT NULL, event text NOT NULL, at timestamptz NOT NULL)'
LINE = 'INSERT INTO "journal" (process_id, who, event, at) VALUES (%s, %s, %s, now())'


def start_django(url: str) -> None:
    """Configure Django on this database, as its documentation does, and create the tables of viewflow."""
    parts = urlsplit(url)
    settings.configure(
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": parts.path.lstrip("/"),
                "USER": parts.username,
                "HOST": parts.hostname,
                "PORT": parts.port,
                "CONN_MAX_AGE": None,
            }
        },
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            "viewflow",
            "viewflow.workflow",
            "bench",
        ],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0, interactive=False)
    with connection.cursor() as cursor:
        cursor.execute(JOURNAL)


def visas(url: str, folders: int) -> Operations:
    """Every visa of so many processes; each is one transaction with the process locked."""
    start_django(url)
    from django.contrib.auth.models import User

    from bench.peer_viewflow_flow import WHO

    User.objects.create(username=WHO)
    return _visas([_start(number) for number in range(1, folders + 1)])


def _start(number: int) -> int:
    from django.db import transaction

    from bench.peer_viewflow_flow import Invoice

    with transaction.atomic():
        activation = Invoice.start.activation_class.create(Invoice.start, None, None)
        activation.process.data = {"amount": amount(number)}
        activation.execute()
    return int(activation.process.pk)


def _visas(processes: list[int]) -> Iterator[Any]:
    for number, process in enumerate(processes, start=1):
        for _ in way(amount(number)):
            yield partial(_visa, process)


def _visa(process_id: int) -> None:
    from django.db import connection, transaction
    from viewflow.workflow.models import Task
    from viewflow.workflow.status import STATUS

    with transaction.atomic():
        task = Task.objects.get(process_id=process_id, status=STATUS.ASSIGNED)
        with task.activation() as activation:
            activation.start(None)
            activation.execute()
        with connection.cursor() as cursor:
            cursor.execute(LINE, (process_id, "Ronan Pellenec", task.flow_task.name))

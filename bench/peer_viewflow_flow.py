"""The circuit of the commune written for django-viewflow; importable only once Django is configured."""

from viewflow import this
from viewflow.workflow import flow, lock, models

from bench.commune import LARGE_FROM

WHO = "r.pellenec"


class Invoice(flow.Flow):  # type: ignore[misc]
    """Four visas by a person found by name, the third only for large amounts.

    `Assign(username=…)` and the lock of the process are those of its documentation for PostgreSQL.
    """

    process_class = models.Process
    lock_impl = lock.SelectForUpdateLock(nowait=False)

    start = flow.StartHandle().Next(this.service_done)
    service_done = flow.View(None).Assign(username=WHO).Next(this.finance)
    finance = flow.View(None).Assign(username=WHO).Next(this.large)
    large = (
        flow.If(lambda activation: activation.process.data["amount"] >= LARGE_FROM)
        .Then(this.direction)
        .Else(this.mayor)
    )
    direction = flow.View(None).Assign(username=WHO).Next(this.mayor)
    mayor = flow.View(None).Assign(username=WHO).Next(this.end)
    end = flow.End()

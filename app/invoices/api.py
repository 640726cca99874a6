"""The JSON doors of invoices."""

from typing import Any

from app.core.api import open_doors
from app.invoices.suppliers.api import routes as suppliers


def mount(app: Any, csrf: Any) -> None:
    """Serve the API."""
    open_doors(app, csrf, suppliers)

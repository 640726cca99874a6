"""What trust brings: its settings, and the trusted lists fetched each night."""

import structlog
from jinja2 import Environment

from app.core import jobs
from app.trust import authorities
from config import Settings

log = structlog.get_logger()


def plug(settings: Settings, _templates: Environment) -> None:
    """Register, once for the process."""
    authorities.configure(settings)
    if settings.trust_lists:
        jobs.nightly("trust-lists", _refresh_lists)


def _refresh_lists() -> None:
    """Fetch the trusted lists; when one may not be believed, those that are kept still serve."""
    from app.trust.network import UnreachableError
    from app.trust.trust_lists import ListRefusedError

    try:
        count = authorities.refresh_lists()
    except (UnreachableError, ListRefusedError) as error:
        log.warning("trust_lists.unchanged", error=str(error))
    else:
        log.info("trust_lists.fresh", certificates=count)

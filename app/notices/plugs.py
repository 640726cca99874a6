"""Letters leave by the outbox: one row, one recipient, one letter."""

from jinja2 import Environment

from app.core.outbox import Hopeless, Row, at_rest, handles, lasts
from app.notices import letter, mailer
from config import Settings


def plug(settings: Settings, templates: Environment) -> None:
    """Register, once for the process."""
    lasts("mail", settings.mail_days)  # RFC 5321 §4.5.4.1: a sender gives up after four or five days

    at_rest("mail", mailer.hang_up)

    @handles("mail", quick=True)
    def _mail(row: Row) -> None:
        if not settings.mail_url:
            raise Hopeless("aucun serveur de courriel n’est configuré (PARAPHE_MAIL_URL)")
        envelope = letter.write(row, settings, templates)
        mailer.send(envelope.to, envelope.message, settings)

"""A real SMTP server for the tests; it keeps what it accepts, and refuses what it is told to refuse."""

import asyncio
from email import message_from_bytes, policy
from email.generator import BytesGenerator
from email.message import EmailMessage, Message
from io import BytesIO

from aiosmtpd.controller import Controller

from tests.cluster import free_port


def written(message: Message) -> bytes:
    """The bytes of a letter, as smtplib makes them, but that a line that begins by « From » stays as it is."""
    out = BytesIO()
    BytesGenerator(out, mangle_from_=False).flatten(message, linesep="\r\n")
    return out.getvalue()


def read(message: Message) -> EmailMessage:
    """A letter as who receives it reads it."""
    return message_from_bytes(written(message), policy=policy.default)


class MailServer:
    """Letters accepted, in order, and their bytes (`raw`); `refuse` maps an address to the answer it gets.

    Each is `slow` seconds in coming.

    `asked` counts the letters that were begun.
    """

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.refuse: dict[str, str] = {}
        self.slow, self.asked = 0.0, 0
        self.port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.asked += 1
        await asyncio.sleep(self.slow)
        self.raw.append(envelope.content)
        self.letters.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()

    def clear(self) -> None:
        self.letters.clear()
        self.raw.clear()
        self.refuse.clear()
        self.slow, self.asked = 0.0, 0

    def to(self, address: str) -> list[EmailMessage]:
        """The letters that an address received."""
        return [one for one in self.letters if address in str(one["To"])]

"""A letter leaves once the server takes it; what the server refuses is shown, and blocks nobody else."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app import create_app
from app.core import outbox
from app.core.clock import now
from app.core.db import engine, reading
from app.core.outbox import News, Outbox
from app.core.transaction import use_case
from app.folders import decide
from app.people import desks
from tests.builders.house import ASSETS, House, token_in
from tests.cluster import free_port
from tests.mailserver import MailServer
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

NOLWENN, TIFENN, RONAN = (
    f"{one}@kerlann-sur-mer.example" for one in ("n.abgrallec", "t.lescoat", "r.pellenec")
)


class Abrupt(MailServer):
    """Takes the letter, then answers a civil goodbye with a failure."""

    async def handle_QUIT(self, server, session, envelope):
        return "421 trop tard"


class Moody(MailServer):
    """Counts who comes in, and closes a connection at the word, and after so many letters, that the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.doors: list[object] = []
        self.at, self.after, self.how = "", 1, ""
        self._given: dict[int, int] = {}

    def _closes(self, word: str, server, session) -> str | None:
        if session not in self.doors:
            self.doors.append(session)
        if word != self.at or self._given.get(id(session), 0) < self.after:
            return None
        if self.how:
            return self.how
        server.transport.abort()
        return "250 OK"

    async def handle_RSET(self, server, session, envelope):
        return self._closes("RSET", server, session) or "250 OK"

    async def handle_MAIL(self, server, session, envelope, address, options):
        if closed := self._closes("MAIL", server, session):
            return closed
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        return self._closes("RCPT", server, session) or await super().handle_RCPT(
            server, session, envelope, address, options
        )

    async def handle_DATA(self, server, session, envelope):
        answer = await super().handle_DATA(server, session, envelope)
        if closed := self._closes("DATA", server, session):
            return closed
        self._given[id(session)] = self._given.get(id(session), 0) + 1
        return answer


@pytest.fixture
def moody() -> Iterator[Moody]:
    server = Moody()
    server.start()
    yield server
    server.stop()


def many(house: House, count: int) -> None:
    """So many letters that nothing of the house keeps back."""
    write(
        house.actor("g.trehorel").collectivity_id,
        *(
            News(
                "mail",
                f"beaucoup-{n}",
                {"event": "factor_changed", "what": "codes", "user_id": house.actor("g.trehorel").user_id},
            )
            for n in range(count)
        ),
    )


@use_case
def write(db, collectivity_id: int, *news: News) -> None:
    outbox.post(db, collectivity_id, news)


def once_each(server: MailServer, count: int) -> None:
    names = [str(one["Message-ID"]) for one in server.letters]
    assert len(names) == len(set(names)) == count


def test_one_connection_serves_every_letter_of_a_drain_and_is_closed_after_it(
    house: House, moody: Moody
) -> None:
    through(house, f"smtp://127.0.0.1:{moody.port}")
    many(house, 30)
    outbox.drain()
    once_each(moody, 30)
    assert len(moody.doors) == 1
    many_more = [News("mail", "encore", {"event": "factor_changed", "what": "codes", "user_id": 1})]
    write(house.actor("g.trehorel").collectivity_id, *many_more)
    outbox.drain()
    assert len(moody.doors) == 2


@pytest.mark.parametrize("how", ["421 assez de lettres pour cette fois", ""], ids=["421", "broken pipe"])
@pytest.mark.parametrize("at", ["RSET", "MAIL", "RCPT"])
def test_a_server_that_closes_between_two_letters_gets_each_once_and_none_waits(
    house: House, moody: Moody, at: str, how: str
) -> None:
    moody.at, moody.how, moody.after = at, how, 4
    through(house, f"smtp://127.0.0.1:{moody.port}")
    many(house, 14)
    outbox.drain()
    once_each(moody, 14)
    assert len(moody.doors) == 4
    with reading() as db:
        assert set(map(tuple, db.execute(sa.select(Outbox.state, Outbox.attempts)))) == {("done", 1)}


def test_a_letter_of_which_the_answer_is_lost_is_not_given_again_at_once(house: House, moody: Moody) -> None:
    """The server may have it: it is the same letter that is tried later, by the same name (RFC 5321 §4.5.3.2.6)."""
    moody.at, moody.after = "DATA", 2
    through(house, f"smtp://127.0.0.1:{moody.port}")
    many(house, 3)
    outbox.drain()
    assert (len(moody.letters), len(moody.doors)) == (3, 1)
    with reading() as db:
        assert sorted(map(tuple, db.execute(sa.select(Outbox.state, Outbox.attempts)))) == [
            ("done", 1),
            ("done", 1),
            ("pending", 1),
        ]
    moody.at = ""
    tried(1)
    assert len({one["Message-ID"] for one in moody.letters}) == 3
    assert states() == {("done", None)}


def test_a_refused_address_leaves_the_connection_to_the_others(house: House, moody: Moody) -> None:
    through(house, f"smtp://127.0.0.1:{moody.port}")
    moody.refuse[f"r.pellenec@{NOLWENN.partition('@')[2]}"] = "550 boîte inconnue"
    house.an_invoice(at="service_done")
    many(house, 5)
    outbox.drain()
    once_each(moody, 5)
    assert len(moody.doors) == 1


@pytest.fixture
def own() -> Iterator[MailServer]:
    """A server of this test alone, which is down until it is started."""
    server = Abrupt()
    yield server
    server.stop()


def through(house: House, url: str) -> None:
    """Let the letters of the house leave by this server."""
    create_app(house.settings.model_copy(update={"mail_url": url, "attempts_limit": 20}))


def journal_of(house: House, folder_id: int) -> str:
    page = house.client("g.trehorel").get(f"/dossiers/{folder_id}?onglet=journal")
    return page.get_data(as_text=True)


def states() -> set[tuple[str, str | None]]:
    with reading() as db:
        return {
            (row.state, row.last_error) for row in db.scalars(sa.select(Outbox).where(Outbox.kind == "mail"))
        }


def test_one_bad_address_blocks_nobody_and_is_shown_as_failed(house: House, mail: MailServer) -> None:
    mail.refuse[NOLWENN] = "550 boîte inconnue"
    folder_id = house.an_invoice(at="finance")
    assert "En attente d’envoi" in journal_of(house, folder_id)
    house.drain()
    assert len(mail.to(TIFENN)) == 1
    assert mail.to(NOLWENN) == []
    page = journal_of(house, folder_id)
    assert "Non envoyé" in page
    assert page.count("t-danger") == 1
    assert "adresse refusée par le serveur (550 " in page
    assert (
        page.count("Accepté par le serveur de courriel") == 1
    )  # Tifenn’s: Ronan had acted before his could leave
    admin = house.client("k.morizur").get("/administration").get_data(as_text=True)
    assert "adresse refusée par le serveur" in admin
    assert "Courriel à Nolwenn" in admin  # to whom, in place of one word for all


def test_a_server_down_then_up_gets_each_letter_once(house: House, own: MailServer) -> None:
    through(house, f"smtp://127.0.0.1:{own.port}")
    folder_id = house.an_invoice(at="service_done")
    outbox.drain()
    assert {state for state, _ in states()} == {"pending"}
    assert all(str(why).startswith("la connexion est refusée") for _, why in states())
    assert "En attente d’envoi" in journal_of(house, folder_id)
    own.start()
    house.drain()
    assert [str(one["To"]) for one in own.letters] == [f"Ronan Pellenec <{RONAN}>"]
    assert states() == {("done", None)}
    assert "Accepté par le serveur de courriel" in journal_of(house, folder_id)


def test_a_letter_never_leaves_in_the_clear_when_encryption_is_asked(house: House, own: MailServer) -> None:
    own.start()
    through(house, f"smtp+starttls://127.0.0.1:{own.port}")
    house.an_invoice(at="service_done")
    outbox.drain()
    assert own.letters == []
    ((state, why),) = states()
    assert state == "pending"
    assert "STARTTLS" in str(why)


def test_without_a_server_the_letter_is_parked_with_what_to_do(house: House) -> None:
    through(house, "")
    house.an_invoice(at="service_done")
    outbox.drain()
    assert states() == {("parked", "aucun serveur de courriel n’est configuré (PARAPHE_MAIL_URL)")}


def test_a_closed_account_gets_no_letter(house: House, mail: MailServer) -> None:
    folder_id = house.an_invoice(at="service_done")
    desks.close_account(house.actor("r.pellenec").collectivity_id, "r.pellenec")
    house.drain()
    assert mail.letters == []
    assert states() == {("done", "compte fermé : aucun courriel n’est parti")}
    page = journal_of(house, folder_id)
    assert "Non envoyé" in page
    assert "compte fermé" in page
    assert "t-danger" not in page, "nobody needs it any more: nothing is to be mended"
    assert "Accepté par le serveur de courriel" not in page


def test_a_letter_leaves_only_to_whoever_may_still_read_the_folder(house: House, mail: MailServer) -> None:
    here = house.actor("r.pellenec").collectivity_id
    folder_id = house.an_invoice(at="service_done")
    desks.seat(here, "technique", "r.pellenec", [])  # between the move and the letter
    house.drain()
    assert mail.letters == []
    assert "t-danger" not in journal_of(house, folder_id)
    assert states() == {("done", "ne peut plus lire ce dossier : aucun courriel n’est parti")}
    desks.seat(here, "technique", "r.pellenec", [Right.ACT])
    desks.seat(here, "comptabilite", "g.trehorel", [])  # she deposited it, and has left the desk
    decide.reject(
        house.actor("r.pellenec"),
        folder_id,
        version=house.folder(folder_id).version,
        reason="Montant à vérifier",
    )
    house.drain()
    assert mail.letters == []
    assert house.client("g.trehorel").get(f"/dossiers/{folder_id}").status_code == 404


def tried(times: int) -> None:
    """Every letter that waits is tried so often, an hour later each time."""
    for _ in range(times):
        with engine().begin() as connection:
            connection.execute(sa.update(Outbox).where(Outbox.state == "pending").values(available_at=now()))
        outbox.drain()


def test_a_letter_outlives_an_outage_of_days_and_its_administrator_is_told(
    house: House, mail: MailServer
) -> None:
    through(house, f"smtp://127.0.0.1:{free_port()}")
    house.an_invoice(at="service_done")
    tried(60)  # many more than the twenty that others are given
    ((state, why),) = states()
    assert (state, "la connexion est refusée" in str(why)) == ("pending", True)
    words = "Le courriel ne part plus"
    assert words in house.client("k.morizur").get("/a-traiter").get_data(as_text=True)
    assert words not in house.client("g.trehorel").get("/a-traiter").get_data(as_text=True)
    stranger = house.app.test_client()
    page = stranger.get("/mot-de-passe-oublie").get_data(as_text=True)
    assert "Le courriel ne part pas en ce moment" in page
    form = {"csrf_token": token_in(page)}
    said = [
        re.sub(
            r'content="[^"]+"',
            "",
            stranger.post("/mot-de-passe-oublie", data={**form, "login": one}).get_data(as_text=True),
        )
        for one in ("g.trehorel", "personne")
    ]
    assert said[0] == said[1], "whether the account exists stays unknown"
    assert "vient de lui être envoyé" not in said[0]
    assert "un lien attend" in said[0]
    through(house, f"smtp://127.0.0.1:{mail.port}")
    tried(1)
    assert {one for one, _ in states()} == {"done"}
    assert len(mail.letters) == len({one["Message-ID"] for one in mail.letters}) > 0
    assert words not in house.client("k.morizur").get("/a-traiter").get_data(as_text=True)


def test_what_stopped_is_put_back_to_work_by_kind(house: House, mail: MailServer) -> None:
    through(house, f"smtp://127.0.0.1:{free_port()}")
    house.an_invoice(at="service_done")
    house.an_invoice(at="service_done", path=ASSETS / "invoices" / "fx-basicwl-fr-facture.pdf")
    tried(20 + 5 * 24)
    assert {one for one, _ in states()} == {"parked"}
    client = house.client("k.morizur")
    page = client.get("/administration").get_data(as_text=True)
    assert "Relancer les 2 envois « Courriel »" in page.replace("\xa0", " ")
    foreign = client.post(
        "/administration/envois/relancer", data={"kind": "rien", "csrf_token": house.csrf(client)}
    )
    assert foreign.status_code == 404
    through(house, f"smtp://127.0.0.1:{mail.port}")
    here = house.actor("k.morizur").collectivity_id
    assert outbox.retry_all("mail", here + 1) == 0  # another collectivity's
    told = house.app.test_cli_runner().invoke(
        args=["outbox", "retry", "--kind", "mail", "--siren", "212909998"]
    )
    assert "Courriel : 2 relancés." in told.output
    tried(1)
    assert {one for one, _ in states()} == {"done"}
    assert len(mail.letters) == 2


def test_a_link_that_died_before_it_could_leave_is_not_sent(house: House, mail: MailServer) -> None:
    desks.ask_reset("g.trehorel")
    with engine().begin() as connection:
        connection.execute(sa.update(Outbox).values(created_at=now() - timedelta(hours=2)))
    tried(1)
    assert mail.letters == []
    ((state, why),) = states()
    assert (state, "expiré" in str(why)) == ("done", True)


def test_one_address_that_is_full_is_no_outage_and_late_letters_ask_for_nothing_that_is_over(
    house: House, mail: MailServer
) -> None:
    through(house, f"smtp://127.0.0.1:{free_port()}")
    folder_id = house.an_invoice(at="service_done")
    tried(4)
    words = "Le courriel ne part plus"
    assert words in house.client("k.morizur").get("/a-traiter").get_data(as_text=True)
    with engine().begin() as connection:  # another letter leaves after that one was asked
        connection.execute(
            sa.insert(Outbox).values(
                collectivity_id=house.actor("k.morizur").collectivity_id,
                kind="mail",
                key="autre",
                payload={},
                state="done",
                attempts=1,
                available_at=now(),
                created_at=now(),
                done_at=now(),
            )
        )
    assert words not in house.client("k.morizur").get("/a-traiter").get_data(as_text=True)
    house.approve(folder_id, "r.pellenec")  # he has acted before his letter could leave
    with engine().begin() as connection:
        connection.execute(sa.update(Outbox).values(created_at=now() - timedelta(days=3)))
    through(house, f"smtp://127.0.0.1:{mail.port}")
    tried(1)
    assert [
        one["To"] for one in mail.letters if "Pellenec" in str(one["To"]) or "r.pellenec" in str(one["To"])
    ] == []

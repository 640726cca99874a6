"""Folders, their documents and versions, and the steps they pass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.orm.attributes import set_committed_value

from app.core.clock import now
from app.core.db import NO_DATE, Base, Db, MissingJson, Tenanted, Write, keep_by
from app.core.prepared import Prepared
from app.core.questions import keep, kept, put_in_hand
from app.folders.readings import disputed
from app.people.covers import in_absence
from app.people.models import Collectivity
from workflows.condition import Facts
from workflows.emitting import deposited
from workflows.family import Family, family, typed_name


def _partial(name: str, *columns: str | sa.TextClause, where: str, unique: bool = False) -> sa.Index:
    """A partial index whose state is a literal, so that both databases prove that a query may use it."""
    return sa.Index(
        name, *columns, unique=unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )


VECTOR = (
    "array_to_tsvector(array_remove(string_to_array(((title || documents) || notes), ' '::text), ''::text))"
)
"""The words of a row of `folder_words` as PostgreSQL indexes them; a query says it in these very words."""
DEPOSITED_AT = "coalesce({0}submitted_at, {0}created_at)"
"""The moment of a deposit as lists count it and the folder's page says it: that of its last sending, of a draft its first one.

In the words of its index: a query says it so, with the name of its table before the columns.
"""
READ_AS = "read_as"
"""In `Folder.sources`: the name in force of the closed family, or type, that the folder is read as; absent elsewhere."""
FORM = "form"
"""In `Folder.sources`: the key of the form that made it of a folder that its depositor reads for its type alone."""
WRITERS = "writers"
"""In `Folder.sources`: the accounts of those who wrote the draft or sent it, beside who created it."""
ARRIVED = "arrival"
"""In `Folder.sources`: the arrival by which it came, its number, origin and hour, and `main`, which of its files it is."""
EMITTED = "emitted"
"""In `Folder.sources`: the keys of the desk that deposits and of those above it, as it was sent, where its circuit asks."""


class Folder(Base, Tenanted):
    """A folder on its way; `place` is free (circuits are data), `phase` is one of draft, running, rejected, done.

    `family` is that of the law, `type_version_id` the version of the collectivity's own type that it was made with, if any.
    `rule_version_id` is the version of the table of rules that chose its circuit when it was last sent, `rule` what that
    table said then (`app/folders/route.py`); None where its type has no rules.

    `restricted`: its reading is closed at the desk that deposits it (`Family.closed_at` of `read_as`), as said when it was made.
    `read_by_all`: every person of the collectivity reads it once it is sent (`Family.open_to_all`), as said when it was made.

    `fields` holds the facts of its family, `sources` what its files said of them (`app/folders/readings.py`), and under
    `READ_AS` the name in force of what closes its reading, where it was born from a folder that is closed;
    `amount_cents` and `due_on` copy two of them for lists, `title_key` all that it is searched by. `version` grows at each
    move and each edit: a page posts the version it showed.
    """

    __tablename__ = "folder"
    __table_args__ = (
        sa.CheckConstraint("phase IN ('draft','running','rejected','done')", name="phase_known"),
        sa.Index("ix_folder_emitter_desk_id_phase_id", "emitter_desk_id", "phase", "id"),
        sa.Index("ix_folder_collectivity_id_number", "collectivity_id", "number"),
        # What a desk deposits, the last first: all of it, and of one family
        sa.Index("ix_folder_emitter_desk_id_id", "emitter_desk_id", "id"),
        sa.Index("ix_folder_emitter_desk_id_family_id", "emitter_desk_id", "family", "id"),
        # What was deposited last in a collectivity, and what is in hand there
        sa.Index("ix_folder_collectivity_id_id", "collectivity_id", "id"),
        _partial("ix_folder_open", "collectivity_id", "phase", "id", where="phase <> 'done'"),
        # What everybody reads: all of it, and of one family
        _partial("ix_folder_read_by_all", "collectivity_id", "id", where="read_by_all"),
        _partial("ix_folder_read_by_all_family", "collectivity_id", "family", "id", where="read_by_all"),
        # What a search finds by an amount, by who deposited, and by the day
        sa.Index("ix_folder_amount", "collectivity_id", "amount_cents"),
        sa.Index("ix_folder_depositor", "depositor_user_id", "id"),
        # The condition is true of every row: SQLite, which has no statistics, would else begin other questions with it
        _partial("ix_folder_deposited", "collectivity_id", sa.text(DEPOSITED_AT.format("")), where="id > 0"),
        # The mayor's decisions, of which the council is told (app/legality/reports.py)
        _partial("ix_folder_decisions", "collectivity_id", "id", where="family = 'decision'"),
        # What a search finds by any three signs (SQLite has FTS5 beside: app/folders/search.py)
        sa.Index(
            "ix_folder_words",
            "collectivity_id",
            "title_key",
            postgresql_using="gin",
            postgresql_ops={"title_key": "gin_trgm_ops"},
        ).ddl_if(dialect="postgresql"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    family: Mapped[str]
    type_version_id: Mapped[int | None] = mapped_column(sa.ForeignKey("folder_type_version.id"))
    title: Mapped[str]
    title_key: Mapped[str]
    number: Mapped[str] = mapped_column(default="")
    circuit_version_id: Mapped[int | None] = mapped_column(sa.ForeignKey("circuit_version.id"))
    rule_version_id: Mapped[int | None] = mapped_column(sa.ForeignKey("rule_table_version.id"))
    rule: Mapped[dict[str, Any] | None] = mapped_column(MissingJson)
    place: Mapped[str] = mapped_column(default="draft")
    phase: Mapped[str] = mapped_column(default="draft")
    round: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=1)
    emitter_desk_id: Mapped[int] = mapped_column(sa.ForeignKey("desk.id"))
    restricted: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    read_by_all: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    depositor_user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    depositor_name: Mapped[str]
    fields: Mapped[dict[str, Any]]
    sources: Mapped[dict[str, Any]]
    amount_cents: Mapped[int | None] = mapped_column(sa.BigInteger)
    due_on: Mapped[date] = mapped_column(default=NO_DATE)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    final_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]

    @property
    def in_force(self) -> str:
        """The name under which `family_of` gives what this folder asks: its family, or the version of its type."""
        return typed_name(self.family, self.type_version_id)

    @property
    def currency(self) -> str:
        """The code of the currency of its amount, where its facts tell one; empty for euros."""
        return str(self.fields.get("currency") or "")

    @property
    def of_type(self) -> tuple[str, str]:
        """Its family and the key of the type made from it, empty for none: by both a right may be limited."""
        return self.family, family(self.in_force).type_key if self.type_version_id is not None else ""

    @property
    def writers(self) -> frozenset[int]:
        """Who created the folder, wrote its draft or sent it, in any of its rounds: it is their deposit (decision 0031)."""
        return frozenset({*self.sources.get(WRITERS, ()), *filter(None, (self.depositor_user_id,))})

    @property
    def read_as(self) -> Family:
        """What says who reads it, and what letters may tell: its own family or type, or that of the folder it was born from."""
        return family(self.sources.get(READ_AS) or self.in_force)

    @property
    def facts(self) -> Facts:
        """The facts as the law tries them: where a file says one thing and a person another, each of the two."""
        # Rooms ask for them twenty times in a move, and both columns are only ever replaced.
        fields, sources, known = self.fields, self.sources, self.__dict__.get("_facts")
        if known is None or known[0] is not fields or known[1] is not sources:
            path = sources.get(EMITTED)
            facts = disputed(fields, sources)
            known = fields, sources, deposited(facts, tuple(path)) if path else facts
            self.__dict__["_facts"] = known
        return known[2]


class FolderLink(Base, Tenanted):
    """That a folder was opened from another one, with its documents (`app/folders/continuing.py`).

    `form_key`: what the page that opened it posted, in short: posted again, it opens no other one. None of software's.
    """

    __tablename__ = "folder_link"
    __table_args__ = (
        sa.Index("ix_folder_link_origin_id", "origin_id"),
        sa.Index("ix_folder_link_form_key", "form_key", unique=True),
    )

    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"), primary_key=True)
    origin_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"))
    created_at: Mapped[datetime]
    form_key: Mapped[str | None]


# What keeps the index of words of SQLite beside `title_key`: a table that is made anew loses them, and `check` says so
keep_by("fts_folder_come", "fts_folder_changed", "fts_folder_gone")


class Document(Base, Tenanted):
    """One document of a folder: main (the one that is signed), attachment, original, or data read inside the main one.

    `paper` is the scan of what was signed by hand; `receipt`, what the other side answered; `delivery`, the note that came
    with what an order brought; `masked`, the copy whose
    personal data are masked: its `title` is what the public reads.
    """

    __tablename__ = "document"
    __table_args__ = (sa.Index("ix_document_folder_id", "folder_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"))
    role: Mapped[str]
    title: Mapped[str]
    position: Mapped[int]
    type_code: Mapped[str | None]
    removed_at: Mapped[datetime | None]


class DocumentVersion(Base, Tenanted):
    """One state of a document's bytes, found in the store by their SHA-256; never changed, never removed.

    `origin` says where it came from: deposited, converted, repaired, flattened, extracted, signed, scanned, masked.
    `note` is what intake saw. `blocks` are the digests of its blocks (`Store.blocks`), by which a part of it is proven:
    learnt at its deposit, or at its first reading; none for a file of one block.
    """

    __tablename__ = "document_version"
    __table_args__ = (
        sa.UniqueConstraint("document_id", "number"),
        sa.Index(
            "ix_document_version_sha256", "sha256"
        ),  # which bytes of the store are named (the daily sweep)
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(sa.ForeignKey("document.id"))
    number: Mapped[int]
    round: Mapped[int]
    sha256: Mapped[str]
    size: Mapped[int]
    media_type: Mapped[str]
    filename: Mapped[str]
    pages: Mapped[int | None]
    origin: Mapped[str]
    note: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    blocks: Mapped[bytes | None] = mapped_column(deferred=True)


class Favourite(Base, Tenanted):
    """A value of a long list that a person keeps at hand, by kind of field: the matter « 7.5.2 »."""

    __tablename__ = "favourite"

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)


class SavedView(Base, Tenanted):
    """The filters of a list under a name: whose it is, `desk_id` at which desk it is shared, if at any.

    `page` is one of `saved_views.PAGES`, `asked` what its address asks, by its own words, checked when it was saved.
    `user_id` is None once its author is gone and it was shared. `version` grows at each change: a form says what it showed.
    """

    __tablename__ = "saved_view"
    __table_args__ = (
        sa.Index("ix_saved_view_user_id", "user_id"),
        sa.Index("ix_saved_view_desk_id", "desk_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    desk_id: Mapped[int | None] = mapped_column(sa.ForeignKey("desk.id"))
    name: Mapped[str]
    page: Mapped[str]
    asked: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column(default=1)


class StepRun(Base, Tenanted):
    """One desk's part in one step: active while it is awaited, done when it acted, passed when others sufficed.

    `kind` is that of the step, or `TOLD`: the desk reads the folder from that step on, acts on nothing, and is passed at once.

    `family` and `own_type`, the key of the type made from it and empty for none, are the folder's (`Folder.of_type`).

    `matter` and `amount_cents` are the act as a mandate looked at it when the step was entered (facts do not change in a
    circuit): no matter where its family has none; the amount whole, without its sign, 0 where its family has none, and
    None, above every ceiling, where it is unknown. `restricted`: the reading of the folder is closed at this desk (`read_as`).

    `opinion`: of a step that asks one, favourable or not (`workflows.vocabulary.Opinion`). `absent`: in whose absence it was
    done, under which cover; None for who acted at a desk of his own. `sent_to`: the key of the step to which the folder was sent
    back by this part, which is rejected; None of one that is rejected to who deposited. One that is passed and
    says who (`waived`) was passed by who administers: no row names his account, by which he would read the folder.

    `taken_back_at`: when what was done there was taken back (`app/folders/undoing.py`); it is cancelled then, and whoever did it
    still named. Of a part that the act had opened, nobody is, nor its desk.
    """

    __tablename__ = "step_run"
    __table_args__ = (
        sa.CheckConstraint("state IN ('active','done','passed','rejected','cancelled')", name="state_known"),
        _partial("ix_step_run_todo", "desk_id", "due_on", "entered_at", "id", where="state = 'active'"),
        _partial("ix_step_run_decided", "desk_id", "folder_id", where="state = 'done'"),
        # What somebody has done for another, at a desk that was never his
        _partial("ix_step_run_covered", "user_id", "folder_id", where="absent IS NOT NULL"),
        sa.Index("ix_step_run_folder_id", "folder_id", "id"),
        # Whom a folder has reached: a desk, a person who was named, one who acted; the last first, all and of one family
        sa.Index("ix_step_run_reached", "desk_id", "folder_id"),
        # What a search finds by the day of a decision, and nothing else, as that of folders
        _partial("ix_step_run_ended", "collectivity_id", "ended_at", where="id > 0 AND user_id IS NOT NULL"),
        # What a desk has to publish, or has published
        _partial("ix_step_run_publish", "desk_id", "folder_id", where="kind = 'publish'"),
        sa.Index("ix_step_run_reached_family", "desk_id", "family", "folder_id", "kind"),
        *(
            _partial(f"ix_step_run_{name}", column, *more, "folder_id", where=f"{column} IS NOT NULL")
            for name, column, more in (
                ("named_ever", "named_user_id", ()),
                ("named_ever_family", "named_user_id", ("family",)),
                ("acted", "user_id", ()),
                ("acted_family", "user_id", ("family",)),
            )
        ),
        _partial(
            "ix_step_run_named",
            "named_user_id",
            "due_on",
            "entered_at",
            "id",
            where="state = 'active' AND named_user_id IS NOT NULL",
        ),
        # The law refuses a second act of the same person at a step; the database does too, whatever the race.
        _partial(
            "uq_step_run_person",
            "folder_id",
            "pass_number",
            "user_id",
            unique=True,
            where="state = 'done' AND user_id IS NOT NULL",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"))
    family: Mapped[str]
    own_type: Mapped[str] = mapped_column(server_default="")
    restricted: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    matter: Mapped[str | None]
    amount_cents: Mapped[int | None] = mapped_column(sa.BigInteger)
    step: Mapped[str]
    kind: Mapped[str]
    pass_number: Mapped[int]
    slot: Mapped[str]
    desk_id: Mapped[int | None] = mapped_column(sa.ForeignKey("desk.id"))
    named_user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    state: Mapped[str]
    due_on: Mapped[date]
    entered_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    user_id: Mapped[int | None]
    who: Mapped[str | None]
    capacity: Mapped[str | None]
    comment: Mapped[str | None]
    opinion: Mapped[str | None]
    sent_to: Mapped[str | None]
    absent: Mapped[str | None]
    taken_back_at: Mapped[datetime | None]

    @property
    def waived(self) -> bool:
        """Whether who administers passed it: its reason is its `comment`, and nobody did what it asks."""
        return self.state == "passed" and self.who is not None and not self.slot.startswith(HANDED)

    @property
    def asked(self) -> bool:
        """Whether it is an opinion that was asked of the desk beside the step, and no part of it (`AskedOpinion`)."""
        return self.slot.startswith(ASKED)

    @property
    def former(self) -> bool:
        """Whether it counts no more, because the folder was sent back to its step or to one before (`put_aside`)."""
        return _is_former(self.pass_number)

    @property
    def by(self) -> str:
        """Who decided, and in whose absence: « Gaud Le Bras, en l’absence d’Armel Kervadec »."""
        return in_absence(self.who or "", self.absent)


class AskedOpinion(Base, Tenanted):
    """What one desk was asked, beside the step where the folder stood; the answer is that of its row of `step_run` (`run_id`).

    That row is of the kind `opinion`, its slot begins by `ASKED` and its passage is its own (`asked_passage`): the law counts it
    among the parts of no step, and by it the desk reads the folder and finds it in its tray. It is active while an answer
    is awaited, done once given, passed or cancelled where the step ended or the folder left before, cancelled too where
    the question was taken back (`withdrawn_by`, and why, empty for who asked). Once cancelled it is of no desk any more: who
    gave no answer reads the folder by it no longer, and its slot still says which desk was asked.

    `slot`: the part of the step from which it was asked; `waits`: whether the step ends before it is answered;
    `asked_by_id`: as the law counts people (an application's below zero); `desk`: its name that day.
    """

    __tablename__ = "asked_opinion"
    __table_args__ = (sa.Index("ix_asked_opinion_folder_id", "folder_id", "run_id"),)

    run_id: Mapped[int] = mapped_column(sa.ForeignKey("step_run.id"), primary_key=True)
    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"))
    slot: Mapped[str]
    desk: Mapped[str]
    question: Mapped[str]
    waits: Mapped[bool]
    wanted_on: Mapped[date | None]
    asked_by: Mapped[str]
    asked_by_id: Mapped[int | None]
    withdrawn_by: Mapped[str | None]
    withdrawn_why: Mapped[str | None]


class CircuitChange(Base, Tenanted):
    """The coming steps of one running folder were changed: which version it followed, which of its own it follows since.

    `base_id` is the version of the collectivity that the first of its changes began from. `place` is the step where the
    folder stood, `words` each change in French as it was told that day. `handed_from`, `handed_to`: where it is no coming step
    but a part of that one that was handed from a desk to another (`app/folders/handing.py`), their names that day;
    `replaced`: by who administers, in the place of somebody who does not act; `taken_back_at`: when whoever handed it took it
    back, so that the folder follows the version of before again.
    """

    __tablename__ = "circuit_change"
    __table_args__ = (
        sa.Index("ix_circuit_change_folder_id", "folder_id", "id"),
        sa.Index("ix_circuit_change_after_id", "after_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"))
    round: Mapped[int]
    place: Mapped[str]
    base_id: Mapped[int] = mapped_column(sa.ForeignKey("circuit_version.id"))
    before_id: Mapped[int] = mapped_column(sa.ForeignKey("circuit_version.id"))
    after_id: Mapped[int | None] = mapped_column(sa.ForeignKey("circuit_version.id"))
    words: Mapped[list[Any]]
    reason: Mapped[str]
    handed_from: Mapped[str | None]
    handed_to: Mapped[str | None]
    replaced: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    changed_at: Mapped[datetime]
    changed_by: Mapped[str]
    changed_by_id: Mapped[int | None]
    taken_back_at: Mapped[datetime | None]


class Reading(Base):
    """A person has opened a folder: the first time is in the journal, and nobody else sees the rest.

    `again_at`: when he opened it within the seconds of something that was just done there, the last time; who did it takes it
    back no more then.

    `seen_at`: when the folder was last found new to him and opened, None once he marked it as not read; it is new again where
    it came to him later. `hidden_until`: he took it out of his list until then, and for as long as the folder is of the version
    `hidden_version`: whatever is done to it brings it back (`app/folders/marks.py`).
    """

    __tablename__ = "reading"
    # The few that a person hides, which each of his lists leaves out
    __table_args__ = (
        _partial("ix_reading_hidden", "user_id", "hidden_until", where="hidden_until IS NOT NULL"),
    )

    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"), primary_key=True)
    first_at: Mapped[datetime]
    again_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    hidden_until: Mapped[datetime | None]
    hidden_version: Mapped[int | None]


class DocumentSeen(Base, Tenanted):
    """A person has seen one version of a document whole (`app/folders/seen.py`), the first time; `who` is his name that day."""

    __tablename__ = "document_seen"
    __table_args__ = (sa.Index("ix_document_seen_folder_id", "folder_id"),)

    version_id: Mapped[int] = mapped_column(sa.ForeignKey("document_version.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"), primary_key=True)
    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"))
    who: Mapped[str]
    seen_at: Mapped[datetime]


class CarriedFolder(Base, Tenanted):
    """A folder that a person took along, to be read without a connection on one browser (`app/folders/carried.py`).

    `session_id`: where he was logged in; closed, nothing that it took along may be shown any more. `token_hash`: of the
    secret by which that browser asks whether it still may. `client`: the browser, in words.
    """

    __tablename__ = "carried_folder"
    __table_args__ = (
        sa.Index("ix_carried_folder_user_id", "user_id"),
        sa.Index("ix_carried_folder_session_id", "session_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"))
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"))
    session_id: Mapped[int] = mapped_column(sa.ForeignKey("login_session.id"))
    token_hash: Mapped[str] = mapped_column(unique=True)
    client: Mapped[str]
    carried_at: Mapped[datetime]
    until: Mapped[datetime]


class FolderNote(Base, Tenanted):
    """What somebody wrote beside a folder, for himself, for one desk or for all who read it; it is in no file.

    `reach` says for whom (`notes.Reach`), `desk_id` which desk; `answers_id` is the note that it answers, whose reach it has.
    `stems` are the forms of its words, by which who reads it finds it.
    `told` are the people who were written to, by number and name. `settled_by`: until somebody opens it again.
    `version_id`, `page` and `box` say where it is pinned (`app/folders/pins.py`), if it is.
    `final_at`: until when its author may take it back as long as nobody has read it; nobody else finds it by its words before.
    `taken_back_at`: when he did; its words are gone then, and nobody is shown it.
    `form_key`: what its form posted, in short: posted again, it writes no second one. None of software's.
    """

    __tablename__ = "folder_note"
    __table_args__ = (
        sa.Index("ix_folder_note_form_key", "form_key", unique=True),
        sa.Index("ix_folder_note_folder_id", "folder_id", "id"),
        # What a search looks through beside the words of folders: notes that few read
        _partial("ix_folder_note_alone", "user_id", "id", where="reach = 'alone'"),
        _partial("ix_folder_note_desk", "desk_id", "id", where="reach = 'desk'"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"))
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    who: Mapped[str]
    reach: Mapped[str]
    desk_id: Mapped[int | None] = mapped_column(sa.ForeignKey("desk.id"))
    answers_id: Mapped[int | None] = mapped_column(sa.ForeignKey("folder_note.id"))
    words: Mapped[str]
    told: Mapped[list[Any]]
    written_at: Mapped[datetime]
    settled_by: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    final_at: Mapped[datetime | None]
    taken_back_at: Mapped[datetime | None]
    version_id: Mapped[int | None] = mapped_column(sa.ForeignKey("document_version.id"))
    page: Mapped[int | None]
    box: Mapped[list[Any] | None] = mapped_column(MissingJson)
    stems: Mapped[str] = mapped_column(server_default="")
    form_key: Mapped[str | None]


class FolderWords(Base, Tenanted):
    """The words of a folder that whoever reads it finds it by: of what lists tell of it, of its documents, of the notes for all.

    Each part is the forms of its words (`app/core/stems.py`), each once between two spaces. PostgreSQL indexes the parts as
    one vector of its full text, SQLite as a row of FTS5, kept beside by triggers.
    """

    __tablename__ = "folder_words"
    __table_args__ = (
        sa.Index("ix_folder_words_stems", "collectivity_id", sa.text(VECTOR), postgresql_using="gin").ddl_if(
            dialect="postgresql"
        ),
    )

    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"), primary_key=True)
    title: Mapped[str] = mapped_column(sa.Text)
    documents: Mapped[str] = mapped_column(sa.Text)
    notes: Mapped[str] = mapped_column(sa.Text)


class DocumentWords(Base, Tenanted):
    """The text of a document, read once from one of its versions; `text` is what a search shows around the words it found.

    `state`: `read`, `none` for a file without text (a picture, a scan), `failed` where its limits or the file ended its reading.
    `recognised`: at least a part of the text was guessed from pictures (OCR). `places`: where each of its first words stands
    (`app.files.words.Text`), of a document whose page proposes values.
    """

    __tablename__ = "document_words"
    __table_args__ = (
        sa.CheckConstraint("state IN ('read','none','failed')", name="state_known"),
        sa.Index("ix_document_words_folder_id", "folder_id"),
    )

    document_id: Mapped[int] = mapped_column(sa.ForeignKey("document.id"), primary_key=True)
    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"))
    version_id: Mapped[int] = mapped_column(sa.ForeignKey("document_version.id"))
    state: Mapped[str]
    recognised: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    text: Mapped[str] = mapped_column(sa.Text, deferred=True)
    stems: Mapped[str] = mapped_column(sa.Text, deferred=True)
    places: Mapped[list[Any] | None] = mapped_column(MissingJson, deferred=True)
    read_at: Mapped[datetime]


keep_by("fts_words_come", "fts_words_changed", "fts_words_gone")


class Publication(Base, Tenanted):
    """When and by whom an act was brought to the public's knowledge, and when it became enforceable (CGCT L2131-1).

    `absent`: published online before there was a public page, where it is still to be put.
    """

    __tablename__ = "publication"
    __table_args__ = (_partial("ix_publication_absent", "collectivity_id", "folder_id", where="absent"),)

    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"), primary_key=True)
    published_on: Mapped[date]
    means: Mapped[str] = mapped_column(server_default="online")
    enforceable_on: Mapped[date | None]
    author: Mapped[str]
    recorded_at: Mapped[datetime]
    absent: Mapped[bool] = mapped_column(default=False, server_default=sa.false())


class ActNumber(Base, Tenanted):
    """A number of one of the collectivity's registers: reserved once for a folder, never given to another.

    `register` is the family, or the letters of a type's own register; `rank` its place in the register of the year, None when
    somebody typed a number of another form; `previous_id` the number that this one follows when the folder left before;
    `sent_round` the round in which it left.
    """

    __tablename__ = "act_number"
    __table_args__ = (
        sa.UniqueConstraint("collectivity_id", "number"),
        sa.UniqueConstraint("collectivity_id", "register", "year", "rank"),
        sa.Index("ix_act_number_folder_id", "folder_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"))
    register: Mapped[str]
    year: Mapped[int]
    rank: Mapped[int | None]
    number: Mapped[str]
    previous_id: Mapped[int | None] = mapped_column(sa.ForeignKey("act_number.id"))
    sent_round: Mapped[int | None]
    reserved_at: Mapped[datetime]
    reserved_by: Mapped[str]


# The rows that every move reads and writes, past the ORM: statements built once, writes sent together.

STEPS_PER_ROUND = 1000
ASKED = "asked:"
"""What begins the slot of a desk that was asked its opinion, before the desk's key."""
HANDED = "handed:"
"""What begins the slot of a desk that handed its part to another, before the slot that it had: it reads the folder on."""
_FIRST_FORMER = 5 * STEPS_PER_ROUND // 8
_LAST_FORMER = 3 * STEPS_PER_ROUND // 4
TOLD = "told"
"""The kind of the part of a desk that is told of a folder: no right acts on it, so that no restricted folder is read by it."""
_run: Any = StepRun.__table__
_folder: Any = Folder.__table__
_asked: Any = AskedOpinion.__table__
_runs: Any = (
    sa.select(
        _run.c.id,
        _run.c.slot,
        _run.c.state,
        _run.c.desk_id,
        _run.c.named_user_id,
        _run.c.user_id,
        _run.c.who,
        _asked.c.desk,
        _asked.c.waits,
        _asked.c.asked_by_id,
    )
    .select_from(_run.outerjoin(_asked, _asked.c.run_id == _run.c.id))
    .where(
        _run.c.folder_id == sa.bindparam("folder"),
        # By values that are bound SQLite would choose its indexes again at each execution
        sa.text(f"{_run.name}.kind != '{TOLD}'"),
        # What was asked and is open was asked at this step: a move closes it
        sa.or_(
            _run.c.pass_number == sa.bindparam("n"),
            sa.and_(sa.text(f"{_run.name}.state = 'active'"), _asked.c.run_id.is_not(None)),
        ),
    )
)
_WIDTH = len(_runs.selected_columns)
# Of several folders, with what tells whose each row is and whether it is of the passage that is asked
_runs_of_several: Any = (
    sa.select(*_runs.selected_columns, _run.c.folder_id, _run.c.pass_number, _asked.c.run_id)
    .select_from(_run.outerjoin(_asked, _asked.c.run_id == _run.c.id))
    .where(
        _run.c.folder_id.in_(sa.bindparam("folders", expanding=True)),
        sa.text(f"{_run.name}.kind != '{TOLD}'"),
        sa.or_(
            _run.c.pass_number.in_(sa.bindparam("passages", expanding=True)),
            sa.and_(sa.text(f"{_run.name}.state = 'active'"), _asked.c.run_id.is_not(None)),
        ),
    )
    .order_by(_run.c.id)
)
RUNS = "parts of a passage"
# Always in the order in which they were opened: the rank of a part names its signature field.
_runs = _runs.order_by(_run.c.id)
_runs_alone = Prepared(_runs)
_PLACE = tuple(one.key for one in sa.inspect(Collectivity).column_attrs if not one.deferred)
_LOOKS = _WIDTH + len(_PLACE)
_close = sa.update(_run).where(_run.c.folder_id == sa.bindparam("folder"), sa.text("state = 'active'"))
_unasked = _close.where(_run.c.slot.startswith(ASKED)).values(desk_id=None)


@dataclass(frozen=True)
class Run:
    """One desk's part in the present step, as read under the folder's lock.

    Of an opinion that was asked beside it: the desk's name, whether the step waits for it (`waits`), and who asked; else None.
    """

    id: int
    slot: str
    state: str
    desk_id: int | None
    named_user_id: int | None
    user_id: int | None
    who: str | None
    desk: str | None = None
    waits: bool | None = None
    asked_by_id: int | None = None

    @classmethod
    def of(cls, row: StepRun, question: AskedOpinion | None = None) -> "Run":
        """The same, of rows that were read to be shown."""
        part = (row.id, row.slot, row.state, row.desk_id, row.named_user_id, row.user_id, row.who)
        if question is None:
            return cls(*part)
        return cls(*part, question.desk, question.waits, question.asked_by_id)


def asked_passage(folder: Folder, rank: int) -> int:
    """The passage of the opinion asked as the `rank`-th of the round, which no step has: who answers acts at none."""
    return folder.round * STEPS_PER_ROUND + STEPS_PER_ROUND // 2 + rank


def former_passage(folder: Folder, rank: int) -> int:
    """The passage of what was decided at a step before the folder was sent back: the `rank`-th put aside in the round."""
    return folder.round * STEPS_PER_ROUND + _FIRST_FORMER + rank


def put_aside(db: Db, folder: Folder, rank: int) -> None:
    """Give the parts of the steps from the one at this rank on passages that no step has: each is asked anew from now on.

    Nothing else of them changes. The caller has asked that there is room (`returning.MOST`).
    """
    first, end = folder.round * STEPS_PER_ROUND, (folder.round + 1) * STEPS_PER_ROUND
    query = sa.select(_run.c.pass_number).where(
        _run.c.folder_id == folder.id, _run.c.kind != TOLD, _run.c.pass_number.between(first, end)
    )
    passages = sorted(set(db.connection().scalars(query)))
    room = max([former_passage(folder, -1), *(one for one in passages if _is_former(one))]) + 1
    again = [one for one in passages if rank <= one - first < STEPS_PER_ROUND // 2]
    for number, passage in enumerate(again, start=room):
        aside = sa.update(_run).where(
            _run.c.folder_id == folder.id, _run.c.kind != TOLD, _run.c.pass_number == passage
        )
        db.connection().execute(aside.values(pass_number=number))


def reopen(db: Db, folder: Folder, entered: Sequence[int], own: StepRun, moment: datetime) -> StepRun:
    """Put the parts of the folder back as they were before an act that is taken back; returns the one that is open again.

    `entered`: the numbers of the parts that the act had opened, which nobody has seen: they are of no desk any more. What it
    had closed without an answer is awaited again. The act itself (`own`) stays as what it was.
    """
    run = db.connection().execute
    closed = sa.update(_run).where(
        _run.c.folder_id == folder.id,
        _run.c.state == "passed",
        _run.c.ended_at == own.ended_at,
        _run.c.kind != TOLD,
        _run.c.slot.not_like(f"{HANDED}%"),
    )
    run(closed.values(state="active", ended_at=None))
    aside = _room(db, folder)
    gone = {"state": "cancelled", "desk_id": None, "named_user_id": None, "taken_back_at": moment}
    opened_by_it = sa.update(_run).where(_run.c.id.in_(entered))
    run(opened_by_it.values(**gone, ended_at=moment, pass_number=aside))
    again = StepRun(
        **{
            name: getattr(own, name)
            for name in (
                *(
                    "collectivity_id",
                    "folder_id",
                    "family",
                    "own_type",
                    "restricted",
                    "matter",
                    "amount_cents",
                ),
                *("step", "kind", "pass_number", "slot", "desk_id", "named_user_id", "due_on", "entered_at"),
            )
        },
        state="active",
    )
    own.state, own.taken_back_at, own.pass_number = "cancelled", moment, aside
    db.add(again)
    return again


def _room(db: Db, folder: Folder) -> int:
    """The first passage of the round that nothing was put aside on."""
    first, last = former_passage(folder, 0), former_passage(folder, _LAST_FORMER - _FIRST_FORMER - 1)
    query = sa.select(sa.func.max(_run.c.pass_number)).where(
        _run.c.folder_id == folder.id, _run.c.pass_number.between(first, last)
    )
    return (db.connection().scalar(query) or first - 1) + 1


def _is_former(passage: int) -> bool:
    return _FIRST_FORMER <= passage % STEPS_PER_ROUND < _LAST_FORMER


def handed_passage(folder: Folder, rank: int) -> int:
    """The passage of what a desk had of a step before it handed it on, the `rank`-th of the round: no part of it any more."""
    return folder.round * STEPS_PER_ROUND + 3 * STEPS_PER_ROUND // 4 + rank


Looks = tuple[sa.ColumnElement[bool], ...]
"""Conditions on the base, built once, about the folder `of`, its collectivity `here` and the present moment `moment`."""
Answers = Mapping[sa.ColumnElement[bool], bool]


@dataclass(frozen=True)
class Beside:
    """A query whose rows are read with the parts of a step: the same beside each part, so the parts are to be few.

    `values`: those of its binds, which have names of their own but `here`; `order` sorts its rows, whose first column is
    never None.
    """

    query: sa.Select[Any]
    order: tuple[str, ...]
    values: Mapping[str, Any]


def runs_of(
    db: Db, folder: Folder, passage: int, looks: Looks = (), beside: Beside | None = None
) -> tuple[tuple[Run, ...], Answers, Sequence[Any] | None]:
    """The parts of one passage at a step, and the opinions that are asked beside it and open; what was looked at with them.

    Last, the rows of `beside`; None where it was not read: nothing looks, or there is no part.
    What `looks` asks is read by the same statement: under the lock, where the folder is locked; and so is the collectivity,
    for whoever looks at its settings.
    """
    binds: dict[str, Any] = {"folder": folder.id, "n": passage}
    if not looks:
        known: tuple[Run, ...] | None = kept(db, (RUNS, folder.id, passage))
        if known is None:
            known = tuple(Run(*row) for row in _runs_alone.rows(db.connection(), binds))
        return known, {}, None
    binds |= {"of": folder.id, "here": folder.collectivity_id, "moment": now()}
    if beside is not None:
        binds |= beside.values
    statement = _runs_beside(looks, beside and beside.query, beside.order if beside else ())
    rows = statement.rows(db.connection(), binds)
    if not rows:
        return (), {}, None
    put_in_hand(db, Collectivity, dict(zip(_PLACE, rows[0][_WIDTH:_LOOKS], strict=True)))
    end = _LOOKS + len(looks)
    looked = dict(zip(looks, map(bool, rows[0][_LOOKS:end]), strict=True))
    if beside is None:
        return tuple(Run(*row[:_WIDTH]) for row in rows), looked, None
    parts = {row[0]: Run(*row[:_WIDTH]) for row in rows}
    of_first = [row[end:] for row in rows if row[0] == rows[0][0]]
    return tuple(parts.values()), looked, [row for row in of_first if row[0] is not None]


def read_runs(db: Db, passages: Mapping[int, int]) -> None:
    """Read at one go what `runs_of` reads of several folders, by number, in a session that keeps it (`gather`)."""
    if not passages:
        return
    binds = {"folders": list(passages), "passages": sorted(set(passages.values()))}
    runs: dict[int, list[Run]] = {number: [] for number in passages}
    for row in db.connection().execute(_runs_of_several, binds):
        number, passage, question = row[_WIDTH:]
        own = Run(*row[:_WIDTH])
        if passage == passages[number] or (own.state == "active" and question is not None):
            runs[number].append(own)
    for number, several in runs.items():
        keep(db, (RUNS, number, passages[number]), tuple(several))


@lru_cache(maxsize=32)
def _runs_beside(looks: Looks, query: sa.Select[Any] | None, order: tuple[str, ...]) -> Prepared:
    """`_runs` with these looks beside each row; they name no row of it, so the base answers each of them once.

    And with the rows of a query beside each, in their order.
    """
    place = Collectivity.__table__.c
    columns = (place[name].label(f"place_{name}") for name in _PLACE)
    looked = (look.label(f"look{n}") for n, look in enumerate(looks))
    whole = _runs.join(Collectivity.__table__, place.id == sa.bindparam("here")).add_columns(
        *columns, *looked
    )
    if query is not None:
        beside = query.order_by(None).subquery("beside")
        whole = whole.outerjoin(beside, sa.true()).add_columns(*beside.c)
        whole = whole.order_by(*(beside.c[name] for name in order))
    return Prepared(whole)


def close_runs(db: Db, folder: Folder, state: str, moment: datetime) -> None:
    """End every part of the folder that is still awaited: `passed` when others sufficed, else `cancelled`.

    Of an opinion that was asked and is cancelled, the desk reads the folder no more by it (`AskedOpinion`).
    """
    if state == "cancelled":
        db.connection().execute(_unasked, {"folder": folder.id})
    db.connection().execute(_close, {"folder": folder.id, "state": state, "ended_at": moment})


def placed(folder: Folder, values: Mapping[str, Any]) -> Write:
    """Where the folder stands now; the object already says what its row will hold: half the price of a flush."""
    for name, value in values.items():
        set_committed_value(folder, name, value)
    return Write(_folder, [values], where="id", value=folder.id)


def ended(run: Run | None, values: Mapping[str, Any]) -> Write:
    """How the part of whoever acted ends; nothing when no part was taken."""
    return Write(_run, [values] if run is not None else [], where="id", value=run.id if run else None)


def opened(rows: Sequence[Mapping[str, Any]]) -> Write:
    """The parts of the step that is entered."""
    return Write(_run, rows)

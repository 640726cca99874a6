"""The table of the rights matrix: who reads a folder where it stands, and who may do what there. Everything else is refused."""

from collections.abc import Collection, Mapping

import pytest

from app.core.db import engine
from tests.builders.mandates import DEPUTY
from tests.rights.scene import ALONE, FOREIGN, LATE, LOGINS, SECOND, STANDS_IN, TAKEN_BACK

G, R, N, T, A, B, S, K = (
    "g.trehorel",
    "r.pellenec",
    "n.abgrallec",
    "t.lescoat",
    "a.kervadec",
    "b.cadiou",
    "s.rivoal",
    "k.morizur",
)
SIGNERS = {A, B, DEPUTY, LATE, STANDS_IN}
MAYOR = {A, DEPUTY, LATE}
"""Who reads what came to the mayor's desk; who may sign there, the mandates say."""
CREATORS = {G, R, N, S, K, FOREIGN}
ADMINISTRATORS = {K, ALONE, FOREIGN}
# Every route of the application, and who may knock at it at all: everybody, whoever is known, or whoever has the right.
# A route that is not written here fails `test_every_route_is_in_the_table` by its name.
ROUTES = {
    "static": "public",
    "api-docs.openapi_json": "public",
    "operations.live": "public",
    "operations.ready": "public",
    "operations.metrics": "public",
    "operations_api.passage": "public",
    "operations.installable.carried": "public",
    "operations.installable.cut": "public",
    "operations.installable.manifest": "public",
    "operations.installable.worker": "public",
    "operations.source.offered": "public",
    "operations.source.taken": "public",
    "people.login": "public",
    "people.forgot": "public",
    "people.reset": "public",
    "people.invited": "public",
    "purchasing.orders": "person",
    "purchasing.send": "person",
    "purchasing.begin": "create",
    "purchasing.draw": "create",
    "purchasing.export": "person",
    "purchasing.order": "person",
    "purchasing.delivery": "person",
    "people.join": "person",
    "people.which": "person",
    "people.recovery": "person",
    "people.account": "person",
    "people.confirm": "person",
    "people.display": "person",
    "notices.letters": "person",
    "notices.choose": "person",
    "notices.choose_for": "person",
    "notices.follow_general": "person",
    "notices.example": "person",
    "notices.confirm": "person",
    "notices.agenda.mine": "person",
    "notices.agenda.change": "person",
    "notices.agenda.give": "person",
    "notices.agenda.noted": "person",
    "notices.agenda.take_away": "person",
    "notices.agenda.feed": "public",
    "notices_link.ask": "public",
    "notices_link.stop": "public",
    "people.logout": "person",
    "people.still_here": "person",
    "people.revoke": "person",
    "people.revoke_others": "person",
    "people.change_password": "person",
    "people.factors.close_sessions": "administer",
    "people.factors.second": "public",
    "people.factors.door_question": "public",
    "people.factors.by_key": "public",
    "people.factors.prove_question": "person",
    "people.factors.mine": "person",
    "people.factors.begin_totp": "person",
    "people.factors.begun_totp": "person",
    "people.factors.codes": "person",
    "people.factors.codes_kept": "person",
    "people.factors.before_codes": "person",
    "people.factors.confirm_totp": "person",
    "people.factors.key_question": "person",
    "people.factors.confirm_passkey": "person",
    "people.factors.remove": "person",
    "people.factors.draw_codes": "person",
    "people.factors.office": "administer",
    "people.factors.ask_reset": "administer",
    "people.factors.settle_reset": "administer",
    "people.first_day.begin": "public",
    "people.office.index": "administer",
    "publication.office": "administer",
    "invoices.establishments": "administer",
    "invoices.known_accounts": "administer",
    "chorus.index": "administer",
    "chorus.fetch": "administer",
    "chorus.fetch_again": "administer",
    "chorus.say_again": "administer",
    "chorus.show": "person",
    "chorus.piece": "person",
    "transmission.parcel": "person",
    "chorus.reject": "person",
    "chorus.mandate": "person",
    "arrivals.routing": "administer",
    "arrivals.brought": "person",
    "arrivals.brought_file": "person",
    "arrivals.apart": "create",
    "arrivals.mail.index": "administer",
    "arrivals.mail.read_now": "administer",
    "arrivals.scans.index": "administer",
    "arrivals.scans.look_now": "administer",
    "arrivals.scans.separation": "person",
    "arrivals.index": "create",
    "arrivals.again": "create",
    "arrivals.put_aside": "create",
    "arrivals.file": "create",
    "invoices.account": "person",
    "invoices.same": "person",
    "invoices.register.index": "person",
    "invoices.register.table": "person",
    "invoices.register.months": "person",
    "invoices.register.months_table": "person",
    "invoices.suppliers.index": "person",
    "invoices.suppliers.table": "person",
    "invoices.suppliers.show": "person",
    "invoices.suppliers.join": "administer",
    "invoices.suppliers.part": "administer",
    "invoices.delay": "person",
    "invoices.performed": "person",
    "invoices.account_call": "person",
    "invoices.account_decision": "person",
    "people.office.mandate": "administer",
    "people.office.accredited": "administer",
    "people.office.letter": "administer",
    "people.office.applications": "administer",
    "people.office.rotate": "administer",
    "people.office.noted": "administer",
    "people.office.close": "administer",
    "people.office.choices": "administer",
    "operations.circuits.index": "administer",
    "operations.circuits.new": "administer",
    "operations.circuits.close": "administer",
    "operations.circuits.edit": "administer",
    "operations.circuits.publish": "administer",
    "operations.circuits.versions": "administer",
    "operations.circuits.text": "administer",
    "operations.circuits.export": "administer",
    "operations.circuits.acting": "administer",
    "operations.circuits.rehearse": "administer",
    "operations.circuits.of_folder": "create",
    "operations.rules.index": "administer",
    "operations.rules.edit": "administer",
    "operations.rules.publish": "administer",
    "operations.rules.versions": "administer",
    "operations.admin": "branch",
    "operations.examined.again": "administer",
    "operations.examined.attempt": "administer",
    "operations.starting.index": "administer",
    "operations.absences.index": "person",
    "operations.absences.table": "person",
    "operations.absences.plan": "person",  # each verb asks whose absence it is (tests/operations/test_absences.py)
    "operations.absences.preview": "person",
    "operations.absences.choices": "person",
    "operations.absences.show": "person",
    "operations.absences.end": "person",
    "operations.absences.secretary": "person",
    "absences_api.absences": "person",
    # A mark is of the reader alone: each verb asks whether the folder awaits him (tests/folders/test_marks.py)
    "folders.hide": "person",
    "folders.show_again": "person",
    "folders.mark_unread": "person",
    # The same on several folders: what is not read, or awaits somebody else, is not named (tests/display/test_triage.py)
    "folders.together_page": "person",
    "folders.read_together": "person",
    "folders.unread_together": "person",
    "folders.hide_together": "person",
    "folders.shown_together": "person",
    # A view gives no right; each verb asks whose it is (tests/display/test_views.py)
    "folders.all_views": "person",
    "folders.columns": "person",
    "folders.view_counts": "person",
    "folders.new_view": "person",
    "folders.change_view": "person",
    "folders.remove_view": "person",
    "operations.guidance.first_signature": "person",
    "operations.guidance.first_signed": "person",
    "operations.guidance.index": "person",
    "operations.guidance.topic": "person",
    "operations.guidance.welcomed": "person",
    "operations.statements.accessibility": "public",
    "operations.statements.privacy": "public",
    "operations.statements.office": "administer",
    "operations.desks.close": "branch",
    "operations.desks.reopen": "branch",
    "operations.examined.index": "administer",
    "operations.retry": "administer",
    "operations.journal": "administer",
    "operations.journal_file": "administer",
    "operations.journal_check": "administer",
    "operations.retry_all": "administer",
    "operations.leaving.show": "branch",
    "operations.leaving.plan": "branch",
    "operations.leaving.cancel": "branch",
    "operations.leaving.hand_desk": "branch",
    "operations.leaving.hand_cover": "branch",
    "operations.leaving.end": "administer",
    "operations.leaving.hand_folders": "administer",
    "operations.leaving.replace_named": "administer",
    "operations.leaving.hand_branch": "administer",
    "operations.persons.mine": "person",
    "operations.persons.index": "branch",
    "operations.persons.invite": "branch",
    "operations.persons.listed": "administer",
    "operations.persons.bring": "administer",
    "operations.persons.read_again": "administer",
    "operations.persons.left_out": "administer",
    "operations.persons.write_brought": "administer",
    "operations.persons.show": "branch",
    "operations.persons.reached": "branch",
    "operations.persons.send_link": "branch",
    "operations.persons.show_link": "branch",
    "operations.persons.noted": "branch",
    "operations.desks.index": "branch",
    "operations.desks.new": "branch",
    "operations.desks.show": "branch",
    "operations.desks.by_type": "branch",
    "operations.desks.foresee": "branch",
    "operations.desks.move": "branch",
    "operations.desks.history": "branch",
    "operations.desks.histories": "branch",
    "operations.settings.forget": "administer",
    "operations.settings.index": "administer",
    "operations.settings.logo": "person",
    "operations.settings.show": "administer",
    "operations.settings.try_out": "administer",
    "operations.types.close": "administer",
    "operations.types.index": "administer",
    "operations.types.new": "administer",
    "operations.types.publish": "administer",
    "operations.types.show": "administer",
    "operations.persons.export": "administer",
    "operations.persons.reopen": "administer",
    "operations.persons.delegate": "administer",
    "operations.persons.reduce": "administer",
    "legality.to_report": "person",
    "legality.report": "create",
    "publication.paper_copy": "person",
    "folders.home": "person",
    "folders.inbox": "person",
    "folders.find": "person",
    "folders.follow": "person",
    "folders.awaited_of_all": "person",
    "folders.figures": "person",
    "folders.figures_chart": "person",
    "folders.figures_table": "person",
    "folders.deposit": "create",
    "folders.show": "person",
    "folders.printed": "person",
    "folders.slip_file": "person",
    "folders.folder_file": "person",
    "folders.list_file": "person",
    "folders.list_table": "person",
    "folders.tray_table": "person",
    "folders.document": "person",
    "folders.add_note": "person",
    "folders.take_note_back": "person",
    "folders.reopen_note": "person",
    "folders.take_back": "person",
    "folders.document_seen": "person",
    "folders.carry": "person",
    "folders.carried": "person",
    "folders.carried_state": "public",
    "folders.carried_whole": "person",
    "folders.give_back": "person",
    "folders.settle_note": "person",
    "folders.remove_note": "person",
    "folders.draft": "create",
    "folders.add_document": "create",
    "folders.remove_document": "create",
    "folders.replace_document": "create",
    "folders.accept_repair": "create",
    "actes.renew_classification": "create",
    "actes.matters": "create",
    "actes.choose": "create",
    "actes.star": "create",
    "folders.approve": "act",
    "folders.fill": "person",
    "folders.ask_opinion": "person",
    "folders.hand": "act",
    "folders.give_opinion": "person",
    "folders.withdraw_opinion": "person",
    "folders.reject": "person",
    "folders.rule": "person",
    "folders.coming": "person",
    "folders.relief": "branch",
    "folders.relieve": "branch",
    "folders.pass_step": "branch",
    "folders.continue_from": "create",
    "folders.recall": "create",
    "folders.withdraw": "create",
    "folders.publish": "publish",
    "folders.post_in_urgency": "publish",
    "folders.archive": "archive",
    "pes.attachment": "person",
    "pes.attachment_bytes": "person",
    "pes.returns": "person",
    "pes.fetch_returns": "create",
    "pes.treasury_return": "person",
    "pes.return_bytes": "person",
    "signing.certificates": "person",
    "signing.withdraw_certificate": "person",
    "signing.office.index": "administer",
    "signing.office.certificate": "administer",
    "signing.enrolling.ask": "person",
    "signing.enrolling.prove": "person",
    "signing.enrolling.late": "person",
    "signing.diagnosis": "person",
    "verification.public": "public",
    "verification.file": "person",
    "signing.documents.verdicts": "person",
    "signing.documents.report": "person",
    "verification.attest": "public",
    "verification.attest_file": "person",
    "signing.documents.attest": "person",
    "verification.apart": "public",
    "verification.apart_file": "person",
    "signing.documents.before_after": "person",
    "signing.documents.apart": "person",
    "signing.remote.choose": "person",
    "signing.remote.ask": "person",
    "signing.remote.prove": "person",
    "signing.remote.back": "person",
    "signing.remote.prepare": "sign",
    "signing.remote.authorise": "sign",
    "signing.remote.complete": "sign",
    "signing.dialog": "sign",
    "signing.prepare": "sign",
    "signing.complete": "sign",
    "signing.handwriting.mine": "person",
    "signing.handwriting.remove": "person",
    "signing.paper.sheet": "sign",
    "signing.placing.sheet": "create",
    "signing.placing.planned": "sign",
    "batches.propose": "person",  # each kind of batch asks its own right (tests/batches)
    "batches.history": "person",
    "batches.counted": "person",
    "batches.history_table": "person",
    "batches.show": "person",
    "batches.table": "person",
    "batches.start": "person",
    "batches.choose_desk": "person",
    "batches.leave_unread_out": "person",
    "batches.give_up": "person",
    "batches.take_back": "person",
    "batches.take_up": "sign",
    "batches.prepare": "sign",
    "batches.receive": "sign",
    "batches.gather": "sign",
    "batches.authorise": "sign",
    "publication.todo": "person",  # each sees what his own desks publish (tests/publication)
    "publication.sheet": "publish",
    "publication.mask": "publish",
    "publication.put_online": "publish",
    "publication.withdraw": "publish",
    "publication.keep": "publish",
    "publication.site.index": "public",
    "publication.site.act": "public",
    "publication.site.file": "public",
    "publication.site.feed": "public",
    "publication_api.acts_page": "public",
    "publication_api.act": "public",
    "legality.inbox": "person",
    "legality.fetch": "create",
    "legality.letter": "person",
    "legality.file": "person",
    "legality.reply": "create",
    "legality.close": "create",
    "legality.suspend": "create",
    "legality.appeal": "create",
    "legality.appeal_over": "create",
    "legality.appeal_corrected": "create",
    "legality.act": "person",
    "legality.stamped": "person",
    "legality.operator_copy": "person",
    "legality.operator_slip": "person",
    "legality.certificate": "person",
    "legality.cancel": "create",
    "legality.paper": "create",
    "folders_api.me": "person",
    "folders_api.folders": "person",
    "folders_api.families": "person",
    "folders_api.search": "person",
    "folders_api.views": "person",
    "folders_api.create": "create",
    "folders_api.read": "person",
    "folders_api.slip_file": "person",
    "folders_api.read_notes": "person",
    "folders_api.add_note": "person",
    "chorus_api.mandate": "person",
    "suppliers_api.suppliers": "person",
    "suppliers_api.supplier": "person",
    "purchasing_api.order": "person",
    "purchasing_api.add_delivery": "person",
    "purchasing_api.add_pictured_delivery": "person",
    "folders_api.take_note_back": "person",
    "folders_api.reopen_note": "person",
    "folders_api.take_back": "person",
    "folders_api.settle_note": "person",
    "folders_api.archive": "person",
    "folders_api.change": "create",
    "folders_api.add": "create",
    "folders_api.start": "create",
    "folders_api.approve": "act",
    "folders_api.fill": "person",
    "folders_api.continue_from": "create",
    "folders_api.ask_opinion": "person",
    "folders_api.hand": "act",
    "folders_api.recall": "create",
    "folders_api.give_opinion": "person",
    "folders_api.withdraw_opinion": "person",
    "folders_api.reject": "person",
    "folders_api.reroute": "reroute",
    "folders_api.download": "person",
    "folders_api.journal": "person",
}
READ = {
    ("folders.show", "GET"),
    ("folders.show", "HEAD"),
    ("folders.printed", "GET"),
    ("folders.printed", "HEAD"),
    ("folders.document", "GET"),
    ("folders.document", "HEAD"),
    ("signing.documents.verdicts", "GET"),
    ("signing.documents.verdicts", "HEAD"),
    # The end of the guide of a first signature, which says so of who has signed nothing there
    ("operations.guidance.first_signed", "GET"),
    ("operations.guidance.first_signed", "HEAD"),
}
# What each reader takes away, and writes beside it; a note is settled and removed in tests/folders/test_notes.py
TAKEN = {(f"folders.{name}", method) for name in ("slip_file", "folder_file") for method in ("GET", "HEAD")}
TAKEN |= {("folders.document_seen", "POST")}
NOTES = {
    (f"folders.{name}", "POST")
    for name in ("add_note", "settle_note", "remove_note", "take_note_back", "reopen_note")
}
# What one has just done, where one has: who takes it back, and when, is in tests/folders/test_undoing.py
UNDO = {("folders.take_back", "POST")}
JUDGE = {  # the signatures of what one reads; the report is there once they are judged (tests/verification/test_pages.py)
    ("signing.documents.verdicts", "POST"),
    ("signing.documents.report", "GET"),
    ("signing.documents.report", "HEAD"),
    ("signing.documents.attest", "POST"),
    *(
        (f"signing.documents.{name}", method)
        for name in ("before_after", "apart")
        for method in ("GET", "HEAD")
    ),
}
CARRIED = {  # what a payment flow carries: neither family of the matrix has any (tests/pes/test_attachment.py)
    (f"pes.{name}", method) for name in ("attachment", "attachment_bytes") for method in ("GET", "HEAD")
}
# What was prepared for a sending, by its number: whose it is, who is given it and who is not, is in
# tests/transmission/test_lightening.py
SENT = {("transmission.parcel", method) for method in ("GET", "HEAD")}
# What the public has, on paper: nothing here is public (tests/legality/test_reports.py)
PRINTED = {("publication.paper_copy", method) for method in ("GET", "HEAD")}
ASK = {("signing.complete", "GET"), ("signing.complete", "HEAD")}  # what became of one's own signature
DRAFT = {
    (page, method)
    for page in ("folders.draft", "operations.circuits.of_folder")
    for method in ("GET", "HEAD")
}
PLACE = {("signing.placing.sheet", method) for method in ("GET", "HEAD", "POST")}
EDIT = (
    PLACE
    | DRAFT
    | {
        (f"folders.{name}", "POST")
        for name in (
            "draft",
            "add_document",
            "remove_document",
            "replace_document",
            "accept_repair",
            "withdraw",
        )
    }
)
CLASSIFY = {("actes.matters", "GET"), ("actes.matters", "HEAD"), ("actes.choose", "POST")}
# Whoever may act at the step asks others what they think
OPINION = {("folders.ask_opinion", method) for method in ("GET", "HEAD", "POST")}
APPROVE = (
    {("folders.approve", "POST")} | OPINION | {("folders.hand", method) for method in ("GET", "HEAD", "POST")}
)
REJECT = {("folders.reject", "GET"), ("folders.reject", "HEAD"), ("folders.reject", "POST")}
# Whoever is awaited marks it for himself: read, hidden until a moment (tests/folders/test_marks.py)
MARKS = {(f"folders.{name}", "POST") for name in ("hide", "show_again", "mark_unread")}
RECALL = {("folders.recall", "POST")}
# Whoever reads it, and deposits somewhere, opens another folder from it
CONTINUE = {("folders.continue_from", method) for method in ("GET", "HEAD", "POST")}
# An administrator who reads it, or who holds that right at the desk that deposited it: nobody has been given it here
REROUTE = {("folders.coming", method) for method in ("GET", "HEAD", "POST")}
# An administrator who reads it, where a visa or an opinion is awaited of others (tests/folders/test_relieving.py)
RELIEVE = {("folders.relief", "GET"), ("folders.relief", "HEAD"), ("folders.relieve", "POST")}
# Whoever decides on an invoice stops its delay of payment, and lets it run again
DELAY = {
    (f"invoices.{name}", method) for name in ("delay", "performed") for method in ("GET", "HEAD", "POST")
}
SIGN = {
    ("signing.placing.planned", "GET"),
    ("signing.placing.planned", "HEAD"),
    ("signing.dialog", "GET"),
    ("signing.dialog", "HEAD"),
    ("signing.prepare", "POST"),
    ("signing.complete", "POST"),
    *OPINION,
}
ON_PAPER = {("signing.paper.sheet", method) for method in ("GET", "HEAD", "POST")}
PUBLISH = {("folders.publish", "POST"), ("folders.post_in_urgency", "POST")} | OPINION
MASK = {("publication.sheet", "GET"), ("publication.sheet", "HEAD"), ("publication.mask", "POST")}
PUT_ONLINE = {("publication.put_online", "POST")}
AT_THE_PREFECTURE = {
    (f"legality.{name}", method) for name in ("act", "stamped") for method in ("GET", "HEAD")
}
CERTIFIED = {("legality.certificate", method) for method in ("GET", "HEAD")}
CANCEL = {("legality.cancel", method) for method in ("GET", "HEAD", "POST")}
APPEAL = {("legality.appeal", "POST")}

# (family, state): who reads it, then who may do what.
TABLE: dict[tuple[str, str], tuple[set[str], list[tuple[set[str], set[tuple[str, str]]]]]] = {
    ("invoice", "draft"): ({G, SECOND}, [({G}, EDIT)]),
    ("invoice", "service_done"): ({G, SECOND, R}, [({R}, APPROVE | REJECT | DELAY), ({G}, RECALL)]),
    ("invoice", "finance"): (
        {G, SECOND, R, N, T, STANDS_IN},
        [({N, T, STANDS_IN}, APPROVE | REJECT | DELAY), ({G}, RECALL)],
    ),
    # Who stands in for the mayor reads what waits there, and signs nothing without a mandate of his own
    ("invoice", "bon_a_payer"): (
        {G, SECOND, R, N, T, *MAYOR, STANDS_IN},
        [({A}, SIGN | REJECT | DELAY), ({G}, RECALL)],
    ),
    ("invoice", "handover"): ({G, SECOND, R, N, T, *MAYOR}, []),
    ("invoice", "done"): ({G, SECOND, R, N, T, *MAYOR}, []),
    ("invoice", "rejected"): ({G, SECOND, R, N, T}, [({G}, EDIT)]),
    # Taken back, it is still read by the desks that it had reached: they must see why it left their tray.
    ("invoice", "recalled"): ({G, SECOND, R, N, T}, [({G}, EDIT)]),
    ("invoice", "withdrawn"): ({G, SECOND}, []),  # it never left its desk
    ("deliberation", "draft"): ({K, SECOND}, [({K}, EDIT | CLASSIFY)]),
    ("deliberation", "direction"): (
        {K, SECOND, S},
        [({S}, APPROVE | REJECT), ({K}, RECALL | REROUTE | RELIEVE)],
    ),
    ("deliberation", "signatures"): (
        {K, SECOND, S, B, *MAYOR, STANDS_IN},
        [({A, B, DEPUTY}, SIGN | ON_PAPER | REJECT), ({K}, RECALL | REROUTE)],
    ),
    ("deliberation", "half_signed"): ({K, SECOND, S, B, *MAYOR}, [({B}, SIGN | REJECT), ({K}, REROUTE)]),
    ("deliberation", "prefecture"): ({K, SECOND, S, B, *MAYOR}, [({K}, REROUTE)]),
    ("deliberation", "publication"): (
        {K, SECOND, S, B, *MAYOR},
        [({K, SECOND}, PUBLISH | MASK), ({K}, REROUTE)],
    ),  # what the State has received is not sent back; a copy of the scene's, it has no transmission of its own
    ("deliberation", "done"): (
        {K, SECOND, S, B, *MAYOR},
        [
            ({K, SECOND}, MASK | PUT_ONLINE),
            ({K, SECOND, S, B, *MAYOR}, AT_THE_PREFECTURE | CERTIFIED),
            ({K}, CANCEL | APPEAL),
        ],
    ),
    ("deliberation", "rejected"): ({K, SECOND, S, B, *MAYOR}, [({K}, EDIT | CLASSIFY)]),
    ("deliberation", "withdrawn"): ({K, SECOND, S, B, *MAYOR}, []),
}
CELLS = pytest.mark.parametrize(("family", "state"), list(TABLE), ids=lambda one: one)
SHOWN = {
    ("invoice", "finance"),
    ("deliberation", "signatures"),
}  # here pages are asked too; elsewhere JSON, the same refusals faster


def _cells(asked: Mapping[str, Collection[tuple[str, str]]]) -> pytest.MarkDecorator:
    cells = [(database, *cell) for database, every in asked.items() for cell in every]
    return pytest.mark.parametrize(
        ("scene", "family", "state"), cells, indirect=["scene"], scope="module", ids=lambda one: one
    )


# Who is refused is decided above the database: every cell on one of them, those that are shown on both
REFUSALS = _cells({"sqlite": list(TABLE), "postgresql": sorted(SHOWN)})
# Who is not logged in is refused before the folder is looked for
DOORS = _cells(dict.fromkeys(("sqlite", "postgresql"), sorted(SHOWN)))


def forms(family: str, state: str) -> tuple[bool, ...]:
    """In which forms an answer is asked in a cell: as JSON everywhere, as a page where the cell is shown, on SQLite."""
    shown = (family, state) in SHOWN and engine().dialect.name == "sqlite"
    return (True, False) if shown else (True,)


def asked_of(family: str, state: str) -> list[str]:
    """The people who are asked in a cell: those who read it, and of those who do not, one of each sort; all where it is shown."""
    readers = TABLE[family, state][0]
    away = [one for one in LOGINS if one not in readers | {FOREIGN, ALONE, TAKEN_BACK}]
    return [*sorted(readers), ALONE, TAKEN_BACK, *(away if (family, state) in SHOWN else away[:1])]


def granted(family: str, state: str, login: str) -> set[tuple[str, str]]:
    """What the table gives to somebody there."""
    readers, verbs = TABLE[family, state]
    given = {one for who, what in verbs if login in who for one in what}
    if login in readers:
        given |= (
            READ
            | TAKEN
            | NOTES
            | UNDO
            | JUDGE
            | CARRIED
            | SENT
            | PRINTED
            | (ASK if login in SIGNERS else set())
        )
        given |= CONTINUE if login in CREATORS else set()
    given |= MARKS if given & {("folders.reject", "POST"), ("folders.publish", "POST")} else set()
    return given

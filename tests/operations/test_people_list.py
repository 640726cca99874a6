"""A town hall brings its people by a list: read as spreadsheets write it, read again before it is written, twice the same."""

import html
import io
import re
from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from app.core.db import engine, reading
from app.journal.chain import verify
from app.operations.persons import importing, lists
from app.people.hierarchy import GRANTED
from app.people.models import Holder, User
from tests.builders.house import House
from tests.operations.test_people_and_desks import ENORA as INVITED
from tests.operations.test_people_and_desks import PEOPLE, K, desk, letters, rights, user, words
from workflows.rights import Rights

pytestmark = pytest.mark.in_turn

HEAD = "Prénom;Nom;Courriel;Identifiant;Qualité;Bureau;Droits"
ENORA = "Enora;Quéméner;e.quemener@kerlann-sur-mer.example;e.quemener;Chargée d’accueil;Direction des finances;viser, déposer"
IWAN = "Iwan;Le Goff;i.legoff@kerlann-sur-mer.example;;Agent comptable;;"
IMPORT = f"{PEOPLE}/importer"


def sent(house: House, content: bytes, client: Any = None) -> TestResponse:
    client = client or house.client(K)
    data = {"file": (io.BytesIO(content), "liste.csv"), "csrf_token": house.csrf(client)}
    return client.post(IMPORT, data=data, content_type="multipart/form-data")


def hidden(page: str, name: str) -> str:
    return re.findall(rf'name="{name}"\s+value="([^"]*)"', page)[0]


def written(house: House, content: bytes) -> TestResponse:
    """Read the list and write it, as the two buttons do."""
    client = house.client(K)
    page = sent(house, content, client).get_data(as_text=True)
    form = {"packed": hidden(page, "packed"), "mark": hidden(page, "mark"), "csrf_token": house.csrf(client)}
    return client.post(f"{IMPORT}/ecrire", data=form, follow_redirects=True)


def people() -> int:
    with reading() as db:
        return db.scalar(sa.select(sa.func.count(User.id))) or 0


def a_list(*lines: str) -> str:
    return "\r\n".join((HEAD, *lines)) + "\r\n"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "cp1252"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_a_list_is_read_whatever_wrote_it_and_nothing_is_written(
    house: House, encoding: str, separator: str
) -> None:
    before = people()
    text = a_list(ENORA.replace("viser, déposer", "viser / déposer"), IWAN).replace(";", separator)
    page = words(sent(house, text.encode(encoding)))
    assert "2 personnes à inviter" in page
    assert "Quéméner" in page
    assert "i.legoff" in page  # the login that is made of his name
    assert "Direction des finances : déposer, viser" in page
    assert people() == before


def test_people_are_invited_with_their_desk_and_the_same_list_again_does_nothing(house: House) -> None:
    letters(house)
    content = a_list(ENORA, IWAN).encode("utf-8-sig")
    assert "2 comptes ouverts, 0 compte changé" in words(written(house, content))
    assert rights("finances", "e.quemener") == ["act", "create"]
    assert set(letters(house)) == {
        "e.quemener@kerlann-sur-mer.example",
        "i.legoff@kerlann-sur-mer.example",
    }
    again = words(sent(house, content))
    assert "Rien à faire : 2 personnes sont déjà à jour" in again
    assert not re.search("Écrire (ces|cette|les)", again)
    with reading() as db:
        assert verify(db, house.actor(K).collectivity_id)[1] is None


def test_a_list_gives_nobody_s_account_to_somebody_else(house: House) -> None:
    line = "Armel;Autre;armel.autre@kerlann-sur-mer.example;a.kervadec;Agent;;"
    page = words(sent(house, a_list(line).encode()))
    assert "est celui d’Armel Kervadec" in page
    # A homonym, his login left out or taken for his own; so is whoever has the same two names, unless the line says that he is he
    alain = "Alain;Kervadec;alain.kervadec@kerlann-sur-mer.example;{};Agent;Direction des finances;déposer"
    lines = alain.format(""), alain.format("a.kervadec"), alain.format("").replace("Alain", "Armel")
    whys = (
        "La ligne n’écrit pas d’identifiant, et « a.kervadec »",
        "lui donne un autre nom et une autre adresse",
        "pour la même, écrivez celui-là",
    )
    for fault, why in zip(_plan(house, a_list(*lines)).faults, whys, strict=True):
        assert why in fault.why
    # A sign that nobody sees is told by its number: the name is there
    (fault,) = _plan(house, a_list(ENORA.replace("Enora", "Eno\u200bra"))).faults
    assert "un signe qui ne se voit pas, ou qui retourne ce qui le suit (U+200B)" in fault.why
    page = words(written(house, a_list(*lines, ENORA).encode()))
    assert "1 compte ouvert, 0 compte changé" in page
    mayor = user("a.kervadec")
    assert (mayor.name, mayor.capacity) == ("Armel Kervadec", "Maire")
    assert mayor.email == "a.kervadec@kerlann-sur-mer.example"
    assert rights("finances", "a.kervadec") is None
    # The same person, who has married, or whose address is new: one of the two changes, and it is read before
    for line in (
        "Armel;Autre;a.kervadec@kerlann-sur-mer.example;a.kervadec;Maire;;",
        "Armel;Kervadec;maire@kerlann-sur-mer.example;a.kervadec;Maire;;",
    ):
        assert "1 compte à changer" in words(sent(house, a_list(line).encode()))


def test_what_changes_is_read_before_and_told_after(house: House) -> None:
    letters(house)
    line = "Gwenola;Tréhorel;g.trehorel@kerlann-sur-mer.example;g.trehorel;Directrice;Direction des finances;viser"
    with reading() as db:
        before = {
            one.desk_id
            for one in db.scalars(sa.select(Holder).where(Holder.user_id == user("g.trehorel").id))
        }
    content = a_list(line).encode()
    page = words(sent(house, content))
    assert "1 compte à changer" in page
    assert "devient « Directrice »" in page
    assert "0 compte ouvert, 1 compte changé" in words(written(house, content))
    assert user("g.trehorel").capacity == "Directrice"
    assert rights("finances", "g.trehorel") == ["act"]
    with reading() as db:
        after = {
            one.desk_id
            for one in db.scalars(sa.select(Holder).where(Holder.user_id == user("g.trehorel").id))
        }
    assert before <= after  # a list takes nobody off a desk that it does not name
    assert "g.trehorel@kerlann-sur-mer.example" in letters(house)


def test_a_line_that_takes_a_desk_s_last_right_is_told_and_confirmed(house: House) -> None:
    folder = house.an_invoice(at="service_done")
    with reading() as db:
        where = sa.select(Holder).where(Holder.desk_id == desk("finances").id)
        people_there = {row.user_id: list(row.rights) for row in db.scalars(where)}
        lines = [
            f"{one.first_name};{one.last_name};{one.email};{one.login};{one.capacity};Direction des finances;déposer"
            for one in db.scalars(sa.select(User).where(User.id.in_(people_there)).order_by(User.id))
        ]
    assert lines
    client, content = house.client(K), a_list(*lines).encode()
    page = sent(house, content, client)
    told, text = words(page), page.get_data(as_text=True)
    assert "Écrire cette liste arrêterait ceci" in told
    assert re.search(
        r"Lignes? \d+, [^.]+\. Au bureau « Direction des finances », plus personne ne pourrait :", told
    )
    assert f"n° {folder}" in told
    form = {"packed": hidden(text, "packed"), "mark": hidden(text, "mark"), "csrf_token": house.csrf(client)}
    refused = client.post(f"{IMPORT}/ecrire", data=form)
    assert (refused.status_code, "Rien n’est écrit : confirmez" in words(refused)) == (409, True)
    with reading() as db:
        assert {row.user_id: list(row.rights) for row in db.scalars(where)} == people_there
    # Another one who could do it, in the same list, and nothing stops any more
    other = ENORA.replace("viser, déposer", "viser, signer, publier, archiver, modifier les étapes, déposer")
    assert "arrêterait ceci" not in words(sent(house, a_list(*lines, other).encode(), client))
    done = client.post(f"{IMPORT}/ecrire", data={**form, "sure": "1"}, follow_redirects=True)
    assert f"{len(lines)} compte" in words(done)


def test_a_list_makes_nobody_an_administrator_and_unmakes_none(house: House) -> None:
    line = "Katell;Morizur;k.morizur@kerlann-sur-mer.example;k.morizur;Secrétaire;;"
    written(house, a_list(line, ENORA).encode())
    assert user(K).administrator
    assert not user("e.quemener").administrator


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (";Sans prénom;a@b.example;a.b;Agent;;", "Écrivez le prénom et le nom"),
        ("Enora;Quéméner;pas une adresse;e.q;Agent;;", "n’est pas une adresse"),
        ("Enora;Quéméner;e@kerlann.example;e.q;;;", "écrivez la qualité"),
        ("Enora;Quéméner;e@kerlann.example;deux mots;Agent;;", "sans espace"),
        (
            "Enora;Quéméner;e@kerlann.example;e.q;Agent;Service fantôme;viser",
            "n’existe pas, ou est fermé : ouvrez-le",
        ),
        ("Enora;Quéméner;e@kerlann.example;e.q;Agent;Direction des finances;", "peut faire à"),
        ("Enora;Quéméner;e@kerlann.example;e.q;Agent;;viser", "et pas le bureau"),
        ("Enora;Quéméner;e@kerlann.example;e.q;Agent;Direction des finances;tout", "n’est pas un droit"),
        (
            "Enora;Quéméner;e@kerlann.example;e.q;Agent;Direction des finances;administrer",
            "n’est pas un droit",
        ),
        (
            "Enora;Quéméner;e@kerlann.example;e.q;Agent;Direction des finances;viser:invoice.nulle-part",
            "n’est pas un type de dossiers d’ici",
        ),
        (
            "Enora;Quéméner;e@kerlann.example;e.q;Agent;Direction des finances;:",
            "n’est pas un type de dossiers",
        ),
        ("Enora;Quéméner;g.trehorel@kerlann-sur-mer.example;e.q;Agent;;", "déjà celle du compte de Gwenola"),
        (f"Enora;{'Q' * 101};e@kerlann.example;e.q;Agent;;", "100 caractères au plus"),
    ],
)
def test_a_line_that_is_wrong_is_left_out_with_its_number_and_its_remedy(
    house: House, line: str, why: str
) -> None:
    page = words(sent(house, a_list(IWAN, line).encode()))
    assert "1 personne à inviter" in page
    assert "1 ligne laissée de côté" in page
    assert why.lower() in page.lower()
    (fault,) = _plan(house, a_list(IWAN, line)).faults
    assert fault.line == 3
    assert "Rien n’a changé" not in fault.why  # the other lines may well be written


def _plan(house: House, text: str) -> importing.Plan:
    here = house.actor(K).collectivity_id
    with reading(here) as db:
        return importing.plan(db, here, text.encode())


def test_the_list_has_a_word_for_every_right_that_a_desk_gives(house: House) -> None:
    assert list(importing.WORDS) == list(GRANTED)
    for right, word in importing.WORDS.items():
        plan = _plan(
            house, a_list(f"Enora;Quéméner;e@kerlann.example;e.q;Agent;Direction des finances;{word}")
        )
        assert not plan.faults
        (given,) = plan.entries[0].arrival.seats.values()
        assert given == Rights.of(right)
        assert word in plan.seats_in_words(plan.entries[0])[0]
    left = _plan(house, a_list("Enora;Quéméner;e@kerlann.example;e.q;Agent;Direction des finances;dicter"))
    assert "« dicter » n’est pas un droit : écrivez déposer, viser, signer" in left.faults[0].why


def test_one_person_has_one_writing_one_address_and_one_line_for_each_desk(house: House) -> None:
    other_name = ENORA.replace("Enora", "Énora").replace("Direction des finances", "Secrétariat général")
    same_address = "Paol;Riou;e.quemener@kerlann-sur-mer.example;p.riou;Agent;;"
    plan = _plan(house, a_list(ENORA, other_name, same_address, ENORA))
    assert [one.line for one in plan.faults] == [3, 4, 5]
    assert "écrit autrement à la ligne 2" in plan.faults[0].why
    assert "est aussi à la ligne 2, pour « e.quemener »" in plan.faults[1].why
    assert "déjà donné à cette personne" in plan.faults[2].why
    assert [one.name for one in plan.entries] == ["Enora Quéméner"]
    two = _plan(house, a_list(ENORA, ENORA.replace("Direction des finances", "Secrétariat général")))
    assert (two.faults, len(two.entries[0].arrival.seats)) == ((), 2)


def test_the_number_of_a_line_is_its_own_after_a_cell_with_a_line_end(house: House) -> None:
    quoted = ENORA.replace("Chargée d’accueil", '"Chargée\nd’accueil"')
    plan = _plan(house, a_list(quoted, "X"))
    assert [one.line for one in plan.faults] == [4]
    assert plan.entries[0].arrival.particulars.capacity == "Chargée d’accueil"
    # A line that is written anew leaves the others their number and their words, and what cp1252 cannot write is kept too
    content = a_list(quoted, ENORA.replace("e.quemener@", "e quemener@"), "", IWAN, "X").encode("cp1252")
    same = dict(zip(lists.COLUMNS, ENORA.replace("e.quemener@", "e quemener@").split(";"), strict=True))
    cp1252 = lists.Reading("Windows-1252", "point-virgule")
    assert lists.corrected(content, {4: same, 9: None}) == (content, cp1252)
    after, read_as = lists.corrected(
        content, {2: None, 4: {"Prénom": "Wałęsa", "Courriel": "w@kerlann.example"}}
    )
    assert read_as == lists.Reading("UTF-8", "point-virgule")
    rows = after.decode("utf-8-sig").splitlines()
    assert rows == [HEAD, "", "", "Wałęsa;;w@kerlann.example;;;;", "", IWAN, "X"]
    # A column that the file has not is added for it
    short = b"Nom;Pr\xe9nom;Courriel;Qualit\xe9\r\nQ;E;q@kerlann.example;Agent\r\n"
    cells = {"Prénom": "E", "Nom": "Q", "Courriel": "q@kerlann.example", "Qualité": "Agent"}
    assert lists.corrected(short, {2: cells})[0] == short
    wider, _ = lists.corrected(short, {2: {**cells, "Identifiant": "e.q"}})
    assert (
        wider.decode("cp1252")
        == "Nom;Prénom;Courriel;Qualité;Identifiant\r\nQ;E;q@kerlann.example;Agent;e.q\r\n"
    )


def test_a_list_is_read_otherwise_than_it_was_recognised_and_what_was_typed_goes_along(house: House) -> None:
    client = house.client(K)

    def read_again(page: str, **typed: str) -> TestResponse:
        form = {**listed(page), "csrf_token": house.csrf(client), **typed}
        return client.post(f"{IMPORT}/relire", data=form)

    # Old spreadsheets of a Macintosh: their bytes are those of Windows too, and only who reads them sees that accents are wrong
    content = a_list(ENORA, IWAN.replace("Agent", "Employé").replace("@", " ")).encode("mac-roman")
    lost = sent(house, content, client)
    assert (lost.status_code, "la première ligne se lit : PrŽnom;Nom;" in words(lost)) == (422, True)
    assert "1 personne à inviter" in words(
        read_again(lost.get_data(as_text=True), **{"new-encoding": "Mac OS Roman"})
    )
    bare = content.replace(b"Pr\x8enom", b"Prenom").replace(b"Qualit\x8e", b"Qualite")
    page = sent(house, bare, client).get_data(as_text=True)
    assert "Quéméner" not in page
    typed = {"l3-2": "i.łegoff@kerlann.example", "new-encoding": "Mac OS Roman"}
    page = read_again(page, **typed).get_data(as_text=True)
    # An « è » of theirs is a byte that no recognised encoding has: it is a list all the same, and a workbook is none
    helene = a_list(ENORA.replace("Enora", "Hélène")).encode("mac-roman")
    unknown = sent(house, helene, client)
    assert unknown.status_code == 422
    assert "Le codage de ce fichier n’est pas reconnu." in words(unknown)
    assert "sous « Lire autrement » (souvent Mac OS Roman, sur un Mac)" in words(unknown)
    again = read_again(unknown.get_data(as_text=True), **{"new-encoding": "Mac OS Roman"})
    assert "Hélène Quéméner" in words(again)
    assert "ne se lit pas comme une liste" in words(sent(house, b"PK\x03\x04\x14\0\x8f\0", client))
    # What was typed is not read otherwise; a letter that the file cannot hold moves it to UTF-8
    assert "Quéméner" in page
    assert "i.łegoff" in page
    assert "Employé comptable" in page
    assert hidden(page, "encoding") == "UTF-8"
    other = read_again(page, **{"new-encoding": "UTF-8", "new-separator": "virgule"})
    assert "ne nomme pas ces colonnes" in words(other)
    assert (
        hidden(other.get_data(as_text=True), "separator") == "point-virgule"
    )  # the list stays as it was read
    asked = {**listed(page), "new-separator": "tabulation", "csrf_token": house.csrf(client)}
    assert "ne nomme pas ces colonnes" in words(client.post(f"{IMPORT}/ecrire", data=asked))
    assert client.post(f"{IMPORT}/relire", data={**asked, "new-encoding": "latin-9"}).status_code == 400

    # A list that is not read at all is read otherwise without being chosen again; « Texte Unicode » is recognised
    titled = (
        f'{HEAD};"Nom de naissance, un, deux, trois, quatre, cinq, six, sept, huit"\r\n{IWAN};\r\n'.encode()
    )
    lost = sent(house, titled, client)
    assert lost.status_code == 422
    assert "la première ligne se lit : Prénom;Nom;" in words(lost)
    assert "1 personne à inviter" in words(
        read_again(lost.get_data(as_text=True), **{"new-separator": "point-virgule"})
    )
    unicode = sent(house, a_list(ENORA).replace(";", "\t").encode("utf-16"), client)
    assert "séparateur tabulation, codage UTF-16" in words(unicode)
    assert "Quéméner" in words(unicode)


def test_lines_left_out_are_taken_away_mended_and_imported_again(house: House) -> None:
    client = house.client(K)
    nowhere = ENORA.replace("finances", "fêtes").replace("Chargée d’accueil", "=1+1")
    page = sent(house, a_list(nowhere, IWAN.replace("@", " "), "Zoé;;;;;;").encode("cp1252"), client)
    form = {**listed(page.get_data(as_text=True)), "csrf_token": house.csrf(client)}
    typed = {"l2-5": "Direction des finances", "l4-off": "1"}
    file = client.post(f"{IMPORT}/laissees.csv", data={**form, **typed})
    assert "attachment" in file.headers["Content-Disposition"]
    head, first, second = file.get_data(as_text=True).removeprefix("\ufeff").splitlines()
    assert head == f"{HEAD};Ligne;Pourquoi"
    assert first.startswith(
        "Enora;Quéméner;e.quemener@kerlann-sur-mer.example;e.quemener;'=1+1;Direction des finances;"
    )
    assert ";2;Le bureau « Direction des fêtes » n’existe pas" in first
    assert ";3;" in second
    assert "n’est pas une adresse" in second
    mended = file.get_data().decode().replace("legoff kerlann", "legoff@kerlann").encode()
    plan = _plan(house, mended.decode("utf-8-sig"))
    assert (len(plan.of("new")), plan.faults) == (2, ())
    assert plan.entries[0].arrival.particulars.capacity == "=1+1"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"PK\x03\x04\x00\x00", "enregistrez-le au format CSV"),
        (b"", "ne nomme pas ces colonnes"),
        (HEAD.encode(), "ne contient personne"),
        (b"Nom;Courriel\r\nQ;a@b.example", "« Prénom », « Qualité »"),
        ((HEAD + "\n" + (IWAN + "\n") * 5_001).encode(), "5 000 lignes au plus"),
    ],
)
def test_a_file_that_is_no_list_is_refused_in_french(house: House, content: bytes, sentence: str) -> None:
    answer = sent(house, content)
    assert answer.status_code in {413, 422}
    assert sentence in words(answer)


def test_no_file_is_asked_for(house: House) -> None:
    client = house.client(K)
    assert "5\u202f000 lignes au plus" in client.get(IMPORT).get_data(as_text=True)
    answer = client.post(IMPORT, data={"csrf_token": house.csrf(client)})
    assert (answer.status_code, "choisissez le fichier" in words(answer)) == (422, True)


def test_a_list_that_corrections_leave_empty_stays_as_it_was(house: House) -> None:
    client = house.client(K)
    form = listed(sent(house, a_list("Zoé;;;;;;").encode(), client).get_data(as_text=True))
    bare = client.post(
        f"{IMPORT}/relire", data={**form, "l2-off": "1", "csrf_token": house.csrf(client)}
    ).get_data(as_text=True)
    assert "Ce fichier ne contient personne" in html.unescape(bare)
    assert hidden(bare, "packed") == form["packed"]


def test_what_changed_since_it_was_read_is_read_again(house: House) -> None:
    client = house.client(K)
    page = sent(house, a_list(ENORA, IWAN).encode(), client).get_data(as_text=True)
    form = {"packed": hidden(page, "packed"), "mark": hidden(page, "mark"), "csrf_token": house.csrf(client)}
    with engine().begin() as connection:
        connection.execute(
            sa.update(User).where(User.login == "g.trehorel").values(email="i.legoff@kerlann-sur-mer.example")
        )
    before = people()
    again = words(client.post(f"{IMPORT}/ecrire", data=form))
    assert "relisez ce qui serait écrit" in again
    assert "déjà celle du compte de Gwenola Tréhorel" in again
    assert people() == before
    spoilt = client.post(f"{IMPORT}/ecrire", data={**form, "packed": "illisible"})
    assert spoilt.status_code == 400


def test_a_cell_that_is_a_formula_is_text_and_comes_back_harmless(house: House) -> None:
    trap = '=HYPERLINK("http://piege.example")'
    line = f"Enora;Quéméner;e.quemener@kerlann-sur-mer.example;e.quemener;{trap};;"
    written(house, a_list(line.replace('"', "")).encode())
    out = house.client(K).get(f"{PEOPLE}/liste.csv").get_data(as_text=True)
    assert "'=HYPERLINK" in out
    assert ";=HYPERLINK" not in out
    plan = _plan(house, out.removeprefix("\ufeff"))
    assert (plan.faults, plan.to_do) == ((), ())  # the apostrophe is taken off when it comes back


def test_what_is_exported_changes_nothing_when_it_is_brought_back(house: House) -> None:
    out = house.client(K).get(f"{PEOPLE}/liste.csv").get_data(as_text=True)
    plan = _plan(house, out.removeprefix("\ufeff"))
    assert plan.faults == ()
    assert plan.to_do == ()
    assert len(plan.entries) > 5


@pytest.mark.parametrize(
    ("encoding", "read_as"), [("cp1252", "codage Windows-1252"), ("utf-8-sig", "codage UTF-8")]
)
def test_five_thousand_lines_with_forty_faults_are_told_one_by_one_in_a_dozen_statements(
    house: House, encoding: str, read_as: str
) -> None:
    lines = [
        f"Zoé;Nom{n};p{n}@kerlann.example;p.nom{n};=HYPERLINK(A{n});finances;viser" for n in range(5_000)
    ]
    wrong = range(0, 4_000, 100)
    for at in wrong:
        lines[at] = lines[at].replace("@", " ")
    here, asked = house.actor(K).collectivity_id, list[str]()

    def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    sa.event.listen(engine(), "before_cursor_execute", hear)
    try:
        with reading(here) as db:
            plan = importing.plan(db, here, a_list(*lines).encode(encoding))
    finally:
        sa.event.remove(engine(), "before_cursor_execute", hear)
    assert plan.reading.words == f"séparateur point-virgule, {read_as}"
    assert [one.line for one in plan.faults] == [at + 2 for at in wrong]
    assert len(plan.entries) == 4_960
    assert plan.entries[0].arrival.particulars.capacity == "=HYPERLINK(A1)"
    assert len(asked) <= 12

    # Read by pages of two hundred, and mended or taken off where they stand: nothing is uploaded again
    client = house.client(K)
    page = sent(house, a_list(*lines).encode(encoding), client).get_data(as_text=True)
    assert (page.count("p.nom200<"), page.count("p.nom202<"), page.count("p.nom203<")) == (0, 1, 0)
    form = listed(page)
    assert len(form["line"]) == 40
    form |= {"csrf_token": house.csrf(client), "to-new": "2", "l2-2": "p0@kerlann.example"}
    two = client.post(f"{IMPORT}/relire", data=form)
    shown = two.get_data(as_text=True)
    assert "39 lignes laissées de côté" in words(two)
    assert "Page 2 sur 25" in words(two)
    # The first line is read now: everybody moves by one
    assert (shown.count("p.nom201<"), shown.count("p.nom202<"), shown.count("p.nom404<")) == (0, 1, 0)
    before = people()
    # A cell that no list holds is shortened, and told; the list stays
    long = client.post(
        f"{IMPORT}/relire", data={**listed(shown), "csrf_token": house.csrf(client), "l102-1": "x" * 140_000}
    )
    assert "Ligne 102, « Nom » : 5 000 signes au plus" in words(long)
    assert "39 lignes laissées de côté" in words(long)
    form = {**listed(shown), "csrf_token": house.csrf(client), "l102-off": "1"}
    first = client.post(f"{IMPORT}/ecrire", data=form)
    # What was typed on the way is read before it is written
    assert "Vos corrections sont lues" in words(first)
    assert "38 lignes laissées de côté" in words(first)
    assert people() == before


def listed(page: str) -> dict[str, Any]:
    """The form of a list that was read, as the page sends it."""
    fields = re.findall(r'name="(packed|mark|encoding|separator|l\d+-\d)"\s+value="([^"]*)"', page)
    lines = re.findall(r'name="line" value="(\d+)"', page)
    return {**{name: html.unescape(value) for name, value in fields}, "line": lines}


def test_a_long_list_is_written_in_parts_and_goes_on_where_it_stopped(house: House) -> None:
    content = a_list(
        *(
            f"Prénom;Nom{n};p{n}@kerlann.example;p.nom{n};Agent;Direction des finances;viser"
            for n in range(230)
        )
    ).encode()
    before = people()
    first = words(written(house, content))
    assert "200 comptes ouverts" in first
    assert "Il en reste 30 à écrire" in first
    assert "30 personnes à inviter" in first
    assert people() == before + 200
    assert "30 comptes ouverts" in words(written(house, content))
    assert people() == before + 230


def test_a_desk_is_given_with_the_invitation_and_neither_half_alone(house: House) -> None:
    client = house.client(K)
    form = {**INVITED, "csrf_token": house.csrf(client)}
    finances = desk("finances").id
    nowhere = client.post(f"{PEOPLE}/inviter", data={**form, "rights": ["act"]})
    assert "choisissez le bureau" in words(nowhere)
    empty = client.post(f"{PEOPLE}/inviter", data={**form, "desk": str(finances)})
    assert "cochez au moins un droit" in words(empty)
    with reading() as db:
        assert db.scalar(sa.select(User.id).where(User.login == "e.quemener")) is None
    done = client.post(
        f"{PEOPLE}/inviter",
        data={**form, "desk": str(finances), "rights": ["act", "create"]},
        follow_redirects=True,
    )
    assert "Donnez-lui maintenant un bureau" not in words(done)
    assert rights("finances", "e.quemener") == ["act", "create"]
    foreign = client.post(
        f"{PEOPLE}/inviter",
        data={**form, "login": "x.y", "email": "x.y@kerlann.example", "desk": "999999", "rights": ["act"]},
    )
    assert foreign.status_code == 404

"""The schema goes up, says the same as the models, comes down, and goes up again, on both databases."""

import re
from hashlib import sha256
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from app.core import schema
from app.core.clock import now
from app.core.db import Base, engine, make_engine, reading, writing
from app.core.losses import REMADE, losses
from app.core.refusals import Refusal, catalogue
from app.display import following
from app.journal.models import Origin
from app.people import applications, desks, persons
from app.people.login import of_user
from app.people.models import Application, Factor, Holder, RecoveryCode, User
from tests.api.software import Software
from tests.builders.house import House
from tests.cluster import Cluster
from workflows.rights import Rights
from workflows.vocabulary import Right

# What a merged migration does never changes (`test_a_migration_that_was_merged_is_never_edited`): what it made of rows is
# asked on one database each time, all of them down and up on both
pytestmark = pytest.mark.in_turn
ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ROOT / "migrations" / "versions"
FROZEN = Path(__file__).with_name("migrations.sha256")


def tables() -> set[str]:
    """The tables of ours; those of SQLite's index of words come and go with it."""
    return {one for one in sa.inspect(engine()).get_table_names() if not one.startswith("fts_")}


@pytest.mark.both_databases
def test_up_check_down_up(house: House) -> None:
    schema.check()
    full = tables()
    assert full == {*Base.metadata.tables, "alembic_version"}
    schema.downgrade()
    assert tables() == {"alembic_version"}
    assert schema.revisions()[0] is None
    schema.upgrade()
    schema.check()
    assert tables() == full
    found, wanted = schema.revisions()
    assert found == wanted


def test_each_step_goes_down_and_up_alone(house: House) -> None:
    for _ in range(3):
        schema.downgrade("-1")
        schema.upgrade("+1")
    schema.downgrade("-2")
    schema.upgrade()
    schema.check()


def test_a_base_of_the_day_when_a_merged_migration_was_edited_upgrades_too(house: House) -> None:
    """0096 named a column `left`, then `unclaimed` for a day; it is as it was merged, and 0109 takes both."""
    schema.downgrade("0108_opened_once")
    with engine().begin() as connection:
        connection.execute(sa.text('ALTER TABLE return_box RENAME COLUMN "left" TO unclaimed'))
    schema.upgrade()
    schema.check()


def test_the_commands_that_people_type_do_it(house: House) -> None:
    runner = house.app.test_cli_runner()
    assert runner.invoke(args=["check-schema"]).exit_code == 0
    assert runner.invoke(args=["downgrade"]).exit_code != 0  # nobody empties a database by forgetting a word
    kept = runner.invoke(args=["downgrade", "base"])
    assert (kept.exit_code, "perdrait la table " in kept.output.replace("\xa0", " ")) == (1, True)
    assert runner.invoke(args=["downgrade", "base", "--losing"]).exit_code == 0
    up = runner.invoke(args=["upgrade"])
    assert up.exit_code == 0
    base, nobody, link = up.output.splitlines()
    assert base == f"Base à jour : {schema.revisions()[1]}"
    assert nobody == "Personne n’administre encore cette installation."
    assert "/premier-jour#" in link
    assert not schema.behind()
    full = tables()
    with engine().begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999_of_a_later_version'"))
    for words in (["upgrade"], ["downgrade", "0001_people"], ["downgrade", "base"]):
        later = runner.invoke(args=words)
        assert later.exit_code == 1
        assert "La base est à une version que ce programme ne connaît pas." in later.output.replace(
            "\xa0", " "
        )
        assert "Traceback" not in later.output
    assert (schema.behind(), schema.revisions()[0], tables()) == (True, "9999_of_a_later_version", full)


def test_a_downgrade_that_would_lose_something_says_what_and_does_nothing(house: House) -> None:
    def down(*words: str) -> tuple[int, str]:
        done = house.app.test_cli_runner().invoke(args=["downgrade", *words])
        return done.exit_code, done.output.replace("\xa0", " ")

    here = house.actor("k.morizur")
    code = RecoveryCode(person_id=here.person_id, code_hash="0" * 64, salt="00", created_at=now())
    with writing() as db, db.begin():
        db.add(code)
        db.execute(sa.delete(Origin))
        db.execute(sa.delete(Holder))  # who puts visas alone would publish: said by the test of those rights
    head = schema.revisions()[0]
    refused, said = down("0049_returned_clients")
    assert refused == 1
    assert "perdrait " in said
    assert "codes de secours qui n’ont pas servi (1)" in said
    assert "la colonne recovery_code.salt (1 valeur)" in said
    assert "--losing" in said
    assert schema.revisions()[0] == head
    assert down("0050_sealed_and_salted")[0] == 0  # nothing but what the doctor found again: no word is asked
    schema.upgrade()
    with writing() as db, db.begin():
        assert db.scalar(sa.select(RecoveryCode.salt)) == "00"
    assert "La version « 0099_never » n’est pas connue ici" in down("0099_never")[1]
    # What alembic understands besides, and whatever leads nowhere, is not judged for what it loses: it is refused
    for words in (
        "head-50",
        f"{head}-8",
        "@base",
        "heads",
        "head",
        "base ",
        "Base",
        "",
        "0",
        "005",
        "-0",
        "-999",
        "+1",
        "-²",
    ):
        for more in ((), ("--losing",)):
            code, said = down(*more, "--", words)
            assert (code, f"La version « {words} » n’est pas connue ici" in said) == (1, True), (words, said)
            assert schema.revisions()[0] == head
    assert schema.lower("0050") == "0050_sealed_and_salted"
    assert losses("-1") == losses(schema.below()[1])
    assert losses(f"-{len(schema.below())}") == losses("base")
    assert down("0049_returned_clients", "--losing")[0] == 0
    schema.upgrade()
    schema.check()


BEFORE_PERSONS = "0075_trial_settings"


def test_each_account_enters_as_before_once_persons_stand_apart_and_again_after_going_back(
    house: House,
) -> None:
    """Passwords, factors, codes, sessions and whoever was only invited, on a base that works; up, down and up again."""
    login, invited = "r.pellenec", "e.invitee"
    here = house.actor(login)
    particulars = {"email": "i@x.example", "first_name": "E", "last_name": "Invitée", "capacity": "Agente"}
    desks.create_user(here.collectivity_id, invited, **particulars)
    client, moment = house.client(login), now()
    house.a_deliberation(at="done")
    with writing() as db, db.begin():
        db.add(RecoveryCode(person_id=here.person_id, code_hash="0" * 64, created_at=moment))
        factor = {"kind": "totp", "name": "Téléphone", "transports": [], "created_at": moment}
        db.add(Factor(person_id=here.person_id, trusted_from=moment, removed_at=moment, **factor))
    with engine().connect() as connection:
        kept = connection.execute(sa.text("SELECT login, password_hash FROM person ORDER BY login")).all()
        counts = {name: _count(connection, name) for name in tables() - REMADE - {"alembic_version"}}
    assert not [one for one in losses(BEFORE_PERSONS) if "journal_origin" not in one]
    schema.downgrade(BEFORE_PERSONS)
    with engine().connect() as connection:
        query = "SELECT login, password_hash FROM user_account {} ORDER BY login"
        entering = query.format("WHERE password_hash IS NOT NULL")
        assert connection.execute(sa.text(entering)).all() == kept
        names = "SELECT u.login FROM {} t JOIN user_account u ON u.id = t.user_id"
        for table in ("recovery_code", "factor"):
            assert connection.execute(sa.text(names.format(table))).scalars().all() == [login]
    schema.upgrade()
    schema.check()
    with engine().connect() as connection:
        again = connection.execute(sa.text("SELECT login, password_hash FROM person ORDER BY login")).all()
        assert again == kept
        assert {name: _count(connection, name) for name in counts} == counts
    assert client.get("/a-traiter").status_code == 200
    assert house.client(login).get("/compte").status_code == 200
    assert house.actor(invited).person_id is None
    assert desks.reset(desks.first_link(here.collectivity_id, invited)[0], "une phrase à elle") == invited
    # One who has joined a second collectivity is not cut in two unsaid
    other = desks.create_collectivity(
        "219909997", "Autre-Ville", department="029", district="1", nature="31", settings={}
    )
    desks.create_user(other, "r.ailleurs", **{**particulars, "email": "r@x.example"})
    persons.join(house.actor(login), desks.first_link(other, "r.ailleurs")[0])
    said = " ".join(losses(BEFORE_PERSONS)).replace("\xa0", " ")
    assert "comptes dont la personne" in said
    assert "(2)" in said
    schema.downgrade(BEFORE_PERSONS)
    with engine().connect() as connection:
        both = connection.execute(
            sa.text(query.format("WHERE login LIKE 'r.pellenec%'").replace("login, ", "login, id, "))
        ).all()
    assert [one.login for one in both] == [login, f"{login}-{both[1].id}"]
    schema.upgrade()
    schema.check()


def test_logins_that_two_collectivities_share_come_down_each_once(house: House) -> None:
    """Two persons of a same login, one of whom works under another's former login: nobody's account is lost on the way."""
    here = house.actor("k.morizur").collectivity_id
    other = desks.create_collectivity(
        "219909997", "Autre-Ville", department="029", district="1", nature="31", settings={}
    )
    particulars = {"first_name": "M", "last_name": "Martin", "capacity": "Agent"}
    desks.create_user(other, "a.premier", email="a@x.example", **particulars)
    desks.create_user(other, "m.martin", email="m@x.example", **particulars)
    desks.create_user(here, "m.martin", email="mm@x.example", **particulars)
    links = {key: desks.first_link(*key)[0] for key in ((here, "m.martin"), (other, "m.martin"))}
    desks.reset(links[here, "m.martin"], "une phrase à elle")
    desks.reset(links[other, "m.martin"], "une autre phrase")
    with reading(here) as db:
        one = db.scalars(sa.select(User).where(User.login == "m.martin")).one()
        actor = of_user(db, one, "Kerlann")
    persons.join(actor, desks.first_link(other, "a.premier")[0])
    schema.downgrade(BEFORE_PERSONS)
    with engine().connect() as connection:
        logins = connection.scalars(sa.text("SELECT login FROM user_account")).all()
    assert len(logins) == len(set(logins))
    assert sum(one.startswith("m.martin") for one in logins) == 3
    assert not [one for one in logins if "\t" in one]
    schema.upgrade()
    schema.check()


def _count(connection: sa.Connection, table: str) -> int:
    return connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one()


@pytest.mark.both_databases
def test_a_base_of_a_later_version_is_never_said_behind(house: House) -> None:
    with engine().begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999_of_a_later_version'"))
    said = house.app.test_cli_runner().invoke(args=["check-schema"])
    assert (said.exit_code, "ce programme ne connaît pas" in said.output.replace("\xa0", " ")) == (1, True)


@pytest.mark.both_databases
def test_a_drift_between_models_and_database_is_found(house: House) -> None:
    with engine().begin() as connection:
        connection.execute(sa.text("ALTER TABLE outbox ADD COLUMN oubliee VARCHAR"))
    drifted = house.app.test_cli_runner().invoke(args=["check-schema"])
    assert drifted.exit_code == 1
    assert "ne disent pas le même schéma : remove_column outbox.oubliee" in drifted.output.replace(
        "\xa0", " "
    )


def test_every_room_with_tables_is_known_to_the_migrations() -> None:
    known = (ROOT / "migrations" / "env.py").read_text(encoding="utf-8")
    rooms = {
        one.relative_to(ROOT / "app").with_suffix("").as_posix().replace("/", ".")
        for one in (ROOT / "app").rglob("*.py")
        if re.search(r"^    __tablename__", one.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert not {room for room in rooms if f'"{room}"' not in known}


def test_migrations_are_numbered_and_the_head_file_is_right() -> None:
    names = sorted(one.stem for one in VERSIONS.glob("*.py"))
    assert [name[:4] for name in names] == [f"{n:04d}" for n in range(1, len(names) + 1)]
    assert (VERSIONS.parent / "HEAD").read_text().strip() == names[-1]


def test_a_migration_that_was_merged_is_never_edited() -> None:
    """A base that was made by the former text would say that it is up to date, and have other tables.

    A new migration adds its line: `sha256sum migrations/versions/0042_….py`, the name alone kept.
    """
    lines = [line.split() for line in FROZEN.read_text(encoding="utf-8").splitlines()]
    frozen = {name: digest for digest, name in lines}
    there = {one.name: sha256(one.read_bytes()).hexdigest() for one in VERSIONS.glob("*.py")}
    assert there == frozen


def test_a_deposit_key_kept_before_the_digests_still_answers_with_its_folder(house: House) -> None:
    software = Software(house, "comptabilite", [Right.CREATE])
    made = software.deposit(key="2026-118").json
    schema.downgrade("0007_deposit_key")
    schema.upgrade()
    again = software.deposit(key="2026-118")
    assert again.json["id"] == made["id"]
    assert software.deposit(key="2026-119").json["id"] != made["id"]


def test_who_put_visas_publishes_on_once_upgraded_and_a_limit_is_no_right_for_all_by_going_back(
    house: House,
) -> None:
    """To publish is a right apart since 0073: nobody loses or gains it by the upgrade; no limit is widened by the way back."""
    here = house.actor("k.morizur").collectivity_id
    applications.create_application(here, "Logiciel", "finances", [Right.CREATE, Right.ACT])

    def given() -> dict[str, list[list[str]]]:
        with engine().connect() as connection:
            return {
                name: [
                    list(one)
                    for one in connection.scalars(
                        sa.select(table.rights).order_by(*table.__table__.primary_key)
                    )
                ]
                for name, table in (("holder", Holder), ("application", Application))
            }

    schema.downgrade("0072")
    before = given()
    schema.upgrade()
    both = {
        name: [[*one, *(["publish"] if "act" in one else [])] for one in rows]
        for name, rows in before.items()
    }
    after = given()
    assert {name: [set(one) for one in rows] for name, rows in after.items()} == {
        name: [set(one) for one in rows] for name, rows in both.items()
    }
    assert any("publish" in one for one in after["application"])
    desks.seat(here, "finances", "t.lescoat", Rights.read(["act:invoice", "publish"]))
    desks.seat(here, "technique", "t.lescoat", Rights.of(Right.FOLLOW))
    assert (
        "droits qui ne se disaient pas avant : pour certains types, de publier seul, de suivre (2)"
        in losses("0072")
    )
    assert not [one for one in losses("0072") if "qui visent sans publier" in one]
    desks.seat(here, "paye", "t.lescoat", [Right.ACT])
    assert "titulaires qui visent sans publier, et qui publieraient (1)" in losses("0072")
    publisher = applications.create_application(here, "Site", "finances", [Right.PUBLISH])
    assert publisher
    assert "droits d’applications qui ne se disaient pas avant (1)" in losses("0072")
    schema.downgrade("0072")
    assert {one for rows in given().values() for rights in rows for one in rights} <= {
        "create",
        "act",
        "sign",
        "archive",
        "reroute",
    }
    assert [] in given()["holder"]
    schema.upgrade()
    schema.check()


def test_old_folders_are_found_by_what_they_are_searched_by_once_upgraded(house: House) -> None:
    """What a stopped upgrade left half made on PostgreSQL is made again, and what it had done stays."""
    actor = house.actor("g.trehorel")
    old = house.an_invoice(
        at="draft", seller="Roué Élagage", seller_siret="21290999800017", total_ttc="1234.56"
    )
    schema.downgrade("0057")
    with engine().execution_options(writes=True).begin() as connection:
        connection.execute(sa.text("UPDATE folder SET title_key = 'as before'"))
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("CREATE INDEX ix_folder_open ON folder (id)"))
            half_made = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_folder_open'::regclass"
            connection.execute(sa.text(half_made))
    schema.upgrade()
    schema.check()
    for few in (following.FEW, 0):
        with reading(actor.collectivity_id) as db, pytest.MonkeyPatch.context() as patch:
            patch.setattr(following, "FEW", few)
            for words in ("roue", "21290999800017", "1 234,56"):
                assert [one.id for one in following.follow(db, actor, words=words)] == [old], words


@pytest.mark.both_databases
def test_a_base_whose_index_of_words_is_no_longer_kept_is_said_to_differ(house: House) -> None:
    with engine().execution_options(writes=True).begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.execute(sa.text("DROP TRIGGER fts_folder_changed"))
        else:
            connection.execute(sa.text("DROP INDEX ix_folder_words"))
    with pytest.raises(Refusal) as refused:
        schema.check()
    assert refused.value.key == "schema-drifted"
    assert refused.value.facts["what"] in {"add_trigger fts_folder_changed", "add_index ix_folder_words"}


def test_a_server_without_what_the_search_demands_is_refused_in_french(cluster: Cluster) -> None:
    url = cluster.create("without_words")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS plain")
        connection.execute("CREATE ROLE plain LOGIN")
    plain = make_engine(url.replace("paraphe@", "plain@"))
    for name, key, words in (
        ("pg_none", "extension-missing", "qui n’est pas installée"),
        ("pg_trgm", "extension-refused", "CREATE EXTENSION pg_trgm;"),
    ):
        with plain.begin() as here, pytest.raises(Refusal) as refused:
            schema.bring_in(here, name)
        assert refused.value.key == key
        assert words in catalogue.say(key, refused.value.facts)[1].replace("\xa0", " ")
    plain.dispose()
    cluster.drop("without_words")

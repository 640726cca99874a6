"""A collectivity's own folder for hand-overs: under its SIREN and nowhere else, no link followed, tried before it serves."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.channels.handover.channel import HandoverChannel
from app.channels.handover.settings import HandoverSettings
from app.core.refusals import Refusal
from app.people.applications import by_command
from app.people.own_settings.changing import change_setting, forget_setting, try_out
from app.transmission.ports import AnswerKind, Unreachable
from demo.cast import SIREN
from tests.builders.house import House
from tests.channels.parcels import NOW, a_parcel
from tests.people.test_own_settings import PAGE, K, elsewhere, kept, post, text

pytestmark = pytest.mark.in_turn
OTHER = "212900018"
FOLDER = "handover_folder"


def choose(house: House, name: str = "finances/factures") -> Path:
    """Where the hand-overs of ours go once it has chosen this name."""
    change_setting(house.actor(K), FOLDER, {FOLDER: name})
    return house.settings.handover_root / SIREN / name


def test_two_collectivities_that_choose_one_name_have_two_folders(house: House) -> None:
    other = elsewhere("a.ailleurs")
    client = house.client(K)
    assert post(house, client, FOLDER, value="finances").location == PAGE
    page = text(client.get(PAGE))
    assert f"Un fichier d’essai a été écrit dans « {SIREN}/finances », relu, puis ôté." in page
    change_setting(by_command(other), FOLDER, {FOLDER: "finances"})
    root = house.settings.handover_root
    assert sorted(one.parent.name for one in root.glob("*/finances")) == sorted([OTHER, SIREN])
    assert list(root.glob("*/finances/*")) == [], "nothing of the trial is left"
    # A folder that is finished lies there, whole, and nowhere else
    folder_id = house.an_invoice(at="handover")
    house.drain()
    assert house.folder(folder_id).place == "done"
    (zipped,) = root.rglob("*.zip")
    assert zipped.parent == root / SIREN / "finances"
    assert list((house.settings.handover_folder / SIREN).glob("*.zip")) == []
    assert try_out(house.actor(K), "handover").fine
    assert forget_setting(house.actor(K), FOLDER)
    assert kept(house).get(FOLDER) is None


@pytest.mark.parametrize(
    "name",
    [
        "..",
        f"../{OTHER}/finances",
        "/etc",
        "a//b",
        "a/",
        ".cache",
        "a/.ssh",
        "a\\b",
        "écoles",
        "a b",
        "a/b/c/d/e",
        "x" * 61,
    ],
)
def test_what_is_no_plain_path_is_refused_and_nothing_is_made(house: House, name: str) -> None:
    with pytest.raises(Refusal, match="handover-folder"):
        choose(house, name)
    assert not house.settings.handover_root.exists()


@pytest.mark.parametrize("depth", ["siren", "folder"])
def test_a_link_put_in_the_place_of_a_folder_is_not_followed(house: House, depth: str) -> None:
    theirs = house.settings.handover_root / OTHER / "finances"
    theirs.mkdir(parents=True)
    mine = house.settings.handover_root / SIREN
    if depth == "siren":
        mine.symlink_to(theirs.parent)
    else:
        mine.mkdir()
        (mine / "finances").symlink_to(theirs)
    answer = post(house, house.client(K), FOLDER, value="finances")
    assert answer.status_code == 409
    assert f"Rien ne s’écrit dans « {SIREN}/finances »" in text(answer)
    assert list(theirs.iterdir()) == []
    assert FOLDER not in kept(house)


def test_a_hand_over_goes_one_way(house: House) -> None:
    choose(house)
    both = {
        "handover_webhook_url": "https://finances.example.org/",
        "handover_webhook_secret": "seize signes au moins",
    }
    with pytest.raises(Refusal, match="handover-both"):
        change_setting(house.actor(K), "handover_webhook_url", both)
    forget_setting(house.actor(K), FOLDER)
    change_setting(house.actor(K), "handover_webhook_url", both)
    with pytest.raises(Refusal, match="handover-both"):
        choose(house)
    forget_setting(house.actor(K), "handover_webhook_url")
    choose(house)
    assert kept(house)[FOLDER] == "finances/factures"


def channel_and_parcel(tmp_path: Path) -> tuple[HandoverChannel, object, Path]:
    """A channel whose installation has an address, which does not serve a collectivity that chose a folder; and that folder."""
    settings = HandoverSettings.inside(
        tmp_path, webhook_url="https://finances.example.org/", webhook_secret="x" * 20
    )
    parcel = a_parcel(tmp_path / "store")
    sender = replace(parcel.sender, settings={FOLDER: "finances"})
    return (
        HandoverChannel(settings, lambda: NOW),
        replace(parcel, sender=sender),
        settings.root / SIREN / "finances",
    )


def test_a_folder_that_is_away_is_waited_for_and_what_was_left_there_is_left_once(tmp_path: Path) -> None:
    channel, parcel, folder = channel_and_parcel(tmp_path)
    package = channel.package(parcel, tmp_path)
    with pytest.raises(Unreachable, match="dossier de remise"):
        channel.send(parcel, package)
    assert not folder.exists(), "a share that is not mounted is not replaced by a folder of this disk"
    folder.mkdir(parents=True)
    reference = channel.send(parcel, package)
    (zipped,) = folder.iterdir()
    assert zipped.read_bytes() == package.path.read_bytes()
    for receipt in (tmp_path / "sorties/finances/.receipts").iterdir():
        receipt.unlink()
    assert channel.send(parcel, package) == reference
    assert channel.poll(parcel, reference).kind is AnswerKind.ACKNOWLEDGED
    zipped.unlink()
    assert channel.send(parcel, package) == reference
    assert list(folder.iterdir()) == [], "the software took it away: it is not delivered again"


def test_a_link_that_came_after_the_choice_is_not_followed_either(tmp_path: Path) -> None:
    channel, parcel, folder = channel_and_parcel(tmp_path)
    theirs = folder.parent.parent / OTHER / "finances"
    theirs.mkdir(parents=True)
    folder.parent.mkdir()
    folder.symlink_to(theirs)
    with pytest.raises(Unreachable):
        channel.send(parcel, channel.package(parcel, tmp_path))
    assert list(theirs.iterdir()) == []

"""The invoice goes all the way: from the supplier's file to the finance software, with its proof."""

import json
import zipfile
from hashlib import sha256

from tests.builders.house import INVOICE, House


def test_an_invoice_goes_from_deposit_to_the_finance_software(house: House) -> None:
    folder_id = house.an_invoice(at="done")
    assert house.folder(folder_id).place == "done"
    assert house.journal(folder_id) == [
        "folder.created",
        "folder.submit",
        "folder.approve",
        "folder.approve",
        "folder.sign",
        "transmission.sending",
        "transmission.sent",
        "folder.acknowledge",
    ]
    (bundle,) = (house.settings.handover_folder or house.settings.data_dir).rglob("*.zip")
    with zipfile.ZipFile(bundle) as found:
        manifest = json.loads(found.read("manifest.json"))
        held = {one["role"]: found.read(one["name"]) for one in manifest["files"]}
    assert manifest["folder"]["id"] == folder_id
    page = house.client("g.trehorel").get(f"/dossiers/{folder_id}?onglet=journal").get_data(as_text=True)
    # Nobody outside answered anything: no word of a receipt
    assert ("Fichiers remis" in page, "ccusé" in page) == (True, False)
    assert held.keys() == {"main", "original", "data"}
    assert held["original"] == INVOICE.read_bytes()
    assert held["main"].startswith(held["original"])
    assert {sha256(one).hexdigest() for one in held.values()} == {one["sha256"] for one in manifest["files"]}


def test_every_version_of_the_signed_page_is_an_exact_prefix_of_the_next(house: House) -> None:
    folder_id = house.an_invoice(at="done")
    first, second = (house.bytes_of(one) for one in house.versions(folder_id))
    assert second.startswith(first)
    assert len(second) > len(first)

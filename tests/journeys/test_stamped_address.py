"""By setting, each stamp says where anybody may have the file verified; it names no document."""

import subprocess

import pytest

from tests.builders.settings import take_settings

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def printed(house) -> str:
    folder_id = house.an_invoice(at="bon_a_payer")
    house.sign(folder_id, "a.kervadec")
    data = house.bytes_of(house.versions(folder_id)[-1])
    done = subprocess.run(["pdftotext", "-layout", "-", "-"], input=data, capture_output=True, check=True)
    return " ".join(done.stdout.decode().split())


def test_a_stamp_says_the_address_of_the_verifier_only_where_it_is_asked(house):
    assert "/verifier" not in printed(house)
    more = {"stamp_verifier": True, "public_url": "https://paraphe.kerlann-sur-mer.example"}
    take_settings(house.settings.model_copy(update=more))
    words = printed(house)
    assert "Vérifier ce fichier :" in words
    assert "paraphe.kerlann-sur-mer.example/verifier" in words
    assert "dossiers/" not in words

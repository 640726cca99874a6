"""A collectivity's logo: made again here, shown to its own people with its name, in its letters, and taken back."""

import re
from io import BytesIO

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from app.core.refusals import Refusal
from app.files.images import LOGO_SIZE, logo_of
from app.people.logo import WIDEST, shown_in
from app.people.own_settings.changing import give_file, try_out
from tests.builders.house import House
from tests.people.test_own_settings import PAGE, K, elsewhere, journal, kept, text

pytestmark = pytest.mark.in_turn

HERE = f"{PAGE}/logo"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def drawn(kind: str = "PNG", size: tuple[int, int] = (900, 300), **more: object) -> bytes:
    """A red square on nothing, with a word that its file says of itself."""
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    image.paste((200, 20, 20, 255), (0, 0, size[0] // 3, size[1]))
    told = PngInfo()
    told.add_text("Author", "secrétaire de la mairie")
    target = BytesIO()
    more = {"pnginfo": told, **more} if kind == "PNG" else more
    (image if kind == "PNG" else image.convert("RGB")).save(target, kind, **more)
    return target.getvalue()


def send(house: House, client, data: bytes, name: str = "logo.png"):
    form = {"csrf_token": house.csrf(client), "file": (BytesIO(data), name)}
    return client.post(HERE, data=form, content_type="multipart/form-data")


def address(page: str) -> str | None:
    shown = re.search(r'<img src="(/logo/\w+)"[^>]*alt="">', page)
    return shown[1] if shown else None


def test_a_logo_is_shown_to_the_people_of_the_collectivity_alone_and_goes_back(house: House) -> None:
    elsewhere("a.ailleurs")
    client, foreign = house.client(K), house.client("a.ailleurs")
    assert address(client.get("/compte").get_data(as_text=True)) is None
    assert send(house, client, drawn()).location == PAGE
    assert "une image de 288 × 96 points La collectivité" in text(client.get(PAGE))
    page = house.client("n.abgrallec").get("/compte").get_data(as_text=True)
    place = address(page)
    assert place
    assert re.search(r'width="96"\s+height="32"', page)
    image = client.get(place)
    assert image.mimetype == "image/png"
    assert "immutable" in image.headers["Cache-Control"]
    assert b"mairie" not in image.get_data()
    with Image.open(BytesIO(image.get_data())) as seen:
        assert (seen.format, seen.mode, seen.size) == ("PNG", "RGB", (288, 96))
        assert seen.getpixel((280, 50)) == (255, 255, 255)
    assert address(client.get(f"/dossiers/{house.an_invoice()}/bordereau").get_data(as_text=True)) == place
    assert foreign.get(place).status_code == 404
    assert house.app.test_client().get(place).status_code == 302
    assert address(foreign.get("/compte").get_data(as_text=True)) is None
    # In a letter it travels inside, and nothing is fetched
    house.mail.clear()
    assert try_out(house.actor(K), "mail").fine
    (letter,) = house.mail.letters
    html = letter.get_body(("html",)).get_content()
    assert 'src="cid:logo@paraphe"' in html
    (inside,) = [one for one in letter.walk() if one.get_content_type() == "image/png"]
    assert inside["Content-ID"] == "<logo@paraphe>"
    assert inside.get_content() == image.get_data()
    assert journal("setting.changed") == [
        "Logo : une image de 288 × 96 points (avant : aucun, de l’installation)"
    ]
    exported = house.app.test_cli_runner().invoke(args=["collectivity", "export", "212909998"]).output
    assert "logo" not in exported
    client.post(f"{HERE}/revenir", data={"csrf_token": house.csrf(client)})
    assert "logo" not in kept(house)
    assert client.get(place).status_code == 404
    house.mail.clear()
    try_out(house.actor(K), "mail")
    assert not [one for one in house.mail.letters[0].walk() if one.get_content_type() == "image/png"]


def test_what_is_no_image_of_a_logo_is_refused_and_changes_nothing(house: House) -> None:
    client = house.client(K)
    send(house, client, drawn())
    before = kept(house)
    for data, words in (
        (SVG, "n’est pas une image PNG ou JPEG"),
        (b"", "« Logo » est vide"),
        (drawn()[:200], "n’est pas une image PNG ou JPEG"),
    ):
        refused = send(house, client, data)
        assert refused.status_code == 422
        assert words in text(refused)
        assert kept(house) == before
    with pytest.raises(Refusal, match="logo-too-large"):
        give_file(house.actor(K), "logo", b"x" * (2 * 1024 * 1024 + 1), {})
    client.post(HERE, data={"csrf_token": house.csrf(client), "value": "logo"})
    assert kept(house) == before


def test_every_logo_is_made_small_upright_and_bare() -> None:
    for data in (drawn(), drawn("JPEG", quality=90), drawn(size=(40, 40)), drawn(size=(3000, 300))):
        png, width, height = logo_of(data)
        assert width <= LOGO_SIZE[0]
        assert 1 <= height <= LOGO_SIZE[1]
        assert len(png) < 100_000
        assert b"mairie" not in png
    for size in ((20_000, 1), (1, 20_000), (331, 30), (30, 331)):
        with pytest.raises(Refusal, match="logo-narrow"):
            logo_of(drawn(size=size))
    bomb = BytesIO()
    Image.new("1", (6000, 6000)).save(bomb, "PNG")
    with pytest.raises(Refusal, match="logo-too-large"):
        logo_of(bomb.getvalue())


def test_a_logo_that_was_given_before_is_never_wider_than_a_page() -> None:
    shown = shown_in({"logo": "0123456789abcdef 320x1"})
    assert (shown.width if shown else 0) == WIDEST

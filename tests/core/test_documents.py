"""One document for all pages: its head is written once, so that no page misses the policy's words, the theme or the icon."""

from pathlib import Path

APP = Path(__file__).parents[2] / "app"


def test_the_head_of_a_page_is_written_in_one_template_only() -> None:
    found = {
        path.relative_to(APP).as_posix()
        for path in APP.rglob("templates/**/*.html")
        if "<!doctype" in path.read_text().lower() or "<head>" in path.read_text().lower()
    }
    assert found == {
        "templates/document.html",
        "notices/templates/email/_layout.html",
    }  # a letter is not a page

"""The place kept for a token is that of this authority's tokens and a margin; what does not fit is learnt, then fits."""

from pathlib import Path

from app.trust import authorities

URL, OTHER = "https://tsa.example.org/", "https://other.example.org/"


def test_an_unknown_authority_has_all_the_room(tmp_path: Path) -> None:
    assert authorities.room_for_token(tmp_path / "jetons", (URL, ""), 12288) == 12288


def test_a_known_authority_has_the_room_of_its_largest_token_and_a_margin(tmp_path: Path) -> None:
    for size in (3900, 4100, 4000):
        authorities.token_seen(tmp_path / "jetons", URL, size)
    assert authorities.room_for_token(tmp_path / "jetons", (URL, ""), 12288) == 4100 + authorities.MARGIN
    authorities.token_seen(tmp_path / "jetons", OTHER, 6000)
    assert authorities.room_for_token(tmp_path / "jetons", (URL, OTHER), 12288) == 6000 + authorities.MARGIN
    authorities.token_seen(tmp_path / "jetons", URL, 12000)
    assert authorities.room_for_token(tmp_path / "jetons", (URL,), 12288) == 12288, (
        "never more than a token may take"
    )
    assert len(list((tmp_path / "jetons").iterdir())) == 2


def test_what_is_written_there_by_others_is_no_size(tmp_path: Path) -> None:
    authorities.token_seen(tmp_path, URL, 4000)
    next(tmp_path.iterdir()).write_text("beaucoup")
    assert authorities.room_for_token(tmp_path, (URL,), 12288) == 12288

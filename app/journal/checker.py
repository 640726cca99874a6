"""Vérifie un journal exporté par Paraphe, avec Python 3.11 ou plus et rien d’autre : ni réseau, ni base, ni Paraphe.

    python3 verifier_journal.py journal-212909998.jsonl [--reperes reperes.txt]

Chaque écriture porte l’empreinte SHA-256 de la précédente et la sienne, calculées ainsi : le texte JSON, en UTF-8, de la
liste [empreinte précédente, collectivité, numéro, dossier, date, auteur, compte, événement, faits], tel que le module json
de Python l’écrit (une espace après chaque virgule). La première qui ne tient pas est nommée. Les repères sont les lignes de
« journal head » gardées ailleurs : sans eux, qui a réécrit toute la chaîne n’est pas vu.
Une adresse est à côté de son écriture (« origin ») ; les faits en portent l’empreinte SHA-256 : celle du texte JSON de la
liste [sel, adresse, navigateur]. Elle s’efface avec son sel après un délai, et une écriture le dit.
Sortie : 0 intact, 1 altéré, 2 illisible.
"""

# Standard library only, and no import of the product: this file is given with an export, to whoever has to judge it.
import argparse
import hashlib
import json
import sys
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

FORMAT = "paraphe-journal/1"
GENESIS = "0" * 64
FIELDS = ("folder_id", "at", "who", "user_id", "event", "facts")
FARTHEST = 1000
LEAP = timedelta(seconds=2)
COVERED, ERASED = "origin", "journal.addresses_erased"


class Unreadable(Exception):  # noqa: N818 (told as one sentence)
    """The file is no export, or a part of it cannot be read."""


class Altered(Exception):  # noqa: N818 (told as one sentence)
    """The first line that does not hold."""


def digest(previous: str, collectivity: int, seq: int, line: "dict[str, Any]") -> str:
    """SHA-256 in hexadecimal of a line and of the hash before it."""
    parts = [previous, collectivity, seq, *(line[name] for name in FIELDS)]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


def read(lines: Iterable[str]) -> "Iterator[dict[str, Any]]":
    """Each line of the export as an object."""
    for rank, text in enumerate(lines, start=1):
        try:
            line = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Unreadable(f"la ligne {rank} du fichier n’est pas du JSON que l’on puisse lire") from error
        if not isinstance(line, dict):
            raise Unreadable(f"la ligne {rank} du fichier n’est pas une écriture")
        yield line


class Origins:
    """The addresses beside the lines: each is what its line covers, or went in its time and a later line says so."""

    def __init__(self) -> None:
        self.missing: list[tuple[int, str, str]] = []
        self.there: list[tuple[int, str]] = []
        self.erasures: list[tuple[int, int, int, str]] = []

    def see(self, line: "dict[str, Any]", name: str) -> None:
        """Take in a line that holds; raises `Altered` where its address is not the one that it covers."""
        facts = _object(line["facts"])
        covered, beside = facts.get(COVERED), line.get("origin")
        if line["event"] == ERASED and line["folder_id"] is None:
            upto, days = facts.get("upto"), facts.get("days")
            reached = self.erasures[-1][0] if self.erasures else 0
            if isinstance(upto, int) and isinstance(days, int) and reached < upto < line["seq"]:
                self.erasures.append((upto, days, line["seq"], line["at"]))
        if covered is None:
            if beside is not None:
                raise Altered(f"l’adresse à côté de {name} a été ajoutée : l’écriture n’en couvre aucune")
        elif beside is None:
            self.missing.append((line["seq"], line["at"], name))
        else:
            values = (
                [beside.get(one) for one in ("salt", "address", "client")] if isinstance(beside, dict) else []
            )
            text = json.dumps(values, ensure_ascii=False).encode("utf-8", "surrogatepass")
            if hashlib.sha256(text).hexdigest() != covered:
                raise Altered(f"l’adresse à côté de {name} a été modifiée")
            self.there.append((line["seq"], name))

    def close(self) -> int:
        """How many went in their time; raises `Altered` at the first that did not, or that is still there."""
        uptos = [one[0] for one in self.erasures]
        for seq, at, name in self.missing:
            rank = bisect_left(uptos, seq)
            if rank == len(uptos):
                raise Altered(f"l’adresse à côté de {name} a été ôtée, et aucune écriture ne le dit")
            _, days, by, then = self.erasures[rank]
            if not _after(at, then, days):
                raise Altered(
                    f"l’adresse à côté de {name} a été ôtée avant les {days} jours que dit le n° {by}"
                )
        for seq, name in self.there:
            if uptos and seq <= uptos[-1]:
                raise Altered(f"l’adresse à côté de {name} est là, et une écriture la dit effacée")
        return len(self.missing)


def _object(text: Any) -> "dict[str, Any]":
    try:
        found = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _after(at: Any, then: Any, days: int) -> bool:
    try:
        return datetime.fromisoformat(then) - datetime.fromisoformat(at) >= timedelta(days=days)
    except (ValueError, TypeError, OverflowError):
        return False


def check(lines: Iterable[str]) -> "tuple[str, dict[int, str], int]":
    """The SIREN, the hash of each line that holds, and how many addresses went in their time.

    Raises `Altered` at the first that does not hold, and `Unreadable`.
    """
    read_lines = read(lines)
    header = next(read_lines, None)
    if header is None or header.get("format") != FORMAT:
        raise Unreadable(f"ce n’est pas un journal exporté (« {FORMAT} » est attendu à la première ligne)")
    collectivity, previous, hashes = header.get("collectivity"), GENESIS, {0: GENESIS}
    closing, origins = None, Origins()
    for line in read_lines:
        if closing is not None:
            raise Altered("une écriture suit la fin de l’export : elle a été ajoutée")
        if "head" in line:
            closing = line["head"]
            continue
        missing = [name for name in ("seq", "previous", "hash", *FIELDS) if name not in line]
        if missing:
            raise Altered(f"l’écriture n° {line.get('seq', len(hashes))} n’a plus : {', '.join(missing)}")
        name = _check_line(line, collectivity, previous, len(hashes))
        origins.see(line, name)
        previous = hashes[line["seq"]] = line["hash"]
    if closing is None:
        raise Altered(f"l’export est coupé après l’écriture n° {len(hashes) - 1} : sa dernière ligne manque")
    if closing != {"seq": len(hashes) - 1, "hash": previous}:
        raise Altered(
            f"la tête de chaîne n’est pas l’écriture n° {len(hashes) - 1} : des écritures manquent à la fin, ou ont été ajoutées"
        )
    return str(header.get("siren")), hashes, origins.close()


def _check_line(line: "dict[str, Any]", collectivity: Any, previous: str, expected: int) -> str:
    """How the line is named, once it holds."""
    seq = line["seq"]
    if not isinstance(seq, int) or seq > expected:
        raise Altered(f"l’écriture n° {expected} manque, ou a été déplacée (le n° {seq} est à sa place)")
    if seq < expected:
        raise Altered(f"l’écriture n° {seq} est en double ou déplacée, à la place du n° {expected}")
    name = f"l’écriture n° {seq} (« {line['event']} », {line['at']})"
    if digest(line["previous"], collectivity, seq, line) != line["hash"]:
        before = next(
            (n for n in _around(seq) if digest(line["previous"], collectivity, n, line) == line["hash"]), 0
        )
        raise Altered(
            f"{name} porte le contenu du n° {before} : des écritures ont été déplacées"
            if before
            else f"{name} a été modifiée"
        )
    if line["previous"] != previous:
        raise Altered(f"{name} ne suit pas la précédente : ajoutée, déplacée ou réécrite")
    return name


def _around(seq: int) -> "Iterator[int]":
    for distance in range(1, FARTHEST):
        yield from (one for one in (seq + distance, seq - distance) if one > 0)


def compare(siren: str, hashes: "dict[int, str]", marks: Iterable[str]) -> int:
    """How many marks of this collectivity the journal still carries; raises `Altered` at the first that it does not."""
    agreed = 0
    for rank, text in enumerate(marks, start=1):
        words = text.lstrip("\ufeff").split()
        if not words or words[0].startswith("#") or words[0] != siren:
            continue
        if len(words) < 3 or not words[1].isdigit():
            raise Unreadable(f"la ligne {rank} des repères n’est pas une ligne de « journal head »")
        seq = int(words[1])
        if seq not in hashes:
            raise Altered(f"repère de la ligne {rank} : l’écriture n° {seq} n’est plus dans le journal")
        if hashes[seq] != words[2]:
            raise Altered(f"repère de la ligne {rank} : le journal a été réécrit au n° {seq}, ou avant")
        agreed += 1
    return agreed


def backwards(lines: Iterable[str]) -> Iterator[str]:
    """Each line that is dated well before the one that it follows: its order is sure, its date is not."""
    latest = None
    for line in read(lines):
        try:
            moment = datetime.fromisoformat(line["at"]) if "seq" in line else None
        except (KeyError, TypeError, ValueError):
            continue
        if moment is None:
            continue
        if latest is not None and latest - moment > LEAP:
            yield (
                f"l’horloge a reculé de {(latest - moment).total_seconds():.0f} s avant l’écriture n° {line['seq']} "
                f"({line['at']})"
            )
        latest = moment


def main(arguments: "list[str] | None" = None) -> int:
    """Say what holds; 0, 1 or 2."""
    parser = argparse.ArgumentParser(description="Vérifie un journal exporté par Paraphe.")
    parser.add_argument("journal", help="le fichier .jsonl de l’export")
    parser.add_argument("--reperes", help="des lignes de « journal head », gardées ailleurs")
    asked = parser.parse_args(arguments)
    try:
        with open(asked.journal, encoding="utf-8", newline="\n") as export:  # noqa: PTH123 (read as it comes)
            siren, hashes, gone = check(export)
        print(f"Journal intact : {len(hashes) - 1} écritures, tête {hashes[len(hashes) - 1]}.")
        if gone:
            print(f"Adresses effacées à leur terme, comme une écriture le dit : {gone}.")
        with open(asked.journal, encoding="utf-8", newline="\n") as export:  # noqa: PTH123
            for remark in backwards(export):
                print(f"Remarque : {remark}.")
        if asked.reperes:
            with open(asked.reperes, encoding="utf-8") as marks:  # noqa: PTH123
                agreed = compare(siren, hashes, marks)
            print(f"Repères de cette collectivité : {agreed}, le journal les porte encore.")
            if not agreed:
                print("Rien n’a été comparé : aucun repère n’est de cette collectivité.")
                return 2
    except Altered as fault:
        print(f"JOURNAL ALTÉRÉ : {fault}.")
        return 1
    except (Unreadable, OSError, UnicodeError) as fault:
        print(f"Rien n’a été vérifié : {fault}.")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

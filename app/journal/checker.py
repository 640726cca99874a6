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
LONGEST = 3650  # days


class Unreadable(Exception):  # noqa: N818 (told as one sentence)
    """The file is no export, or a part of it cannot be read."""


class Altered(Exception):  # noqa: N818 (told as one sentence)
    """The first line that does not hold."""


def digest(previous: str, collectivity: int, seq: int, line: "dict[str, Any]") -> str:
    """SHA-256 in hexadecimal of a line and of the hash before it."""
    parts = [previous, collectivity, seq, *(line[name] for name in FIELDS)]
    # A forged file may hold half of a surrogate pair, on which the program must not break.
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


class Erasure:
    """A line that says how many addresses went, up to which line, after how many days, and which were not as they should."""

    def __init__(self, line: "dict[str, Any]", facts: "dict[str, Any]", name: str) -> None:
        self.seq, self.at, self.name = line["seq"], line["at"], name
        self.upto, self.days, self.count = (facts.get(key) for key in ("upto", "days", "count"))
        self.altered, self.missing = (facts.get(key, []) for key in ("altered", "missing"))
        self.gone = 0

    def whole(self, after: int) -> bool:
        """Whether it is written as Paraphe writes it, the one before it having reached the line `after`."""
        if not (isinstance(self.altered, list) and isinstance(self.missing, list)):
            return False
        numbers: Any = (self.upto, self.days, self.count, *self.altered, *self.missing)
        # Not isinstance: in Python True is a whole number, and no sweep writes it.
        if _moment(self.at) is None or any(type(number) is not int for number in numbers):
            return False
        upto, days, count, *_ = numbers
        return bool(after < upto < self.seq and 1 <= days <= LONGEST and count >= 0)


def _covered(facts: "dict[str, Any]") -> "str | None":
    """The digest of an address; a fact of that name that is no digest covers none."""
    value = facts.get(COVERED)
    return (
        value
        if isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")
        else None
    )


class Origins:
    """The addresses beside the lines: each is what its line covers, or went in its time and a later line says so."""

    def __init__(self) -> None:
        self.missing: list[tuple[int, str]] = []
        self.there: list[tuple[int, str]] = []
        self.erasures: list[Any] = []
        self.dates: list[Any] = [None]
        self.wrong: list[tuple[int, str]] = []

    def see(self, line: "dict[str, Any]", name: str) -> None:
        """Take in the next line, which holds by itself."""
        facts = _object(line["facts"])
        covered, beside = _covered(facts), line.get("origin")
        self.dates.append(_moment(line["at"]))
        if line["event"] == ERASED and line["folder_id"] is None:
            erased = Erasure(line, facts, name)
            if erased.whole(self.erasures[-1].upto if self.erasures else 0):
                self.erasures.append(erased)
            else:
                self.wrong.append((line["seq"], f"{name} n’est pas un effacement tel que Paraphe les écrit"))
        elif covered is None:
            if beside is not None:
                sentence = f"l’adresse à côté de {name} a été ajoutée : l’écriture n’en couvre aucune"
                self.wrong.append((line["seq"], sentence))
        elif beside is None:
            self.missing.append((line["seq"], name))
        else:
            values = (
                [beside.get(key) for key in ("salt", "address", "client")] if isinstance(beside, dict) else []
            )
            text = json.dumps(values, ensure_ascii=False).encode("utf-8", "surrogatepass")
            if hashlib.sha256(text).hexdigest() != covered:
                self.wrong.append((line["seq"], f"l’adresse à côté de {name} a été modifiée"))
            self.there.append((line["seq"], name))

    def close(self) -> "dict[int, list[Any]]":
        """For each delay that was said, how many went and the last line that says it; raises `Altered`."""
        # Erasures go ever farther (`whole`): the first that reaches a line is the one that took its address.
        uptos = [erasure.upto for erasure in self.erasures]
        for seq, name in self.missing:
            rank = bisect_left(uptos, seq)
            erased = self.erasures[rank] if rank < len(uptos) else None
            if fault := self._fault(seq, erased):
                self.wrong.append((seq, f"l’adresse à côté de {name} {fault}"))
        for seq, name in self.there:
            if uptos and seq <= uptos[-1]:
                sentence = f"l’adresse à côté de {name} est là, et une écriture la dit effacée"
                self.wrong.append((seq, sentence))
        counts: dict[int, list[Any]] = {}
        for erasure in self.erasures:
            expected = erasure.count + len(set(erasure.missing))
            if erasure.gone != expected:
                sentence = (
                    f"{erasure.name} dit {expected} adresses effacées ou ôtées, et {erasure.gone} le sont"
                )
                self.wrong.append((erasure.seq, sentence))
            counts[erasure.days] = [counts.get(erasure.days, [0])[0] + erasure.gone, erasure]
        if self.wrong:
            raise Altered(min(self.wrong, key=lambda fault: fault[0])[1])
        return counts

    def _fault(self, seq: int, erased: Any) -> "str | None":
        if erased is None:
            return "a été ôtée, et aucune écriture ne le dit"
        erased.gone += 1
        if seq in erased.altered:
            return f"avait été modifiée avant d’être effacée, dit le n° {erased.seq}"
        if seq in erased.missing:
            return (
                f"avait été ôtée, sans qu’aucune écriture ne le dise, avant celles que dit le n° {erased.seq}"
            )
        then = _moment(erased.at)
        # A date to come is that of a clock that was wrong: the next line says when it was, at the latest
        dates = (self.dates[rank] for rank in range(seq, erased.seq + 1))
        moment = next(
            (date for date in dates if date is not None and then is not None and date <= then), None
        )
        if moment is None or then is None or then - moment < timedelta(days=erased.days):
            days = f"les {erased.days} jours" if erased.days > 1 else "le jour"
            return f"a été ôtée avant {days} que dit le n° {erased.seq}"
        return None


def _moment(text: Any) -> "datetime | None":
    try:
        moment = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        return None
    return moment if moment.tzinfo else None


def _object(text: Any) -> "dict[str, Any]":
    try:
        value = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def check(lines: Iterable[str]) -> "tuple[str, dict[int, str], dict[int, list[Any]]]":
    """The SIREN, the hash of each line that holds, and for each delay how many addresses went and the last line to say it.

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
            # An export ends with its head: whatever comes after was put there.
            raise Altered("une écriture suit la fin de l’export : elle a été ajoutée")
        if "head" in line:
            closing = line["head"]
            continue
        # Told as altered: of a line that lacks a part, nothing can be computed.
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
    # Before the link to the line before: an altered line is named itself.
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
        yield from (number for number in (seq + distance, seq - distance) if number > 0)


def compare(siren: str, hashes: "dict[int, str]", marks: Iterable[str]) -> int:
    """How many marks of this collectivity the journal still carries; raises `Altered` at the first that it does not."""
    agreed = 0
    for rank, text in enumerate(marks, start=1):
        fields = text.lstrip("\ufeff").split()
        if not fields or fields[0].startswith("#") or fields[0] != siren:
            continue
        # isdigit() alone takes « ² », which int() refuses; no entry has more figures than these
        if len(fields) < 3 or not (fields[1].isascii() and fields[1].isdigit()) or len(fields[1]) > 10:
            raise Unreadable(f"la ligne {rank} des repères n’est pas une ligne de « journal head »")
        seq = int(fields[1])
        if seq not in hashes:
            raise Altered(f"repère de la ligne {rank} : l’écriture n° {seq} n’est plus dans le journal")
        if hashes[seq] != fields[2]:
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
    options = parser.parse_args(arguments)
    try:
        with open(options.journal, encoding="utf-8", newline="\n") as export:  # noqa: PTH123 (read as it comes)
            siren, hashes, gone = check(export)
        print(f"Journal intact : {len(hashes) - 1} écritures, tête {hashes[len(hashes) - 1]}.")
        for days, (count, last) in sorted(gone.items()):
            print(
                f"Adresses effacées à leur terme, comme une écriture le dit : {count}. Le terme est de {days} jour"
                f"{'s' if days > 1 else ''}, jusqu’au n° {last.upto} ({last.at})."
            )
        with open(options.journal, encoding="utf-8", newline="\n") as export:  # noqa: PTH123
            for remark in backwards(export):
                print(f"Remarque : {remark}.")
        if options.reperes:
            with open(options.reperes, encoding="utf-8") as marks:  # noqa: PTH123
                agreed = compare(siren, hashes, marks)
            print(f"Repères de cette collectivité : {agreed}, le journal les porte encore.")
            # A comparison with nothing would be read as an agreement.
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

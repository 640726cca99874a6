"""The validation report of a signature for other software: ETSI TS 119 102-2, as XML."""

from typing import Any

from app.signing.verdict import Verdict

NAMESPACE = "http://uri.etsi.org/19102/v1.2.1#"
MAIN = "urn:etsi:019102:mainindication:"
SUB = "urn:etsi:019102:subindication:"


def write(signature: Any, result: Any, verdict: Verdict) -> str | None:
    """The report on a PDF signature: pyHanko's, with our own indication where we are stricter than it is.

    None when the signature could not even be processed: there is nothing to report on.
    """
    from lxml import etree
    from pyhanko.sign.validation.report.tools import generate_report

    if result.api_status is None or result.api_status.validation_time is None:
        return None
    tree = etree.fromstring(generate_report(signature, result).encode())
    status = tree.find(f".//{{{NAMESPACE}}}SignatureValidationStatus")
    if status is None:
        return None
    main = status.find(f"{{{NAMESPACE}}}MainIndication")
    if main is not None:
        main.text = MAIN + verdict.indication.lower()
    for sub in status.findall(f"{{{NAMESPACE}}}SubIndication"):
        status.remove(sub)
    if main is not None and verdict.sub_indication is not None:
        sub = etree.Element(f"{{{NAMESPACE}}}SubIndication")
        sub.text, sub.tail = SUB + verdict.sub_indication, main.tail
        main.addnext(sub)
    return etree.tostring(tree, encoding="unicode", pretty_print=True)

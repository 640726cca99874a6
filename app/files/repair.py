"""A PDF that only its writer harmed is rewritten, and every PDF to be signed is first signed for nothing."""

import tempfile
from pathlib import Path
from typing import Any

import pikepdf


def can_be_signed(path: Path) -> bool:
    """Whether pyHanko can append a field to the first and to the last page; the file is not changed.

    The steps are those of pyhanko.sign.fields, which alone would cost a quarter of a second to import.
    """
    from pyhanko.pdf_utils.generic import ArrayObject, DictionaryObject
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    with path.open("rb") as file:
        try:
            empty: Any = DictionaryObject
            writer: Any = IncrementalPdfFileWriter(file)
            added: Any = ArrayObject()
            for page in (0, -1):
                field = writer.add_object(empty())
                writer.register_annotation(writer.find_page_for_modification(page)[0], field)
                added.append(field)
            if "/AcroForm" in writer.root:
                form = writer.root["/AcroForm"]
                form["/Fields"] = ArrayObject([*form["/Fields"], *added]) if "/Fields" in form else added
                writer.update_container(form)
            else:
                writer.root["/AcroForm"] = added
                writer.update_root()
            writer.write(_Nowhere())
        except Exception:  # noqa: BLE001 (pyHanko lets many kinds of error through on odd files)
            return False
    return True


def rewrite(pdf: pikepdf.Pdf, workdir: Path, *, signable: bool) -> Path | None:
    """A sound copy in `workdir`, the same bytes for the same input, or nothing when no copy is sound."""
    with tempfile.NamedTemporaryFile(prefix="repaired-", suffix=".pdf", dir=workdir, delete=False) as file:
        copy = Path(file.name)
    # qpdf writes one table: its trailer must not name a second one.
    if "/XRefStm" in pdf.trailer:
        del pdf.trailer["/XRefStm"]
    for _attempt in range(2):
        pdf.save(copy, deterministic_id=True, fix_metadata_version=False)
        if _opens_cleanly(copy) and (not signable or can_be_signed(copy)):
            return copy
        if "/Metadata" not in pdf.Root:
            break
        del pdf.Root["/Metadata"]  # a broken XMP packet stops every signature, and shows on no page
    copy.unlink()
    return None


def lay_out(pdf: pikepdf.Pdf) -> None:
    """Put every page in one list, with what it inherited, and every field of the form where a reference leads to it.

    What every viewer shows stays; a tree whose counts or parents contradict one another no longer does.
    """
    pages = [
        page.obj for page in pdf.pages
    ]  # qpdf hands down what is inherited, and gives each page its own object
    tree = pdf.make_indirect(
        pikepdf.Dictionary(Type=pikepdf.Name.Pages, Count=len(pages), Kids=pikepdf.Array(pages))
    )
    for page in pages:
        page.Parent = tree
        if not isinstance(page.get("/Annots", pikepdf.Array()), pikepdf.Array):
            del page["/Annots"]
    pdf.Root.Pages = tree
    form = pdf.Root.get("/AcroForm")
    if form is None:
        return
    if not isinstance(form, pikepdf.Dictionary):
        del pdf.Root["/AcroForm"]
        return
    fields = form.get("/Fields", pikepdf.Array())
    several = list(fields) if isinstance(fields, pikepdf.Array) else []
    form.Fields = pikepdf.Array(
        [
            form_field if form_field.is_indirect else pdf.make_indirect(form_field)
            for form_field in several
            if isinstance(form_field, pikepdf.Dictionary)
        ]
    )


def _opens_cleanly(copy: Path) -> bool:
    try:
        with pikepdf.open(copy, attempt_recovery=False, suppress_warnings=True) as again:
            return bool(len(again.pages)) and not again.get_warnings()
    except pikepdf.PdfError:
        return False


class _Nowhere:
    """A file that only counts what it is given."""

    def __init__(self) -> None:
        self._size = 0

    def write(self, data: Any) -> int:
        self._size += len(data)
        return len(data)

    def tell(self) -> int:
        return self._size

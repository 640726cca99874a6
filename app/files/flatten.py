"""Of a PDF that shows differently elsewhere, a plain copy: what the screen shows stays, and nothing else is left to show.

Annotations and fields are drawn into their pages (qpdf), content of layers that are not shown is taken out, actions and all
that replaces a page at the printer go. Nothing is taken for granted: the copy is drawn beside the original, and looked at again.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pikepdf

from app.files import faces, repair
from app.files.faces import array, dictionary, named
from app.pdf import rendering

_PAINT = frozenset({"S", "s", "f", "F", "f*", "B", "B*", "b", "b*"})
_SHOW = frozenset({"Tj", "TJ", "Do", "sh", "INLINE IMAGE"})
_NEXT_LINE = {"'": ("T*",), '"': ("T*",)}
Box = tuple[float, float, float, float]
_ALONE = ("/Trans", "/Dur", "/PresSteps", "/AA")


class Unflattenable(Exception):  # noqa: N818 (an answer: no plain copy is sure to be what was seen)
    """No copy without layers can be made of this file."""


def plain_copy(
    pdf: pikepdf.Pdf, path: Path, workdir: Path, counts: Mapping[str, int], *, signable: bool
) -> Path | None:
    """A plain copy in `workdir` of the file at `path`, which is open as `pdf` and is changed in memory only.

    None when no copy is sure to be what the screen shows: an annotation that nobody drew, a field or a box whose drawing is
    not its value, a note that carries a file, a page that is not shown as before (`rendering`), a face that is left.
    """
    if "undrawn" in counts or not _boxes_agree(pdf) or _notes_with_files(pdf):
        return None
    everywhere = not counts.keys().isdisjoint({"layers", "printed", "rendering"})
    pages = [n for n, page in enumerate(pdf.pages) if everywhere or not n or faces.annotations(page.obj)]
    values = list(_values(pdf))
    try:
        flatten(pdf)
    except Unflattenable:
        return None
    copy = repair.rewrite(pdf, workdir, signable=signable)
    if copy is None:
        return None
    if _still_plain(copy, pages) and _say(copy, values) and rendering.same_on_screen(path, copy, pages):
        return copy
    copy.unlink()
    return None


def _still_plain(copy: Path, pages: list[int]) -> bool:
    with pikepdf.open(copy) as pdf:
        scan = faces.Scan(pdf)
        for top, written in faces.objects(pdf):
            scan.look(top, written)
        return not scan.counts() and not rendering.unlike_in_print(copy, pages)


def _notes_with_files(pdf: pikepdf.Pdf) -> bool:
    """Whether a file hangs on a note of a page: drawn into it, the note would lose its file."""
    return any(
        named(annotation.get("/Subtype")) == "/FileAttachment"
        for page in pdf.pages
        for annotation in faces.annotations(page.obj)
    )


def _boxes_agree(pdf: pikepdf.Pdf) -> bool:
    """Whether each box to tick is drawn as its value says: viewers go by the one or the other."""
    for page in pdf.pages:
        for annotation in faces.annotations(page.obj):
            if (
                named(annotation.get("/Subtype")) != "/Widget"
                or named(faces.inherited(annotation, "/FT")) != "/Btn"
            ):
                continue
            value, states = (
                named(faces.inherited(annotation, "/V")),
                dictionary(dictionary(annotation.get("/AP")).get("/N")),
            )
            if value in states and named(annotation.get("/AS")) != value:
                return False
            if value not in states and named(annotation.get("/AS")) not in {"", "/Off", value}:
                return False
    return True


def _values(pdf: pikepdf.Pdf) -> Iterator[tuple[int, Box, set[str]]]:
    """Each text or choice that has a value: its page, its box, and what it may be read as."""
    for number, page in enumerate(pdf.pages):
        for annotation in faces.annotations(page.obj):
            kind, value = named(faces.inherited(annotation, "/FT")), faces.inherited(annotation, "/V")
            if kind not in {"/Tx", "/Ch"} or not isinstance(value, pikepdf.String):
                continue
            readings = {_letters(str(value))}
            for choice in array(faces.inherited(annotation, "/Opt")):
                if isinstance(choice, pikepdf.Array) and len(choice) > 1 and choice[0] == value:
                    readings.add(_letters(str(choice[1])))
            hidden = faces.number(annotation.get("/F")) & (faces.HIDDEN | faces.NO_VIEW)
            box = [float(edge) for edge in array(annotation.get("/Rect"))]
            if len(box) == len("lbrt") and not hidden and all(readings):
                left, right = sorted((box[0], box[2]))
                bottom, top = sorted((box[1], box[3]))
                yield number, (left, bottom, right, top), readings


def _say(copy: Path, values: list[tuple[int, Box, set[str]]]) -> bool:
    """Whether each value is read where its field was: a drawing that says otherwise is what some viewers show, not all."""
    texts = rendering.text_within(copy, [(number, box) for number, box, _ in values])
    return all(
        any(reading in _letters(text) for reading in readings)
        for text, (_, _, readings) in zip(texts, values, strict=True)
    )


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def flatten(pdf: pikepdf.Pdf) -> None:
    """Make the open PDF plain; its file is not written.

    Raises Unflattenable where what the screen shows depends on more than the file (zoom, language, user).
    """
    _without_layers(pdf)
    # First: what has no drawing would be flattened to nothing.
    pdf.generate_appearance_streams()
    pdf.flatten_annotations("screen")
    for page in pdf.pages:
        links = [annotation for annotation in faces.annotations(page.obj) if _is_plain_link(annotation)]
        if "/Annots" in page.obj:
            page.obj["/Annots"] = pikepdf.Array(links)
        for key in _ALONE:
            if key in page.obj:
                del page.obj[key]
    _without_actions(pdf)
    for top, _ in faces.objects(pdf):
        for part in faces.direct_parts(top):
            _plain(part)


def _is_plain_link(annotation: Any) -> bool:
    if annotation.get("/Subtype") != "/Link":
        return False
    for key in ("/AP", "/AA", "/OC"):
        if key in annotation:
            del annotation[key]
    return bool(faces.harmless_click(annotation.get("/A")))


def _without_actions(pdf: pikepdf.Pdf) -> None:
    root: Any = pdf.Root
    if faces.opening_actions(root.get("/OpenAction")):
        del root["/OpenAction"]
    for key in ("/AA", "/AcroForm", "/Collection", "/OCProperties"):
        if key in root:
            del root[key]
    names = dictionary(root.get("/Names"))
    if "/AlternatePresentations" in names:
        del names["/AlternatePresentations"]
    viewer = dictionary(root.get("/ViewerPreferences"))
    for key in ("/ViewArea", "/ViewClip", "/PrintArea", "/PrintClip"):
        if key in viewer:
            del viewer[key]


def _plain(part: Any) -> None:
    """Take out of one dictionary what acts, what is shown by some uses only, and what replaces it at the printer."""
    for key in ("/AA", "/PresSteps", "/Usage", "/Alternates", "/OPI"):
        if key in part:
            del part[key]
    if named(part.get("/S")) in faces.ACTING:
        # In its place an action that does nothing: what leads there stays whole.
        part["/S"] = pikepdf.Name.Named
        part["/N"] = pikepdf.Name("/None")
    if named(part.get("/Subtype")) in {"/Form", "/Image"} and "/Ref" in part:
        del part["/Ref"]
    if faces.is_conditional(part):
        for key in ("/VE", "/P"):
            if key in part:
                del part[key]


# Layers


def _without_layers(pdf: pikepdf.Pdf) -> None:
    root: Any = pdf.Root
    layers = _Layers(root)
    visited: set[tuple[int, int]] = set()
    for page in pdf.pages:
        for annotation in faces.annotations(page.obj):
            if not layers.shown(annotation.get("/OC")):
                # qpdf asks the flags of an annotation, not its layer.
                annotation["/F"] = faces.number(annotation.get("/F")) | faces.HIDDEN
            for stream in _appearances(annotation):
                _rewrite_form(stream, layers, visited)
        resources = dictionary(page.resources)
        written = _rewritten(page, resources, layers)
        if written is not None:
            page.obj["/Contents"] = pdf.make_stream(written)
        _rewrite_resources(resources, layers, visited)


def _appearances(annotation: Any) -> list[Any]:
    streams, waiting = [], list(dictionary(annotation.get("/AP")).values())
    while waiting:
        node = waiting.pop()
        if isinstance(node, pikepdf.Stream):
            streams.append(node)
        elif isinstance(node, pikepdf.Dictionary):
            waiting += [part for part in node.values() if isinstance(part, pikepdf.Stream)]
    return streams


def _rewrite_resources(resources: Any, layers: "_Layers", visited: set[tuple[int, int]]) -> None:
    for kind in ("/XObject", "/Pattern"):
        for stream in dictionary(resources.get(kind)).values():
            if isinstance(stream, pikepdf.Stream):
                _rewrite_form(stream, layers, visited)


def _rewrite_form(first: Any, layers: "_Layers", visited: set[tuple[int, int]]) -> None:
    """Rewrite a form or a pattern and those that it draws; what has no content of its own is left as it is."""
    waiting = [first]
    while waiting:
        stream = waiting.pop()
        if stream.objgen in visited:
            continue
        visited.add(stream.objgen)
        if stream.get("/Subtype") == "/PS" or "/PS" in stream or "/Subtype2" in stream:
            _empty(stream)
        if stream.get("/Subtype") == "/Image":
            continue
        resources = dictionary(stream.get("/Resources"))
        written = _rewritten(stream, resources, layers)
        if written is not None:
            stream.write(written)
        for kind in ("/XObject", "/Pattern"):
            waiting += [
                drawn
                for drawn in dictionary(resources.get(kind)).values()
                if isinstance(drawn, pikepdf.Stream)
            ]


def _empty(stream: Any) -> None:
    """A program for a printer draws nothing on a screen."""
    for key in ("/PS", "/Subtype2", "/Level1"):
        if key in stream:
            del stream[key]
    if stream.get("/Subtype") == "/PS":
        stream["/Subtype"] = pikepdf.Name.Form
        stream["/BBox"] = pikepdf.Array([0, 0, 0, 0])
        stream.write(b"")


def _rewritten(owner: Any, resources: Any, layers: "_Layers") -> bytes | None:
    """The content without what no layer shows, or None when no layer is named in it."""
    hidden_objects = {
        name
        for name, drawn in dictionary(resources.get("/XObject")).items()
        if isinstance(drawn, pikepdf.Stream) and not layers.shown(drawn.get("/OC"))
    }
    properties = dictionary(resources.get("/Properties"))
    optional = {name for name, group in properties.items() if layers.is_layer(group)}
    if not hidden_objects and not optional:
        return None
    out, marks = [], []  # marks: for each open one, whether it is a layer, and whether what is in it is shown
    for instruction in pikepdf.parse_content_stream(owner):
        operands, operator = instruction.operands, str(instruction.operator)
        if operator in {"BDC", "BMC"}:
            layer = operator == "BDC" and operands[0] == "/OC"
            key = named(operands[1]) if layer else ""
            shown = layers.shown(properties.get(key)) if key in optional else True
            marks.append((layer, shown))
            if layer:
                continue
        elif operator == "EMC":
            if marks and marks.pop()[0]:
                continue
        elif not all(shown for _, shown in marks):
            out += _unpainted(instruction, operator)
            continue
        elif operator == "Do" and str(operands[0]) in hidden_objects:
            continue
        out.append(instruction)
    return bytes(pikepdf.unparse_content_stream(out))


def _unpainted(instruction: Any, operator: str) -> list[Any]:
    """What is left of an instruction whose result is not shown: its effect on the instructions that follow."""
    if operator in _PAINT:
        return [pikepdf.ContentStreamInstruction([], pikepdf.Operator("n"))]
    if operator in _SHOW:
        return []
    if operator in _NEXT_LINE:
        return [pikepdf.ContentStreamInstruction([], pikepdf.Operator("T*"))]
    return [instruction]


class _Layers:
    """Which layers the screen shows when the file is opened (ISO 32000-2 §8.11.4.3, event View)."""

    def __init__(self, root: Any) -> None:
        properties = dictionary(root.get("/OCProperties"))
        default = dictionary(properties.get("/D"))
        groups = array(properties.get("/OCGs"))
        off, shown = ({group.objgen for group in array(default.get(key))} for key in ("/OFF", "/ON"))
        base = default.get("/BaseState", "/ON") != "/OFF"
        self._known = {
            group.objgen: group.objgen not in off and (base or group.objgen in shown) for group in groups
        }
        for usage in array(default.get("/AS")):
            if dictionary(usage).get("/Event") == "/View":
                for group in array(dictionary(usage).get("/OCGs")):
                    self._follow(group, array(dictionary(usage).get("/Category")))

    def _follow(self, group: Any, categories: list[Any]) -> None:
        usage = dictionary(dictionary(group).get("/Usage"))
        if any(f"/{use}" in categories and f"/{use}" in usage for use in ("Zoom", "Language", "User")):
            raise Unflattenable
        state = dictionary(usage.get("/View")).get("/ViewState")
        if "/View" in categories and state is not None:
            self._known[group.objgen] = state != "/OFF"

    def is_layer(self, group: Any) -> bool:
        """Whether it is a layer, or a condition on some."""
        return named(dictionary(group).get("/Type")) in {"/OCG", "/OCMD"} or "/OCGs" in dictionary(group)

    def shown(self, layer: Any) -> bool:
        """Whether what belongs to it is shown; what belongs to none is."""
        part = dictionary(layer)
        if "/VE" in part:
            return self._holds(part.get("/VE"))
        if part.get("/Type") != "/OCMD" and "/OCGs" not in part:
            return self._known.get(part.objgen, True) if part.is_indirect else True
        members = part.get("/OCGs")
        groups = [members] if isinstance(members, pikepdf.Dictionary) else array(members)
        states = [self._known.get(group.objgen, True) for group in groups]
        policy = named(part.get("/P"))
        if not states:
            return True
        if policy == "/AllOn":
            return all(states)
        if policy == "/AnyOff":
            return not all(states)
        return not any(states) if policy == "/AllOff" else any(states)

    def _holds(self, expression: Any, depth: int = 0) -> bool:
        if depth > 50:
            raise Unflattenable
        if isinstance(expression, pikepdf.Dictionary):
            return self._known.get(expression.objgen, True)
        parts = array(expression)
        several = [self._holds(operand, depth + 1) for operand in parts[1:]]
        operator = parts[0] if parts else None
        if not several or named(operator) not in {"/And", "/Or", "/Not"}:
            raise Unflattenable
        if operator == "/Not":
            return not several[0]
        return all(several) if operator == "/And" else any(several)

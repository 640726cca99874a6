"""What makes a PDF show one thing here and another there: found at deposit, in the process that dissects it.

Sources: ISO 32000-2 §8.11 (optional content), §12.5.3 (annotation flags), §12.6 (actions), §12.7 (forms), §12.2 (viewer
preferences), §8.9.5.4 (alternate images), §8.10.4 (reference XObjects). The attacks: « Shadow Attacks » (NDSS 2021).
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pikepdf

KEYS = (
    "layers",
    "annotations",
    "undrawn",
    "fields",
    "actions",
    "media",
    "printed",
    "areas",
    "portfolio",
    "rendering",
    "tables",
)
"""Every kind of face, in the order in which they are told."""

INVISIBLE, HIDDEN, PRINT, NO_ZOOM, NO_ROTATE, NO_VIEW, TOGGLE = 1, 2, 4, 8, 16, 32, 256
_MEDIA = frozenset({"/Movie", "/Sound", "/Screen", "/3D", "/RichMedia"})
_COMMENTS = frozenset({"/Text", "/FileAttachment"})
_STANDARD = frozenset(
    {
        "/Text", "/Link", "/FreeText", "/Line", "/Square", "/Circle", "/Polygon", "/PolyLine", "/Highlight", "/Underline",
        "/Squiggly", "/StrikeOut", "/Caret", "/Stamp", "/Ink", "/Popup", "/FileAttachment", "/Widget", "/Redact",
    }
)  # fmt: skip
# A click that only leads somewhere shows nothing else of the page.
_HARMLESS = frozenset({"/GoTo", "/GoToR", "/GoToE", "/URI", "/Named", "/Thread"})
ACTING = frozenset(
    {
        "/SubmitForm", "/ResetForm", "/ImportData", "/Hide", "/SetOCGState", "/Rendition", "/Movie", "/Sound", "/Trans",
        "/GoTo3DView", "/RichMediaExecute",
    }
)  # fmt: skip
_WORTH_WALKING = re.compile(
    rb"/(?:AA|OCMD|Usage|VE|AnyOff|AllOff|Alternates|OPI|PS|Subtype2|Ref|PresSteps|"
    + b"|".join(name[1:].encode() for name in sorted(ACTING))
    + rb")\b"
)
_AREAS = ("/ViewArea", "/ViewClip", "/PrintArea", "/PrintClip")
_NESTED = 32


class Scan:
    """Counts the faces of one file: `look` at each of its objects, then `counts`."""

    def __init__(self, pdf: pikepdf.Pdf) -> None:
        self._pdf = pdf
        self._count: Counter[str] = Counter()
        self._layers_differ = False
        self.byte_range = (
            False  # whether some object says what a signature covers, however its name is written
        )

    def look(self, top: Any, written: bytes) -> None:
        """Look into the direct parts of one object; `written`: its syntax, without the escapes of names."""
        self.byte_range |= b"/ByteRange" in written
        if _WORTH_WALKING.search(written):
            for part in direct_parts(top):
                self._look_at(part)

    def counts(self, *, signed: bool = False) -> dict[str, int]:
        """How many of each kind, in the order of `KEYS`; `signed`: fields that are read-only are no more to be filled."""
        root = self._pdf.Root
        self._count["layers"] += hidden_layers(root) or int(self._layers_differ)
        self._count["actions"] += sum(
            action not in ACTING for action in opening_actions(root.get("/OpenAction"))
        )
        self._count["actions"] += "/AlternatePresentations" in dictionary(root.get("/Names"))
        self._count["portfolio"] += "/Collection" in root
        areas = dictionary(root.get("/ViewerPreferences"))
        self._count["areas"] += any(areas.get(area, "/CropBox") != "/CropBox" for area in _AREAS)
        for page in self._pdf.pages:  # how a page is turned (Trans, Dur) changes nothing of what it shows
            for annotation in annotations(page.obj):
                self._judge_annotation(annotation, signed=signed)
        return {key: self._count[key] for key in KEYS if self._count[key]}

    def _look_at(self, part: Any) -> None:
        self._count["actions"] += bool(dictionary(part.get("/AA"))) or named(part.get("/S")) in ACTING
        self._count["actions"] += "/PresSteps" in part
        subtype = named(part.get("/Subtype"))
        self._count["printed"] += (
            (subtype == "/Image" and "/Alternates" in part)
            or (subtype in {"/Form", "/Image"} and ("/Ref" in part or "/OPI" in part))
            or subtype == "/PS"
            or part.get("/Subtype2") == "/PS"
        )
        self._layers_differ |= usage_differs(part) or is_conditional(part)

    def _judge_annotation(self, annotation: Any, *, signed: bool) -> None:
        subtype, flags = named(annotation.get("/Subtype")), number(annotation.get("/F"))
        drawn = has_appearance(annotation)
        if subtype in {"/Popup", "/Link"} and not drawn and not flags & TOGGLE:
            return
        if subtype == "/Widget":
            if named(inherited(annotation, "/FT")) == "/Sig":
                if not drawn or signed:
                    return  # a place to sign shows nothing; what a signature shows is judged with it
            else:
                read_only = number(inherited(annotation, "/Ff")) & 1
                self._count["fields"] += not (signed and read_only)
                return
        if subtype in _MEDIA:
            self._count["media"] += 1
        elif not drawn or subtype == "/Popup":  # a window of the viewer's own, with a drawing that some show
            self._count["undrawn"] += 1
        unlike = HIDDEN | NO_VIEW | TOGGLE | (0 if subtype in _COMMENTS else NO_ZOOM | NO_ROTATE)
        elsewhere = flags & unlike or not flags & PRINT or (subtype not in _STANDARD and flags & INVISIBLE)
        self._count["annotations"] += bool(elsewhere) and subtype not in _MEDIA


def objects(pdf: pikepdf.Pdf) -> Iterator[tuple[Any, bytes]]:
    """Every object of a file, of a stream its dictionary, each with its syntax without the escapes of names."""
    for pdf_object in pdf.objects:
        if isinstance(pdf_object, pikepdf.Object):
            top = pdf_object.stream_dict if isinstance(pdf_object, pikepdf.Stream) else pdf_object
            yield top, top.unparse(resolved=True)


def direct_parts(top: Any) -> Iterator[Any]:
    """Every dictionary that is written inside this object; what it only refers to is met in its own turn."""
    waiting = [top]
    while waiting:
        node = waiting.pop()
        if isinstance(node, pikepdf.Dictionary):
            yield node
            parts = list(node.values())
        elif isinstance(node, pikepdf.Array):
            parts = list(node)
        else:
            continue
        waiting.extend(part for part in parts if isinstance(part, pikepdf.Object) and not part.is_indirect)


def annotations(page: Any) -> list[Any]:
    """The annotations of a page, those only that are dictionaries."""
    listed = page.get("/Annots")
    return (
        [annotation for annotation in listed if isinstance(annotation, pikepdf.Dictionary)]
        if isinstance(listed, pikepdf.Array)
        else []
    )


def hidden_layers(root: Any) -> int:
    """How many layers are not shown from the start, in the configuration that viewers use or in another one."""
    properties = dictionary(root.get("/OCProperties"))
    groups = array(properties.get("/OCGs"))
    configurations = [dictionary(properties.get("/D")), *map(dictionary, array(properties.get("/Configs")))]
    return max(
        (sum(not on for on in _states(groups, configuration)) for configuration in configurations), default=0
    )


def _states(groups: list[Any], configuration: Any) -> Iterator[bool]:
    off, shown = (
        {group.objgen for group in array(configuration.get(key)) if isinstance(group, pikepdf.Dictionary)}
        for key in ("/OFF", "/ON")
    )
    base = configuration.get("/BaseState", "/ON") == "/ON"
    for group in groups:
        known = group.objgen if isinstance(group, pikepdf.Dictionary) else None
        yield known not in off and (base or known in shown)


def usage_differs(group: Any) -> bool:
    """Whether a layer asks to be shown by some uses of the file and not by others: print, export, zoom, language, user.

    Some viewers follow it without being told to by `AS` (pdfium), others only then: both are a face.
    """
    usage = dictionary(group.get("/Usage"))
    states = {
        str(state)
        for key in ("/View", "/Print", "/Export")
        for name, state in dictionary(usage.get(key)).items()
        if name.endswith("State")
    }
    return "/OFF" in states or any(use in usage for use in ("/Zoom", "/Language", "/User"))


def is_conditional(part: Any) -> bool:
    """Whether content is shown only while a layer is not (ISO 32000-2 §8.11.2.2)."""
    return "/OCGs" in part and ("/VE" in part or named(part.get("/P")) in {"/AnyOff", "/AllOff"})


def opening_actions(action: Any) -> list[str]:
    """What an opening action does beside choosing the page and its zoom; nothing for a destination."""
    kinds, nested, waiting = [], 0, [action]
    while waiting and nested < _NESTED:
        node, nested = waiting.pop(), nested + 1
        if isinstance(node, pikepdf.Dictionary):
            kinds += [kind for kind in [named(node.get("/S"))] if kind not in {"", "/GoTo"}]
            following = node.get("/Next")
            waiting += list(following) if isinstance(following, pikepdf.Array) else [following]
    return kinds


def harmless_click(action: Any) -> bool:
    """Whether an action only leads somewhere, by itself and by those that follow it."""
    nested, waiting = 0, [action]
    while waiting and nested < _NESTED:
        node, nested = waiting.pop(), nested + 1
        if isinstance(node, pikepdf.Dictionary):
            if named(node.get("/S")) not in _HARMLESS:
                return False
            following = node.get("/Next")
            waiting += list(following) if isinstance(following, pikepdf.Array) else [following]
    return not waiting


def has_appearance(annotation: Any) -> bool:
    """Whether an annotation says itself how it is drawn (its normal appearance)."""
    normal = dictionary(annotation.get("/AP")).get("/N")
    return isinstance(normal, pikepdf.Stream) or bool(dictionary(normal))


def inherited(field: Any, key: str) -> Any:
    """An entry of a field, or of the nearest parent that has it (ISO 32000-2 §12.7.4)."""
    for _ in range(_NESTED):
        if not isinstance(field, pikepdf.Dictionary):
            return None
        if key in field:
            return field.get(key)
        field = field.get("/Parent")
    return None


def named(value: Any) -> str:
    """A name with its slash, empty for anything else."""
    return str(value) if isinstance(value, pikepdf.Name) else ""


def number(value: Any) -> int:
    """A whole number, 0 for anything else."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return 0


def dictionary(value: Any) -> Any:
    """A dictionary (that of a stream too), or an empty one."""
    if isinstance(value, pikepdf.Stream):
        return value.stream_dict
    return value if isinstance(value, pikepdf.Dictionary) else pikepdf.Dictionary()


def array(value: Any) -> list[Any]:
    """The members of an array, or none."""
    return list(value) if isinstance(value, pikepdf.Array) else []


def phrases(counts: Mapping[str, int]) -> list[str]:
    """What was found, in French, one phrase for each kind."""
    return [_phrase(key, counts[key]) for key in KEYS if key in counts]


def _phrase(key: str, count: int) -> str:
    singular, plural = _WORDS[key]
    return singular if count == 1 or not plural else plural.format(count)


_WORDS = {
    "layers": ("un calque qui n’est pas montré partout", "{} calques qui ne sont pas montrés partout"),
    "annotations": (
        "une annotation masquée, ou montrée à l’écran ou à l’impression seulement",
        "{} annotations masquées, ou montrées à l’écran ou à l’impression seulement",
    ),
    "undrawn": (
        "une annotation que chaque logiciel dessine à sa façon",
        "{} annotations que chaque logiciel dessine à sa façon",
    ),
    "fields": ("un champ de formulaire à remplir", "{} champs de formulaire à remplir"),
    "actions": (
        "une action qui part seule ou au clic (envoi, ouverture, affichage)",
        "{} actions qui partent seules ou au clic (envoi, ouverture, affichage)",
    ),
    "media": ("un film, un son ou une vue en relief", "{} films, sons ou vues en relief"),
    "printed": (
        "une image qu’une autre remplace à l’impression",
        "{} images que d’autres remplacent à l’impression",
    ),
    "areas": ("une zone imprimée autre que la zone affichée", ""),
    "portfolio": ("un porte-documents, dont la page n’est que la couverture", ""),
    "rendering": (
        "une page qui s’imprime autrement qu’elle ne s’affiche",
        "{} pages qui s’impriment autrement qu’elles ne s’affichent",
    ),
    "tables": ("une table d’objets que deux logiciels lisent de deux façons", ""),
}

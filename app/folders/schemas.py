"""What the JSON API reads and writes: names, types, and what each is for."""

from marshmallow import EXCLUDE, Schema, fields, validate


class Body(Schema):
    """A request's body; a name that is not known is refused by its absence of effect, never by a crash."""

    class Meta:
        """Unknown names are left aside."""

        unknown = EXCLUDE


class Version(Body):
    """The version of the folder that the caller has seen."""

    version = fields.Integer(
        required=True, metadata={"description": "Version du dossier lue par l’appelant."}
    )


class Approve(Version):
    """A visa."""

    comment = fields.String(load_default="", validate=validate.Length(max=2000))


class Reject(Version):
    """A refusal, with its reason."""

    reason = fields.String(required=True, validate=validate.Length(min=1, max=2000))


class Change(Version):
    """What is typed in a draft."""

    title = fields.String(load_default=None, allow_none=True, validate=validate.Length(max=300))
    facts = fields.Dict(keys=fields.String(), values=fields.String(), load_default=dict)


class ListQuery(Body):
    """A tray, and where its next page goes on from."""

    tray = fields.String(
        load_default="todo",
        validate=validate.OneOf(["todo", "late", "returned", "running", "done", "drafts"]),
    )
    family = fields.String(load_default=None)
    after = fields.String(load_default=None)


class DocumentOut(Schema):
    """A document, in its current version."""

    id = fields.Integer()
    role = fields.String()
    title = fields.String()
    filename = fields.String()
    number = fields.Integer()
    sha256 = fields.String()
    size = fields.Integer()
    media_type = fields.String()
    href = fields.String()


class StepOut(Schema):
    """A line of the circuit."""

    state = fields.String()
    title = fields.String()
    meta = fields.String()
    quote = fields.String()
    identifier = fields.String()


class ProblemOut(Schema):
    """What keeps a draft from leaving."""

    key = fields.String()
    field = fields.String()
    sentence = fields.String()


class FolderOut(Schema):
    """A folder as the API tells it; amounts are text in euros, dates are ISO 8601."""

    id = fields.Integer()
    family = fields.String()
    title = fields.String()
    number = fields.String()
    phase = fields.String()
    place = fields.String()
    version = fields.Integer()
    round = fields.Integer()
    facts = fields.Dict()
    due_on = fields.String(allow_none=True)
    created_at = fields.String()
    documents = fields.List(fields.Nested(DocumentOut))
    steps = fields.List(fields.Nested(StepOut))
    problems = fields.List(fields.Nested(ProblemOut))
    href = fields.String()


class LineOut(Schema):
    """A folder in a list."""

    id = fields.Integer()
    family = fields.String()
    title = fields.String()
    number = fields.String()
    phase = fields.String()
    place = fields.String()
    step = fields.String(allow_none=True)
    due_on = fields.String(allow_none=True)
    href = fields.String()


class ListOut(Schema):
    """A page of folders; `next` is null on the last one."""

    folders = fields.List(fields.Nested(LineOut))
    next = fields.String(allow_none=True)


class FieldOut(Schema):
    """A fact that a family asks for."""

    key = fields.String()
    label = fields.String()
    type = fields.String()
    required_from = fields.String(allow_none=True)
    help = fields.String()
    choices = fields.Dict()


class FamilyOut(Schema):
    """A family of documents."""

    name = fields.String()
    label = fields.String()
    formats = fields.List(fields.String())
    fields_ = fields.List(fields.Nested(FieldOut), data_key="fields", attribute="fields")


class Me(Schema):
    """Who calls, for which desk, with which rights."""

    name = fields.String()
    collectivity = fields.String()
    desks = fields.List(fields.String())
    rights = fields.List(fields.String())

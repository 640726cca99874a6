"""What a round asks for, one after the other: each structure, or those of its services that an administrator names.

How far each was read lies in `ChorusAccount.structures`, in the row of its structure, or of its service among `SERVICES`:
`READ`, up to when all that changed was listed; `ASKED`, when it was last asked; `LISTED`, how many were listed then; `FAULT`,
why it was not read to its end, empty where it was.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.chorus.answers import Service, Structure
from app.chorus.client import of_sirets

READ, ASKED, LISTED, FAULT = "readUntil", "askedAt", "listed", "fault"
SERVICES: Final = "services"
NAMED: Final = "named"
"""In the row of a structure: the codes of services that an administrator named when its services were asked."""
PROGRESS: Final = (READ, ASKED, LISTED, FAULT)
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Scope:
    """A structure, or a service of it, and up to when it was read; None for one that never was."""

    structure: Structure
    service: Service | None
    read_until: datetime | None

    @property
    def service_id(self) -> int | None:
        """The number of the service there; None for all that the structure receives."""
        return None if self.service is None else self.service.id

    @property
    def name(self) -> str:
        """As a page names it."""
        return _name(self.structure, self.service)


@dataclass(frozen=True)
class Standing:
    """How a scope stands, as the page of Chorus Pro shows it."""

    name: str
    asked_at: datetime | None
    listed: int
    fault: str


def scopes_of(rows: Rows, sirets: Sequence[str], codes: Sequence[str]) -> list[Scope]:
    """What is asked: of a structure that has some of the services named, these alone; all of any other one.

    An invoice of no service is lost by no structure whose services nobody named.
    """
    return [
        Scope(structure, service, _moment(progress.get(READ)))
        for structure, service, progress in _each(rows, sirets, codes)
    ]


def standings(rows: Rows, sirets: Sequence[str], codes: Sequence[str]) -> list[Standing]:
    """How each stands."""
    return [
        Standing(
            _name(structure, service),
            _moment(progress.get(ASKED)),
            int(progress.get(LISTED) or 0),
            str(progress.get(FAULT) or ""),
        )
        for structure, service, progress in _each(rows, sirets, codes)
    ]


def unknown(rows: Rows, sirets: Sequence[str], codes: Sequence[str]) -> list[str]:
    """The codes named that no structure has."""
    known = {service.code.casefold() for _, service, _ in _each(rows, sirets, codes) if service is not None}
    return [code for code in codes if code.casefold() not in known]


def row_of(
    structure: Structure,
    services: Sequence[Service] | None,
    codes: Sequence[str],
    before: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The row of a structure with the services named of it; how far each was read `before` stays.

    Where its services were not given, those of before stay, for the codes of before.
    """
    before = before or {}
    mine = structure.model_dump(by_alias=True) | _progress(before)
    if services is None:
        return mine | {SERVICES: list(before.get(SERVICES) or ()), NAMED: str(before.get(NAMED) or "")}
    earlier = {row["idService"]: row for row in before.get(SERVICES) or ()}
    named = {code.casefold() for code in codes}
    chosen = [
        service.model_dump(by_alias=True) | _progress(earlier.get(service.id))
        for service in services
        if service.code.casefold() in named
    ]
    return mine | {SERVICES: chosen, NAMED: ", ".join(codes)}


def asked_for(row: Mapping[str, Any], codes: Sequence[str]) -> bool:
    """Whether the services of a structure were asked with these codes in mind."""
    return str(row.get(NAMED) or "") == ", ".join(codes)


def marked(rows: Rows, scope: Scope, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows, with these values of progress for a scope."""
    changed = []
    for row in rows:
        mine = dict(row)
        if Structure.model_validate(row).id == scope.structure.id:
            if scope.service is None:
                mine |= values
            else:
                mine[SERVICES] = [
                    service | values if service["idService"] == scope.service.id else service
                    for service in row.get(SERVICES) or ()
                ]
        changed.append(mine)
    return changed


def _each(
    rows: Rows, sirets: Sequence[str], codes: Sequence[str]
) -> Iterator[tuple[Structure, Service | None, Mapping[str, Any]]]:
    named = {code.casefold() for code in codes}
    by_id = {structure.id: row for row in rows for structure in [Structure.model_validate(row)]}
    for structure in of_sirets([Structure.model_validate(row) for row in rows], sirets):
        row = by_id[structure.id]
        if not asked_for(row, codes):
            continue  # its services are not known: all of it is more than what was asked
        services = [
            (service, values)
            for values in row.get(SERVICES) or ()
            for service in [Service.model_validate(values)]
            if service.code.casefold() in named
        ]
        if not services:
            yield structure, None, row
        for service, values in services:
            yield structure, service, values


def _name(structure: Structure, service: Service | None) -> str:
    if service is None:
        return f"{structure.name} ({structure.siret})"
    label = f", {service.name}" if service.name and service.name != service.code else ""
    return f"{structure.name} ({structure.siret}), service {service.code}{label}"


def _progress(row: Mapping[str, Any] | None) -> dict[str, Any]:
    return {name: (row or {}).get(name) for name in PROGRESS}


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None

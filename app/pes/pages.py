"""Cut a flow into pages that a screen can hold: every value of the file is on one of them."""

from collections.abc import Sequence
from typing import Any

from app.pes.flow import ZERO, Attachment, Slip, page_bytes

PER_PAGE = 100
"""Lines of mandats or titres on a page; a piece of more lines is not cut, and makes a longer page."""


class Pages:
    """The pages as they are made, in the order of the file: bordereaux, attachments, all other values."""

    def __init__(self) -> None:
        self.slip: Slip | None = None
        self._finished: list[bytes] = []
        self._blocks: list[dict[str, Any]] = []
        self._lines = 0
        self._until = ZERO

    def open_slip(self, slip: Slip, fields: Sequence[tuple[str, str, str]]) -> None:
        """A bordereau begins, on the page that is being made."""
        if self._lines >= PER_PAGE:
            self._turn()
        self.slip, slip.page = slip, len(self._finished) + 1
        self._until += slip.total or ZERO
        self._block(fields)

    def close_slip(self) -> None:
        """It ends, with the sums of its lines; one without a piece takes the room of one."""
        if self.slip is not None:
            self._blocks[-1]["sums"] = [str(self.slip.lines_total), str(self.slip.lines_vat)]
        self._lines += 1
        self.slip = None

    def next_page(self, lines: int) -> int:
        """The page that a piece of so many lines goes to."""
        if self._lines and self._lines + lines > PER_PAGE and self._blocks[-1]["pieces"]:
            self._turn()
            self._block(())
        return len(self._finished) + 1

    def add_piece(self, piece: dict[str, Any]) -> None:
        """A piece of the bordereau that is open."""
        self._blocks[-1]["pieces"].append(piece)
        self._lines += max(len(piece["lines"]), 1)

    def add_attachments(self, attachments: Sequence[Attachment]) -> None:
        """Every attachment, referred to or not."""
        rows = [
            [
                rank,
                attachment.unique_id,
                attachment.name,
                attachment.kind,
                attachment.description,
                attachment.concerns,
            ]
            for rank, attachment in enumerate(attachments)
        ]
        self._sheets("attachments", rows)

    def add_others(self, values: Sequence[tuple[str, str, str]]) -> None:
        """Every value that is in no bordereau and no attachment."""
        self._sheets("others", values)

    def done(self) -> list[bytes]:
        """The pages; one at least."""
        if self._blocks or not self._finished:
            self._turn()
        return self._finished

    def _sheets(self, kind: str, rows: Sequence[Any]) -> None:
        for start in range(0, len(rows), PER_PAGE):
            if self._lines >= PER_PAGE:
                self._turn()
            part = rows[start : start + PER_PAGE]
            self._blocks.append({"kind": kind, "rows": part})
            self._lines += len(part)

    def _block(self, fields: Sequence[tuple[str, str, str]]) -> None:
        slip = self.slip
        if slip is None:
            raise ValueError("a piece belongs to a bordereau")
        head = {
            "kind": "slip",
            "number": slip.number,
            "year": slip.year,
            "type": slip.kind,
            "domain": slip.domain,
        }
        totals = {
            "total": None if slip.total is None else str(slip.total),
            "running": slip.running,
            "until": str(self._until),
        }
        self._blocks.append({**head, **totals, "fields": fields, "pieces": []})

    def _turn(self) -> None:
        self._finished.append(page_bytes(self._blocks))
        self._blocks, self._lines = [], 0

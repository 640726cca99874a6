"""Where a process is killed: at the points that the law of the house names, and at random moments of a whole journey."""

import random
import sys
from dataclasses import dataclass

from tests.crash.sound import finished, sound
from tests.crash.walk import SEED, Forge, Kill, Walk

MOMENTS = 15  # on each database
TRIES_AT_A_STAGE = 2


@dataclass(frozen=True)
class Point:
    """The n-th call of a function; killed before it, or after it."""

    name: str
    target: str
    nth: int = 1
    after: bool = True

    @property
    def kill(self) -> Kill:
        return {"point": self.target, "nth": self.nth, "after": self.after}


DEPOSIT = (
    Point("bytes kept, no row yet", "app.files.store:Store._put"),
    Point("rows written, before the commit", "app.folders.deposit:append"),
)
SUBMIT = (
    Point("fields saved, not sent", "app.folders.deposit:save"),
    Point("moved, before the commit", "app.folders.move:append"),
    Point("sent, before the answer", "app.folders.sending:submit"),
)
VISA = (
    Point("decided, nothing written", "app.folders.move:append", after=False),
    Point("moved, before the commit", "app.folders.move:append"),
    Point("moved, before the answer", "app.folders.decide:approve"),
)
SIGN = (
    Point("prepared file written", "app.signing.formats.pades:prepare"),
    Point("session written, the page gone", "app.signing.sign:save"),
    Point("session claimed", "app.signing.sign:claim"),
    Point("embedded, not read back", "app.signing.formats.pades:complete"),
    Point("read back, not kept", "app.signing.formats.pades:check"),
    Point("kept, before the transaction", "app.signing.sign:record", after=False),
    Point("version and proof written, before the move", "app.signing.record:move", after=False),
    Point("moved, before the commit", "app.signing.record:move"),
    Point("committed, before the answer", "app.signing.sign:record"),
)
LETTER = (
    Point("row claimed", "app.core.outbox:take"),
    Point("letter announced, not given", "smtplib:SMTP.data", after=False),
    Point("accepted by the mail server, before the commit", "smtplib:SMTP.data"),
    Point("sent, before the row is settled", "app.core.outbox:settle", after=False),
    Point("settled", "app.core.outbox:settle"),
)
RECEIPT = (
    Point("receipt read, not kept", "app.transmission.dispatch:_act_on", after=False),
    Point("receipt kept, before the move", "app.transmission.dispatch:acknowledge", after=False),
    Point("moved, before the commit", "app.folders.decide:move"),
    Point("acknowledged, before the row is settled", "app.transmission.dispatch:acknowledge"),
)
LEAVING = {
    "invoice": (
        Point("transmission opened", "app.transmission.dispatch:open_transmission"),
        Point("package made", "app.channels.handover.channel:HandoverChannel.package"),
        Point("about to leave", "app.transmission.dispatch:mark_sending"),
        Point("ZIP delivered, no receipt of it", "app.channels.handover.channel:create_only"),
        Point("delivered, not marked sent", "app.transmission.dispatch:mark_sent", after=False),
        Point("marked sent", "app.transmission.dispatch:mark_sent"),
        *RECEIPT,
    ),
    "deliberation": (
        Point("transmission opened", "app.transmission.dispatch:open_transmission"),
        Point("package made", "app.channels.actes.channel:ActesChannel.package"),
        Point("about to leave", "app.transmission.dispatch:mark_sending"),
        Point("archive arrived, no reference", "demo.prefecture.simulator:create_only"),
        Point("reference given, number not consumed", "demo.prefecture.simulator:create_only", nth=2),
        Point("accepted, the answer lost", "app.channels.actes.channel:ActesChannel.send"),
        Point("accepted, not marked sent", "app.transmission.dispatch:mark_sent", after=False),
        Point("marked sent", "app.transmission.dispatch:mark_sent"),
        *RECEIPT,
    ),
}
PUBLISH = (
    Point("moved, before the commit", "app.folders.decide:move"),
    Point("published, before the answer", "app.folders.decide:publish"),
)


def points_of(stage: str, journey: str) -> tuple[Point, ...]:
    """The points of a stage, in the order in which a retried stage meets them; the last may end the stage."""
    kind, _, rest = stage.partition(":")
    if kind == "work":
        return (
            LEAVING[journey]
            if rest in {"handover", "prefecture"}
            else LETTER
            if rest in {"service_done", "direction"}
            else ()
        )
    return {"deposit": DEPOSIT, "draft": SUBMIT, "sign": SIGN, "publication": PUBLISH}.get(kind, VISA)


def at_every_point(forge: Forge, journey: str) -> None:
    """One folder, killed once at each named point of each stage, and still going to its end."""
    walk, deaths = Walk(forge, journey, "2026-700"), 0
    for stage in walk.stages():
        for point in points_of(stage, journey):
            if walk.stage() != stage:
                break
            assert walk.play(stage, point.kill)["died"], f"{stage}: never met « {point.name} »"
            deaths += 1
            sound(forge.house, walk.folder_id or walk.found())
        if walk.stage() == stage:
            walk.play(stage)
    finished(forge.house, walk.folder_id)
    assert deaths >= MOMENTS, deaths


def at_random_moments(forge: Forge, journey: str) -> None:
    """Deaths, `MOMENTS` of them, each at a random boundary or, from outside, at a random instant of a stage; every folder ends."""
    seed = f"{SEED}-{journey}-{forge.house.settings.database_url.split(':')[0]}"
    sys.stdout.write(f"PARAPHE_CRASH_SEED={SEED} ({seed})\n")
    chance, learnt = random.Random(seed), _learn(forge, journey)
    deaths, folders = 0, 0
    while deaths < MOMENTS:
        folders += 1
        assert folders < 12, f"only {deaths} deaths in {folders} folders"
        walk = Walk(forge, journey, f"2026-8{folders:02d}")
        for stage in walk.stages():
            for _ in range(TRIES_AT_A_STAGE):
                kill = _moment(chance, *learnt.get(stage, (40, 0.3)))
                died = walk.play(stage, kill)["died"]
                sys.stdout.write(f"{walk.folder_id or '-'} {stage} {kill} {'died' if died else 'lived'}\n")
                deaths += died
                sound(forge.house, walk.folder_id or walk.found())
                if walk.stage() != stage:
                    break
            else:
                walk.play(stage)
        finished(forge.house, walk.folder_id)


def _learn(forge: Forge, journey: str) -> dict[str, tuple[int, float]]:
    """One journey without any death: how many boundaries and seconds each stage has."""
    walk, learnt = Walk(forge, journey, "2026-800"), {}
    for stage in walk.stages():
        seen = walk.play(stage)
        learnt[stage] = (int(seen["passed"]), float(seen["seconds"]))
    finished(forge.house, walk.folder_id)
    return learnt


def _moment(chance: random.Random, boundaries: int, seconds: float) -> Kill:
    if chance.random() < 0.6:
        return {"boundary": chance.randint(1, boundaries)}
    return {"seconds": chance.uniform(0.0, seconds)}

"""A collectivity's own address for hand-overs, kept in its settings with the secret that signs what is posted there."""

import ipaddress

from app.channels.handover.address import judged, refused
from app.channels.handover.settings import MIN_SECRET, HandoverSettings
from app.core.addresses import AddressRefusedError, Allowed, Target
from app.core.db import Db
from app.core.refusals import Refusal
from app.core.sealed import seal
from app.core.transaction import use_case
from app.journal.chain import Event, append
from app.people.desks import collectivity_of
from app.people.models import Collectivity
from app.transmission.ports import Rejected

KEYS = ("handover_webhook_url", "handover_webhook_secret")
"""In the settings of a collectivity: the address, then the secret, sealed (`app/core/sealed.py`)."""
BY = "ligne de commande"


@use_case
def set_address(db: Db, siren: str, url: str, secret: str, settings: HandoverSettings) -> None:
    """Hand the folders of a collectivity over to this address from now on; what waits to be posted goes there too.

    Refuses a collectivity that is not here, a secret of fewer than sixteen characters (`handover-secret`), and an address
    that a hand-over would refuse (`handover-address`): written badly, inside without being listed, another port, http.
    """
    if len(secret) < MIN_SECRET:
        raise Refusal("handover-secret", least=MIN_SECRET)
    try:
        target = _target(url, Allowed(inside=settings.webhook_hosts, anybody=True))
    except Rejected as rejected:
        raise Refusal("handover-address", why=rejected.reason) from rejected
    row = _locked(db, siren)
    row.settings = {**row.settings, **dict(zip(KEYS, (url, seal(secret)), strict=True))}
    append(db, row.id, Event("collectivity.handover", BY, None, None, {"host": target.host}))


@use_case
def forget_address(db: Db, siren: str) -> None:
    """Go back to the address or the folder of the installation; without one of its own, nothing changes."""
    row = _locked(db, siren)
    if KEYS[0] not in row.settings:
        return
    row.settings = {key: value for key, value in row.settings.items() if key not in KEYS}
    append(db, row.id, Event("collectivity.handover_forgotten", BY, None, None, {}))


def _target(url: str, allowed: Allowed) -> Target:
    """The address taken apart, if it may be tried; where a name leads is only known when it is called."""
    target = judged(url, allowed)
    try:
        ipaddress.ip_address(target.host)
    except ValueError:
        return target
    try:
        allowed.resolve(target)
    except AddressRefusedError as error:
        raise refused(error.why) from error
    return target


def _locked(db: Db, siren: str) -> Collectivity:
    """The collectivity, locked: its settings are one value, which others write too."""
    number = collectivity_of(db, siren).id
    return db.get_one(Collectivity, number, with_for_update=True, populate_existing=True)

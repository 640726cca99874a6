"""Where the parts meet: the application, its slices, and nothing else."""

from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

from flask import Flask, g, has_request_context, request
from jinja2 import FileSystemBytecodeCache
from werkzeug.middleware.proxy_fix import ProxyFix

from app.core import (
    assets,
    bodies,
    compression,
    db,
    forms,
    french,
    hold,
    http,
    logs,
    outbox,
    security,
    transaction,
)
from app.core.commands import in_french
from app.core.limits import limiter
from app.core.refusals import catalogue
from app.core.routes import Route
from app.core.version import public_version
from app.files import antivirus, vault
from config import Settings, settings

SLICES = (
    "trust",
    "verification",
    "people",
    "journal",
    "files",
    "circuits",
    "folders",
    "display",
    "transmission",
    "invoices",
    "pes",
    "signing",
    "notices",
    "publication",
    "arrivals",
    "batches",
    "legality",
    "purchasing",
    "chorus",
    "operations",
)
HOME = Path(__file__).parent
PARTS = ("sentences", "plugs", "web", "api", "cli")
csrf = forms.Masked()


def create_app(configuration: Settings | None = None) -> Flask:
    """The application, ready to serve; it refuses to start on a bad configuration, with the list of all its faults."""
    chosen = configuration or settings()
    app = Flask(__name__, static_folder=None)
    app.url_rule_class = Route
    app.url_map.converters["int"] = http.RowNumber
    # Two slashes are no address of ours: merging them redirects to a whole address, of whatever Host was said.
    app.url_map.merge_slashes = False
    app.config.from_mapping(
        SECRET_KEY=chosen.secret_key.get_secret_value(),
        SECRET_KEY_FALLBACKS=[one.get_secret_value() for one in chosen.former_secret_keys],
        PARAPHE=chosen,
        MAX_CONTENT_LENGTH=chosen.upload_limit,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=chosen.secure_cookies,
        SESSION_COOKIE_NAME=security.cookie_name("paraphe", secure=chosen.secure_cookies),
        PERMANENT_SESSION_LIFETIME=chosen.remember_days * 86400,
        # Sent once, at the door: said again with each answer it would lie in every cache that keeps a style sheet.
        SESSION_REFRESH_EACH_REQUEST=False,
        SESSION_HOURS=chosen.session_hours,
        TAKE_BACK_SECONDS=chosen.take_back_seconds,
        REMEMBER_DAYS=chosen.remember_days,
        LOGIN_RATE=chosen.login_rate,
        LOGIN_ADDRESS_RATE=chosen.login_address_rate,
        LOGIN_ACCOUNT_RATE=chosen.login_account_rate,
        LOGIN_FACTOR_RATE=chosen.login_factor_rate,
        API_RATE=chosen.api_rate,
        PERSON_RATE=chosen.person_rate,
        RATELIMIT_STORAGE_URI=chosen.rate_limit_url,
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=True,  # a store that fails, said in the log, leaves each process its own count
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        API_TITLE="Paraphe",
        API_VERSION="1",
        OPENAPI_VERSION="3.1.0",
    )
    if chosen.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=chosen.trusted_proxies, x_proto=chosen.trusted_proxies)  # type: ignore[method-assign]
    app.wsgi_app = bodies.taken_in(app.wsgi_app)  # type: ignore[method-assign]
    app.session_interface = security.Cookies()
    open_ground(chosen)
    compression.install(app)  # first: it is the last to see an answer
    http.number_requests(app)
    app.before_request(transaction.begin_work)  # first: a thread still has that of the request before
    security.refuse_other_sites(app, chosen.public_url)
    import_module("app.people.login").hold_bodies(app)
    csrf.init_app(app)
    forms.mask_tokens(app)
    limiter.init_app(app)
    security.protect(app)
    french.install(app.jinja_env)
    app.jinja_env.globals["addresses"] = http.addresses
    _keep_compiled(app, chosen.data_dir / "templates")
    assets.serve(app, chosen.data_dir / "assets")
    carriers = sorted(f"channels.{home.parent.name}" for home in HOME.glob("channels/*/channel.py"))
    import_module("app.folders.sockets").clear()
    _mount(app, *SLICES, *carriers)
    _join(app, chosen)
    registry = import_module("app.people.own_settings.registry")
    registry.open_to_administrators(chosen.collectivity_settings)
    registry.under(security.settings_mark(chosen))
    import_module("app.people.login").stand_guard(app)
    http.show_refusals(app)
    http.note_refusals(app)
    _say_who(app, chosen)
    return app


def _keep_compiled(app: Flask, folder: Path) -> None:
    """Keep the compiled templates beside the data, so that each process does not compile them for its first answers.

    They hold the typography of `french.py` too, so a change of that file starts a new folder.
    """
    made_with = sha256(Path(french.__file__).read_bytes()).hexdigest()[:16]
    (folder / made_with).mkdir(mode=0o700, parents=True, exist_ok=True)
    app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(folder / made_with))


def _whose() -> dict[str, object]:
    """Who asks for this page, for a line of the security log; nothing outside of one."""
    if not has_request_context():
        return {}
    actor = g.get("actor")
    who = {name: getattr(actor, name, None) for name in ("user_id", "collectivity_id")}
    return {"user": who["user_id"], "collectivity": who["collectivity_id"], "address": http.address()}


def open_ground(chosen: Settings) -> None:
    """Point the process at its database and store; the worker and the command line do the same."""
    chosen.data_dir.mkdir(parents=True, exist_ok=True)
    logs.configure(json_lines=chosen.log_json)
    db.configure(chosen.database_url)
    vault.configure(chosen.store_url, office=chosen.office)
    antivirus.configure(
        chosen.antivirus_url,
        required=chosen.antivirus_required,
        seconds=chosen.antivirus_seconds,
        whose=_whose,
    )
    former = [one.get_secret_value() for one in chosen.former_secret_keys]
    security.configure(chosen.secret_key.get_secret_value(), former)
    outbox.policy(lease=chosen.lease_seconds, attempts=chosen.attempts_limit, backoff=chosen.backoff_seconds)
    db.keep_apart()
    catalogue.add(import_module("workflows.errors").SENTENCES)


def _mount(app: Flask, *slices: str) -> None:
    """Let each slice bring what it has: sentences, plugs, pages, JSON, commands; a slice has only the parts it needs."""
    for name in slices:
        for part in PARTS:
            if _has(name, part):
                _bring(app, import_module(f"app.{name}.{part}"), part)


def _join(app: Flask, chosen: Settings) -> None:
    """Let who plays the State's side in a demonstration or a test plug in; the pages are those of a demonstration alone.

    It is named by a setting, and stands outside of the product: a production has no such name, and imports nothing of it.
    """
    import_module("app.transmission.channels").simulated_by({})
    for part in ("sentences", "plugs", *(("web",) if chosen.demo else ())):
        if chosen.simulators:
            _bring(app, import_module(f"{chosen.simulators}.{part}"), part)


def _has(name: str, part: str) -> bool:
    return (HOME / name.replace(".", "/") / f"{part}.py").is_file()


def _bring(app: Flask, module: Any, part: str) -> None:
    if part == "sentences":
        catalogue.add(module.SENTENCES)
    elif part == "plugs":
        module.plug(app.config["PARAPHE"], app.jinja_env)
    elif part == "web":
        app.register_blueprint(module.pages)
    elif part == "api":
        module.mount(app, csrf)
    else:
        for command in module.COMMANDS:
            app.cli.add_command(in_french(command))


def _simulation(chosen: Settings) -> str:
    """What does not leave for the State, in words; nothing when all of it does."""
    ways = (chosen.transport("actes"), chosen.transport("helios"))
    acts, flows = (chosen.demo or chosen.s2low_simulated or way == "simulated" for way in ways)
    if acts and flows:
        return "rien n’est transmis"
    if acts:
        return "aucun acte n’est transmis à la préfecture"
    return "aucun flux n’est transmis au comptable public" if flows else ""


def _say_who(app: Flask, chosen: Settings) -> None:
    """What every template may say: who is logged in, where, in which theme."""

    @app.context_processor
    def _context() -> dict[str, Any]:
        actor = g.get("actor")
        return {
            "actor": actor,
            "collectivity": {"name": (actor.shown_name or actor.collectivity_name) if actor else ""},
            "todo_count": g.get("todo_count"),
            "theme": actor.theme if actor else "auto",
            "demo": chosen.demo,
            "paraphe_version": public_version(),
            "request": request,
            "simulation": _simulation(chosen) if actor else "",
            "simulated": bool(chosen.demo or chosen.simulators or chosen.s2low_simulated),
            "held_since": hold.shown() if actor else None,
        }

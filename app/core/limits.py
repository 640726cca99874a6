"""The one rate limiter; its memory follows the configuration (several processes share it through Redis)."""

from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

limiter = Limiter(get_remote_address, default_limits=[])

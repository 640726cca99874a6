"""Notices bring the templates of letters, and no page."""

from flask import Blueprint

pages = Blueprint("notices", __name__, template_folder="templates")

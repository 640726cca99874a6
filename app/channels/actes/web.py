"""@CTES brings templates to the folder's page."""

from flask import Blueprint

pages = Blueprint("actes", __name__, template_folder="templates")

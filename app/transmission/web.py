"""The post room brings templates to the folder's page, and no page of its own."""

from flask import Blueprint

pages = Blueprint("transmission", __name__, template_folder="templates")

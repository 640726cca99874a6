"""Invoices bring templates to the folder's page, and no page of their own."""

from flask import Blueprint

pages = Blueprint("invoices", __name__, template_folder="templates")

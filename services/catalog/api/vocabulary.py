"""``/api/v1/vocabulary``: what the codes in guides mean."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint

from chassis.auth import public
from chassis.web import API_PREFIX
from services.catalog.api.schemas import VocabularySchema, vocabulary_body

vocabulary_api = Blueprint("vocabulary", __name__, url_prefix=API_PREFIX, description="代码表 / code lists")

CACHING = "public, max-age=3600"


@vocabulary_api.get("/vocabulary")
@public
@vocabulary_api.response(200, VocabularySchema)
def list_codes() -> Any:
    """Every code list in words, each in the order of its codes. Public."""
    return vocabulary_body(), 200, {"Cache-Control": CACHING}

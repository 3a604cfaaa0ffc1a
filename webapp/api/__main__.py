"""`python -m webapp.api > docs/openapi.json`: the description of the API, made anew."""

from __future__ import annotations

import sys

from webapp.api import BLUEPRINTS
from webapp.api.spec import description

sys.stdout.write(description(BLUEPRINTS))

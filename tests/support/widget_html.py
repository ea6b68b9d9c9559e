"""The HTML of the dashboard's widget, with a check that nothing is in it but what we put there."""

from __future__ import annotations

import json

from tests.support.read_html import Element, read_html
from tests.support.shown_jobs import FUNCTION

TAGS = {"div", "span", "style", "b", "ul", "li", "a", "img", "cwdb-action"}
ATTRIBUTES = {
    *("class", "style", "title", "role", "tabindex", "src", "alt", "data-job", "confirmation", "action"),
    *("display", "endpoint", "aria-valuenow", "aria-valuemin", "aria-valuemax"),
}
"""None of them names a program, or a place to go to; `src` holds pictures alone."""


def check(html: str) -> Element:
    """No tag, no attribute and no address but ours. The parsed page."""
    page = read_html(html)
    for element in page.all():
        assert element.name in TAGS, element
        assert set(element.attributes) <= ATTRIBUTES, element
        source = element.attributes.get("src")
        assert source is None or source.startswith("data:image/jpeg;base64,"), element
        assert element.attributes.get("endpoint") in (None, FUNCTION), element
        if element.name == "cwdb-action":
            press = json.loads(element.text)
            assert set(press) == {"action", "job_id"}, element
    for style in page.all("style"):
        (sheet,) = style.children
        assert isinstance(sheet, str) and "url(" not in sheet and "@import" not in sheet
    return page

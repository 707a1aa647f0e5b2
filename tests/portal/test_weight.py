"""A page is light: what a browser fetches for it the first time, as it comes over the wire."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import pytest
import urllib3
from flask.testing import FlaskClient

from tests.portal.addresses import PAGES, Place
from tests.portal.browsing import enter
from tests.portal.rig import Platform, World

MOST_BYTES = 150_000
ACCEPTS = {"Accept-Encoding": "gzip, deflate, br"}
NEEDED = re.compile(r'<link[^>]* rel="(?:stylesheet|icon)"[^>]*>|<script[^>]* src=[^>]*>|<img[^>]*>')
ADDRESS = re.compile(r'(?:href|src)="([^"]+)"')


def files_of(page: str) -> set[str]:
    """Addresses of the style sheets, scripts and images that a page asks for."""
    return {found.group(1) for tag in NEEDED.findall(page) if (found := ADDRESS.search(tag))}


@pytest.mark.parametrize("place", PAGES, ids=str)
def test_a_page_with_all_it_needs_is_light(place: Place, client: FlaskClient, platform: Platform, world: World) -> None:
    if place.username:
        enter(client, platform, place.username)
    answer = client.get(place.of(world), headers=ACCEPTS)
    sizes = {"page": len(answer.data)}
    for address in files_of(answer.get_data(as_text=True)):
        if not address.startswith("data:"):
            file = client.get(urljoin(answer.request.path, address), headers=ACCEPTS)
            assert file.status_code == 200, address
            sizes[address] = len(file.data)
    assert len(sizes) >= 5, "style sheets, scripts and icon are counted"
    assert sum(sizes.values()) <= MOST_BYTES, sizes


def test_files_reach_the_browser_as_the_portal_sends_them(site: str, client: FlaskClient) -> None:
    address = "/static/vendor/pico.min.css"
    sent = client.get(address, headers=ACCEPTS)
    with urllib3.PoolManager() as http:
        came = http.request("GET", site + address, headers=ACCEPTS, decode_content=False)
    assert (came.headers["Content-Encoding"], came.data) == ("gzip", sent.data)
    assert "max-age" in came.headers["Cache-Control"]

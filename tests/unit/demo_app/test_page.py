"""The page's files: who gets them, and that they name no other place and write no markup."""

import re
from collections.abc import Iterator

import httpx
import pytest

from demo_app.page import load_assets, wants_page
from unit.demo_app.serving import api_of, served
from unit.demo_app.simulation import Simulation
from waiting import NEW_CONNECTIONS, patience

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.fixture
def client(simulation: Simulation) -> Iterator[httpx.Client]:
    with (
        served(api_of(simulation)) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=patience(5), limits=NEW_CONNECTIONS) as client,
    ):
        yield client


@pytest.mark.parametrize(
    ("accept", "page"),
    [
        (BROWSER, True),
        ("text/html", True),
        ("text/*", True),
        ("TEXT/HTML;q=0.5, application/json;q=0.4", True),
        ("*/*", False),
        ("", False),
        ("application/json", False),
        ("application/json, text/html", False),
        ("text/html;q=0.4, application/json;q=0.5", False),
        ("text/html;q=0", False),
        ("text/html;q=often", False),
        ("text/html;q=0.8, */*", False),
    ],
)
def test_the_page_is_for_those_who_would_rather_have_html_than_json(accept: str, *, page: bool) -> None:
    assert wants_page(accept) is page


def test_a_browser_gets_the_page_and_a_program_json_at_the_same_address(client: httpx.Client) -> None:
    page = client.get("/", headers={"accept": BROWSER})
    json = client.get("/")

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.text.startswith("<!doctype html>")
    assert json.headers["content-type"] == "application/json"
    assert json.json()["version"] == "1.2.3"
    assert page.headers["vary"] == json.headers["vary"] == "accept"


def test_every_file_that_the_page_names_is_served_with_its_type(client: httpx.Client) -> None:
    document = load_assets()["index.html"].content.decode()
    named = set(re.findall(r'(?:src|href)="(page/[^"]+)"', document))
    scripts = [asset.content.decode() for name, asset in load_assets().items() if name.endswith(".js")]
    named |= {f"page/{name}" for script in scripts for name in re.findall(r'from "\./([^"]+)"', script)}

    assert named == {f"page/{name}" for name in load_assets() if name != "index.html"}
    types = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
    for path in named:
        answer = client.get(f"/{path}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, types[path.rpartition(".")[2]])


def test_an_unknown_file_is_404_and_names_the_known_ones(client: httpx.Client) -> None:
    answer = client.get("/page/gremlins.js")

    assert answer.status_code == 404
    assert answer.json()["detail"].startswith(
        "unknown file: 'gremlins.js'; the files of the page are chart.js, "
    )


@pytest.mark.parametrize("name", sorted(load_assets()))
def test_no_file_names_another_place_or_writes_markup(name: str) -> None:
    text = load_assets()[name].content.decode()
    addresses = set(re.findall(r"https?://[^\s\"']+|(?<=url\()[^)]*", text))

    assert addresses <= {"http://www.w3.org/2000/svg", "#hatch"}  # a name and a part of the same drawing
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|Function\(", text)
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", text)

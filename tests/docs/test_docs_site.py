"""The site of docs/: its links hold, it needs no network, and its reference has every key and command."""

from __future__ import annotations

import dataclasses
import inspect
import re
import subprocess
import sys
import typing
from pathlib import Path

import pytest

from headrace.declaration import features, modelling, parameters, rows, rules, serving
from headrace.sources import Csv, Parquet, Sql

ROOT = Path(__file__).resolve().parents[2]
CLASSES = [
    declared
    for module in (features, modelling, parameters, rows, rules, serving)
    for _, declared in inspect.getmembers(module, dataclasses.is_dataclass)
    if declared.__module__ == module.__name__
] + [Csv, Parquet, Sql]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the built site; a link or an anchor that leads nowhere ends the build."""
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(target)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


def test_a_page_fetches_nothing_from_elsewhere(site: Path) -> None:
    """Scripts, styles, fonts and pictures lie in the site."""
    loads = re.compile(
        r'<(?:script|img|iframe)[^>]+src="(?:https?:)?//|<link[^>]+rel="(?!canonical)[^"]*"[^>]+href="(?:https?:)?//'
    )
    assert [page.name for page in site.rglob("*.html") if loads.search(page.read_text())] == []


def test_the_readme_leads_somewhere() -> None:
    """Each of its links to a file of the repository; those of docs/ MkDocs looks at."""
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", (ROOT / "README.md").read_text())
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.parametrize("declared", CLASSES, ids=lambda declared: declared.__name__)
def test_every_key_is_in_the_reference_with_what_it_means(site: Path, declared: type) -> None:
    """Each field has a text under it; each key, its type and its meaning are on a page."""
    pages = "".join(page.read_text() for page in (site / "reference").glob("*.html"))
    inner = typing.get_type_hints(declared)
    for field in dataclasses.fields(declared):
        assert field.name in pages
        if not _holds_a_dataclass(inner[field.name]):
            row = re.search(
                rf"<td><code>{field.name}</code></td>\s*<td>(.+?)</td>\s*<td>.*?</td>\s*<td>(.*?)</td>",
                pages,
                re.DOTALL,
            )
            assert row
            assert all(row.groups())


def _holds_a_dataclass(declared: object) -> bool:
    return any(dataclasses.is_dataclass(each) for each in (declared, *typing.get_args(declared)))


def test_every_command_is_in_the_reference(site: Path) -> None:
    """With its own words for what it does."""
    from typer.main import get_command

    from headrace.cli import app

    page = (site / "reference" / "commands.html").read_text()
    for name, command in get_command(app).commands.items():
        assert f"headrace {name}</code>" in page
        assert command.help

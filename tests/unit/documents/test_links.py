"""Every relative link of every page leads somewhere, its anchor included. Addresses are not called: no network here."""

from pathlib import Path

import pytest

from tests.support.pages import ROOT, anchors, links, pages


@pytest.mark.parametrize("page", pages())
def test_every_link_leads_somewhere(page: str) -> None:
    """A page moves, a heading is reworded, and nobody clicks until the night it is needed."""
    for link in links(page):
        if link.startswith(("https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = ((ROOT / page).parent / path).resolve() if path else ROOT / page
        assert target.exists(), f"{page} leads to {link}, which is not there"
        assert target.is_relative_to(ROOT), f"{page} leads out of the repository: {link}"
        if anchor:
            assert anchor in anchors(str(target.relative_to(ROOT))), f"{page} leads to {link}: no such heading"


def test_the_readme_leads_to_every_page() -> None:
    """Its map of the documents is the only one."""
    shown = {str(Path(link.partition("#")[0])) for link in links("README.md")}
    assert [page for page in pages() if page not in shown | {"README.md"}] == []


def test_anchors_are_made_as_github_makes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the test above proves nothing: punctuation goes, blanks become hyphens, a second one is numbered."""
    page = "# Fleet: a `tenant`, 10 %\n\n## Again\n\n```sh\n# no heading\n```\n\n## Again\n"
    monkeypatch.setattr("tests.support.pages.text", lambda _: page)
    assert anchors("any") == {"fleet-a-tenant-10-", "again", "again-1"}

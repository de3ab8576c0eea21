"""The pictures show what there is: drawn again from their sources they are the same, and the demo's has its steps."""

import ast
import re

import pytest

from dev.pictures import PICTURES, ROOT, fleet, status
from dev.pictures.console import words
from dev.pictures.demo import WHOLE, draw

CURE = "`make pictures` draws it anew"


def titles() -> list[str]:
    """The steps of the demo's code, in the order in which they are told."""
    calls = [node for node in ast.walk(ast.parse((ROOT / "dev/demo.py").read_text())) if isinstance(node, ast.Call)]
    steps = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "step"]
    return [str(ast.literal_eval(call.args[0])) for call in sorted(steps, key=lambda call: call.lineno)]


def test_the_demos_picture_has_the_steps_of_the_demo() -> None:
    """A run takes two minutes, so the picture is of a recorded one; its steps are compared."""
    shown = [step[1] for line in words((PICTURES / "demo.svg").read_text()) if (step := re.match(r"\d+\. (.+)", line))]
    assert shown == titles(), CURE


def test_the_demos_picture_shows_the_mails_and_the_end() -> None:
    """Cut in the wrong place, it would show neither."""
    shown = words((PICTURES / "demo.svg").read_text())
    assert [line.split(" - ")[0] for line in shown if line.startswith("Subject: ")] == [
        "Subject: [Device-ID] INFO: rotated",
        "Subject: [Device-ID] WARNING: ServiceFailure",
    ]
    assert shown[-1].startswith("Done.")


@pytest.mark.parametrize("beginning", WHOLE)
def test_each_step_that_is_shown_whole_is_one(beginning: str) -> None:
    """A reworded title would be shown alone."""
    assert len([title for title in titles() if title.startswith(beginning)]) == 1


def test_a_recording_is_shortened_to_its_story() -> None:
    """The titles of all steps, four steps whole, and a mail up to what happens by itself."""
    rule = "-" * 120
    steps = ["", "1. Invoke it", "   left: out", "", "2. Onboard: now", "   \x1b[2mshown:\x1b[0m yes"]
    mail = [rule, "Subject: one", "", "What happens by itself", "left out", rule]
    recorded = "\n".join([*steps, *mail, "", "Done. All of it.", "Next: left out"])
    shown = [line for line in words(draw(recorded)) if line.strip("-")]
    assert shown == ["1. Invoke it", "2. Onboard: now", "shown: yes", "Subject: one", "...", "Done. All of it."]


def test_the_pictures_of_status_and_fleet_are_drawn_from_their_pages_as_they_are() -> None:
    """The deployed tests compare docs/onboarding.md with the command; `make bench` writes docs/performance.md."""
    assert (PICTURES / "status.svg").read_text() == status.draw(), CURE
    assert (PICTURES / "fleet.svg").read_text() == fleet.draw(), CURE
    assert "All is well." in words((PICTURES / "status.svg").read_text())


@pytest.mark.parametrize("picture", sorted(PICTURES.glob("*.svg")), ids=lambda picture: picture.name)
def test_a_picture_fetches_nothing(picture: object) -> None:
    """A page with it calls nobody: no font, no image, no script."""
    drawn = (PICTURES / str(picture)).read_text().replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert re.findall(r"https?://|@font-face|@import|<script|<image|href", drawn) == []

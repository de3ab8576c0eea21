"""The page with every alert is what the code says, and what it says is fit for a person."""

import json

import pytest

from certificate_rotation.domain.state import News
from certificate_rotation.domain.verdict import Answer
from certificate_rotation.notifications.messages import MAX_SUBJECT
from dev import render_alert_docs


def test_the_page_shows_what_the_code_says() -> None:
    """A text in the documentation that nobody sends helps nobody: `python -m dev.render_alert_docs` writes it anew."""
    assert render_alert_docs.PAGE.read_text() == render_alert_docs.page()


@pytest.mark.parametrize(
    "message", [*render_alert_docs.failures(), *render_alert_docs.news()], ids=lambda message: message.subject
)
def test_every_alert_answers_the_same_questions_in_the_same_order(message: News) -> None:
    """Who is woken up looks for the answer in its place."""
    assert len(message.subject) <= MAX_SUBJECT
    titles = ["What happened", "Does traffic still work", "What happens by itself", "What you can do", "Details"]
    places = [message.text.index(f"{title}\n") for title in titles]
    assert places == sorted(places)
    assert json.loads(message.detail)["text"] == message.text


def test_every_error_has_a_text_of_its_own() -> None:
    """The name alone says too little."""
    shown = {message.code: message.text.partition("Details\n")[0] for message in render_alert_docs.failures()}
    assert shown.keys() == render_alert_docs.SAID.keys() == render_alert_docs.named().keys()
    assert len(set(shown.values())) == len(shown)


def test_a_mail_of_each_answer_is_shown() -> None:
    """What people look up is whether traffic works: each answer has a sentence that begins in a way of its own."""
    shown = {
        message.text.partition("Does traffic still work\n")[2].split("\n")[0]
        for message in render_alert_docs.failures()
    }
    assert dict.fromkeys(answer for answer, _ in render_alert_docs.traffic()).keys() == set(Answer)
    for words in ("Yes: ", "No: ", "Not known: ", "Not asked in this run.", "Not asked: "):
        assert any(sentence.startswith(words) for sentence in shown), words

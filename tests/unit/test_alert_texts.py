"""The page with every alert is what the code says, and what it says is fit for a person."""

import json

import pytest

from certificate_rotation.messages import MAX_SUBJECT, Message
from certificate_rotation.verdict import Answer
from tools import alert_texts


def test_the_page_shows_what_the_code_says() -> None:
    """A text in the documentation that nobody sends helps nobody: `python -m tools.alert_texts` writes it anew."""
    assert alert_texts.PAGE.read_text() == alert_texts.page()


@pytest.mark.parametrize("message", [*alert_texts.failures(), *alert_texts.news()], ids=lambda message: message.subject)
def test_every_alert_answers_the_same_questions_in_the_same_order(message: Message) -> None:
    """Who is woken up looks for the answer in its place."""
    assert len(message.subject) <= MAX_SUBJECT
    titles = ["What happened", "Does traffic still work", "What happens by itself", "What you can do", "Details"]
    places = [message.text.index(f"{title}\n") for title in titles]
    assert places == sorted(places)
    assert json.loads(message.detail)["text"] == message.text


def test_every_error_has_a_text_of_its_own() -> None:
    """The name alone says too little."""
    shown = {message.code: message.text.partition("Details\n")[0] for message in alert_texts.failures()}
    assert shown.keys() == alert_texts.SAID.keys() == alert_texts.named().keys()
    assert len(set(shown.values())) == len(shown)


def test_a_mail_of_each_answer_is_shown() -> None:
    """What people look up is whether traffic works: each answer has a sentence that begins in a way of its own."""
    shown = {
        message.text.partition("Does traffic still work\n")[2].split("\n")[0] for message in alert_texts.failures()
    }
    assert dict.fromkeys(answer for answer, _ in alert_texts.traffic()).keys() == set(Answer)
    for words in ("Yes: ", "No: ", "Not known: ", "Not asked in this run.", "Not asked: "):
        assert any(sentence.startswith(words) for sentence in shown), words

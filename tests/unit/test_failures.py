# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""The last line of a failed task, and the page of the documentation that it leads to."""

from __future__ import annotations

import pickle
import re
import traceback
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_clockify import exceptions
from airflow_provider_clockify._compat import AirflowFailException, AirflowSensorTimeout, AirflowTaskTimeout
from airflow_provider_clockify.airflow_errors import FIRST, LINE, failure_text
from airflow_provider_clockify.exceptions import (
    ERRORS_PAGE,
    ClockifyAuthError,
    ClockifyBadRequestError,
    ClockifyConfigError,
    ClockifyError,
    ClockifyForbiddenError,
    ClockifyNotFoundError,
    ClockifyRateLimitError,
    ClockifyServerError,
    ClockifyTransportError,
    ClockifyWindowError,
    Entry,
    explained_by,
)

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / ERRORS_PAGE).read_text(encoding="utf-8")
PUBLIC = [getattr(exceptions, name) for name in exceptions.__all__]
DATA = "Nothing was published; the files of /data are unchanged."


def slug(heading: str) -> str:
    """Return the anchor that code hosts and Sphinx give a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def sections() -> dict[str, str]:
    """Return the texts of the page below its third-level headings, by anchor."""
    parts = re.split(r"^#{1,3} ", PAGE, flags=re.M)
    found = re.findall(r"^### (.+)$", PAGE, flags=re.M)
    return {slug(part.partition("\n")[0]): part for part in parts if part.partition("\n")[0] in found}


def below(kind: type) -> list[type]:
    return [kind, *(each for sub in kind.__subclasses__() for each in below(sub))]


# --- the page -----------------------------------------------------------------------------------------------------


def test_every_entry_is_a_heading_and_every_heading_an_entry():
    assert set(sections()) == {str(entry) for entry in Entry}


@pytest.mark.parametrize("entry", Entry)
def test_an_entry_says_what_is_seen_why_it_is_and_what_to_do(entry):
    section = sections()[entry]
    assert re.search(r"^> \w", section, flags=re.M), "what you see in the log"
    for word in ("**Why.**", "**What to do.**", "**Tried again:**"):
        assert section.count(word) == 1, word
    assert section.index("\n> ") < section.index("**Why.**") < section.index("**What to do.**")


@pytest.mark.parametrize("kind", PUBLIC)
def test_every_public_error_has_an_entry_that_names_it(kind):
    assert issubclass(kind, ClockifyError)
    if kind.__subclasses__() and kind in (ClockifyError, exceptions.ClockifyApiError):
        return  # Nobody raises them.
    assert f"`{kind.__name__}`" in sections()[kind.entry]


def test_every_error_is_public():
    ours = {kind for kind in below(ClockifyError) if kind.__module__ == exceptions.__name__}
    assert ours == set(PUBLIC)


def test_nothing_on_the_page_is_wider_than_a_small_screen_wraps():
    """Tables of many columns need 400 pixels for each; text and quotes wrap."""
    columns = [line.count("|") - 1 for line in PAGE.splitlines() if line.startswith("|")]
    assert not [each for each in columns if each > 2]


# --- which entry --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "entry"),
    [
        (ClockifyAuthError("x", status=401, code=4003), Entry.KEY_REFUSED),
        (ClockifyAuthError("x", status=401, code=1000), Entry.KEY_NOT_ARRIVED),
        (ClockifyAuthError("x", status=401, code=4019), Entry.NOT_VERIFIED),
        (ClockifyAuthError("x", status=401, code=406), Entry.SUSPENDED),
        (ClockifyForbiddenError("x", status=406), Entry.SUSPENDED),
        (ClockifyForbiddenError("x", status=403, code=4017), Entry.KEY_REFUSED),
        (ClockifyForbiddenError("x", status=402), Entry.NOT_ALLOWED),
        (ClockifyBadRequestError("x", status=302), Entry.REDIRECTED),
        (ClockifyBadRequestError("x", status=400, code=501), Entry.REFUSED),
        (ClockifyNotFoundError("x", status=404), Entry.NOT_SERVED),
        (ClockifyNotFoundError("x", status=400, code=501), Entry.NOT_FOUND),
        (ClockifyRateLimitError("x"), Entry.BUDGET_USED_UP),
        (ClockifyServerError("x", status=500), Entry.SERVICE_FAILED),
    ],
    ids=str,
)
def test_an_answer_leads_to_its_entry(error, entry):
    assert error.entry is entry
    assert error.see == f"docs/errors.md#{entry}"
    assert pickle.loads(pickle.dumps(error.entry)) is entry


def test_a_block_may_say_more_than_the_class():
    def found(error):
        with (
            pytest.raises(ClockifyConfigError) as caught,
            explained_by(Entry.TABLE),
            explained_by(Entry.PACKAGE),
        ):
            raise error
        return caught.value.entry

    assert found(ClockifyConfigError("x")) is Entry.PACKAGE
    assert found(ClockifyWindowError("x")) is Entry.WINDOW
    with pytest.raises(ClockifyTransportError) as caught, explained_by(Entry.TABLE):
        raise ClockifyTransportError("x")
    assert caught.value.entry is Entry.NO_ANSWER


def test_a_traceback_of_the_hook_names_the_entry_too():
    error = ClockifyConfigError("extra.region is wrong.").explain(Entry.CONNECTION_FIELD)
    error.add_note("Mine.")
    shown = "".join(traceback.format_exception(error))
    assert "See docs/errors.md#a-field-of-the-connection-is-wrong.\nMine." in shown
    assert shown.count("docs/errors.md") == 1


# --- the line -----------------------------------------------------------------------------------------------------


def test_reason_and_cure_come_first_then_the_data_then_where_to_read():
    error = ClockifyConfigError("window is 'dya'; use day.")
    assert (
        failure_text(error, DATA)
        == f"window is 'dya'; use day.\n{DATA}\nSee docs/errors.md#a-parameter-is-wrong."
    )


def test_what_airflow_gets_is_told_by_what_it_was_made_of():
    failure = AirflowFailException("The key was refused.")
    failure.__cause__ = ClockifyAuthError("The key was refused.", status=401)
    assert failure_text(failure, "").splitlines() == [
        "The key was refused.",
        "See docs/errors.md#the-key-was-refused.",
    ]


@pytest.mark.parametrize(
    ("error", "beginning", "entry"),
    [
        (AirflowSensorTimeout("Snap."), "The wait timed out. Snap.", Entry.WAIT_TIMED_OUT),
        (
            AirflowTaskTimeout("PID: 1"),
            "The task took longer than its execution_timeout of 0:01:00.",
            Entry.TASK_TIMED_OUT,
        ),
        (SystemExit("Stop."), "The task was told to stop (SIGTERM). Somebody", Entry.TASK_STOPPED),
        (
            KeyError("x"),
            "The task failed with an error that this provider does not expect",
            Entry.SOMETHING_ELSE,
        ),
    ],
    ids=["wait", "task", "stopped", "else"],
)
def test_what_is_not_ours_is_explained(error, beginning, entry):
    text = " ".join(failure_text(error, DATA, timedelta(minutes=1)).split())
    assert text.startswith(beginning)
    assert text.endswith(f"{DATA} See docs/errors.md#{entry}.")


def test_statements_keep_their_lines():
    text = failure_text(ClockifyConfigError("Run:\n\nCREATE TABLE a (\n  b int);\nCREATE INDEX c;"), "")
    assert text.splitlines()[:4] == ["Run:", "CREATE TABLE a (", "b int);", "CREATE INDEX c;"]


@given(st.text(max_size=600).filter(str.strip), st.text(max_size=200))
def test_no_line_is_longer_than_the_page_shows_and_no_word_is_lost(message, data):
    text = failure_text(ClockifyConfigError(message), data)
    lines = text.splitlines()
    words = " ".join(message.splitlines()).split() + data.split()
    assert text.split() == [*words, "See", "docs/errors.md#a-parameter-is-wrong."]
    assert all(len(line) <= LINE or len(line.split()) == 1 for line in lines)
    assert len(lines[0]) <= LINE - FIRST or len(lines[0].split()) <= 1

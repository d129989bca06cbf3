# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What a key sees, and one user's totals of a summary."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.service.key_sight import active_workspace, check_admin, profile_zone, sight
from airflow_provider_clockify.service.user_totals import user_totals

SEEN = [{"id": "w1", "name": "One"}, {"id": "w2", "name": "Two"}]
USER = {"id": "u", "name": "Ada", "email": "ada@example.com", "activeWorkspace": "w2"}


@pytest.mark.parametrize(
    ("user", "wanted", "is_set", "found"),
    [
        (USER, "w1", True, (True, "Default: One (w1) (by this connection).")),
        (USER, None, False, (True, "Default: Two (w2) (its active one; none is set here).")),
        (USER, "w3", True, (False, "workspace w3 is not among those it sees: One (w1), Two (w2)")),
        (
            {"email": "a@example.com"},
            None,
            False,
            (False, "belongs to somebody without a name (a@example.com)"),
        ),
    ],
)
def test_the_sentence_of_the_test_button(user, wanted, is_set, found) -> None:
    success, text = sight(user, SEEN, wanted, is_set)
    assert success is found[0]
    assert found[1] in text


def test_the_active_workspace_is_found_or_its_lack_is_told() -> None:
    assert active_workspace(USER, "c") == "w2"
    assert active_workspace({"activeWorkspace": "", "defaultWorkspace": "w"}, "c") == "w"
    with pytest.raises(ClockifyConfigError, match=r"'c' names no workspace .*set extra\.workspace_id"):
        active_workspace({}, "c")


def test_only_workspaces_with_the_role_count() -> None:
    check_admin("w1", SEEN, "c")
    with pytest.raises(ClockifyConfigError, match="neither an owner's nor an admin's of workspace w3"):
        check_admin("w3", SEEN, "c")


@pytest.mark.parametrize("name", ["Mars/Olympus", "../etc/passwd", "a" * 300])
def test_a_zone_that_is_unknown_here_is_named_and_not_guessed(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert profile_zone({"settings": {"timeZone": name}}) is None
    assert name in caplog.text


def test_a_known_zone_is_taken_and_none_is_no_zone() -> None:
    assert profile_zone({"settings": {"timeZone": "Europe/Berlin"}}) == ZoneInfo("Europe/Berlin")
    assert profile_zone({"settings": None}) is profile_zone({}) is None


def test_totals_are_of_the_user_and_of_nobody_else() -> None:
    own = {"_id": "p", "name": "P", "duration": 60, "amount": 5.0, "currency": "EUR"}
    mine = {"_id": "u", "name": "Ada", "duration": 60, "amount": 5.0, "currency": "EUR", "children": [own]}
    summary = {"groupOne": [{"_id": "other", "duration": 7, "amount": 9.0, "currency": "USD"}, mine]}
    money = {"amount": 5.0, "currency": "EUR", "amounts": {"EUR": 5.0}}
    assert user_totals(summary, "u") == {
        "user_id": "u",
        "name": "Ada",
        "seconds": 60,
        **money,
        "projects": [{"id": "p", "name": "P", "seconds": 60, **money}],
    }
    nothing = user_totals(summary, "nobody")
    assert (nothing["user_id"], nothing["seconds"], nothing["projects"]) == ("nobody", 0, [])

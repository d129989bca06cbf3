# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Switches: turned on from the start, by code and by other processes, and off again."""

from __future__ import annotations

import pytest
import requests

from airflow_provider_clockify.testing import ClockifyEmulator, generate_workspace
from airflow_provider_clockify.testing.__main__ import _parser
from airflow_provider_clockify.testing.switches import SWITCHES, Switches


@pytest.fixture
def emulator():
    with ClockifyEmulator(generate_workspace(entries=20)) as emulator:
        yield emulator


def has_memberships(emulator: ClockifyEmulator) -> bool:
    url = f"{emulator.url}/api/v1/workspaces/{emulator.workspace.id}/projects"
    answer = requests.get(url, headers={"X-Api-Key": emulator.api_key}, timeout=10)
    return all("memberships" in project for project in answer.json())


def control(emulator: ClockifyEmulator, method: str, where: str) -> requests.Response:
    return requests.request(method, f"{emulator.url}/__emulator__/{where}", timeout=10)


def test_other_processes_turn_switches_on_and_off(emulator):
    assert has_memberships(emulator)
    assert control(emulator, "PUT", "switches/hydrated").json() == {"on": ["hydrated"]}
    assert not has_memberships(emulator)
    assert control(emulator, "DELETE", "switches/hydrated").json() == {"on": []}
    assert has_memberships(emulator)


def test_a_reset_turns_all_off(emulator):
    emulator.switches.turn("hydrated", True)
    assert not has_memberships(emulator)
    assert control(emulator, "POST", "reset").status_code == 204
    assert has_memberships(emulator)
    assert emulator.switches.names == []


def test_an_unknown_switch_is_refused(emulator):
    answer = control(emulator, "PUT", "switches/hydratet")
    assert answer.status_code == 400
    assert "there is no switch 'hydratet'; use one of" in answer.json()["message"]
    with pytest.raises(ValueError, match="there is no switch"):
        Switches(["hydratet"])


def test_the_log_has_what_was_asked_for_and_not_what_a_switch_made_of_it(emulator):
    emulator.switches.turn("lists-by-id", True)
    url = f"{emulator.url}/api/v1/workspaces/{emulator.workspace.id}/projects?sort-column=ID"
    found = requests.get(url, headers={"X-Api-Key": emulator.api_key}, timeout=10).json()
    assert [each["name"].lower() for each in found] == sorted(each["name"].lower() for each in found)
    assert emulator.requests[-1].query == {"sort-column": ["ID"]}


def test_several_switches_work_together(emulator):
    for name in ("hydrated", "lists-by-id"):
        emulator.switches.turn(name, True)
    assert emulator.switches.names == ["hydrated", "lists-by-id"]
    assert not has_memberships(emulator)


def test_the_command_line_takes_every_switch():
    names = [part for name in SWITCHES for part in ("--switch", name)]
    assert _parser().parse_args(names).switch == list(SWITCHES)


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_says_what_it_does(name):
    assert SWITCHES[name].does

# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Single items and files over the wire: what they hold, what they cost, and that no half file gets a name."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pytest

try:
    from airflow.sdk.io import attach
except ImportError:
    from airflow.io.store import attach

from airflow_provider_clockify.exceptions import (
    ClockifyConfigError,
    ClockifyError,
    ClockifyForbiddenError,
    ClockifyNotFoundError,
    ClockifyResponseError,
    ClockifyServerError,
    ClockifyStorageError,
    ClockifyTransportError,
)
from airflow_provider_clockify.hooks.clockify import ClockifyHook
from airflow_provider_clockify.testing import ClockifyEmulator, faults, generate_workspace

NOBODY = "66b0c1a2d3e4f5a6b7c8dead"


@pytest.fixture
def emulator(start_emulator: Callable[..., ClockifyEmulator]) -> ClockifyEmulator:
    return start_emulator(generate_workspace(entries=40, plan="PRO", tags=3, tasks=3, expenses=6, invoices=4))


@pytest.fixture
def hook_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ClockifyHook]:
    def make(emulator: Any, **options: Any) -> ClockifyHook:
        options = {"requests_per_second": 1000, "max_retries": 0, **options}
        monkeypatch.setenv("AIRFLOW_CONN_CLOCKIFY_TEST", emulator.connection_json(**options))
        return ClockifyHook("clockify_test")

    return make


@pytest.fixture
def hook(emulator: ClockifyEmulator, hook_of: Callable[..., ClockifyHook]) -> ClockifyHook:
    return hook_of(emulator)


# --- items --------------------------------------------------------------------------------------------------


def test_items_are_those_of_their_lists(emulator, hook):
    workspace = emulator.workspace
    project_id = next(iter(workspace.projects))
    for found, listed in (
        (hook.get_client, hook.iter_clients()),
        (hook.get_tag, hook.iter_tags()),
        (lambda task_id: hook.get_task(project_id, task_id), hook.iter_tasks(project_id)),
    ):
        items = list(listed)
        assert len(items) > 2
        emulator.reset_log()
        assert [found(item["id"]) for item in items] == items
        assert emulator.count() == len(items)


def test_an_invoice_has_its_lines(emulator, hook):
    for invoice in emulator.workspace.invoices.values():
        emulator.reset_log()
        found = hook.get_invoice(invoice.id)
        assert emulator.count() == 1
        assert (found["number"], found["amount"]) == (invoice.number, invoice.amount)
        assert [(item["description"], item["amount"]) for item in found["items"]] == [
            (item.description, item.amount) for item in invoice.items
        ]
        assert list(hook.iter_invoice_items(invoice.id)) == found["items"]


def calls(hook: ClockifyHook, to: Any, item_id: str = NOBODY) -> dict[str, Callable[[], Any]]:
    project_id = next(iter(hook.iter_projects()))["id"]
    return {
        "getClient": lambda: hook.get_client(item_id),
        "getTag": lambda: hook.get_tag(item_id),
        "getTask": lambda: hook.get_task(project_id, item_id),
        "getInvoice": lambda: hook.get_invoice(item_id),
        "exportInvoice": lambda: hook.download_invoice(item_id, to),
        "downloadFile": lambda: hook.download_receipt(item_id, "f", to),
    }


OPERATIONS = ["getClient", "getTag", "getTask", "getInvoice", "exportInvoice", "downloadFile"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_is_not_there_is_not_found(operation, hook, tmp_path):
    with pytest.raises(ClockifyNotFoundError) as caught:
        calls(hook, tmp_path / "file")[operation]()
    assert caught.value.operation == operation
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("item_id", ["", None, "None"])
def test_an_empty_id_asks_for_no_list_by_mistake(operation, item_id, emulator, hook, tmp_path):
    call = calls(hook, tmp_path / "file", item_id)[operation]
    emulator.reset_log()
    with pytest.raises(ClockifyConfigError, match=r"_id is .*give an id"):
        call()
    assert emulator.count() == 0


def test_a_task_of_another_project_is_not_found(emulator, hook):
    first, second = list(emulator.workspace.projects)[:2]
    task = emulator.workspace.add_task(first, "Only there")
    assert hook.get_task(first, task.id)["name"] == "Only there"
    with pytest.raises(ClockifyNotFoundError):
        hook.get_task(second, task.id)


# --- files --------------------------------------------------------------------------------------------------


def receipts(emulator: ClockifyEmulator) -> list[Any]:
    found = [expense for expense in emulator.workspace.expenses.values() if expense.file_id]
    assert len({expense.file_content for expense in found}) == len(found) > 1
    return found


def test_a_receipt_is_saved_as_it_was_uploaded(emulator, hook, tmp_path):
    by_id = {item["id"]: item for item in hook.iter_expenses()}
    for expense in receipts(emulator):
        target = tmp_path / "receipts" / expense.file_name
        emulator.reset_log()
        size = hook.download_receipt(expense.id, by_id[expense.id]["fileId"], target)
        assert target.read_bytes() == expense.file_content
        assert size == len(expense.file_content)
        assert emulator.count() == 1
    assert {path.suffix for path in (tmp_path / "receipts").iterdir()} == {".pdf"}


def test_an_invoice_is_saved_as_pdf_in_a_language(emulator, hook, tmp_path):
    invoice = next(iter(emulator.workspace.invoices.values()))
    target = tmp_path / "invoice.pdf"
    target.write_bytes(b"the last one")
    assert hook.download_invoice(invoice.id, str(target), locale="de") == target.stat().st_size
    content = target.read_bytes()
    assert content.startswith(b"%PDF-")
    assert f"Invoice {invoice.number}".encode() in content
    assert emulator.requests[-1].query == {"userLocale": ["de"]}
    assert [path.name for path in tmp_path.iterdir()] == ["invoice.pdf"]


def test_a_file_may_go_into_an_open_file(emulator, hook):
    expense = receipts(emulator)[0]
    buffer = io.BytesIO()
    assert hook.download_receipt(expense.id, expense.file_id, buffer) == len(expense.file_content)
    assert buffer.getvalue() == expense.file_content
    assert not buffer.closed


def test_a_file_may_go_into_an_object_store(emulator, hook):
    attach(protocol="memory", fs=fsspec.filesystem("memory"))
    expense = receipts(emulator)[0]
    hook.download_receipt(expense.id, expense.file_id, "memory://bucket/receipt.pdf")
    with fsspec.open("memory://bucket/receipt.pdf") as file:
        assert file.read() == expense.file_content


def test_base64_in_json_is_a_file_too(emulator, hook, tmp_path):
    """The description says "string, format byte", which is that."""
    invoice_id = next(iter(emulator.workspace.invoices))

    def alter(response: Any) -> Any:
        response.payload = json.dumps(base64.b64encode(response.payload).decode()).encode()
        response.content_type = "application/json"
        return response

    hook.download_invoice(invoice_id, tmp_path / "plain.pdf")
    emulator.inject(faults.Fault("base64", alter=alter), times=1)
    hook.download_invoice(invoice_id, tmp_path / "coded.pdf")
    assert (tmp_path / "coded.pdf").read_bytes() == (tmp_path / "plain.pdf").read_bytes()


def other(body: bytes, content_type: str) -> faults.Fault:
    def alter(response: Any) -> Any:
        response.payload, response.content_type = body, content_type
        return response

    return faults.Fault("another answer", alter=alter)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.answer(503), ClockifyServerError),
        (faults.answer(403), ClockifyForbiddenError),
        (other(b"", "application/pdf"), ClockifyResponseError),
        (other(b"<html>no</html>", "text/html"), ClockifyResponseError),
        (other(b'{"a": 1}', "application/json"), ClockifyResponseError),
        (other(b'"no base64!"', "application/json"), ClockifyResponseError),
        (faults.reset_mid_body(), ClockifyTransportError),
    ],
    ids=["503", "403", "empty", "html", "json", "no base64", "cut"],
)
def test_no_other_answer_gets_the_name_of_the_file(fault, error, emulator, hook, tmp_path):
    invoice_id = next(iter(emulator.workspace.invoices))
    target = tmp_path / "invoice.pdf"
    target.write_bytes(b"the last one")
    emulator.inject(fault, times=None)
    with pytest.raises(ClockifyError) as caught:
        hook.download_invoice(invoice_id, target)
    assert isinstance(caught.value, error)
    assert caught.value.operation == "exportInvoice"
    assert target.read_bytes() == b"the last one"
    assert [path.name for path in tmp_path.iterdir()] == ["invoice.pdf"]


@pytest.mark.parametrize(
    ("to", "error"),
    [
        ("relative.pdf", ClockifyConfigError),
        ("", ClockifyConfigError),
        ("/proc/no/such/place.pdf", (ClockifyConfigError, ClockifyStorageError)),
        (Path("/"), ClockifyConfigError),
    ],
)
def test_a_place_that_cannot_be_written_costs_no_request(to, error, emulator, hook):
    expense = receipts(emulator)[0]
    assert hook.workspace_id
    emulator.reset_log()
    with pytest.raises(error):
        hook.download_receipt(expense.id, expense.file_id, to)
    assert emulator.count() == 0


def test_an_answer_that_is_cut_is_asked_for_again(emulator, hook_of, tmp_path):
    expense = receipts(emulator)[0]
    emulator.inject(faults.reset_mid_body(), times=1)
    hook = hook_of(emulator, max_retries=1)
    hook.download_receipt(expense.id, expense.file_id, tmp_path / "receipt")
    assert (tmp_path / "receipt").read_bytes() == expense.file_content
    assert emulator.count() == 2

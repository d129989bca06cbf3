# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Ask Clockify through other people's clients, each as its documentation shows it.

    python tests/clients/drivers.py NAME < description.json

Runs in the environment of the clients, with one client only, and imports nothing of this package. The description says
where the emulator is, with which key, which workspace, and which month in UTC. Each answer is a line of JSON: what was
asked in the client's own words, the question, and ids, a number or an error.

Addresses that a client has built in are replaced; nothing else of it is changed.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import io
import json
import logging
import sys
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class Given:
    """The description, and the way to answer."""

    def __init__(self, described: dict[str, Any]) -> None:
        self.url: str = described["url"]
        self.core = f"{self.url}/api/v1"
        self.reports = f"{self.url}/report/v1"
        self.key: str = described["key"]
        self.workspace: str = described["workspace"]
        self.owner: str = described["owner"]
        self.project: str = described["project"]
        self.start: str = described["start"]
        self.end: str = described["end"]
        self.last: str = described["last"]

    @property
    def month(self) -> tuple[datetime, datetime]:
        return datetime.fromisoformat(self.start), datetime.fromisoformat(self.end)

    def report_body(self, **more: Any) -> dict[str, Any]:
        return {"dateRangeStart": self.start, "dateRangeEnd": self.last, **more}

    def tell(self, asked: str, question: str, **answer: Any) -> None:
        sys.__stdout__.write(json.dumps({"asked": asked, "question": question, **answer}) + "\n")

    @contextlib.contextmanager
    def asking(self, asked: str, question: str) -> Iterator[Callable[..., None]]:
        """Give a function that takes the answer; an exception is the answer otherwise."""
        try:
            yield lambda **answer: self.tell(asked, question, **answer)
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            text = " ".join(f"{type(error).__name__}: {error}".split())
            self.tell(asked, question, error=text[:300])


def ids_of(rows: Any, key: str = "id") -> list[str]:
    return [row[key] if isinstance(row, dict) else getattr(row, key) for row in rows]


# --- clients of the API -----------------------------------------------------------------------------------------------


def clockify_python_115(given: Given) -> None:
    asyncio.run(_clockify_python_115(given))


async def _clockify_python_115(given: Given) -> None:
    from clockify import ClockifyClient
    from clockify.operations.model import Service
    from clockify.pagination import Page, iter_all

    def pages(fetch: Any, size: int = 50) -> Any:
        async def page(number: int) -> Any:
            items = await fetch(page=number, page_size=size)
            return Page(items=list(items), page=number, page_size=size, last_page=None)

        return iter_all(page)

    urls = {Service.REGULAR: given.core, Service.REPORTS: given.reports}
    async with ClockifyClient(
        api_key=given.key, workspace_id=given.workspace, service_urls=urls, allow_custom_hosts=True
    ) as client:
        for name in ("projects", "clients", "tags", "users"):
            with given.asking(f"iter_all({name}.list)", name) as tell:
                tell(ids=ids_of(await pages(getattr(client, name).list)))
        with given.asking("iter_all(tasks.list)", "tasks") as tell:
            tell(
                ids=ids_of(
                    await pages(
                        lambda page, page_size: client.tasks.list(
                            given.project, page=page, page_size=page_size
                        )
                    )
                )
            )
        with given.asking("time_entries.list_for_user of all users", "entries") as tell:
            found: list[str] = []
            for user in await pages(client.users.list):
                found += ids_of(
                    await pages(
                        lambda page, page_size, user=user: client.time_entries.list_for_user(
                            user.id, start=given.start, end=given.last, page=page, page_size=page_size
                        ),
                        200,
                    )
                )
            tell(ids=found)
        with given.asking("reports.detailed, all pages", "entries") as tell:
            found, number = [], 1
            while True:
                body = given.report_body(detailedFilter={"page": number, "pageSize": 1000}, timeZone="UTC")
                rows = (await client.reports.detailed(body)).model_dump(by_alias=True)["timeentries"]
                found += [row.get("_id") or row.get("id") for row in rows]
                if not rows:
                    break
                number += 1
            tell(ids=found)
        with given.asking("reports.summary by PROJECT", "seconds") as tell:
            body = given.report_body(summaryFilter={"groups": ["PROJECT"]}, timeZone="UTC")
            answer = (await client.reports.summary(body)).model_dump(by_alias=True)
            tell(number=answer["totals"][0]["totalTime"])
        with given.asking("time_entries.create", "created entry") as tell:
            body = {"start": "2026-11-10T08:00:00Z", "end": "2026-11-10T09:00:00Z", "description": "made"}
            tell(ids=[(await client.time_entries.create(body)).id])
        with given.asking("projects.create, update, delete", "deleted project") as tell:
            made = await client.projects.create({"name": "Made by a client"})
            await client.projects.update(made.id, {"name": "Made by a client", "archived": True})
            await client.projects.delete(made.id)
            tell(ids=[made.id])
        window = {"start": given.start, "end": given.end}
        reads: dict[str, Callable[[], Any]] = {
            "approvals.list": client.approvals.list,
            "custom_fields.list_for_workspace": client.custom_fields.list_for_workspace,
            "custom_fields.list_for_project": lambda: client.custom_fields.list_for_project(given.project),
            "entity_changes.list_created": lambda: client.entity_changes.list_created(
                type=["TIME_ENTRY_CUSTOM_FIELD_VALUE"], **window
            ),
            "expense_categories.list": client.expense_categories.list,
            "expenses.list": client.expenses.list,
            "holidays.list": client.holidays.list,
            "invoice_settings.get": client.invoice_settings.get,
            "invoices.list": client.invoices.list,
            "member_profiles.get": lambda: client.member_profiles.get(given.owner),
            "projects.get": lambda: client.projects.get(given.project),
            "reports.attendance": lambda: client.reports.attendance(
                given.report_body(attendanceFilter={"page": 1, "pageSize": 50})
            ),
            "reports.expense_details": lambda: client.reports.expense_details(given.report_body()),
            "shared_reports.list": client.shared_reports.list,
            "time_entries.list_in_progress": client.time_entries.list_in_progress,
            "time_off_policies.list": client.time_off_policies.list,
            "time_off_requests.list": lambda: client.time_off_requests.list({}),
            "user_groups.list": client.user_groups.list,
            "users.me": client.users.me,
            "webhooks.list": client.webhooks.list,
            "workspaces.list": client.workspaces.list,
        }
        for name, read in reads.items():
            with given.asking(name, "reads") as tell:
                await read()
                tell(number=1)
        with given.asking("tags.create, update, delete", "deleted tag") as tell:
            tag = await client.tags.create({"name": "made"})
            await client.tags.update(tag.id, {"name": "made again", "archived": True})
            await client.tags.delete(tag.id)
            tell(ids=[tag.id])
        with given.asking("approvals.submit, update_status", "approved request") as tell:
            period = {"period": "WEEKLY", "periodStart": "2026-11-09T00:00:00Z"}
            approval = await client.approvals.submit(period)
            await client.approvals.update_status(approval.id, {"state": "APPROVED"})
            tell(ids=[approval.id])


def clockify_sdk(given: Given) -> None:
    from clockify_sdk import Clockify
    from clockify_sdk.config import Config

    Config.BASE_URL, Config.REPORTS_URL = given.core, given.reports
    with Clockify(api_key=given.key, workspace_id=given.workspace) as client:
        for name in ("projects", "clients", "users"):
            with given.asking(f"{name}.get_all()", name) as tell:
                tell(ids=ids_of(getattr(client, name).get_all()))
        with given.asking("tasks.get_all(project)", "tasks") as tell:
            tell(ids=ids_of(client.tasks.get_all(given.project)))
        with given.asking("time_entries.get_by_user_id(me, start, end)", "own entries") as tell:
            tell(ids=ids_of(client.time_entries.get_by_user_id(given.owner, *given.month)))
        with given.asking("reports.get_detailed(start, end), all pages", "entries") as tell:
            found: list[str] = []
            for number in range(1, 100):
                rows = client.reports.get_detailed(*given.month, page_size=200, page=number)["timeentries"]
                found += ids_of(rows, "_id")
                if len(rows) < 200:
                    break
            tell(ids=found)
        with given.asking('reports.get_summary(group_by=["PROJECT"])', "seconds") as tell:
            answer = client.reports.get_summary(*given.month, group_by=["PROJECT"])
            tell(number=answer["totals"][0]["totalTime"])
        with given.asking("time_entries.create()", "created entry") as tell:
            moment = datetime(2026, 11, 10, 8, tzinfo=UTC)
            tell(ids=[client.time_entries.create(moment, moment.replace(hour=9), description="made")["id"]])
        with given.asking("projects.create(), delete()", "deleted project") as tell:
            made = client.projects.create("Made by a client")["id"]
            client.projects.delete(made)
            tell(ids=[made])


def clockify_api_client(given: Given) -> None:
    from clockify_api_client.client import ClockifyAPIClient

    client = ClockifyAPIClient().build(given.key, "api.example.invalid")
    for name in ("workspaces", "projects", "tasks", "time_entries", "users"):
        getattr(client, name).base_url = given.core
    client.reports.base_url = given.reports
    with given.asking("projects.get_projects(page-size 1000)", "projects") as tell:
        tell(ids=ids_of(client.projects.get_projects(given.workspace, {"page-size": 1000})))
    with given.asking("users.get_users(page-size 1000)", "users") as tell:
        tell(ids=ids_of(client.users.get_users(given.workspace, {"page-size": 1000})))
    with given.asking("tasks.get_tasks(page-size 1000)", "tasks") as tell:
        tell(ids=ids_of(client.tasks.get_tasks(given.workspace, given.project, {"page-size": 1000})))
    with given.asking("time_entries.get_time_entries(me, start, end)", "own entries") as tell:
        window = {"start": given.start, "end": given.last, "page-size": 1000}
        tell(ids=ids_of(client.time_entries.get_time_entries(given.workspace, given.owner, window)))
    with given.asking("users.get_current_user()", "reads") as tell:
        client.users.get_current_user()
        tell(number=1)
    with given.asking("reports.get_summary_report()", "seconds") as tell:
        body = given.report_body(summaryFilter={"groups": ["USER"]}, timeZone="UTC")
        tell(number=client.reports.get_summary_report(given.workspace, body)["totals"][0]["totalTime"])


def clockifyclient(given: Given) -> None:
    from clockifyclient.api import APIServer
    from clockifyclient.client import ClockifyAPI
    from clockifyclient.models import TimeEntryQuery

    client = ClockifyAPI(api_server=APIServer(given.core))
    (workspace,) = client.get_workspaces(given.key)
    user = client.get_user(given.key)
    with given.asking("get_projects(workspace)", "projects") as tell:
        projects = client.get_projects(given.key, workspace)
        tell(ids=ids_of(projects, "obj_id"))
    with given.asking("get_tasks(project)", "tasks") as tell:
        project = next(each for each in projects if each.obj_id == given.project)
        tell(ids=ids_of(client.get_tasks(given.key, workspace, project), "obj_id"))
    with given.asking("get_time_entries_iterator(me)", "own entries of all time") as tell:
        query = TimeEntryQuery(description="")
        tell(ids=ids_of(client.get_time_entries_iterator(given.key, workspace, user, query), "obj_id"))


def clockify_export(given: Given) -> None:
    from clockify_export.api import ClockifyAPI

    client = ClockifyAPI(given.key, base_url=given.core)
    for name in ("projects", "clients", "tags"):
        with given.asking(f"get_{name}()", name) as tell:
            tell(ids=ids_of(getattr(client, f"get_{name}")(given.workspace)))
    with given.asking("get_tasks(project)", "tasks") as tell:
        tell(ids=ids_of(client.get_tasks(given.workspace, given.project)))
    with given.asking("get_time_entries(me, start, end)", "own entries") as tell:
        tell(ids=ids_of(client.get_time_entries(given.workspace, given.owner, *given.month)))


def clockify_timesheet(given: Given) -> None:
    from clockify_timesheet import client as module

    module.BASE_URL, module.REPORT_URL = given.core, given.reports
    client = module.ClockifyClient(given.key)
    with given.asking("get_default_workspace()", "reads") as tell:
        client.get_default_workspace()
        tell(number=1)
    with given.asking("fetch_entries(start, end)", "entries") as tell:
        rows = client.fetch_entries(given.start, given.last)
        tell(ids=ids_of(rows, "_id"))


def clockify_mcp_server(given: Given) -> None:
    asyncio.run(_clockify_mcp_server(given))


async def _clockify_mcp_server(given: Given) -> None:
    # Importing the package starts its server, which needs an mcp older than 2; the client in it does not.
    (folder,) = (path for path in map(Path, sys.path) if (path / "clockify_mcp" / "client.py").is_file())
    spec = importlib.util.spec_from_file_location("mcp_client", folder / "clockify_mcp" / "client.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    client = module.ClockifyClient(given.key, base_url=given.core)
    client.reports_base_url = given.reports
    start, end = (moment.replace(tzinfo=None) for moment in given.month)
    with given.asking("get_projects()", "active projects") as tell:
        tell(ids=ids_of(await client.get_projects(given.workspace)))
    with given.asking("get_workspace_users()", "users") as tell:
        tell(ids=ids_of(await client.get_workspace_users(given.workspace)))
    with given.asking("get_time_entries(me, start, end)", "own entries") as tell:
        tell(ids=ids_of(await client.get_time_entries(given.workspace, given.owner, start=start, end=end)))
    with given.asking("get_detailed_report(start, end)", "entries") as tell:
        report = await client.get_detailed_report(given.workspace, start, end)
        tell(ids=ids_of(report["timeentries"], "_id"))
    with given.asking("create_time_entry()", "created entry") as tell:
        moment = datetime(2026, 11, 10, 8)  # noqa: DTZ001 - the client takes no other
        made = await client.create_time_entry(given.workspace, moment, moment.replace(hour=9), "made")
        tell(ids=[made["id"]])
    await client.close()


# --- loaders ----------------------------------------------------------------------------------------------------------


def tap_clockify(given: Given) -> None:
    from tap_clockify import streams
    from tap_clockify.client import ClockifyStream
    from tap_clockify.tap import TapClockify

    ClockifyStream.url_base = property(lambda self: f"{given.core}/workspaces/{given.workspace}")
    streams.WorkspacesStream.url_base = property(lambda self: given.core)
    config = {"api_key": given.key, "workspace": given.workspace, "start_date": given.start}
    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with given.asking("sync", "tap"), contextlib.redirect_stdout(output):
        TapClockify(config=config, parse_env_config=False).sync_all()
        output.flush()
        lines = output.buffer.getvalue().decode().splitlines()  # type: ignore[attr-defined]
        found: dict[str, list[str]] = {}
        for message in (json.loads(line) for line in lines if line.startswith("{")):
            if message["type"] == "RECORD":
                found.setdefault(message["stream"], []).append(message["record"]["id"])
        for stream in ("projects", "clients", "tags", "users"):
            given.tell(f"stream {stream}", stream, ids=found.get(stream, []))
        given.tell("stream tasks", "all tasks", ids=found.get("tasks", []))
        given.tell(
            "stream time_entries from the start date", "entries since", ids=found.get("time_entries", [])
        )


def dlt_rest_api(given: Given) -> None:
    from dlt.sources.rest_api import rest_api_source

    def listed(name: str, path: str, **more: Any) -> dict[str, Any]:
        return {"name": name, "endpoint": {"path": path, "params": {"page-size": 200, **more}}}

    window = {"start": given.start, "end": given.last}
    paginator = {"type": "page_number", "base_page": 1, "page_param": "page", "total_path": None}
    source = rest_api_source(
        {
            "client": {
                "base_url": f"{given.core}/workspaces/{given.workspace}/",
                "auth": {"type": "api_key", "name": "X-Api-Key", "api_key": given.key, "location": "header"},
                "paginator": paginator,
            },
            "resources": [
                *(listed(name, name) for name in ("projects", "clients", "tags", "users")),
                listed("tasks", "projects/{resources.projects.id}/tasks"),
                listed("time_entries", "user/{resources.users.id}/time-entries", **window),
            ],
        }
    )
    for name in ("projects", "clients", "tags", "users"):
        with given.asking(f"resource {name}", name) as tell:
            tell(ids=ids_of(list(source.resources[name])))
    with given.asking("resource tasks, a child of projects", "all tasks") as tell:
        tell(ids=ids_of(list(source.resources["tasks"])))
    with given.asking("resource time_entries, a child of users", "entries") as tell:
        tell(ids=ids_of(list(source.resources["time_entries"])))


def airbyte_manifest(given: Given) -> None:
    from airbyte_cdk.models import ConfiguredAirbyteCatalogSerializer, Type
    from airbyte_cdk.sources.declarative.concurrent_declarative_source import ConcurrentDeclarativeSource

    manifest = _manifest(given)
    names = [stream["name"] for stream in manifest["streams"]]
    described = {
        "streams": [
            {
                "stream": {"name": name, "json_schema": {}, "supported_sync_modes": ["full_refresh"]},
                "sync_mode": "full_refresh",
                "destination_sync_mode": "overwrite",
            }
            for name in names
        ]
    }
    catalog = ConfiguredAirbyteCatalogSerializer.load(described)
    config = {"api_key": given.key}
    with given.asking("read", "airbyte"):
        source = ConcurrentDeclarativeSource(
            catalog=catalog, config=config, state=None, source_config=manifest
        )
        found: dict[str, list[str]] = {name: [] for name in names}
        for message in source.read(logging.getLogger("airbyte"), config, catalog, None):
            if message.type == Type.RECORD:
                found[message.record.stream].append(message.record.data["id"])
        questions = {"tasks": "all tasks", "time_entries": "entries"}
        for name in names:
            given.tell(f"stream {name}", questions.get(name, name), ids=found[name])


def _manifest(given: Given) -> dict[str, Any]:
    """Return a low-code connector of the lists: pages by number, children by the ids of their parents."""

    def retriever(path: str, parent: str | None = None, **parameters: str) -> dict[str, Any]:
        made: dict[str, Any] = {
            "type": "SimpleRetriever",
            "requester": {
                "type": "HttpRequester",
                "url_base": f"{given.core}/workspaces/{given.workspace}/",
                "path": path,
                "http_method": "GET",
                "authenticator": {
                    "type": "ApiKeyAuthenticator",
                    "api_token": "{{ config['api_key'] }}",
                    "inject_into": {
                        "type": "RequestOption",
                        "inject_into": "header",
                        "field_name": "X-Api-Key",
                    },
                },
                "request_parameters": parameters,
            },
            "record_selector": {
                "type": "RecordSelector",
                "extractor": {"type": "DpathExtractor", "field_path": []},
            },
            "paginator": {
                "type": "DefaultPaginator",
                "pagination_strategy": {
                    "type": "PageIncrement",
                    "page_size": 50,
                    "start_from_page": 1,
                    "inject_on_first_request": True,
                },
                "page_token_option": {
                    "type": "RequestOption",
                    "inject_into": "request_parameter",
                    "field_name": "page",
                },
                "page_size_option": {
                    "type": "RequestOption",
                    "inject_into": "request_parameter",
                    "field_name": "page-size",
                },
            },
        }
        if parent:
            made["partition_router"] = {
                "type": "SubstreamPartitionRouter",
                "parent_stream_configs": [
                    {
                        "type": "ParentStreamConfig",
                        "parent_key": "id",
                        "partition_field": "parent_id",
                        "stream": stream(parent, parent),
                    }
                ],
            }
        return made

    def stream(name: str, path: str, parent: str | None = None, **parameters: str) -> dict[str, Any]:
        schema = {"type": "object", "additionalProperties": True, "properties": {"id": {"type": "string"}}}
        return {
            "type": "DeclarativeStream",
            "name": name,
            "primary_key": "id",
            "retriever": retriever(path, parent, **parameters),
            "schema_loader": {"type": "InlineSchemaLoader", "schema": schema},
        }

    child = "{{ stream_partition['parent_id'] }}"
    return {
        "version": "6.0.0",
        "type": "DeclarativeSource",
        "check": {"type": "CheckStream", "stream_names": ["projects"]},
        "streams": [
            *(stream(name, name) for name in ("projects", "clients", "tags", "users")),
            stream("tasks", f"projects/{child}/tasks", "projects"),
            stream("time_entries", f"user/{child}/time-entries", "users", start=given.start, end=given.last),
        ],
        "spec": {
            "type": "Spec",
            "connection_specification": {
                "type": "object",
                "required": ["api_key"],
                "properties": {"api_key": {"type": "string"}},
            },
        },
    }


DRIVERS: dict[str, Callable[[Given], None]] = {
    "airbyte-cdk": airbyte_manifest,
    "clockify-api-client": clockify_api_client,
    "clockify-export": clockify_export,
    "clockify-mcp-server": clockify_mcp_server,
    "clockify-python-115": clockify_python_115,
    "clockify-sdk": clockify_sdk,
    "clockify-timesheet": clockify_timesheet,
    "clockifyclient": clockifyclient,
    "dlt": dlt_rest_api,
    "tap-clockify": tap_clockify,
}


if __name__ == "__main__":
    DRIVERS[sys.argv[1]](Given(json.load(sys.stdin)))

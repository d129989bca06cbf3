# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Operators that write tracked time."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow_provider_clockify._compat import AirflowFailException, BaseOperator
from airflow_provider_clockify.airflow_errors import airflow_semantics, plain_failures
from airflow_provider_clockify.connection import DEFAULT_CONN_ID
from airflow_provider_clockify.exceptions import ClockifyConfigError, ClockifyError, ClockifyWriteUnknownError
from airflow_provider_clockify.rendered import check_choices, check_templates, is_nothing, nothing_rendered
from airflow_provider_clockify.types import EntryType
from airflow_provider_clockify.window import Window, parse_instant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Unpack

    from airflow_provider_clockify._compat import Context
    from airflow_provider_clockify._parameters import TaskParameters
    from airflow_provider_clockify.hooks.clockify import ClockifyHook
    from airflow_provider_clockify.types import WrittenTimeEntry

__all__ = ["ClockifyCreateTimeEntryOperator"]

MARKER_MARGIN = timedelta(hours=14)
MAX_DESCRIPTION = 3_000


class ClockifyCreateTimeEntryOperator(BaseOperator):
    """
    Create a time entry (``createTimeEntry``; ``createForOthers`` with ``user_id``, a paid feature).

    The service has no idempotency key, so a write that failed without an answer may have happened. Without ``marker``
    such a task fails for good, retries or not, and somebody has to look. With it, the description ends with
    ``[marker]``, and before every write the entries of the user that start within 14 hours of ``start`` are searched
    for it; one that is found is the result, and nothing is written. So retries and cleared tasks do not duplicate the
    entry. The marker must be the same in each try and unique to the entry, for example
    ``"{{ dag.dag_id }}/{{ run_id }}"``. Two tasks with the same marker at the same time can both write.

    Costs one request; with ``marker`` one more to search, and one more without ``user_id`` (whose key it is).

    .. seealso:: :ref:`howto/operator:ClockifyCreateTimeEntryOperator`

    :param start: Aware datetime or ISO 8601 with offset; the service keeps whole seconds. (templated)
    :param end: The same; without it a timer starts running. (templated)
    :param description: What was done; at most 3,000 characters with the marker. (templated)
    :param project_id: Project. (templated)
    :param clockify_task_id: Task of the project; ``task_id`` is Airflow's. (templated)
    :param tag_ids: Tags. (templated)
    :param billable: Whether it is billed; by default the service decides.
    :param entry_type: ``REGULAR`` or ``BREAK``.
    :param custom_fields: Values by custom field id, or the service's own list form. (templated)
    :param user_id: For somebody else than the key's owner. (templated)
    :param marker: Stable token that names the entry; printable, without square brackets. (templated)
    :param workspace_id: Workspace; by default the connection's, else the key's active one. (templated)
    :param clockify_conn_id: Connection of type ``clockify``. (templated)
    :return: ``{"id": str, "created": bool, "start": "…Z", "end": "…Z" or None, "marker": str or None,
        "workspace_id": str}``; ``created`` is false where an entry with the marker was there already.
    :raises AirflowFailException: a parameter, the connection or the key is wrong, or without ``marker`` the outcome is
        unknown; not retried.
    :raises ClockifyWriteUnknownError: with ``marker``, the outcome is unknown; the next try finds out.
    """

    template_fields: Sequence[str] = (
        "start",
        "end",
        "description",
        "project_id",
        "clockify_task_id",
        "tag_ids",
        "custom_fields",
        "user_id",
        "marker",
        "workspace_id",
        "clockify_conn_id",
    )
    template_fields_renderers = {"custom_fields": "json"}  # noqa: RUF012 - as Airflow declares it
    ui_color = "#d9f2fd"
    choices: ClassVar[Mapping[str, Sequence[str | None]]] = {"entry_type": (*get_args(EntryType), None)}

    def __init__(
        self,
        *,
        start: str | datetime,
        end: str | datetime | None = None,
        description: str | None = None,
        project_id: str | None = None,
        clockify_task_id: str | None = None,
        tag_ids: list[str] | None = None,
        billable: bool | None = None,
        entry_type: EntryType | None = None,
        custom_fields: Mapping[str, Any] | list[Mapping[str, Any]] | None = None,
        user_id: str | None = None,
        marker: str | None = None,
        workspace_id: str | None = None,
        clockify_conn_id: str = DEFAULT_CONN_ID,
        **kwargs: Unpack[TaskParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.start = start
        self.end = end
        self.description = description
        self.project_id = project_id
        self.clockify_task_id = clockify_task_id
        self.tag_ids = tag_ids
        self.billable = billable
        self.entry_type = entry_type
        self.custom_fields = custom_fields
        self.user_id = user_id
        self.marker = marker
        self.workspace_id = workspace_id
        self.clockify_conn_id = clockify_conn_id
        check_choices(self)

    @plain_failures
    def execute(self, context: Context) -> WrittenTimeEntry:
        """Look for the marker, and write if it is not there."""
        from airflow_provider_clockify.hooks.clockify import ClockifyHook

        with airflow_semantics():
            check_templates(self)
            check_choices(self, rendered=True)
            start = parse_instant(self.start, "start")
            # Checked before the search, and a template that rendered to nothing never starts a timer by mistake.
            end = None if self.end is None else Window(start, parse_instant(self.end, "end")).end
            token = marker_token(self.marker)
            description = with_token(self.description, token)
            hook = ClockifyHook(self.clockify_conn_id, self.workspace_id)
            found = _find(hook, self.user_id, start, token) if token else []
            if found:
                self.log.info(
                    "Entry %s has the marker %s already: nothing is written.", found[0]["id"], token
                )
                if len(found) > 1:
                    self.log.warning("%d entries have the marker %s.", len(found), token)
            entry = found[0] if found else self._create(hook, start, end, description)
        if not found:
            self.log.info("Created entry %s.", entry["id"])
        return {
            "id": entry["id"],
            "created": not found,
            "start": entry["timeInterval"]["start"],
            "end": entry["timeInterval"]["end"],
            "marker": self.marker,
            "workspace_id": hook.workspace_id,
        }

    def after_failure(self, error: BaseException) -> str:
        """
        Say whether an entry was written.

        :param error: Why the task failed.
        """
        if isinstance(error, ClockifyWriteUnknownError):
            return ""  # It says so itself.
        if isinstance(error, ClockifyError):
            return "No time entry was written."
        return "Look in Clockify whether the time entry was written."

    def _create(
        self, hook: ClockifyHook, start: datetime, end: datetime | None, description: str | None
    ) -> dict[str, Any]:
        try:
            return hook.create_time_entry(
                start,
                end,
                user_id=self.user_id,
                description=description,
                project_id=self.project_id,
                clockify_task_id=self.clockify_task_id,
                tag_ids=self.tag_ids,
                billable=self.billable,
                entry_type=self.entry_type,
                custom_fields=self.custom_fields,
            )
        except ClockifyWriteUnknownError as error:
            if self.marker is not None:
                raise
            raise AirflowFailException(
                f"{error} Set marker= on the task to make its retries safe."
            ) from error


def marker_token(marker: str | None) -> str | None:
    """
    Return the text that stands for a marker in a description.

    :raises ClockifyConfigError: the marker is empty, too long, or has characters that could blur its ends.
    """
    if marker is None:
        return None
    text = str(marker)
    cure = (
        "give 1 to 200 printable characters without square brackets, line breaks and outer spaces, for example "
        '"{{ dag.dag_id }}/{{ run_id }}".'
    )
    if is_nothing(text):
        raise ClockifyConfigError(f"{nothing_rendered('marker', marker)}, and {cure}")
    if len(text) > 200 or text != text.strip() or not text.isprintable() or set("[]") & set(text):
        raise ClockifyConfigError(f"marker={text[:60]!r}: {cure}")
    return f"[{text}]"


def with_token(description: str | None, token: str | None) -> str | None:
    """
    Return the description with its marker at the end.

    :raises ClockifyConfigError: it is longer than the service takes.
    """
    text = " ".join(part for part in (description, token) if part) or None
    if text is not None and len(text) > MAX_DESCRIPTION:
        raise ClockifyConfigError(
            f"description has {len(text)} characters with its marker; Clockify takes {MAX_DESCRIPTION}."
        )
    return text


def _find(hook: ClockifyHook, user_id: str | None, start: datetime, token: str) -> list[dict[str, Any]]:
    # Compared here: how the service's own search treats brackets and slashes is not documented.
    entries = hook.iter_time_entries(
        user_id or hook.get_logged_user()["id"], start - MARKER_MARGIN, start + MARKER_MARGIN
    )
    found = [entry for entry in entries if token in (entry.get("description") or "")]
    return sorted(found, key=lambda entry: str(entry["id"]))

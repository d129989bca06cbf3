# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Know which operations Clockify has besides those that are emulated, so that they are not taken for mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_clockify.testing.core_routes.common import W
from airflow_provider_clockify.testing.exchange import Request, Response, Route, not_emulated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# Verbs and a path (Clockify OpenAPI); W stands for the path of a workspace. What is emulated may be here as well.
_CORE = """
POST file/image
GET user
GET POST workspaces
GET W
GET W/addons/{addonId}/webhooks
GET POST W/approval-requests
POST W/approval-requests/resubmit-entries-for-approval
POST W/approval-requests/users/{userId}
POST W/approval-requests/users/{userId}/resubmit-entries-for-approval
PATCH W/approval-requests/{approvalRequestId}
GET POST W/clients
GET PUT DELETE W/clients/{id}
PUT W/cost-rate
GET POST W/custom-fields
PUT DELETE W/custom-fields/{customFieldId}
GET W/entities/created
GET W/entities/deleted
GET W/entities/updated
GET POST W/expenses
GET POST W/expenses/categories
PUT DELETE W/expenses/categories/{categoryId}
PATCH W/expenses/categories/{categoryId}/status
GET PUT DELETE W/expenses/{expenseId}
GET W/expenses/{expenseId}/files/{fileId}
GET POST W/holidays
GET W/holidays/in-period
PUT DELETE W/holidays/{holidayId}
PUT W/hourly-rate
GET POST W/invoices
POST W/invoices/info
GET PUT W/invoices/settings
GET PUT DELETE W/invoices/{invoiceId}
POST W/invoices/{invoiceId}/duplicate
GET W/invoices/{invoiceId}/export
POST W/invoices/{invoiceId}/items
POST W/invoices/{invoiceId}/items/import
DELETE W/invoices/{invoiceId}/items/{order}
GET POST W/invoices/{invoiceId}/payments
DELETE W/invoices/{invoiceId}/payments/{paymentId}
PATCH W/invoices/{invoiceId}/status
GET PATCH W/member-profile/{userId}
GET POST W/projects
POST W/projects/from-template
GET PUT DELETE W/projects/{projectId}
GET W/projects/{projectId}/custom-fields
PATCH DELETE W/projects/{projectId}/custom-fields/{customFieldId}
PATCH W/projects/{projectId}/estimate
POST PATCH W/projects/{projectId}/memberships
GET POST W/projects/{projectId}/tasks
PUT W/projects/{projectId}/tasks/{taskId}/cost-rate
PUT W/projects/{projectId}/tasks/{taskId}/hourly-rate
GET PUT DELETE W/projects/{projectId}/tasks/{taskId}
PATCH W/projects/{projectId}/template
PUT W/projects/{projectId}/users/{userId}/cost-rate
PUT W/projects/{projectId}/users/{userId}/hourly-rate
GET W/scheduling/assignments/all
POST W/scheduling/assignments/projects/totals
GET W/scheduling/assignments/projects/totals/{projectId}
PUT W/scheduling/assignments/publish
POST W/scheduling/assignments/recurring
PATCH DELETE W/scheduling/assignments/recurring/{assignmentId}
PUT W/scheduling/assignments/series/{assignmentId}
POST W/scheduling/assignments/user-filter/totals
GET W/scheduling/assignments/users/{userId}/totals
POST W/scheduling/assignments/{assignmentId}/copy
GET POST W/tags
GET PUT DELETE W/tags/{id}
POST W/time-entries
PATCH W/time-entries/invoiced
GET W/time-entries/status/in-progress
GET PUT DELETE W/time-entries/{id}
GET PATCH W/time-off/balance/policy/{policyId}
GET W/time-off/balance/user/{userId}
GET POST W/time-off/policies
GET PUT PATCH DELETE W/time-off/policies/{id}
POST W/time-off/policies/{policyId}/requests
PATCH DELETE W/time-off/policies/{policyId}/requests/{requestId}
POST W/time-off/policies/{policyId}/users/{userId}/requests
POST W/time-off/requests
GET POST W/user-groups
PUT DELETE W/user-groups/{id}
POST W/user-groups/{userGroupId}/users
DELETE W/user-groups/{userGroupId}/users/{userId}
GET POST PUT PATCH DELETE W/user/{userId}/time-entries
POST W/user/{userId}/time-entries/{id}/duplicate
GET POST W/users
POST W/users/info
PUT W/users/{userId}
PUT W/users/{userId}/cost-rate
PUT W/users/{userId}/custom-field/{customFieldId}/value
PUT W/users/{userId}/hourly-rate
GET W/users/{userId}/managers
POST DELETE W/users/{userId}/roles
GET POST W/webhooks
GET PUT DELETE W/webhooks/{webhookId}
POST W/webhooks/{webhookId}/logs
PATCH W/webhooks/{webhookId}/token
"""
_REPORTS = """
GET shared-reports/{id}
POST W/reports/attendance
POST W/reports/detailed
POST W/reports/expenses/detailed
POST W/reports/summary
POST W/reports/weekly
GET POST W/shared-reports
PUT DELETE W/shared-reports/{id}
"""


def _routes(service: str, table: str) -> Iterable[Route]:
    for line in table.split("\n"):
        *verbs, path = line.split() or [""]
        parts = path.replace("W", W.removeprefix("/"), 1) if path.startswith("W") else path
        for verb in verbs:
            yield Route(service, verb, f"/{parts}", _refusal(f"{verb} {path}"), emulated=False)


def _refusal(operation: str) -> Callable[[Request], Response]:
    def refuse(request: Request) -> Response:
        raise not_emulated(operation)

    return refuse


KNOWN: tuple[Route, ...] = (*_routes("core", _CORE), *_routes("reports", _REPORTS))

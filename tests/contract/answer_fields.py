# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Which fields Clockify's answers have, as facts (Clockify OpenAPI, and recordings where they differ).

Fields of objects and of items of lists stand in brackets behind their name. A field with a ``+`` was recorded and is
not described, one with a ``-`` is described and was never recorded, one with a ``?`` may be absent. A name with a ``*``
may have anything inside.
"""

from __future__ import annotations

_RATES = "costRate(amount currency) hourlyRate(amount currency)"
_MEMBERSHIPS = f"memberships({_RATES} membershipStatus membershipType targetId userId)"
_USER = f"""
    activeWorkspace customFields(customFieldId customFieldName customFieldType* userId value*) defaultWorkspace
    email id {_MEMBERSHIPS} name profilePicture settings(alerts approval collapseAllProjectLists
    dashboardPinToTop dashboardSelection dashboardViewType dateFormat groupSimilarEntriesDisabled
    invoiceReminders isCompactViewOn lang longRunning multiFactorEnabled myStartOfDay onboarding
    projectListCollapse projectPickerTaskFilter pto reminders scheduledReports scheduling sendNewsletter
    showOnlyWorkingDays summaryReportSettings(group subgroup) theme timeFormat timeTrackingManual timeZone
    weekStart weeklyUpdates) status
"""
_WORKSPACE = f"""
    cakeOrganizationId currencies(code id isDefault) featureSubscriptionType* features* id imageUrl
    {_MEMBERSHIPS} name {_RATES} subdomain(enabled name) workspaceSettings(activeBillableHours adminOnlyPages
    automaticLock(changeDay dayOfMonth firstDay olderThanPeriod olderThanValue type) canSeeTimeSheet
    canSeeTracker currencyFormat defaultBillableProjects durationFormat
    entityCreationPermissions(whoCanCreateProjectsAndClients* whoCanCreateTags* whoCanCreateTasks*)
    forceDescription forceProjects forceTags forceTasks isProjectPublicByDefault lockTimeEntries lockTimeZone
    multiFactorEnabled numberFormat onlyAdminsCanChangeBillableStatus onlyAdminsCreateProject
    onlyAdminsCreateTag onlyAdminsCreateTask onlyAdminsSeeAllTimeEntries onlyAdminsSeeBillableRates
    onlyAdminsSeeDashboard onlyAdminsSeePublicProjectsEntries projectFavorites projectGroupingLabel projectLabel
    projectPickerSpecialFilter round(minutes round) taskLabel timeRoundingInReports timeTrackingMode
    trackTimeDownToSecond workingDays)
"""
_CLIENT = "address archived ccEmails currencyId email id name note workspaceId"
_TAG = "archived id name workspaceId"
_TASK = f"""
    assigneeId assigneeIds billable budgetEstimate duration estimate id name projectId {_RATES} status* userGroupIds
"""
_PROJECT = f"""
    archived billable budgetEstimate(active estimate includeExpenses resetOption type) color duration
    estimate(estimate type) id {_MEMBERSHIPS} name note public {_RATES} template timeEstimate(active estimate
    includeNonBillable resetOption type) workspaceId
"""
_WRITTEN_PROJECT = f"{_PROJECT} clientId clientName isPublic isTemplate estimateReset*"
_WRITTEN_ENTRY = """
    billable customFieldValues(customFieldId name timeEntryId type value*) description id isLocked kioskId
    projectId tagIds taskId timeInterval(duration end start) type userId workspaceId
"""
_ENTRY = f"{_WRITTEN_ENTRY} {_RATES}"
_CUSTOM_FIELD = """
    allowedValues description entityType id name onlyAdminCanEdit placeholder projectDefaultValues(projectId
    status value*) required status type workspaceDefaultValue* workspaceId
"""
_GROUP = "id name teamManagers(id name) userIds workspaceId"
_WEBHOOK = """
    authToken deliveryEnabled enabled id name planEnabled triggerSource triggerSourceType* url userId
    webhookEvent* workspaceId
"""
_CATEGORY = "archived hasUnitPrice id name priceInCents unit workspaceId"
_SHORT_PROJECT = "project(clientId clientName color id name)"
_LISTED_EXPENSE = f"""
    billable category({_CATEGORY}) date fileId fileName id isLocked locked notes {_SHORT_PROJECT} quantity
    task(id name) total userId workspaceId
"""
_INVOICE = "amount balance clientId clientName currency dueDate id issuedDate number paid status"
_APPROVAL = """
    creator(userEmail userId userName) dateRange(end start) id owner(startOfWeek timeZone userId userName)
    status(note state updatedAt updatedBy updatedByUserName) workspaceId
"""
_HOLIDAY = """
    automaticTimeEntryCreation* datePeriod(endDate startDate) everyoneIncludingNew id name occursAnnually
    projectId taskId userGroupIds userIds workspaceId
"""
_POLICY = """
    allowHalfDay allowNegativeBalance approve(requiresApproval specificMembers teamManagers userIds) archived
    automaticAccrual(amount period timeUnit) automaticTimeEntryCreation(defaultEntities* enabled)
    everyoneIncludingNew id name negativeBalance* projectId timeUnit userGroupIds userIds workspaceId
"""
_BALANCES = """
    balances(balance id negativeBalanceAmount negativeBalanceLimit +negativeBalanceUsed policyArchived policyId
    policyName policyTimeUnit total used userId userName workspaceId) count
"""
_PROJECT_TOTALS = """
    assignments(date hasAssignment) clientName milestones(date id name projectId workspaceId) projectArchived
    projectBillable projectColor projectId projectName taskId taskName totalHours workspaceId
"""
_USER_TOTALS = """
    capacityPerDay totalHoursPerDay(date totalHours) userId userImage userName userStatus workingDays*
    workspaceId
"""
_TOTALS = """
    totals(+_id amounts(+amountByCurrency(+amount +currency) type value) entriesCount -id +numOfCurrencies
    +totalAmount +totalAmountByCurrency(+amount +currency) totalBillableTime totalTime)
"""
_SUMS = "amount +amounts(+type +value +amountByCurrency(+amount +currency)) +currency +workspaceCurrencyCode"
_SUMMARY_GROUP = f"""
    +_id ?children* ?clientName ?+clientId ?+color -days duration -id name nameLowerCase {_SUMS}
"""
_SUMMARY = f"""
    -chart +donutChart* groupOne({_SUMMARY_GROUP}) +groupTotals(+groupOneTotalCount +groupTwoTotalCount)
    {_TOTALS}
"""

ANSWERS: dict[str, str] = {
    "addUsersToProject": _WRITTEN_PROJECT,
    "createApprrovalRequest": _APPROVAL,
    "createClient": f"{_CLIENT} currencyCode",
    "createForOthers": _WRITTEN_ENTRY,
    "createNewProject": _WRITTEN_PROJECT,
    "createNewTag": _TAG,
    "createTask": _TASK,
    "createTimeEntry": _WRITTEN_ENTRY,
    "deleteClient": _CLIENT,
    "deleteMany": _WRITTEN_ENTRY,
    "deleteProject": _WRITTEN_PROJECT,
    "deleteTag": _TAG,
    "deleteTask": _TASK,
    "duplicateTimeEntry": _WRITTEN_ENTRY,
    "filterUsersOfWorkspace": _USER,
    "findPoliciesForWorkspace": _POLICY,
    "generateAttendanceReport": "entities(break capacity date endTime hasRunningEntry imageUrl overtime "
    "remainingCapacity startTime timeOff totalDuration userId userName) +totals*",
    "generateDetailedReport": f"""
        timeentries(+_id +amount approvalRequestId billable clientId clientName +costAmount +costRate +currency
        +customFields(+customFieldId +value*) description +earnedAmount +earnedRate -get_id ?+invoicingInfo*
        +isLocked -locked projectColor projectId projectName +rate +tagIds tags(+_id -id name) taskId taskName
        timeInterval(duration end start) +type userEmail userId userName) {_TOTALS}
    """,
    "generateDetailedReportV1": """
        +customFields* +exportFields expenses(+_id amount approvalRequestId billable categoryHasUnitPrice
        categoryId categoryName categoryUnit +clientId +clientName +currency date exportFields fileId fileName
        id ?invoicingInfo(invoiceId manuallyInvoiced) +isLocked locked notes projectColor projectId projectName
        quantity reportName time userEmail +userCustomFields* userId userName userStatus workspaceId)
        +reportName totals(+_id expensesCount +numOfCurrencies totalAmount totalAmountBillable
        +totalAmountBillableByCurrency(+amount +currency) +totalAmountByCurrency(+amount +currency))
    """,
    "generateSharedReportV1": f"{_SUMMARY} +filters*",
    "generateSummaryReport": _SUMMARY,
    "generateWeeklyReport": f"""
        decimalFormat groupOne(+_id -children ?clientName ?+clientId ?+color days(amount date duration) duration
        -id name nameLowerCase {_SUMS}) includeUsersWithoutTime {_TOTALS} totalsByDay(amount date duration)
        trackTimeDownToSeconds usersWithoutTime(dateFormat email id name timeFormat timeZone weekStart)
    """,
    "getAllAssignments": "billable clientId clientName hoursPerDay id note period(end start) projectArchived "
    "projectBillable projectColor projectId projectName startTime taskId taskName userId userName workspaceId",
    "getApprovalRequests": f"""
        approvalRequest({_APPROVAL}) approvedTime billableAmount billableTime breakTime costAmount
        entries(approvalRequestId billable customFieldValues(customFieldId sourceType timeEntryId value*)
        description id isLocked {_SHORT_PROJECT} {_RATES} tags({_TAG}) task(id name) timeInterval(duration end
        offsetEnd offsetStart start timeZone zonedEnd zonedStart) type) expenseTotal expenses(approvalRequestId
        approvalStatus currency detailedApprovalStatus fileUrl {_LISTED_EXPENSE}) pendingTime trackedTime
    """,
    "getBalancesForPolicy": _BALANCES,
    "getBalancesForUser": _BALANCES,
    "getCategories": f"categories({_CATEGORY}) count",
    "getClient": f"{_CLIENT} currencyCode",
    "getClients": f"{_CLIENT} currencyCode",
    "getCustomFieldsOfProject": _CUSTOM_FIELD,
    "getExpense": "billable categoryId date fileId id isLocked locked notes projectId quantity taskId total userId "
    "workspaceId",
    "getExpenses": f"dailyTotals(date dateAsInstant total) expenses(count expenses({_LISTED_EXPENSE})) "
    "weeklyTotals(date total)",
    "getFilteredProjectTotals": _PROJECT_TOTALS,
    "getHolidays": _HOLIDAY,
    "getHolidaysInPeriod": _HOLIDAY,
    "getInProgressTimeEntries": _ENTRY,
    "getInvoice": f"""
        {_INVOICE} billFrom calculationType* clientAddress companyId containsImportedExpenses
        containsImportedTimes discount discountAmount items(amount applyTaxes* description expenseIds importType
        itemType order quantity timeEntryIds unitPrice) note subject subtotal tax tax2 tax2Amount taxAmount
        taxType* userId visibleZeroFields*
    """,
    "getInvoiceSettings": """
        defaults(companyId defaultImportExpenseItemTypeId defaultImportTimeItemTypeId dueDays itemType
        itemTypeId notes subject tax tax2 tax2Percent taxPercent taxType) exportFields(RTL itemType quantity rtl
        tax tax2 unitPrice) labels(amount billFrom billTo description discount dueDate issueDate itemType notes
        paid quantity subtotal tax tax2 total totalAmount unitPrice)
    """,
    "getInvoices": f"invoices({_INVOICE}) total",
    "getInvoicesInfo": f"invoices({_INVOICE} billFrom daysOverdue visibleZeroFields*) total",
    "getLoggedUser": _USER,
    "getManagersOfUser": _USER,
    "getMemberProfile": f"""
        email hasPassword hasPendingApprovalRequest imageUrl name
        userCustomFieldValues(customField({_CUSTOM_FIELD}) customFieldId name sourceType type userId value*)
        weekStart workCapacity workingDays* workspaceNumber
    """,
    "getPaymentsForInvoice": "amount author date id note",
    "getPolicy": _POLICY,
    "getProject": f"{_PROJECT} +clientId +clientName",
    "getProjectTotalsForSingleProject": _PROJECT_TOTALS,
    "getProjects": f"{_PROJECT} +clientId +clientName",
    "getSharedReportsV1": "count reports(fixedDate id isPublic link name reportAuthor type "
    "visibleToUserGroups(id name) visibleToUsers(id name))",
    "getTag": _TAG,
    "getTags": _TAG,
    "getTask": _TASK,
    "getTasks": _TASK,
    "getTimeEntries": _ENTRY,
    "getTimeEntry": _ENTRY,
    "getTimeOffRequest": """
        count requests(balance balanceDiff createdAt id note policyId policyName requesterUserId
        requesterUserName status(changedAt changedByUserId changedByUserName changedForUserName note statusType)
        timeOffPeriod(halfDay halfDayHours* halfDayPeriod period(end start)) timeUnit userEmail userId userName
        userTimeZone workspaceId)
    """,
    "getUserGroups": _GROUP,
    "getUserTotals": _USER_TOTALS,
    "getUserTotalsForSingleUser": _USER_TOTALS,
    "getUsersOfWorkspace": _USER,
    "getWebhook": _WEBHOOK,
    "getWebhooks": f"webhooks({_WEBHOOK}) workspaceWebhookCount",
    "getWorkspaceOfUser": _WORKSPACE,
    "getWorkspacesOfUser": _WORKSPACE,
    "ofWorkspace": _CUSTOM_FIELD,
    "replaceMany": _WRITTEN_ENTRY,
    "resubmitApprovalRequest": _APPROVAL,
    "stopRunningTimeEntry": _WRITTEN_ENTRY,
    "updateApprovalStatus": _APPROVAL,
    "updateClient": _CLIENT,
    "updateIsProjectTemplate": _WRITTEN_PROJECT,
    "updateMemberships": _WRITTEN_PROJECT,
    "updateProject": _WRITTEN_PROJECT,
    "updateTag": _TAG,
    "updateTask": _TASK,
    "updateTimeEntry": _WRITTEN_ENTRY,
}


class Fields(dict[str, "Fields | None"]):
    """Fields by name; None is a value, or something that may be anything."""

    optional: set[str]


def read_fields(text: str, *, without: str) -> Fields:
    """
    Return the fields that a text of ``ANSWERS`` names, without those that have one of the given marks.

    :param without: ``+`` for what is described, ``-`` for what is answered.
    """
    tokens = text.replace("(", " ( ").replace(")", " ) ").split()
    fields, end = _read(tokens, 0, without)
    if end != len(tokens):
        raise ValueError(f"brackets do not fit: {text}")
    return fields


def _read(tokens: list[str], place: int, without: str) -> tuple[Fields, int]:
    fields = Fields()
    fields.optional = set()
    while place < len(tokens) and tokens[place] != ")":
        token = tokens[place]
        place += 1
        inner = None
        if place < len(tokens) and tokens[place] == "(":
            inner, place = _read(tokens, place + 1, without)
            place += 1
        name = token.strip("+-?*")
        if without not in token.removesuffix(name):
            fields[name] = inner
            if "?" in token:
                fields.optional.add(name)
    return fields, place

# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
Replace what is personal in answers, the same original always by the same replacement (pure).

Nothing is kept that is not known to be harmless: of texts, times, durations, and words of the API under keys that hold
such words; of numbers, durations and counts. All other texts become ``Text 0007``, addresses and links others, all
other numbers are multiplied by one factor that is not told.

What proofs and judgements need is kept so: ids stay 24 hex digits, and texts and ids keep their order; ids keep the
second of their creation, with which they begin; sums of amounts still add up, and time times rate is still the amount.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.conformance.tries import NOBODY

if TYPE_CHECKING:
    from airflow_provider_clockify.conformance.answers import Answer

# How the API spells its keys.
_KEY = re.compile(r"(?![0-9a-f]{24}$)_?[a-z][A-Za-z0-9]*")
_ID = re.compile(r"[0-9a-f]{24}")
_ID_INSIDE = re.compile(r"(?<![0-9a-f])[0-9a-f]{24}(?![0-9a-f])")
_NUMBER_OF_TEXT = re.compile(r"-?\d+([.,]\d+)*")
_TIME = re.compile(r"\d{4}-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?)?")
_DURATION = re.compile(r"-?P(?=.*\d)(-?\d+D)?(T(-?\d+H)?(-?\d+M)?(-?\d+(\.\d+)?S)?)?")
_WORD = re.compile(r"[A-Z][A-Z0-9_]*")
_COLOR = re.compile(r"#[0-9a-fA-F]{3,8}")
_ZONE = re.compile(r"[A-Za-z]+(/[A-Za-z0-9_+-]+)*")
_MAIL = re.compile(r"[^\s@]+@[^\s@]+")
_LINK = re.compile(r"https?://\S+")
_QUOTED = re.compile(r"([\"'`]|(?<=: \[))[^\"'`\]]*([\"'`\]])")

# Keys whose texts are words of the API, not of people.
_WORDS_OF_API = frozenset(
    [
        "accountStatus",
        "access",
        "billingCycle",
        "code",
        "currency",
        "currencyCode",
        "documentCode",
        "documentType",
        "entityType",
        "featureSubscriptionType",
        "features",
        "lang",
        "membershipStatus",
        "membershipType",
        "operation",
        "role",
        "sourceType",
        "state",
        "status",
        "statusType",
        "taskStatus",
        "taxType",
        "timeFormat",
        "timeUnit",
        "type",
        "userStatus",
        "weekStart",
        "workingDays",
        "workspaceCurrencyCode",
    ]
)
_ZONES = frozenset({"lockTimeZone", "timeZone", "userTimeZone"})
# Keys whose numbers are seconds, counts or codes.
_PLAIN_NUMBERS = frozenset(
    [
        "break",
        "capacity",
        "code",
        "count",
        "duration",
        "entitiesCount",
        "entriesCount",
        "expensesCount",
        "groupOneTotalCount",
        "groupTwoTotalCount",
        "numOfCurrencies",
        "offEnd",
        "offStart",
        "offsetEnd",
        "offsetStart",
        "overtime",
        "quantity",
        "remainingCapacity",
        "timeOff",
        "totalBillableTime",
        "totalDuration",
        "totalTime",
    ]
)
_HEADERS = frozenset({"content-type", "last-page", "retry-after"})
_CSV_WORDS = frozenset(
    [
        "amount",
        "billable",
        "client",
        "cost",
        "date",
        "decimal",
        "description",
        "duration",
        "email",
        "end",
        "group",
        "h",
        "name",
        "project",
        "rate",
        "start",
        "tag",
        "tags",
        "task",
        "time",
        "type",
        "user",
    ]
)
_CSV_TIMES = frozenset(
    {"Start Date", "Start Time", "End Date", "End Time", "Duration (h)", "Duration (decimal)"}
)
_CSV_TIME = re.compile(r"[\d:/.\-, APM]*")
_MONEY_COLUMN = re.compile(r"(Billable|Cost|Profit) (Rate|Amount) \([A-Z]{3}\)")


class Pseudonyms:
    """
    Replacements for everything personal in some answers.

    :param answers: All answers that are recorded together.
    :param factor: What numbers are multiplied by, between 0 and 1, so that no rounding looks larger than it was.
    """

    def __init__(self, answers: Iterable[Answer], factor: Decimal) -> None:
        self._factor = factor
        ids: set[str] = set()
        texts: set[str] = set()
        for answer in answers:
            ids.update(_ID_INSIDE.findall(_all_text_of_request(answer)))
            if _is_csv(answer):
                texts.update(cell for line in _csv(answer) for cell in line)
            elif answer.body:
                for _, text in _texts(answer.json):
                    (ids if _ID.fullmatch(text) else texts).add(text)
        # What is asked for in vain is nobody's; counting begins after it.
        self._ids = {
            each: f"{each[:8]}{number:016x}" for number, each in enumerate(sorted(ids - {NOBODY}), 2)
        }
        personal = sorted({each for each in texts if each.strip()}, key=lambda text: (text.lower(), text))
        self._texts = {each: _shaped(each, number) for number, each in enumerate(personal, 1)}

    def id(self, text: str) -> str:
        """Return the replacement of an id."""
        return self._ids.get(text, text)

    def in_path(self, text: str) -> str:
        """Return a path or query value of ours, with other ids in it."""
        return _ID_INSIDE.sub(lambda found: self.id(found[0]), text)

    def asked(self, value: Any) -> Any:
        """Return parameters or a body of ours, with other ids in them; all else in them is the package's own."""
        if isinstance(value, Mapping):
            return {name: self.asked(each) for name, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.asked(each) for each in value]
        return self.in_path(value) if isinstance(value, str) else value

    def value(self, value: Any, key: str = "") -> Any:
        """
        Return a value of an answer with everything personal replaced.

        :param value: Any JSON value.
        :param key: Key under which it stands; values in a list have that of the list.
        """
        if isinstance(value, Mapping):
            return {self._key(name): self.value(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [self.value(each, key) for each in value]
        if isinstance(value, str):
            return self._text(value, key)
        if isinstance(value, bool) or value is None or key in _PLAIN_NUMBERS:
            return value
        return Decimal(value) * self._factor

    def _key(self, name: str) -> str:
        return name if _KEY.fullmatch(name) else self._text(name, "")

    def _text(self, text: str, key: str) -> str:
        return (
            text if _is_harmless(text, key) else self.id(text) if _ID.fullmatch(text) else self._texts[text]
        )

    def message(self, text: str) -> str:
        """
        Return the message of a refusal without what it quotes.

        Requests name nothing but ids, so that it can echo nothing else.
        """
        text = _QUOTED.sub("'…'", self.in_path(text).replace("doesn't", "doesn\u2019t"))
        return _MAIL.sub("…", _LINK.sub("…", text)).replace("doesn\u2019t", "doesn't")

    def body(self, answer: Answer) -> Any:
        """
        Return the body of an answer, as JSON values, or as text where it is a file.

        :param answer: The answer.
        """
        if answer.is_refusal:
            code, message = answer.error
            return {"message": self.message(message), "code": code}
        if _is_csv(answer):
            return self._csv(answer)
        return self.value(answer.json) if answer.body else None

    def headers(self, answer: Answer) -> dict[str, str]:
        """Return the headers of an answer that say something about pages, content and limits."""
        return {
            name: value
            for name, value in answer.headers.items()
            if name in _HEADERS or name.startswith("x-ratelimit")
        }

    def _csv(self, answer: Answer) -> str:
        header, *lines = _csv(answer)
        kept = [name if _is_known_column(name) else self._texts.get(name, "") for name in header]
        file = io.StringIO(newline="")
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(kept)
        writer.writerows([self._cell(*each) for each in zip(kept, line, strict=False)] for line in lines)
        return file.getvalue()

    def _cell(self, column: str, cell: str) -> str:
        if column in _CSV_TIMES and _CSV_TIME.fullmatch(cell):
            return cell
        if not _MONEY_COLUMN.fullmatch(column):
            return self._texts.get(cell, "")
        try:
            return f"{Decimal(cell.replace(',', '')) * self._factor:.2f}"
        except InvalidOperation:
            return ""


def _is_known_column(name: str) -> bool:
    words = re.findall(r"[a-z]+", re.sub(r"\([A-Z]{3}\)", "", name).lower())
    return bool(words) and set(words) <= _CSV_WORDS


def _is_harmless(text: str, key: str) -> bool:
    if not text or _TIME.fullmatch(text) or _DURATION.fullmatch(text):
        return True
    return (
        (key in _WORDS_OF_API and bool(_WORD.fullmatch(text)))
        or (key in _ZONES and bool(_ZONE.fullmatch(text)))
        or (key == "color" and bool(_COLOR.fullmatch(text)))
    )


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Go through the texts of JSON values that may be personal, each with its key; and keys that are no API's."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            if not _KEY.fullmatch(name) and not _is_harmless(name, ""):
                yield "", name
            yield from _texts(each, name)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each, key)
    elif isinstance(value, str) and not _is_harmless(value, key):
        yield key, value


def _shaped(text: str, number: int) -> str:
    """Return a replacement that looks like what it replaces."""
    if _MAIL.fullmatch(text):
        return f"person{number:06d}@example.com"
    if _LINK.fullmatch(text):
        return f"https://example.com/{number:06d}"
    if _NUMBER_OF_TEXT.fullmatch(text):
        return str(number)
    return f"Text {number:06d}"


def _all_text_of_request(answer: Answer) -> str:
    request = answer.request
    return f"{request.path} {dict(request.params)} {request.json}"


def _is_csv(answer: Answer) -> bool:
    return (
        bool(answer.body)
        and not answer.is_refusal
        and answer.headers.get("content-type", "").startswith("text/csv")
    )


def _csv(answer: Answer) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.body.decode("utf-8-sig", "replace"), newline="")))

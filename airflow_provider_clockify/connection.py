# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
A Clockify connection as a frozen value.

Reads the fields of an Airflow connection (and nothing else of Airflow) by name, refuses what is wrong with the
connection id and the cure in the message, and never shows the key.
"""

from __future__ import annotations

import json
import logging
import re
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from airflow_provider_clockify.exceptions import (
    ClockifyConfigError,
    ClockifyMissingConnectionError,
    Entry,
    explained_by,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

log = logging.getLogger(__name__)

CONN_TYPE = "clockify"
DEFAULT_CONN_ID = "clockify_default"

API_KEY_AUTH = "api_key"
ADDON_TOKEN_AUTH = "addon_token"  # noqa: S105 - the name of a way to authenticate
AUTH_TYPES = (API_KEY_AUTH, ADDON_TOKEN_AUTH)

GLOBAL_REGION = "global"
REGIONS = (GLOBAL_REGION, "euc1", "use2", "euw2", "apse2", "developer")
REGION_SPELLINGS = {"eu": "euc1", "us": "use2", "uk": "euw2", "au": "apse2"}

DEFAULT_REQUESTS_PER_SECOND = 10.0
DEFAULT_MAX_CONCURRENCY = 3
DEFAULT_TIMEOUT = 60.0
DEFAULT_MAX_RETRIES = 5
DEFAULT_MAX_WAIT = 300.0

# All that is read of the extra.
EXTRAS = (
    "allow_insecure_http",
    "auth_type",
    "core_url",
    "hash_salt",
    "max_concurrency",
    "max_retries",
    "max_wait",
    "region",
    "reports_url",
    "requests_per_hour",
    "requests_per_second",
    "subdomain",
    "timeout",
    "workspace_id",
)
# Airflow masks nothing that is shorter, unless its configuration says otherwise.
SHORTEST_MASKED = 5
# Near enough for a slip of the pen (max_retry), too far for names of other things (endpoint_url, timezone).
_CLOSE = 0.75

_SUBDOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LOOPBACK = re.compile(r"localhost|127(?:\.\d{1,3}){3}|::1")
_PREFIX = re.compile(r"(?:extra[^a-z0-9]+)?(?:clockify[^a-z0-9]+)?")
_PORT = re.compile(r":[^\]]*$")
_KEY = re.compile(r"[\x21-\x7e]+")
_TRUE = ("true", "1", "yes", "on")
_FALSE = ("false", "0", "no", "off")

_doubted: set[tuple[str, tuple[str, ...]]] = set()


class Secret(str):
    """Text that does not show itself where values are printed: in ``repr``, and in tracebacks with local variables."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return three asterisks."""
        return "'***'"


@dataclass(frozen=True, slots=True)
class ClockifySettings:
    """
    All that a client needs to know of a connection.

    :param conn_id: Connection id, for messages.
    :param api_key: The secret; kept out of ``repr``.
    :param auth_type: ``api_key`` or ``addon_token``.
    :param region: One of :data:`REGIONS`.
    :param subdomain: Label of a ``<subdomain>.clockify.me`` workspace.
    :param base_url: Base URL that replaces Clockify's hosts (a proxy, an emulator).
    :param core_url: Exact base URL of the core service; wins over everything.
    :param reports_url: Exact base URL of the reports service; wins over everything.
    :param workspace_id: Default workspace.
    :param requests_per_second: Client-side ceiling of requests per second.
    :param requests_per_hour: Quota of the workspace; ``None`` when none is known.
    :param max_concurrency: Parallel requests of one task.
    :param timeout: Seconds to connect, and seconds to wait for each piece of an answer.
    :param max_retries: Attempts after the first.
    :param max_wait: Longest wait in seconds, for the service or for the quota, that a worker holds its slot for.
    :param hash_salt: Key of hashed columns; kept out of ``repr``.
    :param doubts: What :func:`doubts_of_extra` says of its extra.
    """

    conn_id: str
    api_key: str = field(repr=False)
    auth_type: str = API_KEY_AUTH
    region: str = GLOBAL_REGION
    subdomain: str | None = None
    base_url: str | None = None
    core_url: str | None = None
    reports_url: str | None = None
    workspace_id: str | None = None
    requests_per_second: float = DEFAULT_REQUESTS_PER_SECOND
    requests_per_hour: int | None = None
    max_concurrency: int = DEFAULT_MAX_CONCURRENCY
    timeout: float = DEFAULT_TIMEOUT
    max_retries: int = DEFAULT_MAX_RETRIES
    max_wait: float = DEFAULT_MAX_WAIT
    hash_salt: str | None = field(default=None, repr=False)
    doubts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Keep both secrets from being printed by whoever gets hold of them."""
        object.__setattr__(self, "api_key", Secret(self.api_key))
        if self.hash_salt is not None:
            object.__setattr__(self, "hash_salt", Secret(self.hash_salt))

    @classmethod
    def from_fields(
        cls,
        conn_id: str,
        *,
        password: str | None,
        host: str | None = None,
        schema: str | None = None,
        port: int | None = None,
        extra: Mapping[str, Any] | None = None,
        conn_type: str | None = None,
    ) -> ClockifySettings:
        """
        Read the fields of an Airflow connection.

        :param conn_id: Connection id, for messages.
        :param password: The API key or add-on token.
        :param host: Base URL override; a bare host name gets the scheme of ``schema``, else ``https``.
        :param schema: Scheme for a bare ``host``.
        :param port: Port for a ``host`` that has none.
        :param extra: The connection's extra; read by name, unknown names are ignored.
        :param conn_type: Its type; some secrets backends keep none, and then it is taken for one of ours.
        :raises ClockifyConfigError: a field is missing or wrong.
        """
        if conn_type and conn_type != CONN_TYPE:
            raise ClockifyConfigError(
                f"Connection {conn_id!r} is of type {conn_type!r}, not {CONN_TYPE!r}: its fields mean something else. "
                f"Make a connection of type {CONN_TYPE} (conn_type {CONN_TYPE!r}; as a URI {CONN_TYPE}://:KEY@/), or "
                "name the right one as clockify_conn_id."
            )
        read = _Extra(conn_id, extra or {})
        insecure = read.boolean("allow_insecure_http", False)
        region = read.choice("region", GLOBAL_REGION, REGIONS, REGION_SPELLINGS)
        return cls(
            conn_id=conn_id,
            api_key=_key(conn_id, password),
            auth_type=read.choice("auth_type", API_KEY_AUTH, AUTH_TYPES),
            region=region,
            subdomain=_subdomain(read),
            base_url=_base_url(read, host, schema, port, insecure),
            core_url=read.url("core_url", insecure),
            reports_url=read.url("reports_url", insecure),
            workspace_id=read.text("workspace_id"),
            requests_per_second=read.number("requests_per_second", DEFAULT_REQUESTS_PER_SECOND),
            requests_per_hour=read.optional_integer("requests_per_hour", 1),
            max_concurrency=read.integer("max_concurrency", DEFAULT_MAX_CONCURRENCY, 1),
            timeout=read.number("timeout", DEFAULT_TIMEOUT),
            max_retries=read.integer("max_retries", DEFAULT_MAX_RETRIES, 0),
            max_wait=read.number("max_wait", DEFAULT_MAX_WAIT),
            hash_salt=read.secret("hash_salt"),
            doubts=doubts_of_extra(extra or {}),
        )

    @classmethod
    @explained_by(Entry.CONNECTION_FIELD)
    def of(cls, conn_id: str, connection: Any) -> ClockifySettings:
        """
        Read an Airflow connection; names in its extra that look misspelt are warned of, once per process.

        :param conn_id: Its id.
        :param connection: The connection, of any supported Airflow version.
        :raises ClockifyConfigError: a field is missing or wrong, or it is a connection to something else.
        :raises ClockifyMissingConnectionError: Airflow cannot decrypt it.
        """
        with reading_connection(conn_id):
            password, extra = connection.password, connection.extra
        settings = cls.from_fields(
            conn_id,
            conn_type=getattr(connection, "conn_type", None),
            password=password,
            host=connection.host,
            schema=connection.schema,
            port=connection.port,
            extra=_parsed(conn_id, extra),
        )
        # Triggers read the connection for each look.
        if settings.doubts and (conn_id, settings.doubts) not in _doubted:
            _doubted.add((conn_id, settings.doubts))
            log.warning("Connection %r: %s", conn_id, " ".join(settings.doubts))
        return settings


# Airflow's modules that mask secrets, of all supported versions.
_MASKERS = (
    "airflow._shared.secrets_masker.secrets_masker",
    "airflow.sdk._shared.secrets_masker.secrets_masker",
    "airflow.sdk.execution_time.secrets_masker",
    "airflow.utils.log.secrets_masker",
)
_is_reading: ContextVar[bool] = ContextVar("clockify_is_reading_connection", default=False)


def _not_of_short_values(record: logging.LogRecord) -> bool:
    """
    Let no warning pass that a secret is too short to be masked, while a connection is read here.

    Airflow tries to mask every value of every extra while it caches a connection, a region such as ``euc1`` as well.
    """
    return not (_is_reading.get() and "too short" in record.getMessage())


@contextmanager
def reading_connection(conn_id: str) -> Iterator[None]:
    """
    Turn what Airflow raises while it gives a connection into one error.

    Its text names the class of Airflow's error only: a secrets backend may put anything into the text.

    :param conn_id: Connection that is read.
    :raises ClockifyMissingConnectionError: it was not given, whatever the reason.
    """
    before = _is_reading.set(True)
    for name in _MASKERS:
        logging.getLogger(name).addFilter(_not_of_short_values)  # Once, however often it is added.
    try:
        yield
    except Exception as error:
        raise ClockifyMissingConnectionError(
            f"Airflow gave no connection {conn_id!r} ({type(error).__name__}): it does not exist, or the secrets "
            "backend that holds it does not answer. Check the id under Admin, Connections, and the secrets backend."
        ) from error
    finally:
        _is_reading.reset(before)


def _parsed(conn_id: str, text: str | None) -> Mapping[str, Any]:
    # Airflow's own reader answers a broken extra with an empty one: the region would silently be the global one.
    if not text:
        return {}
    try:
        extra = json.loads(text)
    except ValueError as error:
        raise ClockifyConfigError(
            f"Connection {conn_id!r}: its extra is not valid JSON (line {getattr(error, 'lineno', '?')})."
        ) from error
    if not isinstance(extra, dict):
        raise ClockifyConfigError(f"Connection {conn_id!r}: its extra must be a JSON object.")
    return extra


def doubts_of_extra(extra: Mapping[str, Any]) -> tuple[str, ...]:
    """
    Say which names in an extra look like misspelt fields, which are not read, and what is too short; never a value.

    :param extra: The connection's extra.
    """
    fields = {_letters(name): name for name in EXTRAS}
    doubts = []
    for name, value in extra.items():
        if name in EXTRAS or value in (None, ""):
            continue
        # The Test button of Airflow 2.11 sends each field of the form under two names. The value is the same.
        field = name.removeprefix("extra__clockify__")
        if field in EXTRAS and extra.get(field) == value:
            continue
        bare = _letters(_PREFIX.sub("", name.lower()).rpartition("__")[2])
        close = get_close_matches(bare, fields, 1, _CLOSE)
        if close:
            doubts.append(
                f"Its extra has {name[:60]!r}, which is not read; rename it to {fields[close[0]]!r} if that is meant."
            )
    salt = extra.get("hash_salt")
    if isinstance(salt, str) and 0 < len(salt) < SHORTEST_MASKED:
        doubts.append(
            f"extra.hash_salt has fewer than {SHORTEST_MASKED} characters, so that Airflow does not mask it in logs: "
            "use a longer one. Hashes differ from then on."
        )
    return tuple(doubts)


def _letters(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


class _Extra:
    """Typed getters over a connection's extra; every refusal names the connection and the field."""

    def __init__(self, conn_id: str, extra: Mapping[str, Any]) -> None:
        self.conn_id = conn_id
        self._extra = extra

    def refuse(self, name: str, value: object, cure: str) -> ClockifyConfigError:
        return ClockifyConfigError(f"Connection {self.conn_id!r}: extra.{name} is {value!r}; {cure}.")

    def text(self, name: str) -> str | None:
        value = self._extra.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.refuse(name, value, "it must be text")
        return value.strip() or None

    def secret(self, name: str) -> str | None:
        value = self._extra.get(name)
        if value is not None and not isinstance(value, str):
            raise ClockifyConfigError(
                f"Connection {self.conn_id!r}: extra.{name} is not text; put it in quotes."
            )
        return self.text(name)

    def choice(
        self, name: str, default: str, allowed: tuple[str, ...], spellings: Mapping[str, str] | None = None
    ) -> str:
        value = self.text(name)
        if value is None:
            return default
        lowered = value.lower()
        lowered = (spellings or {}).get(lowered, lowered)
        if lowered not in allowed:
            also = f" (or {', '.join(spellings)})" if spellings else ""
            raise self.refuse(name, value, f"use one of {', '.join(allowed)}{also}")
        return lowered

    def url(self, name: str, insecure: bool) -> str | None:
        value = self.text(name)
        if value is None:
            return None
        return _checked_url(self.conn_id, f"extra.{name}", value, insecure)

    def boolean(self, name: str, default: bool) -> bool:
        value = self._extra.get(name)
        if value is None or value == "":
            return default
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.strip().lower() in (*_TRUE, *_FALSE):
            return value.strip().lower() in _TRUE
        raise self.refuse(name, value, "use true or false")

    def number(self, name: str, default: float) -> float:
        value = self._extra.get(name)
        if value is None or value == "":
            return default
        try:
            number = float(value) if not isinstance(value, bool) else 0.0
        except (TypeError, ValueError):
            number = 0.0
        if not 0 < number < 1e9:
            raise self.refuse(name, value, "it must be a number above 0")
        return number

    def optional_integer(self, name: str, least: int) -> int | None:
        value = self._extra.get(name)
        if value is None or value == "":
            return None
        return self._whole(name, value, least)

    def integer(self, name: str, default: int, least: int) -> int:
        value = self._extra.get(name)
        if value is None or value == "":
            return default
        return self._whole(name, value, least)

    def _whole(self, name: str, value: object, least: int) -> int:
        cure = f"it must be a whole number of at least {least}"
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise self.refuse(name, value, cure)
        try:
            number = int(value) if not isinstance(value, float) or value.is_integer() else None
        except ValueError:
            number = None
        if number is None or number < least:
            raise self.refuse(name, value, cure)
        return number


def _key(conn_id: str, password: str | None) -> str:
    key = (password or "").strip()
    if not key:
        raise ClockifyConfigError(
            f"Connection {conn_id!r} has no API key: paste one into its password field "
            "(Clockify: Preferences, Advanced, Manage API keys)."
        )
    if not _KEY.fullmatch(key):
        raise ClockifyConfigError(
            f"Connection {conn_id!r}: the API key contains spaces or characters that no key has; paste it again."
        )
    return key


def _subdomain(read: _Extra) -> str | None:
    value = read.text("subdomain")
    if value is None:
        return None
    label = value.lower().removesuffix(".clockify.me")
    if not _SUBDOMAIN.fullmatch(label):
        raise read.refuse(
            "subdomain", value, "give only the first part of <subdomain>.clockify.me (a-z, 0-9, hyphen)"
        )
    return label


def _base_url(
    read: _Extra, host: str | None, schema: str | None, port: int | None, insecure: bool
) -> str | None:
    value = (host or "").strip()
    if not value:
        return None
    if "://" not in value:
        value = f"{(schema or 'https').strip().lower()}://{value}"
    parts = _split(read.conn_id, "host", value)
    if port and not _PORT.search(parts.netloc):
        value = parts._replace(netloc=f"{parts.netloc}:{port}").geturl()
    url = _checked_url(read.conn_id, "host", value, insecure)
    # People paste the address of one service; the override is the part both services share.
    return url.removesuffix("/api/v1").removesuffix("/report/v1")


def _split(conn_id: str, name: str, value: str) -> SplitResult:
    with suppress(ValueError):
        parts = urlsplit(value)
        if parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0):
            return parts
    raise ClockifyConfigError(
        f"Connection {conn_id!r}: {name} is not a base URL such as https://proxy.example.com/clockify."
    )


def _checked_url(conn_id: str, name: str, value: str, insecure: bool) -> str:
    parts = _split(conn_id, name, value)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ClockifyConfigError(
            f"Connection {conn_id!r}: {name} must be a plain base URL, without user, query or fragment."
        )
    if parts.scheme == "http" and not insecure and not _LOOPBACK.fullmatch(parts.hostname or ""):
        raise ClockifyConfigError(
            f"Connection {conn_id!r}: {name} would send the key unencrypted to {parts.hostname}; use https, or set "
            "extra.allow_insecure_http to true if that network is trusted."
        )
    return value.rstrip("/")

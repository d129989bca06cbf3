# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""What only a server of PostgreSQL has: rights, triggers, locks, connections that break, characters it cannot hold."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from decimal import Decimal
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import pytest
from database_servers import MissingServerError, Postgres, free_port, tool
from table_databases import DRIVERS, connector, rows_of
from table_entries import BEGIN, DAY, NAME, a_load, entry, held

from airflow_provider_clockify.exceptions import (
    ClockifyConfigError,
    ClockifyDatabaseError,
    ClockifyIncompleteError,
    ClockifyResponseError,
)
from airflow_provider_clockify.tables.database import Database
from airflow_provider_clockify.tables.preparing import Permission, missing
from airflow_provider_clockify.tables.replacing import load_table
from airflow_provider_clockify.tables.statements import TableName

SECRET = "ada@example.com"


@pytest.fixture(params=["psycopg", "psycopg2", "adbc-postgresql"])
def driver(request: pytest.FixtureRequest) -> str:
    missing = [module for module in DRIVERS[request.param] if find_spec(module) is None]
    if missing:
        pytest.skip(f"this environment has no {', '.join(missing)}")
    return str(request.param)


@pytest.fixture
def connect(driver: str, postgres: Postgres, postgres_database: str) -> Callable[[], Database]:
    return connector(driver, postgres, postgres_database)


def run(connect: Callable[[], Database], *statements: str) -> None:
    with closing(connect()) as database:
        database.execute(*statements)
        database.commit()


def told(error: BaseException) -> str:
    """Return all that a log would show of an error, its causes included."""
    text = "".join(traceback.format_exception(error))
    seen: BaseException | None = error
    while seen is not None:
        text += repr(seen) + repr(vars(seen))
        seen = seen.__cause__ or seen.__context__
    return text


def test_a_trigger_that_drops_a_row_rolls_the_load_back(connect: Callable[[], Database]) -> None:
    load_table(connect, a_load([entry(0, 0)], 0, 3, 1))
    run(
        connect,
        "CREATE FUNCTION drop_one() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN IF NEW.id = 'id2' THEN RETURN NULL; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER drops BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION drop_one()",
    )

    with pytest.raises(ClockifyIncompleteError, match="2 rows instead of 3.*[Rr]olled back.*trigger"):
        load_table(connect, a_load([entry(1, 1), entry(2, 2), entry(3, 2)], 0, 3, 2))

    assert held(connect) == ["id0"]
    assert len(rows_of(connect, "SELECT 1 FROM entries_loads")) == 1


def test_no_error_tells_values_of_rows(
    driver: str, connect: Callable[[], Database], caplog: pytest.LogCaptureFixture
) -> None:
    def about(constraint: str) -> str:
        return "" if driver.startswith("adbc") else f".*constraint {constraint}"

    load_table(connect, a_load([], 0, 3, 1))
    run(connect, f"ALTER TABLE entries ADD CONSTRAINT no_mail CHECK (description <> '{SECRET}')")
    rows = [entry(1, 1), entry(2, 2, text=SECRET)]

    with pytest.raises(ClockifyDatabaseError, match="23514" + about("no_mail")) as caught:
        load_table(connect, a_load(rows, 0, 3, 2))
    assert SECRET not in told(caught.value) + caplog.text

    run(
        connect,
        "ALTER TABLE entries DROP CONSTRAINT no_mail",
        "CREATE UNIQUE INDEX once ON entries (description)",
    )
    with pytest.raises(ClockifyDatabaseError, match="23505" + about("once")) as caught:
        load_table(connect, a_load([entry(1, 1, text=SECRET), entry(2, 2, text=SECRET)], 0, 3, 2))
    assert SECRET not in told(caught.value) + caplog.text

    run(
        connect,
        "DROP INDEX once",
        "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'no % here', NEW.description; END $$",
        "CREATE TRIGGER tells BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION tell()",
    )
    with pytest.raises(ClockifyDatabaseError, match="P0001") as caught:
        load_table(connect, a_load(rows, 0, 3, 2))
    assert SECRET not in told(caught.value) + caplog.text


def test_an_error_of_the_rows_own_reading_comes_through(connect: Callable[[], Database]) -> None:
    load = a_load([entry(1, 1)], 0, 3, 1)

    def broken() -> Iterator[Any]:
        yield from load.parts[0].rows()
        raise ClockifyIncompleteError("the reading stopped")

    part = type(load.parts[0])(load.parts[0].window, load.parts[0].read_at, broken)
    with pytest.raises(ClockifyIncompleteError, match="the reading stopped"):
        load_table(connect, type(load)(NAME, load.shape, "w", "r", [part]))


@pytest.mark.parametrize("where", ["text", "json", "tags"])
def test_nul_characters_name_the_row_or_are_replaced(connect: Callable[[], Database], where: str) -> None:
    load = a_load([entry(1, 1), entry(2, 2)], 0, 3, 1)
    places = {"text": (1, "a\0b"), "json": (8, r'{"x": "\\\u0000\ud800"}'), "tags": (7, ["a", "b\0"])}
    place, value = places[where]

    def rows() -> Iterator[Any]:
        for batch in load.parts[0].rows():
            columns = [list(each) for each in batch]
            columns[place][1] = value
            yield columns

    part = type(load.parts[0])(load.parts[0].window, load.parts[0].read_at, rows, load.parts[0].expected)
    with pytest.raises(ClockifyConfigError, match="of row id2 has a NUL.*nul_replacement"):
        load_table(connect, type(load)(NAME, load.shape, "w", "r", [part]))

    load_table(connect, type(load)(NAME, load.shape, "w", "r", [part], nul_replacement="\ufffd"))

    ((text, fields, tags),) = rows_of(
        connect, "SELECT description, custom_fields ->> 'x', tag_names FROM entries WHERE id = 'id2'"
    )
    found = {"text": text, "json": fields, "tags": tags}[where]
    assert found == {"text": "a\ufffdb", "json": "\\\ufffd\ufffd", "tags": ["a", "b\ufffd"]}[where]


def test_an_amount_that_does_not_fit_names_its_row_before_it_is_sent(connect: Callable[[], Database]) -> None:
    load_table(connect, a_load([entry(1, 1)], 0, 3, 1))
    load = a_load([entry(1, 1), entry(2, 2)], 0, 3, 2)
    amount = Decimal("-9999999999.99999999")

    def rows() -> Iterator[Any]:
        for batch in load.parts[0].rows():
            columns = [list(each) for each in batch]
            columns[10][1] = amount
            yield columns

    part = type(load.parts[0])(load.parts[0].window, load.parts[0].read_at, rows)
    load_table(connect, type(load)(NAME, load.shape, "w'1", "r", [part]))
    ((held_amount,),) = rows_of(connect, "SELECT CAST(amount AS text) FROM entries WHERE id = 'id2'")
    assert held_amount == f"{amount:f}"

    amount = Decimal("10000000000")
    with pytest.raises(ClockifyResponseError, match="id2.* more than 10 digits.*column amount") as caught:
        load_table(connect, type(load)(NAME, load.shape, "w'1", "r", [part]))
    assert "10000000000" not in told(caught.value)
    assert rows_of(connect, "SELECT CAST(amount AS text) FROM entries WHERE id = 'id2'") == [(held_amount,)]


def test_a_role_without_rights_is_told_what_it_lacks(
    driver: str, postgres: Postgres, postgres_database: str, connect: Callable[[], Database]
) -> None:
    load = a_load([entry(1, 1)], 0, 3, 1)
    role = f"reader_{postgres_database}"
    run(
        connect,
        f"CREATE ROLE {role} LOGIN",
        f'REVOKE TEMPORARY ON DATABASE "{postgres_database}" FROM PUBLIC',
        "CREATE SCHEMA shop",
    )

    def as_role() -> Database:
        database = connect()
        database.execute(f"SET SESSION AUTHORIZATION {role}")
        database.commit()
        return database

    def lacks(create: bool = True, widen: bool = True) -> str:
        with closing(as_role()) as database:
            database.begin()
            with pytest.raises(ClockifyConfigError) as caught:
                missing(database, TableName("entries", "shop"), load.shape, Permission(create, widen))
            return str(caught.value)

    assert f'GRANT USAGE ON SCHEMA "shop" TO "{role}"' in lacks()
    run(connect, f"GRANT USAGE ON SCHEMA shop TO {role}")
    said = lacks()
    assert f'GRANT CREATE ON SCHEMA "shop" TO "{role}"' in said
    assert f'GRANT TEMPORARY ON DATABASE "{postgres_database}" TO "{role}"' in said
    run(connect, f'GRANT TEMPORARY ON DATABASE "{postgres_database}" TO {role}')
    assert "create_table is False" in lacks(create=False)
    in_shop = type(load)(TableName("entries", "shop"), load.shape, "w", "r", load.parts)
    load_table(connect, in_shop)
    run(connect, f"GRANT SELECT, INSERT ON shop.entries TO {role}")
    said = lacks(create=False)
    assert f'DELETE on shop.entries: GRANT DELETE ON "shop"."entries" TO "{role}"' in said
    assert "SELECT, INSERT on shop.entries_loads" in said
    run(
        connect,
        f"GRANT DELETE ON shop.entries TO {role}",
        f"GRANT SELECT, INSERT ON shop.entries_loads TO {role}",
        "ALTER TABLE shop.entries DROP COLUMN description",
    )
    assert "add columns to shop.entries" in lacks(create=False)
    run(connect, "ALTER TABLE shop.entries ADD COLUMN description text")

    assert load_table(as_role, in_shop).rows == 1


@pytest.mark.parametrize("runs", [2, 6])
@pytest.mark.parametrize("is_full", [False, True])
def test_loads_side_by_side(connect: Callable[[], Database], runs: int, is_full: bool) -> None:
    side_by_side(connect, runs, is_full=is_full)


def side_by_side(connect: Callable[[], Database], runs: int, *, is_full: bool) -> None:
    """Load at once, in threads, and check that at each day the newest read has won."""
    everything = [entry(n, n / 10) for n in range(120)]
    if is_full:
        load_table(connect, a_load(everything, 0, 12, 0))
    windows = [(0, 6), (0, 6), (3, 9), (6, 12), (8, 12), (2, 5)][:runs] if runs > 2 else [(0, 12), (0, 12)]
    errors: list[BaseException] = []

    def one(number: int) -> None:
        first, last = windows[number]
        # Later reads have seen every second entry moved by a day, and the first ones gone.
        seen = [
            (key, start + (DAY if int(key[2:]) % 2 and number else 0 * DAY), seconds + number, text)
            for key, start, seconds, text in everything[number:]
        ]
        try:
            load_table(connect, a_load(seen, first, last, number + 1))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=one, args=(number,), daemon=True) for number in range(runs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert not any(thread.is_alive() for thread in threads), "loads wait for each other"
    assert not errors
    found = rows_of(connect, "SELECT id, start, duration_seconds FROM entries")
    assert len({key for key, _, _ in found}) == len(found)
    newest = {}
    for number, (first, last) in enumerate(windows):
        for day in range(first, last):
            newest[day] = number
    for day, number in newest.items():
        seconds = {s for _, start, s in found if BEGIN + day * DAY <= start < BEGIN + (day + 1) * DAY}
        assert seconds <= {60 + number}, day
    assert len(rows_of(connect, "SELECT DISTINCT load_id FROM entries_loads")) == runs + is_full


@contextmanager
def pgbouncer(server: Postgres) -> Iterator[int]:
    """Run a pool before the server that gives each transaction one of two sessions; give its port."""
    try:
        program = tool("pgbouncer", "pgbouncer")
    except MissingServerError as error:
        pytest.skip(str(error))
    port = free_port()
    settings = {
        "listen_addr": "127.0.0.1",
        "listen_port": port,
        "unix_socket_dir": "",
        "auth_type": "any",
        "pool_mode": "transaction",
        "default_pool_size": 2,
        "max_client_conn": 100,
    }
    # Beside the server's data, which its user can read.
    path = server.folder / f"pgbouncer-{port}.ini"
    path.write_text(
        f"[databases]\n* = host=127.0.0.1 port={server.port} user=airflow\n[pgbouncer]\n"
        + "".join(f"{name} = {value}\n" for name, value in settings.items())
    )
    path.chmod(0o644)
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([program, str(path)], env=server.env, stdout=quiet, stderr=quiet, **server.how)
    try:
        deadline = time.monotonic() + 30
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert process.poll() is None, "pgbouncer ended"
            assert time.monotonic() < deadline, "pgbouncer did not start"
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.tables
@pytest.mark.parametrize("is_full", [False, True])
def test_loads_side_by_side_through_a_pool_of_transactions(
    driver: str, postgres: Postgres, postgres_database: str, connect: Callable[[], Database], is_full: bool
) -> None:
    with pgbouncer(postgres) as port:
        pooled = connector(driver, SimpleNamespace(port=port), postgres_database)
        side_by_side(pooled, 6, is_full=is_full)

        sessions = rows_of(
            connect,
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        # Six loads and the checks went through them: nothing that a load leaves in a session has disturbed another.
        assert 1 <= len(sessions) <= 2
        left = "SELECT relname FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'"
        assert rows_of(connect, left) == []
        assert rows_of(connect, "SELECT 1 FROM pg_locks WHERE locktype = 'advisory'") == []


@contextmanager
def cutting_proxy(port: int) -> Iterator[tuple[int, threading.Event]]:
    """Pass bytes on until told to cut; then the answer to the next COMMIT is lost."""
    cut = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def relay(one: socket.socket, other: socket.socket, *, asks: bool, done: threading.Event) -> None:
            try:
                while data := one.recv(65536):
                    if asks and cut.is_set() and b"COMMIT\0" in data.upper():
                        done.set()
                    elif not asks and done.is_set():
                        break  # The server has committed, and nobody hears of it.
                    other.sendall(data)
            except OSError:
                pass
            for each in (one, other):
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()
            if done.is_set():
                cut.clear()

        def serve() -> None:
            try:
                while True:
                    client, _ = listener.accept()
                    server = socket.create_connection(("127.0.0.1", port))
                    done = threading.Event()
                    for one, other, asks in ((client, server, True), (server, client, False)):
                        threading.Thread(
                            target=relay, args=(one, other), kwargs={"asks": asks, "done": done}, daemon=True
                        ).start()
            except OSError:
                return

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1], cut
        listener.shutdown(socket.SHUT_RDWR)


def test_a_lost_answer_to_the_commit_is_looked_up(
    driver: str, postgres: Postgres, postgres_database: str, connect: Callable[[], Database]
) -> None:
    with cutting_proxy(postgres.port) as (port, cut):

        class Behind:
            pass

        behind = Behind()
        behind.port = port  # type: ignore[attr-defined]
        through = connector(driver, behind, postgres_database)
        load_table(through, a_load([entry(1, 1)], 0, 3, 1))
        cut.set()

        outcome = load_table(through, a_load([entry(2, 2)], 0, 3, 2))

    assert outcome.was_settled
    assert held(connect) == ["id2"]
    assert len(rows_of(connect, "SELECT 1 FROM entries_loads")) == 2


def test_a_backend_that_is_ended_changes_nothing(connect: Callable[[], Database]) -> None:
    load_table(connect, a_load([entry(1, 1)], 0, 3, 1))
    load = a_load([entry(2, 2)], 0, 3, 2)

    def rows() -> Iterator[Any]:
        yield from load.parts[0].rows()
        run(
            connect,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND datname = current_database()",
        )
        for _ in range(200):
            yield from load.parts[0].rows()

    part = type(load.parts[0])(load.parts[0].window, load.parts[0].read_at, rows)
    with pytest.raises(ClockifyDatabaseError):
        load_table(connect, type(load)(NAME, load.shape, "w", "r", [part]))

    assert held(connect) == ["id1"]
    load_table(connect, a_load([entry(2, 2)], 0, 3, 3, workspace="w'1"))
    assert held(connect) == ["id2"]

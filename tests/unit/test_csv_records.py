# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Records and fields are those of Python's module csv, which has a limit for fields."""

from __future__ import annotations

import csv
import io
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_clockify.reading.csv_records import fields, records

# What matters to a reader of CSV, in any order.
odd_text = st.text(st.sampled_from(['"', ",", "\n", "\r", "a", "é", ";"]), max_size=40)


def read(text: str) -> list[list[str]]:
    lines = text.encode().splitlines(keepends=True)
    return [[field.decode() for field in fields(record)] for record in records(lines)]


@settings(max_examples=1000, deadline=None)
@given(odd_text)
def test_whatever_the_text_it_is_read_as_by_the_module_csv(text):
    assert read(text) == [row for row in csv.reader(io.StringIO(text, newline="")) if row]


# Some versions of the module csv leave a carriage return without quotes.
text = st.text(st.characters(codec="utf-8", exclude_characters="\r"))


@given(
    st.lists(st.lists(text, min_size=1, max_size=4), max_size=5),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_is_written_is_read(rows, quoting, end):
    file = io.StringIO(newline="")
    csv.writer(file, quoting=quoting, lineterminator=end).writerows(rows)
    lines = io.BytesIO(file.getvalue().encode())
    found = [[field.decode() for field in fields(record)] for record in records(lines)]
    assert found == rows


@pytest.mark.parametrize("unit", ["x", "\n", '"', 'a,"b"\n', ","])
def test_a_field_of_megabytes_takes_no_longer_than_reading_it(unit):
    field = unit * (3_000_000 // len(unit))
    file = io.StringIO(newline="")
    csv.writer(file).writerows([["id", "note"], ["1", field], ["2", "x"]])
    started = time.process_time()
    assert read(file.getvalue()) == [["id", "note"], ["1", field], ["2", "x"]]
    assert time.process_time() - started < 5


def test_a_file_whose_last_quotes_stay_open_has_its_last_record():
    assert read('a,b\n1,"2\n3') == [["a", "b"], ["1", "2\n3"]]

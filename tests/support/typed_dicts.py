# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""Compares values with the types that are published for them."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict


def assert_fits(value: Any, kind: Any, place: str = "value") -> None:
    """Fail unless a value is what its type says: a ``TypedDict``, with all of its keys and no other."""
    if is_typeddict(kind):
        assert isinstance(value, dict), place
        assert kind.__required_keys__ <= set(value) <= set(kind.__annotations__), (place, set(value))
        for key, inner in get_type_hints(kind).items():
            if key in value:
                assert_fits(value[key], inner, f"{place}[{key!r}]")
    elif isinstance(kind, UnionType):
        fitting = [each for each in get_args(kind) if isinstance(value, get_origin(each) or each)]
        assert fitting, (place, value)
        assert_fits(value, fitting[0], place)
    elif get_origin(kind) is list:
        assert isinstance(value, list), place
        for number, each in enumerate(value):
            assert_fits(each, get_args(kind)[0], f"{place}[{number}]")
    elif get_origin(kind) is dict:
        for key, each in value.items():
            assert_fits(key, get_args(kind)[0], place)
            assert_fits(each, get_args(kind)[1], f"{place}[{key!r}]")
    else:
        assert isinstance(value, NoneType if kind is None else kind), (place, value)
        assert not (isinstance(value, bool) and kind is int), place

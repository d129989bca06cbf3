# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""From our columns to a table of Iceberg: schema, partitions, order; and whether a table that is there fits (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_clockify.columns.tables import SCHEMA_VERSION, ColumnType
from airflow_provider_clockify.exceptions import ClockifyConfigError
from airflow_provider_clockify.export.formats.parquet_files import DECIMALS
from airflow_provider_clockify.tables.ledger import METADATA_COLUMNS, READ_AT, WORKSPACE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_clockify.columns.tables import Column
    from airflow_provider_clockify.tables.preparing import Permission
    from airflow_provider_clockify.tables.statements import Shape

# Fields of partitions are numbered from here, as the specification says.
FIRST_PARTITION_FIELD = 1000


@dataclass(frozen=True, slots=True)
class IcebergName:
    """
    A table of a catalog.

    :param namespace: Its namespace, level by level.
    :param table: Its own name.
    """

    namespace: tuple[str, ...]
    table: str

    @classmethod
    def of(cls, text: str) -> IcebergName:
        """
        Read a name.

        :param text: Namespace and table, with points between them.
        :raises ClockifyConfigError: there is no namespace, or a part is empty.
        """
        parts = tuple(text.split("."))
        if len(parts) < 2 or not all(each.strip() and each.isprintable() for each in parts):
            raise ClockifyConfigError(
                f"table is {text!r}: give namespace and table, such as clockify.time_entries (a template may have "
                "rendered to nothing)."
            )
        return cls(parts[:-1], parts[-1])

    @property
    def identifier(self) -> tuple[str, ...]:
        """The name as catalogs take it."""
        return (*self.namespace, self.table)

    def __str__(self) -> str:
        """Write the name for people."""
        return ".".join(self.identifier)


def field_type(kind: ColumnType, element_id: int = -1) -> Any:
    """
    Return the type that a column has in Iceberg.

    :param kind: Our type.
    :param element_id: Field id of a list's elements.
    """
    from pyiceberg import types

    if kind is ColumnType.TEXTS:
        return types.ListType(element_id, types.StringType(), element_required=False)
    if kind in DECIMALS:
        return types.DecimalType(*DECIMALS[kind])
    return {
        ColumnType.TEXT: types.StringType,
        ColumnType.JSON: types.StringType,
        ColumnType.FLAG: types.BooleanType,
        ColumnType.WHOLE: types.LongType,
        ColumnType.SECONDS: types.LongType,
        ColumnType.NUMBER: types.DoubleType,
        ColumnType.INSTANT: types.TimestamptzType,
        ColumnType.DAY: types.DateType,
    }[kind]()


def iceberg_schema(shape: Shape) -> Any:
    """
    Return the schema of a new table: field ids in the order of our columns, their descriptions, and what tells rows.

    :param shape: What the table holds.
    """
    from pyiceberg.schema import Schema
    from pyiceberg.types import NestedField

    columns = shape.all_columns
    key = (WORKSPACE, *shape.key) if shape.key else ()
    needed = {WORKSPACE, READ_AT, *key}
    # Elements of lists are numbered after all columns, as catalogs do when they number a schema anew.
    element = len(columns)
    fields, ids = [], {}
    for number, each in enumerate(columns, 1):
        if each.type is ColumnType.TEXTS:
            element += 1
        ids[each.name] = number
        fields.append(
            NestedField(
                field_id=number,
                name=each.name,
                field_type=field_type(each.type, element),
                required=each.name in needed,
                doc=each.description,
            )
        )
    return Schema(*fields, identifier_field_ids=[ids[name] for name in key])


def partition_spec(schema: Any, shape: Shape, unit: str | None) -> Any:
    """
    Return how a new table is partitioned: by workspace, which costs no files, and by a unit of time.

    :param schema: Its schema.
    :param shape: What it holds.
    :param unit: ``year``, ``month`` or ``day``, in UTC; ``None`` for no time.
    """
    from pyiceberg import transforms
    from pyiceberg.partitioning import PartitionField, PartitionSpec

    found = [(WORKSPACE, transforms.IdentityTransform(), WORKSPACE)]
    if unit is not None and shape.position is not None:
        by = {
            "year": transforms.YearTransform,
            "month": transforms.MonthTransform,
            "day": transforms.DayTransform,
        }[unit]()
        found.append((shape.position.name, by, f"{shape.position.name}_{unit}"))
    return PartitionSpec(
        *(
            PartitionField(
                source_id=schema.find_field(source).field_id,
                field_id=FIRST_PARTITION_FIELD + number,
                transform=transform,
                name=name,
            )
            for number, (source, transform, name) in enumerate(found)
        )
    )


def sort_order(schema: Any, shape: Shape) -> Any:
    """
    Return the order of rows in the files of a new table.

    :param schema: Its schema.
    :param shape: What it holds.
    """
    from pyiceberg.table.sorting import SortField, SortOrder
    from pyiceberg.transforms import IdentityTransform

    names = ordered_by(shape)
    return SortOrder(
        *(
            SortField(source_id=schema.find_field(name).field_id, transform=IdentityTransform())
            for name in names
        )
    )


def ordered_by(shape: Shape) -> Sequence[str]:
    """
    Return the columns by which the rows of a file are sorted.

    :param shape: What the table holds.
    """
    if shape.position is not None:
        return (shape.position.name,)
    return ("id",) if any(each.name == "id" for each in shape.columns) else (WORKSPACE,)


# Each load writes a file of metadata; old ones serve nobody.
NEW_TABLE = {
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "100",
    "clockify.schema-version": str(SCHEMA_VERSION),
}


def lacking_columns(schema: Any, shape: Shape, name: IcebergName, permission: Permission) -> list[Column]:
    """
    Return the columns that a table does not have yet, and refuse what cannot be mended.

    :param schema: Schema of the table that is there.
    :param shape: What it is to hold.
    :param name: Its name, for the message.
    :param permission: What may be created.
    :raises ClockifyConfigError: columns do not fit, must not be added, or need values that no load gives.
    """
    there = {each.name: each for each in schema.fields}
    lacking = [each for each in shape.all_columns if each.name not in there]
    own = [each.name for each in lacking if each in METADATA_COLUMNS]
    if own:
        raise ClockifyConfigError(
            f"The table {name} is there and has no column {', '.join(own)}: it was not made by a load. Name another "
            "table, or rename the one that is there."
        )
    if lacking and not permission.widen:
        raise ClockifyConfigError(
            f'The table {name} has no column {", ".join(each.name for each in lacking)}, and schema_change is "fail". '
            'Leave them out with drop_columns, or set schema_change="add_columns".'
        )
    filled = {each.name for each in shape.all_columns}
    wrong = [
        *misfits(there, shape.all_columns),
        *(
            f"{each.name} must have a value, and no load gives it one"
            for each in schema.fields
            if each.required and each.name not in filled
        ),
    ]
    if wrong:
        raise ClockifyConfigError(
            f"The table {name} cannot hold the rows: {'; '.join(wrong)}. Change these columns, leave them out with "
            "drop_columns, or name another table."
        )
    return lacking


def misfits(there: dict[str, Any], columns: Iterable[Column]) -> list[str]:
    """
    Return which columns cannot hold our values, for people.

    :param there: Fields of the table by name.
    :param columns: Columns that are wanted.
    """
    found = []
    for each in columns:
        if each.name not in there:
            continue
        has, wanted = str(there[each.name].field_type), str(field_type(each.type))
        if has != wanted and not _is_wider(has, wanted):
            found.append(f"{each.name} is {has} instead of {wanted}")
    return found


def _is_wider(has: str, wanted: str) -> bool:
    """Tell whether a decimal has more digits before the point, and as many after it."""
    digits = [re.fullmatch(r"decimal\((\d+), ?(\d+)\)", each) for each in (has, wanted)]
    if digits[0] is None or digits[1] is None:
        return False
    return digits[0][2] == digits[1][2] and int(digits[0][1]) >= int(digits[1][1])

# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The connection form for Airflow before 3.2, drawn with form widgets.

Only imported when such an Airflow asks for the form. On 3.0 and 3.1 the web server replaces these libraries by
recorders that know text and whole-number fields and the ``any_of`` validator; only 2.11 has real ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_clockify._compat import HAS_REAL_FORM_LIBRARIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_clockify.get_provider_info import FormField


def form_widgets(fields: Sequence[FormField]) -> dict[str, Any]:
    """
    Give one widget per field.

    :param fields: The form.
    """
    return {field.name: _widget(field) for field in fields}


def _widget(field: FormField) -> Any:
    from flask_appbuilder.fieldwidgets import BS3TextFieldWidget
    from wtforms import IntegerField, StringField
    from wtforms.validators import Optional, any_of

    if field.choices and HAS_REAL_FORM_LIBRARIES:
        from flask_appbuilder.fieldwidgets import Select2Widget
        from wtforms import SelectField

        return SelectField(
            field.label,
            choices=[(choice, choice) for choice in field.choices],
            description=field.description,
            default=field.default,
            widget=Select2Widget(),
        )
    kind = IntegerField if field.type == "integer" else StringField
    validators = [Optional(), *([any_of(list(field.choices))] if field.choices else [])]
    default = field.default if field.type == "integer" or field.default is None else str(field.default)
    return kind(
        field.label,
        validators=validators,
        description=field.description,
        default=default,
        widget=BS3TextFieldWidget(),
    )

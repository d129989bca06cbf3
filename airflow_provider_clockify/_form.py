# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The connection form for Airflow before 3.2, drawn with form widgets.

Only imported when such an Airflow asks for the form. 2.11 accepts text, whole-number, password and yes/no fields and
nothing else; 3.0 and 3.1 replace the form libraries by recorders that turn ``any_of`` into a drop-down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    from flask_appbuilder.fieldwidgets import BS3PasswordFieldWidget, BS3TextFieldWidget
    from wtforms import IntegerField, PasswordField, StringField
    from wtforms.validators import Optional, any_of

    if field.secret:
        return PasswordField(field.label, description=field.description, widget=BS3PasswordFieldWidget())
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

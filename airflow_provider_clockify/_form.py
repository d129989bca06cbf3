# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
The connection form for Airflow before 3.2, drawn with form widgets.

Only imported when such an Airflow asks for the form. 2.11 accepts text, whole-number, password and yes/no fields and
nothing else, but any widget: a drop-down is a text field drawn as one. 3.0 and 3.1 replace the form libraries by
recorders that turn ``any_of`` into a drop-down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_clockify.get_provider_info import FormField


def form_widgets(fields: Sequence[FormField]) -> dict[str, Any]:
    """
    Return one widget per field.

    :param fields: The form.
    """
    return {field.name: _widget(field) for field in fields}


class ChoiceWidget:
    """
    Draws a text field as a drop-down.

    :param choices: Values, each with what people read for it.
    """

    def __init__(self, choices: Sequence[tuple[str, str]]) -> None:
        self._choices = choices

    def __call__(self, field: Any, **kwargs: Any) -> Any:
        """
        Return the HTML.

        A value that is not a choice, such as another spelling, stays one: saving the form must not change it.

        :param field: The bound field.
        :param kwargs: Attributes of the element.
        """
        from markupsafe import Markup

        current = str(field.data or "")
        known = any(value == current for value, _ in self._choices)
        choices = [*self._choices, *([] if known or not current else [(current, current)])]
        options = [
            Markup('<option value="{}"{}>{}</option>').format(
                value, Markup(" selected") if value == current else "", label
            )
            for value, label in choices
        ]
        return Markup('<select class="form-control" id="{}" name="{}">{}</select>').format(
            field.id, field.name, Markup("").join(options)
        )


def _widget(field: FormField) -> Any:
    from flask_appbuilder.fieldwidgets import BS3PasswordFieldWidget, BS3TextFieldWidget
    from wtforms import IntegerField, PasswordField, StringField
    from wtforms.validators import Optional, any_of

    if field.secret:
        return PasswordField(field.label, description=field.description, widget=BS3PasswordFieldWidget())
    kind = IntegerField if field.type == "integer" else StringField
    validators = [Optional(), *([any_of(list(field.choices))] if field.choices else [])]
    return kind(
        field.label,
        validators=validators,
        description=field.description,
        default=_default(field),
        widget=ChoiceWidget(field.labelled_choices()) if field.choices else BS3TextFieldWidget(),
    )


def _default(field: FormField) -> str | int | float | None:
    if field.default is None or field.type == "integer":
        return field.default
    return f"{field.default:g}" if field.type == "number" else str(field.default)

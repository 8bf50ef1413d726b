"""Ask a new person for the members of a sign-up, by a form with the fields of the serializer that the accounts name.

The form carries the code along, so nothing is kept between the two steps and the code is entered once.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.forms.utils import flatatt
from django.http import HttpRequest, HttpResponse, QueryDict

from ..accounts import profiles
from . import pages
from .destinations import Destination

_PREFIX = f"{profiles.MEMBER}."  # of the names of the form's fields


def given(request: HttpRequest) -> QueryDict | None:
    """Return what a person has filled in, by the names of the serializer's fields; None before the form was shown."""
    if profiles.MEMBER not in request.POST or not profiles.serializer_class():
        return None
    values = QueryDict(mutable=True)
    for name, texts in request.POST.lists():
        if name.startswith(_PREFIX):
            values.setlist(name.removeprefix(_PREFIX), texts)
    return values


def show(request: HttpRequest, destination: Destination, errors: Mapping[str, Sequence[str]]) -> HttpResponse:
    """Render the form. ``errors`` are shown once it was filled in; before, they only name what is missing."""
    filled = given(request)
    if filled is None:
        filled, errors = QueryDict(), {}
    make: Any = profiles.serializer_class()
    shown = [field for field in make(context={"request": request}).fields.values() if _is_shown(field)]
    fields = [_described(field, place, filled, errors) for place, field in enumerate(shown, 1)]
    names = {field["name"] for field in fields}
    others = [text for name, texts in errors.items() if name not in names for text in texts]
    carried, alert = pages.carried(request), " ".join(others)
    return pages.show(request, "profile", destination, fields=fields, carried=carried, alert=alert)


def _described(field: Any, place: int, filled: QueryDict, errors: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return what the template shows of a field of the serializer."""
    name, key = _PREFIX + field.field_name, f"profile-{place}"
    wrong, hint = errors.get(name, ()), field.help_text or ""
    attributes = {
        "id": key,
        "name": name,
        "autofocus": place == 1,
        "aria-required": "true" if field.required else None,
        "aria-invalid": "true" if wrong else None,
        "aria-describedby": " ".join([f"{key}-error"] * bool(wrong) + [f"{key}-hint"] * bool(hint)) or None,
    }
    return {
        "id": key,
        "name": name,
        "label": field.label,
        "help": hint,
        "required": field.required,
        "kind": _kind(field),
        "choices": getattr(field, "choices", {}),
        "value": filled.get(field.field_name, ""),
        "errors": wrong,
        "attributes": flatatt(attributes),
    }


def _is_shown(field: Any) -> bool:
    return not field.read_only and "HiddenField" not in _class_names(field)


def _kind(field: Any) -> str:
    if "BooleanField" in _class_names(field):
        return "boolean"
    return "choice" if hasattr(field, "choices") else "text"


def _class_names(field: Any) -> set[str]:
    """Return the names of a field's classes: this room does not import Django REST framework."""
    return {each.__name__ for each in type(field).__mro__}

"""Ask a new person for the members of a sign-up, by a form with the fields of the serializer that the accounts name.

The form carries the code along, so nothing is kept between the two steps and the code is entered once.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict

from ..accounts import profiles
from . import pages
from .destinations import Destination

_PREFIX = f"{profiles.MEMBER}."  # of the names of the form's fields
_CARRIED = ("phone", "code")


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
    fields = list(_fields(request, filled, errors if filled is not None else {}))
    shown = {error for field in fields for error in field["errors"]}
    others = [text for texts in errors.values() for text in texts if filled is not None and text not in shown]
    carried = {name: request.POST[name] for name in _CARRIED if name in request.POST}
    if "checks" in request.POST:
        carried["checks"] = str(int(request.POST["checks"]) + 1)  # this request has entered a code
    return pages.show(request, "profile", destination, fields=fields, carried=carried, alert=" ".join(others))


def _fields(
    request: HttpRequest, filled: QueryDict | None, errors: Mapping[str, Sequence[str]]
) -> Iterator[dict[str, Any]]:
    make: Any = profiles.serializer_class()
    for name, field in make(context={"request": request}).fields.items():
        kind = _kind(field)
        if field.read_only or kind == "hidden":
            continue
        yield {
            "name": _PREFIX + name,
            "label": field.label,
            "help": field.help_text or "",
            "required": field.required,
            "kind": kind,
            "choices": getattr(field, "choices", {}),
            "value": filled.get(name, "") if filled is not None else "",
            "errors": errors.get(_PREFIX + name, ()),
        }


def _kind(field: Any) -> str:
    """Return what a field of Django REST framework is shown as; this room does not import the framework."""
    names = {each.__name__ for each in type(field).__mro__}
    if "HiddenField" in names:
        return "hidden"
    if "BooleanField" in names:
        return "boolean"
    return "choice" if hasattr(field, "choices") else "text"

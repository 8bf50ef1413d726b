"""Make docs/openapi.yaml: what the service answers at ``/api/schema/``, in English."""

from django.utils.translation import override
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer


def page() -> str:
    """Return the document."""
    with override("en"):
        document = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    rendered: bytes = OpenApiYamlRenderer().render(document, renderer_context={})  # type: ignore[no-untyped-call]
    return rendered.decode()

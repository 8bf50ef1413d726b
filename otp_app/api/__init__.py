"""The HTTP API: views, serializers, problem details, idempotency. The only room that imports rest_framework."""

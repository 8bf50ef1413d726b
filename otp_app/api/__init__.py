"""Serve the HTTP API: views, serializers, problem details, idempotency.

URLs and settings name this room, and the handlers of errors call it. No other room imports rest_framework.
"""

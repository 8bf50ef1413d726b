"""The OpenAPI description of the views, where drf-spectacular is installed. Registered by being imported."""

"""From a committed send to a provider and back: dispatch, records, routes, reports. Called by queues and services."""

"""From a committed send to a provider, and back by its report: dispatch, records, routing, reports.

Called by queues, services and commands; ``webhooks`` by URLs. The only room that calls providers.
"""

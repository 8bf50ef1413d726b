"""Bring a committed send to a provider, and record the attempt and what the provider reports of it.

Called by queues, services and commands; ``webhooks`` by URLs. The only room that calls providers.
"""

"""Test what every provider, queue, store and token backend must do: inherit these classes. They need pytest."""

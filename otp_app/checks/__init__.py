"""What Django checks at start. Importing the room registers all of them; only ``apps`` does."""

from . import database, page, providers, ranges, settings, test_numbers  # noqa: F401  (registers them)

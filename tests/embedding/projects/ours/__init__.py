"""The app's own user, with a field more."""

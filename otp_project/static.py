"""Static files under names that change with their content, compressed, for browsers to keep for good."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class CollectedStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise ships no types
    """Gives the names of what ``collectstatic`` has collected; what it has not is served under its plain name."""

    def stored_name(self, name: str) -> str:
        """Return the name with the hash of the content, or ``name`` itself where no such file was collected."""
        try:
            stored: str = super().stored_name(name)
        except ValueError:
            return name
        return stored

"""Serve static files compressed, under names that change with their content, so that browsers may keep them."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class CollectedStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise ships no types
    """Name collected files by their content; a file that was not collected is served under its plain name."""

    def stored_name(self, name: str) -> str:
        """Return the name with the hash of the content, or ``name`` itself where no such file was collected."""
        try:
            stored: str = super().stored_name(name)
        except ValueError:
            return name
        return stored

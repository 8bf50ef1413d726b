class Router:
    """Read from the replica, except for sessions, and write to the primary."""

    def db_for_read(self, model, **hints):
        return "default" if model._meta.app_label == "sessions" else "replica"

    def db_for_write(self, model, **hints):
        return "default"

    def allow_relation(self, one, other, **hints):
        return True

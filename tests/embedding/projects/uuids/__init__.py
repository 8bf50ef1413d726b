"""UUIDs as keys, and a manager that hides who is not active."""

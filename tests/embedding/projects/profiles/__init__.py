"""The user model that comes with Django, and the phone on a profile of its own."""

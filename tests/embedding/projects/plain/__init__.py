"""The user model that comes with Django; the phone is the user name."""

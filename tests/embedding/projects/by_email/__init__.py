"""E-mail in place of the user name, and a phone that many do not have."""

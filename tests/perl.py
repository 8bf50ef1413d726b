"""Find Perl with its library of JSON Web Tokens, by which a test verifies ours."""

import shutil

from tests import debian


def find():
    """Return the path of the program; "" if it, or the library, is missing."""
    perl = shutil.which("perl") or ""
    return perl if perl and debian.succeeds([perl, "-MCrypt::JWT", "-e", "1"]) else ""


def install():
    """Install Debian's package. Return the path of the program; "" if that failed."""
    return find() if debian.install("libcrypt-jwt-perl") else ""

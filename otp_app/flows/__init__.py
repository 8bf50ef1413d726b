"""Hold the flows of somebody who has an account, each a front door as :mod:`..services` is.

The API, the pages and a project's own code may call them.
"""

"""The databases that web processes and workers share are PostgreSQL's."""

from tests.service.running import POSTGRESQL

collect_ignore = [] if POSTGRESQL else ["test_torture.py"]

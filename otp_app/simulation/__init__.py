"""Play attacks and ordinary days against the real services. Only ``otp_simulate`` may call the room.

``sandbox`` makes a throw-away database and stops time, ``profiles`` chooses actors, ``world`` runs them through the
services, ``invariants`` asserts what may never happen, ``result`` and ``page`` report. The project's database is not
touched, and no message leaves the process.
"""

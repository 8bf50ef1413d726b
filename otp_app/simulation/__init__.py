"""The abuse lab: attacks and ordinary days, played against the real services. Only ``otp_simulate`` calls it.

``sandbox`` is a throw-away database and stopped time, ``world`` plays actors (generators that yield how long they
wait) through the front door, ``profiles`` says which, ``invariants`` asserts what may never happen, ``result`` and
``page`` show what came out. Nothing of the project's database is touched and no message leaves the process.
"""

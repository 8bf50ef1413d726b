"""I1 to I10, and that nothing is lost or doubled: asked of the database, Valkey, the companies and the output."""

from collections import Counter

FINE_FAILURES = {"superseded", "closed", "20429", "21211", "suppressed"}  # reasons why a message may rightly fail


def broken(cluster, life):
    """Return a sentence for each invariant that does not hold."""
    found = [f"{what}: {body}" for what, body in life.surprises]
    found += [f"{len(got)} tokens for {number} (I1)" for number, got in life.tokens.items() if len(got) > 1]
    found += _answered(cluster, life)
    for look in (_handovers, _messages, _reports, _tokens, _checks, _secrets):
        found += look(cluster)
    return found


def _deliveries(cluster):
    sql = (
        "SELECT REPLACE(CAST(challenge AS text), '-', ''), sent_at, handover, provider, reference, status, error, "
        "claimed_at FROM otp_app_delivery"
    )
    return cluster.database.rows(sql)


def counted(cluster):
    """I8: what all sends meet in holds them, but for those that surely reached nobody, and each approval gave back."""
    challenges, used = _challenges(cluster).values(), cluster.used()
    approved = sum(value["status"] == "approved" for value in challenges)
    failed = sum(status == "failed" for *_, status, _, _ in _deliveries(cluster))
    answered, unconverted = used["answered_in_region"], used["unconverted_per_region_day"]
    if not len(challenges) - failed <= answered + unconverted <= len(challenges) or answered != approved:
        yield f"of {len(challenges)} challenges, {approved} approved and {failed} failed, are counted {used} (I8)"


def _answered(cluster, life):
    """What people were told is under way has its row, whoever died a moment later."""
    written = {challenge for challenge, *_ in _deliveries(cluster)}
    for challenge in {each for sends in life.sends.values() for each in sends} - written:
        yield f"a send that was answered is forgotten: {challenge}"


def _handovers(cluster):
    """I4, and no hand-over twice: each of our ids came to a company once, and at most two per send."""
    seen = Counter(handover for _, _, handover, *_ in cluster.company.handed)
    yield from (f"handed over {times} times: {handover}" for handover, times in seen.items() if times > 1)
    sends = Counter((challenge, sent_at) for challenge, sent_at, *_ in _deliveries(cluster))
    yield from (f"{times} hand-overs of one send: {send}" for send, times in sends.items() if times > 2)
    phones = Counter(number for _, number, *_ in cluster.company.handed)
    yield from (f"{times} messages to {number}" for number, times in phones.items() if times > 20)


def _messages(cluster):
    """I5, and nothing lost: every message has its row and its challenge, every row has ended and for a good reason."""
    rows = _deliveries(cluster)
    references = {reference: challenge for challenge, _, _, _, reference, *_ in rows}
    challenges = _challenges(cluster)
    for _, number, handover, _, _, sid in cluster.company.handed:
        challenge = references.get(sid or handover) or references.get(handover)
        if challenge is None or challenges.get(challenge, {}).get("phone") != number:
            yield f"a message without a committed challenge (I5): {handover}"
    kinds = {
        references.get(sid) or references.get(handover): kind for _, _, handover, _, kind, sid in cluster.company.handed
    }
    for challenge, _, _, _, _, status, error, claimed_at in rows:
        kind = kinds.get(challenge)
        if status == "queued":
            yield f"a delivery that never ended: {challenge}"
        if status == "failed" and error not in FINE_FAILURES:
            yield f"a message was lost for {error!r}: {challenge}"
        if status == "unknown" and not (claimed_at and (cluster.deaths() or kind in ("lost", "broken"))):
            yield f"unknown without a reason: {challenge} {error} {kind}"


def _reports(cluster):
    """What the service has said yes to is written down, and a delivery that was reported delivered is so."""
    kept = set(cluster.database.rows("SELECT reference, status FROM otp_app_event"))
    words = {"queued": "sent", "sent": "sent", "delivered": "delivered"}
    for sid, status in cluster.company.acknowledged:
        if (sid, words[status]) not in kept:
            yield f"a report that was said yes to is gone: {sid} {status}"
    final = {reference: status for _, _, _, _, reference, status, *_ in _deliveries(cluster)}
    for sid, status in cluster.company.acknowledged:
        if status == "delivered" and final.get(sid) != "delivered":
            yield f"reported delivered, and {final.get(sid)}: {sid}"


def _challenges(cluster):
    """Return phone, status, checks and checks_left of all challenges, by id."""
    names = ("phone", "status", "checks", "checks_left")
    if cluster.store == "sql":
        sql = f"SELECT REPLACE(CAST(id AS text), '-', ''), {', '.join(names)} FROM otp_app_challenge"
        return {row[0]: dict(zip(names, row[1:], strict=True)) for row in cluster.database.rows(sql)}
    import json

    keys = cluster.server.command("KEYS", "otp:c:*")
    held = {key.decode().removeprefix("otp:c:"): json.loads(cluster.server.command("GET", key)) for key in keys}
    return {key: {name: value[name] for name in names} for key, value in held.items()}


def _tokens(cluster):
    """Check I1 and I6: no more tokens of a phone than challenges of it that were approved."""
    approved = Counter(value["phone"] for value in _challenges(cluster).values() if value["status"] == "approved")
    sql = "SELECT u.phone, COUNT(*) FROM otp_app_token t JOIN otp_app_user u ON u.id = t.user_id GROUP BY u.phone"
    for number, tokens in cluster.database.rows(sql):
        if tokens > approved[number]:
            yield f"{tokens} tokens and {approved[number]} approvals (I1, I6)"


def _checks(cluster):
    """Check I2: no challenge was compared with more often than it may be."""
    for challenge, value in _challenges(cluster).items():
        if not 0 <= value["checks_left"] <= value["checks"] == 5:
            yield f"more comparisons than granted (I2): {challenge}"


def _secrets(cluster):
    """Check I7: no code anywhere but at the company."""
    codes = {code for _, _, _, code, *_ in cluster.company.handed}
    for name, text in {"database": _dump(cluster), "valkey": _held(cluster), "output": cluster.output}.items():
        yield from (f"a code stands in the {name} (I7)" for code in codes if code in text)


def _dump(cluster):
    tables = [table for table in cluster.database.tables() if table.startswith("otp_app_")]
    return "\n".join(str(row) for table in tables for row in cluster.database.rows(f'SELECT * FROM "{table}"'))


def _held(cluster):
    read = {"string": ("GET",), "list": ("LRANGE", 0, -1), "hash": ("HGETALL",), "zset": ("ZRANGE", 0, -1)}
    text = ""
    for key in cluster.server.command("KEYS", "*"):
        command, *limits = read.get(cluster.server.command("TYPE", key).decode(), ("TYPE",))
        text += f"{key} {cluster.server.command(command, key, *limits)}\n"
    return text

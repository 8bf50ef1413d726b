-- The arithmetic of ../../windows.py.

-- Milliseconds until so much more fits into an amount: what is held counts until an instant.
CREATE FUNCTION otp_app_wait_1(untils bigint[], held integer[], now bigint, amount bigint, cost integer)
RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT COALESCE(min(until) FILTER (WHERE total - gone + cost <= amount) - now, 3600000)
    FROM (
        SELECT until, sum(n) OVER (ORDER BY until) AS gone, sum(n) OVER () AS total
        FROM unnest(untils, held) AS each (until, n) WHERE until > now AND n > 0
    ) AS live
$$;

-- The state of a limit that counts a phone's sends or failed checks exactly.
CREATE FUNCTION otp_app_phone_usage_1(l otp_app_limit_type_1, h otp_app_history_type_1, now bigint)
RETURNS otp_app_usage_type_1 LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    u otp_app_usage_type_1 := (0, 0, 0, 0); since bigint := now - l.period * 1000; at bigint; last bigint;
BEGIN
    IF l.counts = 'failures' THEN
        FOR n IN 1..cardinality(h.failed_at) LOOP
            IF h.failed_at[n] > since THEN u.used := u.used + h.failed[n]; END IF;
        END LOOP;
        FOR n IN 1..cardinality(h.reserved_until) LOOP
            IF h.reserved_until[n] > now THEN u.used := u.used + h.reserved[n]; END IF;
        END LOOP;
        IF u.used + l.cost > l.amount THEN
            u.wait := otp_app_wait_1(h.reserved_until || ARRAY(SELECT f + l.period * 1000 FROM unnest(h.failed_at) AS f),
                h.reserved || h.failed, now, l.amount, l.cost);
        END IF;
        RETURN u;
    END IF;
    FOREACH at IN ARRAY h.sends LOOP
        IF at > since AND (l.counts = 'sends' OR at > h.success) THEN
            u.used := u.used + 1;
            last := at;
        END IF;
    END LOOP;
    IF l.counts = 'waits' THEN
        IF u.used > 0 AND cardinality(l.steps) > 0 THEN
            u.wait := greatest(0, last + l.steps[least(u.used, cardinality(l.steps))] * 1000::bigint - now);
        END IF;
    ELSIF u.used + l.cost > l.amount THEN
        u.wait := CASE WHEN l.cost > l.amount THEN 3600000
            ELSE h.sends[cardinality(h.sends) - l.amount + l.cost] + l.period * 1000 - now END;
    END IF;
    RETURN u;
END $$;

CREATE FUNCTION otp_app_history_1(asked jsonb, now bigint) RETURNS otp_app_history_type_1 LANGUAGE plpgsql AS $$
DECLARE
    h otp_app_history_type_1 := ('{}', 0, '{}', '{}', '{}', '{}'); c record; month bigint := now - 2592000000;
BEGIN
    FOR c IN
        SELECT sent_at, status, closed_at, checked_at, checks, checks_left, expires_at FROM otp_app_challenge
        WHERE phone = asked->>'number' AND created_at > month AND (device <> '') = (asked->>'lane' = 'd')
    LOOP
        h.sends := h.sends || ARRAY(SELECT at::bigint FROM jsonb_array_elements_text(c.sent_at) AS at);
        h.failed_at := h.failed_at || c.checked_at;
        h.failed := h.failed || greatest(0, c.checks - c.checks_left - (c.status = 'approved')::integer);
        IF c.status = 'approved' THEN
            h.success := greatest(h.success, c.closed_at);
        ELSIF c.status = 'pending' THEN  -- ten seconds longer: a check of the last instant may not be committed yet
            h.reserved_until := h.reserved_until || c.expires_at + 10000;
            h.reserved := h.reserved || c.checks_left::integer;
        END IF;
    END LOOP;
    IF cardinality(h.sends) > 1 THEN h.sends := ARRAY(SELECT at FROM unnest(h.sends) AS at ORDER BY at); END IF;
    -- After the challenges: a purge that comes between the two leaves what it moves in the one or in both.
    FOR c IN SELECT at, checks FROM otp_app_failure WHERE phone = (asked->>'ledger')::uuid AND at > month LOOP
        h.failed_at := h.failed_at || c.at;
        h.failed := h.failed || c.checks::integer;
    END LOOP;
    RETURN h;
END $$;

-- The state of every limit, read in the order in which they are asked: that is the order of locks (locks.sql).
CREATE FUNCTION otp_app_look_1(asked jsonb, now bigint, locking boolean) RETURNS otp_app_seen_type_1 LANGUAGE plpgsql AS $$
DECLARE
    s otp_app_seen_type_1; l otp_app_limit_type_1; u otp_app_usage_type_1; judged jsonb := asked->'conversion';
    c otp_app_counter_type_1; rings integer[]; newest bigint[];  -- of the subject that is looked at
    width bigint; slot bigint; at integer; n integer;
BEGIN
    s := (('{}', 0, '{}', '{}', '{}', '{}'), '{}', '{}', false, false, NULL, NULL, NULL);
    IF asked ? 'lane' THEN s.history := otp_app_history_1(asked, now); END IF;
    FOR l IN SELECT * FROM jsonb_populate_recordset(NULL::otp_app_limit_type_1, asked->'limits') LOOP
        IF l.counts <> 'crowd' THEN
            u := otp_app_phone_usage_1(l, s.history, now);
        ELSE
            IF l.key IS DISTINCT FROM c.key THEN
                IF c.key IS NOT NULL THEN c.newest := newest; c.rings := rings; s.counters := s.counters || c; END IF;
                IF locking THEN PERFORM otp_app_lock_1(l.key); END IF;
                SELECT k.key, k.blocked_until, k.expires_at, k.newest, k.rings
                INTO c.key, c.blocked_until, c.expires_at, newest, rings FROM otp_app_key_counter AS k WHERE k.key = l.key;
                IF NOT FOUND THEN
                    c := (l.key, NULL, NULL, 0, 0); newest := '{}'; rings := '{}';
                END IF;
            END IF;
            width := l.period * 1000 / 24;
            slot := now / width;
            IF newest[l.ring + 1] > slot THEN  -- the clock was ahead when it was written
                slot := newest[l.ring + 1];
            ELSIF newest[l.ring + 1] IS DISTINCT FROM slot THEN
                rings := otp_app_advanced_1(rings, newest, l.ring, slot);
                newest := otp_app_newest_1(newest, l.ring, slot);
            END IF;
            at := l.ring * 25;
            u := (0, 0, 0, slot);
            FOREACH n IN ARRAY rings[at + 1:at + 25] LOOP u.used := u.used + n; END LOOP;
            IF u.used + l.cost > l.amount THEN
                u.wait := otp_app_wait_1(
                    ARRAY(SELECT (one + 25) * width FROM generate_series(slot - 24, slot) AS one),
                    ARRAY(SELECT rings[at + one % 25 + 1] FROM generate_series(slot - 24, slot) AS one), now, l.amount, l.cost);
            END IF;
            IF c.blocked_until > now THEN
                u.blocked := c.blocked_until;
                u.wait := greatest(u.wait, u.blocked - now);
            END IF;
            IF l.proof AND (u.used + l.cost) * 2 > l.amount THEN s.suspect := true; END IF;
            IF l.key = (judged->>'key')::uuid THEN
                IF l.ring = (judged->>'fresh')::integer THEN s.fresh := u.used;
                ELSE
                    n := otp_app_since_1(rings, at, slot, c.blocked_until / width, u.used);
                    IF l.ring = (judged->>'sends')::integer THEN s.sends := n; ELSE s.unconverted := n; END IF;
                END IF;
            END IF;
            rings[at + slot % 25 + 1] := rings[at + slot % 25 + 1] + l.cost;
            c.expires_at := greatest(c.expires_at, (slot + 25) * width);
        END IF;
        s.usages := s.usages || u;
        IF u.wait > 0 THEN s.refused := true; END IF;
    END LOOP;
    IF c.key IS NOT NULL THEN c.newest := newest; c.rings := rings; s.counters := s.counters || c; END IF;
    RETURN s;
END $$;

-- What is answered where a limit or the region refuses, else NULL. It may begin a block, and writes nothing else.
CREATE FUNCTION otp_app_refusal_1(asked jsonb, s otp_app_seen_type_1, now bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    l record; judged jsonb := asked->'conversion'; converted bigint := s.sends - s.unconverted;
BEGIN
    IF s.refused THEN
        SELECT n, key, blocks INTO l
        FROM ROWS FROM (jsonb_to_recordset(asked->'limits') AS (key uuid, amount bigint, cost integer, blocks integer))
            WITH ORDINALITY AS each (key, amount, cost, blocks, n)
        WHERE blocks > 0 AND s.usages[n].blocked = 0 AND s.usages[n].used + cost > amount ORDER BY n LIMIT 1;
        IF FOUND THEN PERFORM otp_app_block_1(l.key, now, l.blocks); END IF;
        RETURN jsonb_build_object('state', 'refused', 'now', now, 'begun', l.n, 'usages', otp_app_told_1(s.usages));
    END IF;
    IF s.sends - s.fresh >= (judged->>'least')::bigint
            AND converted * 100 < (judged->>'block')::bigint * (s.sends - s.fresh) THEN
        PERFORM otp_app_block_1((judged->>'key')::uuid, now, (judged->>'blocks')::integer);
        RETURN jsonb_build_object('state', 'conversion', 'now', now, 'sends', s.sends, 'converted', converted);
    END IF;
    IF (asked->>'proven')::boolean THEN RETURN NULL; END IF;
    IF s.suspect OR (s.sends >= (judged->>'least')::bigint AND converted * 100 < (judged->>'proof')::bigint * s.sends) THEN
        RETURN jsonb_build_object('state', 'proof', 'now', now);
    END IF;
    RETURN NULL;
END $$;

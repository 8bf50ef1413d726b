-- The arithmetic of limits/windows.py.

-- Milliseconds until so much more fits into an amount: what is held counts until an instant.
CREATE FUNCTION otp_app_wait_2(untils bigint[], held integer[], now bigint, amount bigint, cost integer)
RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT COALESCE(min(until) FILTER (WHERE total - gone + cost <= amount) - now, 3600000)
    FROM (
        SELECT until, sum(n) OVER (ORDER BY until) AS gone, sum(n) OVER () AS total
        FROM unnest(untils, held) AS each (until, n) WHERE until > now AND n > 0
    ) AS live
$$;

-- The state of a limit that counts a phone's sends or failed checks exactly.
CREATE FUNCTION otp_app_phone_usage_2(l otp_app_limit_type_2, h otp_app_history_type_2, now bigint)
RETURNS otp_app_usage_type_2 LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    u otp_app_usage_type_2 := (0, 0, l.amount, NULL); since bigint := now - l.period * 1000; at bigint; last bigint;
BEGIN
    IF l.counts = 'failures' THEN
        FOR n IN 1..cardinality(h.failed_at) LOOP
            IF h.failed_at[n] > since THEN u.used := u.used + h.failed[n]; END IF;
        END LOOP;
        FOR n IN 1..cardinality(h.reserved_until) LOOP
            IF h.reserved_until[n] > now THEN u.used := u.used + h.reserved[n]; END IF;
        END LOOP;
        IF u.used + l.cost > l.amount THEN
            u.wait := otp_app_wait_2(h.reserved_until || ARRAY(SELECT f + l.period * 1000 FROM unnest(h.failed_at) AS f),
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

CREATE FUNCTION otp_app_history_2(asked jsonb, now bigint) RETURNS otp_app_history_type_2 LANGUAGE plpgsql AS $$
DECLARE
    h otp_app_history_type_2 := ('{}', 0, '{}', '{}', '{}', '{}'); c record; month bigint := now - 2592000000;
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

-- The state of every limit, read in the order in which they are asked: that is the order of locks (locks.sql). Of each
-- key the answered messages come first, because the amounts of the key's other limits grow with them.
CREATE FUNCTION otp_app_read_2(asked jsonb, now bigint, locking boolean) RETURNS otp_app_seen_type_2 LANGUAGE plpgsql AS $$
DECLARE  -- in variables of their own, because a change of a member copies the whole
    h otp_app_history_type_2; usages otp_app_usage_type_2[] := '{}'; counters otp_app_counter_type_2[] := '{}';
    refused boolean := false; suspect boolean := false; known boolean := false; l otp_app_limit_type_2;
    read uuid; newest bigint[]; rings integer[]; blocked bigint; expires bigint; day bigint; week bigint;  -- of the key
    width bigint; slot bigint; at integer; n integer; used bigint; wait bigint; amount bigint;  -- of the limit
BEGIN
    IF asked ? 'lane' THEN h := otp_app_history_2(asked, now); END IF;
    FOR l IN SELECT * FROM otp_app_limits_2(asked) LOOP
        IF l.key IS NULL THEN
            usages := usages || otp_app_phone_usage_2(l, h, now);
            refused := refused OR (usages[cardinality(usages)]).wait > 0;
            CONTINUE;
        ELSIF l.strangers AND known THEN
            usages := usages || (0, 0, l.amount, NULL)::otp_app_usage_type_2;
            CONTINUE;
        END IF;
        IF l.key IS DISTINCT FROM read THEN
            IF read IS NOT NULL THEN
                counters := counters || (read, newest, rings, blocked, expires)::otp_app_counter_type_2;
            END IF;
            read := l.key;
            IF locking THEN PERFORM otp_app_lock_2(read); END IF;
            SELECT k.newest, k.rings, k.blocked_until, k.expires_at INTO newest, rings, blocked, expires
            FROM otp_app_key_counter AS k WHERE k.key = read;
            IF NOT FOUND THEN newest := '{}'; rings := '{}'; blocked := 0; expires := 0; END IF;
            day := 0; week := 0;
        END IF;
        width := l.period * 1000 / 24;
        slot := now / width;
        IF newest[l.ring + 1] > slot THEN  -- the clock was ahead when it was written
            slot := newest[l.ring + 1];
        ELSIF newest[l.ring + 1] IS DISTINCT FROM slot THEN
            rings := otp_app_advanced_2(rings, newest, l.ring, slot);
            newest := otp_app_newest_2(newest, l.ring, slot);
        END IF;
        at := l.ring * 25; used := 0; wait := 0; amount := l.amount;
        FOREACH n IN ARRAY rings[at + 1:at + 25] LOOP used := used + n; END LOOP;
        IF l.counts = 'answered' THEN
            week := used;
            day := rings[at + slot % 25 + 1] + rings[at + (slot - 1) % 25 + 1]
                + rings[at + (slot - 2) % 25 + 1] + rings[at + (slot - 3) % 25 + 1];
            known := known OR (l.vouches = 'known' AND week >= amount) OR (l.vouches = 'young' AND week < amount);
        ELSE
            amount := amount + l.growth * CASE WHEN l.steady THEN week ELSE greatest(7 * day, week) END / 700;
            IF used + l.cost > amount THEN
                wait := otp_app_wait_2(
                    ARRAY(SELECT (one + 25) * width FROM generate_series(slot - 24, slot) AS one),
                    ARRAY(SELECT rings[at + one % 25 + 1] FROM generate_series(slot - 24, slot) AS one),
                    now, amount, l.cost);
                refused := true;
            END IF;
            suspect := suspect OR (l.proof AND (used + l.cost) * 2 > amount);
            rings[at + slot % 25 + 1] := rings[at + slot % 25 + 1] + l.cost;
            expires := greatest(expires, (slot + 25) * width);
        END IF;
        usages := usages || (used, wait, amount, slot)::otp_app_usage_type_2;
    END LOOP;
    IF read IS NOT NULL THEN
        counters := counters || (read, newest, rings, blocked, expires)::otp_app_counter_type_2;
    END IF;
    RETURN (h, usages, counters, refused, suspect)::otp_app_seen_type_2;
END $$;

-- What is answered where a limit refuses, or a proof of work is needed, else NULL. Nothing is written.
CREATE FUNCTION otp_app_refusal_2(asked jsonb, s otp_app_seen_type_2, now bigint) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('state', CASE WHEN s.refused THEN 'refused' ELSE 'proof' END, 'now', now,
        'usages', otp_app_usages_2(s.usages))
    WHERE s.refused OR (s.suspect AND NOT (asked->>'proven')::boolean)
$$;

-- Writing, once all is decided.

CREATE FUNCTION otp_app_usages_2(usages otp_app_usage_type_2[]) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_agg(jsonb_build_array(used, wait, amount) ORDER BY n)
    FROM unnest(usages) WITH ORDINALITY AS each (used, wait, amount, slot, n)
$$;

-- Instants at which rows expire are whole hours: they are indexed, and a row is changed in its place if no index does.
CREATE FUNCTION otp_app_expiry_2(at bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT (at + 3599999) / 3600000 * 3600000
$$;

-- What is taken, as increments: [key, ring, sub-bucket, cost, shared, converts, instant of the send]. A success gives
-- back -1 answered message, which is one more.
CREATE FUNCTION otp_app_increments_2(asked jsonb, s otp_app_seen_type_2, at bigint) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT COALESCE(jsonb_agg(jsonb_build_array(key, ring, s.usages[n].slot,
        CASE counts WHEN 'answered' THEN -1 ELSE cost END, shared, converts, at) ORDER BY n), '[]')
    FROM otp_app_limits_2(asked) WITH ORDINALITY
        AS each (counts, amount, period, cost, steps, key, ring, converts, shared, kept,
            growth, steady, vouches, strangers, proof, n)
    WHERE s.usages[n].slot IS NOT NULL AND NOT kept
$$;

-- Take what was read. Rows are written whole: an expired one may have been deleted since.
CREATE FUNCTION otp_app_taken_2(s otp_app_seen_type_2) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO otp_app_key_counter AS c (key, newest, rings, blocked_until, expires_at)
    SELECT key, newest, rings, blocked_until, otp_app_expiry_2(expires_at) FROM unnest(s.counters)
    ON CONFLICT (key) DO UPDATE SET
        newest = excluded.newest, rings = excluded.rings, expires_at = greatest(c.expires_at, excluded.expires_at);
END $$;

-- What is forgotten is no credit. Answered messages, of cost -1, count for a week.
CREATE FUNCTION otp_app_given_back_2(increments jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    c otp_app_counter_type_2; increment record; at integer;
BEGIN
    FOR increment IN
        SELECT (e->>0)::uuid AS key, (e->>1)::integer AS ring, (e->>2)::bigint AS slot, (e->>3)::integer AS cost
        FROM jsonb_array_elements(increments) AS e ORDER BY e->>4, 1
    LOOP
        IF increment.key IS DISTINCT FROM c.key THEN
            IF c.key IS NOT NULL THEN
                UPDATE otp_app_key_counter SET rings = c.rings, expires_at = c.expires_at WHERE key = c.key;
            END IF;
            SELECT key, newest, rings, expires_at INTO c.key, c.newest, c.rings, c.expires_at
            FROM otp_app_key_counter WHERE key = increment.key;
        END IF;
        IF c.newest[increment.ring + 1] - increment.slot BETWEEN 0 AND 24 THEN
            at := increment.ring * 25 + increment.slot % 25 + 1;
            c.rings[at] := greatest(0, c.rings[at] - increment.cost);
            IF increment.cost < 0 THEN
                c.expires_at := greatest(c.expires_at, otp_app_expiry_2((increment.slot + 25) * 25200000));
            END IF;
        END IF;
    END LOOP;
    UPDATE otp_app_key_counter SET rings = c.rings, expires_at = c.expires_at WHERE key = c.key;
END $$;

-- Write a send down: its challenge, new or once more, its delivery, and what it takes.
CREATE FUNCTION otp_app_sent_2(asked jsonb, c otp_app_challenge, s otp_app_seen_type_2, now bigint, is_new boolean)
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    at bigint := greatest(now, (c.sent_at->>-1)::bigint + 1);  -- it names the send: no two have the same
    delivery jsonb := asked->'delivery'; claimed boolean := delivery ? 'providers'; again bigint := 0;
    l otp_app_limit_type_2; h otp_app_history_type_2 := s.history;
BEGIN
    c.sends_left := c.sends_left - 1;
    c.sent_at := c.sent_at || to_jsonb(at);
    c.taken := COALESCE(c.taken, '[]') || otp_app_increments_2(asked, s, at);  -- NULL of the release before
    IF is_new THEN
        INSERT INTO otp_app_challenge (id, nonce, key_id, phone, purpose, language, channel, length, ttl, checks, checks_left,
            phone_checks_left, sends_left, device, status, created_at, expires_at, checked_at, closed_at, sent_at, taken)
        VALUES (c.id, c.nonce, c.key_id, c.phone, c.purpose, c.language, c.channel, c.length, c.ttl, c.checks, c.checks_left,
            c.phone_checks_left, c.sends_left, c.device, c.status, c.created_at, c.expires_at, 0, 0, c.sent_at, c.taken);
    ELSE
        UPDATE otp_app_challenge SET language = c.language, channel = c.channel, sends_left = c.sends_left,
            sent_at = c.sent_at, taken = c.taken WHERE id = c.id;
    END IF;
    INSERT INTO otp_app_delivery (challenge, phone, device, region, unconverted, sent_at, handover, claimed_at, channel,
        provider, reference, status, error, segments, converted, created_at, updated_at)
    VALUES (c.id, (asked->>'ledger')::uuid, c.device <> '', delivery->>'region', 0, at, 1, CASE WHEN claimed THEN now ELSE 0 END,
        c.channel, COALESCE(delivery->'providers'->>c.channel, ''), CASE WHEN claimed THEN delivery->>'reference' ELSE '' END,
        'queued', '', 0, false, (delivery->>'created_at')::timestamptz, (delivery->>'created_at')::timestamptz);
    PERFORM otp_app_taken_2(s);
    h.sends := h.sends || at;
    FOR l IN
        SELECT * FROM otp_app_limits_2(asked) WHERE counts IN ('waits', 'sends')
    LOOP
        again := greatest(again, (otp_app_phone_usage_2(l, h, now)).wait);
    END LOOP;
    RETURN jsonb_build_object('state', 'taken', 'now', now, 'again', again, 'blocks', otp_app_blocks_2(delivery->'watched'),
        'challenge', CASE WHEN is_new THEN jsonb_build_object('created_at', c.created_at, 'sends_left', c.sends_left,
            'sent_at', c.sent_at, 'taken', c.taken) ELSE to_jsonb(c) END);
END $$;

-- Until when, of what is watched, each is or was blocked.
CREATE FUNCTION otp_app_blocks_2(watched jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT COALESCE(jsonb_object_agg(replace(key::text, '-', ''), blocked_until), '{}') FROM otp_app_key_counter
    WHERE key = ANY (ARRAY(SELECT jsonb_array_elements_text(watched)::uuid)) AND blocked_until > 0
$$;

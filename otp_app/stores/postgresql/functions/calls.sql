-- The calls of the store's contract (../../base.py). Each locks in the one order (locks.sql), reads, decides, and only
-- then writes; what it refuses is an answer.

CREATE FUNCTION otp_app_open_2(asked jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    now bigint; s otp_app_seen_type_2; c otp_app_challenge; no jsonb;
BEGIN
    PERFORM otp_app_lock_2((asked->>'phone')::uuid);
    now := otp_app_now_2(asked);
    s := otp_app_read_2(asked, now, true);
    no := otp_app_refusal_2(asked, s, now);
    IF no IS NOT NULL THEN RETURN no; END IF;
    c := jsonb_populate_record(NULL::otp_app_challenge, asked->'challenge');
    c.created_at := now;
    c.expires_at := now + c.ttl * 1000;
    RETURN otp_app_sent_2(asked, c, s, now, true);
END $$;

CREATE FUNCTION otp_app_spend_send_2(asked jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    now bigint; s otp_app_seen_type_2; c otp_app_challenge; no jsonb;
BEGIN
    PERFORM otp_app_lock_2((asked->>'phone')::uuid);
    now := otp_app_now_2(asked);
    SELECT * INTO c FROM otp_app_challenge
    WHERE id = (asked->>'id')::uuid AND phone = asked->>'number' AND purpose = asked->>'purpose' AND device = asked->>'device'
        AND status = 'pending' AND expires_at > now AND sends_left > 0 AND checks_left > 0;
    IF NOT FOUND THEN RETURN jsonb_build_object('state', 'none', 'now', now); END IF;
    s := otp_app_read_2(asked, now, true);
    no := otp_app_refusal_2(asked, s, now);
    IF no IS NOT NULL THEN RETURN no; END IF;
    c.language := asked->>'language';
    IF asked->>'channel' <> '' THEN c.channel := asked->>'channel'; END IF;
    RETURN otp_app_sent_2(asked, c, s, now, false);
END $$;

-- Without an id the newest open challenge of the device, else of the phone's strangers, also by its share for that.
CREATE FUNCTION otp_app_spend_check_2(asked jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    now bigint := otp_app_now_2(asked); s otp_app_seen_type_2; c otp_app_challenge; no jsonb;
    wanted uuid := (asked->>'id')::uuid; by_phone boolean := wanted IS NULL;
BEGIN
    s := otp_app_read_2(asked, now, true);
    no := otp_app_refusal_2(asked, s, now);
    IF no IS NOT NULL THEN RETURN no; END IF;
    IF by_phone THEN
        SELECT id INTO wanted FROM otp_app_challenge
        WHERE phone = asked->>'number' AND purpose = asked->>'purpose' AND status = 'pending' AND expires_at > now
            AND device IN ('', asked->>'device')
        ORDER BY device = '', created_at DESC LIMIT 1;
    END IF;
    UPDATE otp_app_challenge SET checks_left = checks_left - 1, checked_at = now,
        phone_checks_left = phone_checks_left - by_phone::integer
    WHERE id = wanted AND phone = asked->>'number' AND purpose = asked->>'purpose' AND status = 'pending'
        AND expires_at > now AND checks_left > 0 AND (phone_checks_left > 0 OR NOT by_phone)
    RETURNING * INTO c;
    IF NOT FOUND THEN RETURN jsonb_build_object('state', 'none', 'now', now); END IF;
    PERFORM otp_app_taken_2(s);
    RETURN jsonb_build_object('state', 'taken', 'now', now, 'challenge', to_jsonb(c),
        'taken', otp_app_increments_2(asked, s, 0));
END $$;

CREATE FUNCTION otp_app_extend_2(asked jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    now bigint := otp_app_now_2(asked); longer bigint := (asked->>'ttl')::bigint;
BEGIN
    UPDATE otp_app_challenge SET ttl = longer, expires_at = created_at + longer * 1000
    WHERE id = (asked->>'id')::uuid AND status = 'pending' AND expires_at > now AND checks_left > 0 AND ttl < longer;
    RETURN jsonb_build_object('state', CASE WHEN FOUND THEN 'taken' ELSE 'none' END, 'now', now);
END $$;

-- For exactly one caller. An approval cancels the phone's other open challenges of that purpose, and gives back.
CREATE FUNCTION otp_app_close_2(asked jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    now bigint; c otp_app_challenge; converting jsonb := '[]'; approved boolean := asked->>'status' = 'approved';
BEGIN
    PERFORM otp_app_lock_2((asked->>'phone')::uuid);
    now := otp_app_now_2(asked);
    SELECT * INTO c FROM otp_app_challenge WHERE id = (asked->>'id')::uuid AND status = 'pending';
    IF NOT FOUND THEN RETURN jsonb_build_object('state', 'none', 'now', now); END IF;
    IF approved THEN
        converting := (SELECT COALESCE(jsonb_agg(e), '[]') FROM jsonb_array_elements(c.taken) AS e WHERE (e->>5)::boolean);
        PERFORM otp_app_lock_increments_2(converting || (asked->'increments'));
        UPDATE otp_app_challenge SET status = 'canceled', closed_at = now
        WHERE phone = c.phone AND purpose = c.purpose AND status = 'pending' AND id <> c.id;
    END IF;
    UPDATE otp_app_challenge SET status = asked->>'status', closed_at = now WHERE id = c.id RETURNING * INTO c;
    IF approved THEN
        PERFORM otp_app_given_back_2(converting || (asked->'increments'));
    END IF;
    RETURN jsonb_build_object('state', 'taken', 'now', now);
END $$;

-- The state of the phone's last send undone, once.
CREATE FUNCTION otp_app_undo_send_2(asked jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    now bigint; c otp_app_challenge; given jsonb; at jsonb := asked->'at'; chosen boolean := (asked->>'chosen')::boolean;
BEGIN
    PERFORM otp_app_lock_2((asked->>'phone')::uuid);
    now := otp_app_now_2(asked);
    SELECT * INTO c FROM otp_app_challenge WHERE id = (asked->>'id')::uuid AND status = 'pending' AND sent_at @> at;
    IF NOT FOUND THEN RETURN jsonb_build_object('state', 'none', 'now', now); END IF;
    given := (SELECT COALESCE(jsonb_agg(e), '[]') FROM jsonb_array_elements(c.taken) AS e WHERE e->6 = at AND NOT chosen);
    PERFORM otp_app_lock_increments_2(given);
    c.sent_at := (SELECT COALESCE(jsonb_agg(e), '[]') FROM jsonb_array_elements(c.sent_at) AS e WHERE e <> at);
    UPDATE otp_app_challenge SET sent_at = c.sent_at, sends_left = sends_left + 1,
        status = CASE WHEN c.sent_at = '[]' THEN 'canceled' ELSE 'pending' END,
        taken = (SELECT COALESCE(jsonb_agg(e), '[]') FROM jsonb_array_elements(taken) AS e WHERE e->6 <> at OR chosen)
    WHERE id = c.id;
    given := (SELECT COALESCE(jsonb_agg(e), '[]') FROM jsonb_array_elements(given) AS e WHERE (e->>3)::integer > 0);
    PERFORM otp_app_given_back_2(given);
    RETURN jsonb_build_object('state', 'taken', 'now', now);
END $$;

CREATE FUNCTION otp_app_take_2(asked jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    now bigint := otp_app_now_2(asked); s otp_app_seen_type_2; no jsonb;
BEGIN
    s := otp_app_read_2(asked, now, true);
    no := otp_app_refusal_2(asked, s, now);
    IF no IS NOT NULL THEN RETURN no; END IF;
    PERFORM otp_app_taken_2(s);
    RETURN jsonb_build_object('state', 'taken', 'now', now,
        'taken', otp_app_increments_2(asked, s, 0));
END $$;

CREATE FUNCTION otp_app_give_back_2(asked jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    PERFORM otp_app_lock_increments_2(asked->'increments');
    PERFORM otp_app_given_back_2(asked->'increments');
    RETURN jsonb_build_object('state', 'taken', 'now', otp_app_now_2(asked));
END $$;

CREATE FUNCTION otp_app_usage_2(asked jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    now bigint := otp_app_now_2(asked); s otp_app_seen_type_2 := otp_app_read_2(asked, now, false);
BEGIN
    RETURN jsonb_build_object('state', 'taken', 'now', now, 'usages', COALESCE(otp_app_usages_2(s.usages), '[]'));
END $$;

-- The one door. Under another isolation level a statement would read what was there before its lock was.
CREATE FUNCTION otp_app_ask_2(name text, asked jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RETURN jsonb_build_object('state', 'isolation');
    END IF;
    RETURN CASE name
        WHEN 'open' THEN otp_app_open_2(asked)
        WHEN 'spend_send' THEN otp_app_spend_send_2(asked)
        WHEN 'spend_check' THEN otp_app_spend_check_2(asked)
        WHEN 'extend' THEN otp_app_extend_2(asked)
        WHEN 'close' THEN otp_app_close_2(asked)
        WHEN 'undo_send' THEN otp_app_undo_send_2(asked)
        WHEN 'take' THEN otp_app_take_2(asked)
        WHEN 'give_back' THEN otp_app_give_back_2(asked)
        WHEN 'usage' THEN otp_app_usage_2(asked)
    END;
END $$;

-- The same for what locks counters in which all requests meet. Its first commit is in memory only, which lets the locks
-- go before the disk has it. The second, of a message that means nothing, waits until the disk has all before it: the
-- answer is given then. Not within a transaction.
CREATE PROCEDURE otp_app_call_2(name text, asked jsonb, INOUT answer jsonb) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    answer := otp_app_ask_2(name, asked);
    COMMIT;
    IF answer->>'state' = 'taken' THEN PERFORM pg_logical_emit_message(true, 'otp_app', ''); END IF;
END $$;

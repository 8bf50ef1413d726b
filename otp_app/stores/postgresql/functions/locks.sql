-- Locks are taken in the order that limits.values.in_lock_order states. Limits arrive in it, increments are sorted into it.
--
-- Phones and key counters are locked by advisory locks of the transaction: also what has no row yet can be locked, and
-- nothing is written to lock it. A call that changes a counter holds its lock, so what it has read is what there is. Other
-- counters (counters/rows.py) are locked by their rows.

CREATE FUNCTION otp_app_lock_2(key uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(uuid_hash_extended(key, 0));
END $$;

-- Those of increments (writes.sql).
CREATE FUNCTION otp_app_lock_increments_2(increments jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    c record;
BEGIN
    FOR c IN
        SELECT DISTINCT e->>4 AS shared, (e->>0)::uuid AS key FROM jsonb_array_elements(increments) AS e ORDER BY 1, 2
    LOOP
        PERFORM otp_app_lock_2(c.key);
    END LOOP;
END $$;

-- The time. Calls that lock the phone ask for it when they have its lock.
CREATE FUNCTION otp_app_now_2(asked jsonb) RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT CAST(EXTRACT(epoch FROM clock_timestamp()) * 1000 AS bigint) + (asked->>'offset')::bigint
$$;

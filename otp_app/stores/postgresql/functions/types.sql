-- What the functions pass on to each other. Names end in their version: a change of any of these files is a new version,
-- so that processes of two releases run side by side during a deploy.

CREATE TYPE otp_app_limit_type_2 AS (
    counts text, amount bigint, period bigint, cost integer, steps integer[],
    key uuid, ring integer, converts boolean, shared integer, kept boolean,
    growth integer, steady boolean, vouches text, strangers boolean, proof boolean
);

-- The limits that are asked: what is not said of one is as limits.values.Limit has it by default.
CREATE FUNCTION otp_app_limits_2(asked jsonb) RETURNS SETOF otp_app_limit_type_2 LANGUAGE sql IMMUTABLE AS $$
    SELECT * FROM jsonb_populate_recordset(
        (NULL, 0, 0, 1, '{}', NULL, 0, false, 0, false, 0, false, '', false, false)::otp_app_limit_type_2, asked->'limits')
$$;

-- The rings of a subject, as rings.sql has them.
CREATE TYPE otp_app_counter_type_2 AS (
    key uuid, newest bigint[], rings integer[], blocked_until bigint, expires_at bigint
);

-- How much of a limit is used, how many milliseconds the next request waits, the amount in force, and in which
-- sub-bucket of its ring it is taken: none where it does not count this request.
CREATE TYPE otp_app_usage_type_2 AS (used bigint, wait bigint, amount bigint, slot bigint);

-- What counts of a phone's last thirty days, in the lane of its devices or of strangers.
CREATE TYPE otp_app_history_type_2 AS (
    sends bigint[],                               -- their instants, the oldest first
    success bigint,                               -- the last approval
    failed_at bigint[], failed integer[],         -- the last check of each challenge, and how many of its checks failed
    reserved_until bigint[], reserved integer[]   -- until when each open challenge holds so many checks
);

-- What a call has seen, and what it would write.
CREATE TYPE otp_app_seen_type_2 AS (
    history otp_app_history_type_2,
    usages otp_app_usage_type_2[],       -- of each limit, in the order in which they were asked
    counters otp_app_counter_type_2[],   -- as they are with all taken
    refused boolean,
    suspect boolean                      -- a proof of work is needed
);

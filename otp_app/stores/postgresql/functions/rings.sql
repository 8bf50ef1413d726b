-- Key counters, as counters/rings.py has them: sub-bucket n stands at n mod 25 of its ring, and the rings of a subject stand
-- one behind the other. Rings are numbered from 0, arrays from 1.

-- The rings of a subject with a newer sub-bucket as the newest of one: what is too old by it is 0, what was not there too.
CREATE FUNCTION otp_app_advanced_2(rings integer[], newest bigint[], number integer, slot bigint)
RETURNS integer[] LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    missing integer := number + 1 - cardinality(newest); at integer := number * 25;
BEGIN
    IF missing > 0 THEN RETURN rings || array_fill(0, ARRAY[missing * 25]); END IF;
    FOR one IN greatest(newest[number + 1] + 1, slot - 24)..slot LOOP
        rings[at + one % 25 + 1] := 0;
    END LOOP;
    RETURN rings;
END $$;

CREATE FUNCTION otp_app_newest_2(newest bigint[], number integer, slot bigint) RETURNS bigint[] LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    WHILE cardinality(newest) <= number LOOP newest := newest || 0::bigint; END LOOP;
    newest[number + 1] := slot;
    RETURN newest;
END $$;

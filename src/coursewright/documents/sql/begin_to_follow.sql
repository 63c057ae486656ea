-- The application's query may take so long and no longer. What it names from here on is not older than this moment.
select clock_timestamp(), set_config('statement_timeout', %(seconds)s, true), set_config('lock_timeout', %(seconds)s, true)

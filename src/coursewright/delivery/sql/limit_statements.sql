-- No statement of the application's may hold this transaction for long, nor wait for others' locks for half of that.
select set_config('statement_timeout', %(longest)s, true), set_config('lock_timeout', %(for_locks)s, true)

-- Let entries go whose turn came while somebody held them.
select coursewright.sweep_turns() as n

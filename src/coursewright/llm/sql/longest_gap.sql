-- The longest time between two rounds of duties lately; null: not known.
select r.gap from coursewright.rounds r

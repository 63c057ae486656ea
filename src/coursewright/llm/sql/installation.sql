-- What tells this database from others.
select r.installation from coursewright.rounds r

-- What was counted since the database was made, added up or not yet: a row a bucket.
select c.name, c.labels, c.bucket, sum(c.n)::bigint as n, sum(c.total) as total, coursewright.bounds() as bounds
  from (select t.name, t.labels, t.bucket, t.n, t.total from coursewright.totals t
        union all
        select t.name, t.labels, coursewright.bucket(t.name, t.value), 1, t.value from coursewright.tallies t) c
 group by 1, 2, 3 order by 1, 2, 3

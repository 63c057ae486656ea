-- Percentiles of the newest calls of a kind; null before the eighth, when they would say little.
select case when cardinality(l.outputs) >= 8 then
           (select percentile_cont(0.9) within group (order by v) from unnest(l.outputs) v) end as output,
       case when cardinality(l.outputs) >= 8 then
           (select percentile_cont(0.9) within group (order by v) from unnest(l.input_ratios) v) end as input_ratio,
       case when cardinality(l.outputs) >= 8 then
           (select percentile_cont(0.95) within group (order by v) from unnest(l.seconds) v) end as seconds
  from coursewright.learned l
 where l.endpoint = %(endpoint)s and l.model = %(model)s and l.kind = %(kind)s

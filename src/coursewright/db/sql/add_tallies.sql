-- Count what no other row tells of: [[name, labels, value], …].
insert into coursewright.tallies (name, labels, value)
select t ->> 0, array(select jsonb_array_elements_text(t -> 1)), (t ->> 2)::float
  from jsonb_array_elements(%(tallies)s::jsonb) t

-- Lease unread documents of one knowledge base, that of the one that has waited longest.
with oldest as (
    select d.knowledge_base_id from coursewright.documents d
     where d.background and (d.status = 'queued' or (d.status = 'processing' and d.read_until < clock_timestamp()))
     order by d.added_at limit 1),
due as (
    select d.id from coursewright.documents d
     where d.knowledge_base_id = (select o.knowledge_base_id from oldest o) and d.background
       and (d.status = 'queued' or (d.status = 'processing' and d.read_until < clock_timestamp()))
     order by d.added_at limit %(most)s for update skip locked)
update coursewright.documents d
   set status = 'processing', read_attempt = d.read_attempt + 1, read_lost = d.read_lost + (d.status = 'processing')::int,
       read_until = clock_timestamp() + make_interval(secs => %(seconds)s)
  from due where d.id = due.id
returning d.id, (select k.organisation_id from coursewright.knowledge_bases k where k.id = d.knowledge_base_id),
          d.knowledge_base_id, d.name, d.source_url, d.read_attempt as attempt, d.read_lost as lost

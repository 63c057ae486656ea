-- A knowledge base; adding it again changes nothing.
insert into coursewright.knowledge_bases (id, organisation_id, name)
values (%(id)s, %(organisation_id)s, %(name)s) on conflict (id) do nothing

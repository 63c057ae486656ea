-- A knowledge base for a first upload; one that exists, whoever's it is, is left as it is.
insert into coursewright.knowledge_bases (id, organisation_id, name)
values (%(knowledge_base_id)s, %(organisation_id)s, %(base_name)s) on conflict (id) do nothing

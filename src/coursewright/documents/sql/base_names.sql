-- Names of knowledge bases.
select id, name from coursewright.knowledge_bases
 where organisation_id = %(organisation_id)s and id = any (%(ids)s::uuid[])

-- Whether a knowledge base is the organisation's.
select id from coursewright.knowledge_bases
 where id = %(knowledge_base_id)s and organisation_id = %(organisation_id)s
